from __future__ import annotations

import json
from pathlib import Path

import pytest

from rag.generation import capability
from rag.generation.capability import PACKAGED, TASKS, Capability, capability_of, probe
from rag.generation.drafting import Drafting
from rag.models.generator import Generator
from rag.text.words import words


@pytest.mark.parametrize(
    ("known", "drafting"),
    [
        (Capability(copied=1.0, passed=1.0, right=1.0), Drafting.FREE),
        (Capability(copied=1.0, passed=1.0, right=0.8), Drafting.COPY),
        (Capability(copied=0.75, passed=0.0, right=0.0), Drafting.COPY),
        (Capability(copied=0.5, passed=1.0, right=0.8), Drafting.FREE),
        (Capability(copied=0.5, passed=1.0, right=0.5), Drafting.OFF),
        (Capability(copied=0.0, passed=0.25, right=0.25), Drafting.OFF),
        (Capability(copied=0.0, passed=0.0, right=0.0), Drafting.OFF),
    ],
)
def test_what_is_chosen(known: Capability, drafting: Drafting) -> None:
    assert known.drafting is drafting


def test_every_task_can_be_answered_and_not_by_its_question() -> None:
    for task in TASKS:
        answer = " ".join(words(task.answer))
        assert sum(answer in " ".join(words(source)) for source in task.sources) == 1, task.question
        assert answer not in " ".join(words(task.question))


def test_the_packaged_model_is_known(running_generator: Generator, tmp_path: Path) -> None:
    known = capability_of(running_generator, tmp_path, lambda done, total: pytest.fail("it was tried again"))
    assert known is PACKAGED[running_generator.identity.sha256]


def test_the_outcome_is_kept_and_a_damaged_one_made_again(
    running_generator: Generator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(capability, "PACKAGED", {})
    monkeypatch.setattr(capability, "TASKS", TASKS[:1])
    told: list[int] = []
    folder = tmp_path / "models"

    def ask() -> Capability:
        return capability_of(running_generator, folder, lambda done, total: told.append(done))

    found = ask()
    assert (found, ask()) == (probe(running_generator), found)
    assert told == [0]
    (path,) = folder.iterdir()
    for damaged in ("", "{", "[]", json.dumps({"release": 1}), json.dumps({"release": -1})):
        path.write_text(damaged)
        assert ask() == found
    assert told == [0] * 6
