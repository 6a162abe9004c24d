"""Answers given again over HTTP: what a client sees of it, and what switches it off."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import httpx
import pytest
from rich.console import Console
from starlette.datastructures import Headers

from api import searching
from api.answering import wants_it_anew
from api.assembly import Service
from api.cli.paper import print_end
from api.client.records import Answer
from api.settings import load
from rag.models.generator import Generator
from rag.models.locations import default_model_path
from tests.api.serving import LIBRARY, OPENED, served
from tests.faults.service import FaultyService

ASKED = {"question": OPENED, "mode": "quote"}


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FaultyService]:
    with served(tmp_path_factory.mktemp("answered")) as service:
        _upload(service.address, "harbour.txt", LIBRARY)
        yield service


@pytest.fixture
def http(library: FaultyService) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=library.address, timeout=60) as client:
        yield client


def _upload(address: str, name: str, content: bytes) -> str:
    sent = httpx.post(
        f"{address}/v1/documents", params={"wait": "true"}, files={"file": (name, content)}, timeout=60
    )
    _settle(address)
    return str(sent.json()["document"]["id"])


def _settle(address: str) -> None:
    """Until better vectors have come: they change what is found."""
    while httpx.get(f"{address}/v1/documents", params={"state": "ready"}).json()["data"]:
        pass


def _ask(http: httpx.Client, headers: dict[str, str] | None = None, **more: Any) -> dict[str, Any]:
    answer = http.post("/v1/ask", json=ASKED | more, headers=headers)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def _counted(http: httpx.Client, outcome: str) -> float:
    pattern = rf'^footnote_answer_cache_total{{outcome="{outcome}"}} (\S+)$'
    found = re.search(pattern, http.get("/metrics").text, re.MULTILINE)
    return float(found[1]) if found else 0.0


def test_it_says_so_has_a_receipt_and_is_counted(http: httpx.Client) -> None:
    first = _ask(http, {"Cache-Control": "no-cache"})
    assert first["cached"] is None
    given, fresh = _counted(http, "answer"), _counted(http, "declined")
    second = _ask(http)
    made = http.get(f"/v1/answers/{first['id']}").json()["created_at"]
    assert second["cached"] == {"answer": first["id"], "created_at": made, "part": "answer"}
    own = {"id", "timings", "cached"}
    assert {name: second[name] for name in second if name not in own} == {
        name: first[name] for name in first if name not in own
    }
    kept = http.get(f"/v1/answers/{second['id']}").json()
    assert {name: kept[name] for name in second} == second
    assert _counted(http, "answer") == given + 1
    assert _ask(http, {"Cache-Control": "max-age=0, No-Cache"})["cached"] is None
    assert _counted(http, "declined") == fresh + 1


def test_its_stream_says_the_same(http: httpx.Client) -> None:
    whole = _ask(http)
    streamed = http.post("/v1/ask", json=ASKED | {"stream": True}).text
    events = [(name, json.loads(data)) for name, data in re.findall(r"event: (\w+)\ndata: (.*)\n", streamed)]
    names = [name for name, _ in events if name != "heartbeat"]
    done = events[-1][1]
    assert names == ["retrieval", *["sentence"] * len(done["sentences"]), "done"]
    assert done["cached"] is not None
    assert (done["answer"], done["citations"]) == (whole["answer"], whole["citations"])
    assert [data["sentence"] for name, data in events if name == "sentence"] == done["sentences"]


def test_openais_clients_get_it_too(http: httpx.Client) -> None:
    body = {"model": "footnote-quote", "messages": [{"role": "user", "content": OPENED}]}
    first = http.post("/v1/chat/completions", json=body)
    assert first.status_code == 200, first.text
    second = http.post("/v1/chat/completions", json=body).json()
    assert second["footnote"]["cached"]["part"] == "answer"
    assert second["choices"][0]["message"]["content"] == first.json()["choices"][0]["message"]["content"]
    anew = http.post("/v1/chat/completions", json=body, headers={"Cache-Control": "no-cache"}).json()
    assert anew["footnote"]["cached"] is None


def test_a_replaced_and_a_deleted_document_are_not_answered_from(
    library: FaultyService, http: httpx.Client
) -> None:
    document = _upload(library.address, "ferry.txt", b"The ferry to Norderney costs 12 guilders.")
    price: dict[str, Any] = {"question": "What does the ferry to Norderney cost?"}
    assert "12" in _ask(http, **price)["answer"]
    assert _ask(http, **price)["cached"] is not None
    files = {"file": ("ferry.txt", b"The ferry to Norderney costs 15 guilders.")}
    http.put(f"/v1/documents/{document}", params={"wait": "true"}, files=files)
    replaced = _ask(http, **price)
    assert ("15" in replaced["answer"], replaced["cached"]) == (True, None)
    _settle(library.address)
    _ask(http, **price)
    assert _ask(http, **price)["cached"] is not None
    assert http.delete(f"/v1/documents/{document}").status_code == 204
    gone = _ask(http, **price)
    assert gone["cached"] is None
    assert "guilders" not in json.dumps(gone)


@pytest.mark.parametrize(
    ("variables", "is_there"),
    [({}, True), ({"FOOTNOTE_ANSWER_CACHE": "off"}, False), ({"FOOTNOTE_ANSWERS_KEPT_DAYS": "0"}, False)],
)
def test_it_can_be_switched_off(tmp_path: Path, variables: dict[str, str], is_there: bool) -> None:
    service = Service(load({"FOOTNOTE_DATA": str(tmp_path)} | variables))
    generator = Generator(default_model_path())
    try:
        keeper = service._receipt_keeper("space")
        made = searching.answer_cache(service._search_parts(), keeper, generator)
        assert (made is not None) is is_there
    finally:
        service.close()


@pytest.mark.parametrize(
    ("header", "anew"),
    [("no-cache", True), ("max-age=0, no-cache", True), ("no-store", False), ("", False)],
)
def test_no_cache_is_understood_wherever_it_stands(header: str, anew: bool) -> None:
    assert wants_it_anew(Headers({"Cache-Control": header})) is anew


def test_the_command_line_tells_it(http: httpx.Client) -> None:
    console = Console(file=StringIO(), width=200)
    _ask(http)
    print_end(console, Answer.model_validate(_ask(http)), "footnote show")
    assert "answered before, 20" in console.file.getvalue()  # type: ignore[attr-defined]  # a StringIO
