"""``footnote eval`` against a real service: a first run, and the same questions again."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.cli.connection import Connection
from api.cli.evaluating import Options, evaluate
from rag.errors import BadRequest
from rag.evaluation import runs
from tests.journeys.running import RunningService, upload

COLLECTION = "evaluated"
TOWNS = ("Arden", "Brisk", "Colme", "Dunwick", "Esker", "Farrow", "Glenn", "Hythe")


def about(town: str, number: int) -> bytes:
    return (
        f"The water tower of {town} was finished in {1850 + 7 * number} by the builder Otto {town}son. "
        f"It holds {120 + 13 * number} cubic metres of water and stands on Beacon Hill.\n\n"
        f"The market of {town} is held every second Friday near the bridge, and sells mostly {town} cheese. "
    ).encode()


@pytest.fixture(scope="module")
def evaluated(running: RunningService) -> RunningService:
    with running.client() as client:
        client.post("/v1/collections", json={"name": COLLECTION})
        for number, town in enumerate(TOWNS):
            upload(client, f"{town}.txt", about(town, number), collection=COLLECTION)
    return running


def options(folder: Path, **changes: Any) -> Options:
    settled: dict[str, Any] = {"questions": 10, "drafts": 1, "model": False, "seed": 3, "as_json": True}
    return Options(folder, (COLLECTION,), **(settled | changes))


def evaluate_with(
    service: RunningService, capsys: pytest.CaptureFixture[str], wanted: Options
) -> tuple[int, dict[str, Any]]:
    capsys.readouterr()
    connection = Connection(service.address)
    status = evaluate(connection, wanted)
    connection.close()
    said: dict[str, Any] = json.loads(capsys.readouterr().out)
    return status, said


@pytest.mark.slow
def test_a_run_is_kept_shown_and_asked_again(
    evaluated: RunningService, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, first = evaluate_with(evaluated, capsys, options(tmp_path))
    assert status == 0
    kept = runs.newest(tmp_path, (COLLECTION,))
    assert kept is not None
    assert len(kept.questions) == 10
    assert {one.held_out for one in kept.questions} == {True, False}
    assert len({one.document for one in kept.questions}) >= 6
    assert first["figures"]["intact"]["all"]["value"] == 1.0
    assert first["figures"]["document_at_5"]["all"]["value"] >= 0.8
    assert Path(first["page"]).read_text().startswith("<!doctype html>")
    with evaluated.client() as client:
        for one in kept.questions:
            place = {"start": one.start, "end": one.end, "version": one.version}
            text = client.get(f"/v1/documents/{one.document}/text", params=place).json()["text"]
            assert " ".join(text.split()) == one.answer

    status, again = evaluate_with(evaluated, capsys, options(tmp_path, seed=4, fail_on_worse=True))
    newest = runs.newest(tmp_path, (COLLECTION,))
    assert newest is not None
    assert newest.when > kept.when
    assert newest.questions == kept.questions
    assert (status, again["worse"]) == (0, [])
    assert again["compared"]["cited_3"]["lost"] == 0


@pytest.mark.slow
def test_nothing_is_left_of_the_answers_it_asked_for(
    evaluated: RunningService, http: httpx.Client, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = [one["id"] for one in http.get("/v1/answers").json()["data"]]
    evaluate_with(evaluated, capsys, options(tmp_path, questions=4))
    assert [one["id"] for one in http.get("/v1/answers").json()["data"]] == before


def test_a_collection_without_text_cannot_be_evaluated(running: RunningService, tmp_path: Path) -> None:
    with running.client() as client:
        client.post("/v1/collections", json={"name": "hollow"})
    connection = Connection(running.address)
    with pytest.raises(BadRequest, match="nothing_to_evaluate"):
        evaluate(connection, Options(tmp_path, ("hollow",), model=False))
    connection.close()


def test_a_refusal_makes_no_model_call(evaluated: RunningService, http: httpx.Client) -> None:
    """The model's process is stopped: whatever needed it would wait for ever."""
    with _stopped(evaluated.children()["rag.models.generator_process"]):
        for mode in ("auto", "answer"):
            body = {
                "question": "Which enzyme unwinds the helix during replication?",
                "collections": [COLLECTION],
                "mode": mode,
            }
            answer = http.post("/v1/ask", json=body, timeout=20).json()
            assert answer["status"] == "not_in_documents"
            assert answer["model"] is None
            assert 0.0 <= answer["answerability"] < 0.5


@contextmanager
def _stopped(pid: int) -> Iterator[None]:
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)
