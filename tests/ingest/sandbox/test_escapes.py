"""A parser that has been taken over gets nowhere, however its child was started."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ingest.sandbox import Sandbox
from ingest.sandbox.launching import is_forking_supported
from ingest.sandbox.probe import describe
from tests.ingest.sandbox import escapes
from tests.ingest.sandbox.escapes import Escape, Surroundings

pytestmark = [
    pytest.mark.skipif(not escapes.ARE_FOR_THIS_MACHINE, reason="calls the kernel by its x86-64 numbers"),
    pytest.mark.skipif(
        not is_forking_supported() or not all(describe().values()),
        reason="this kernel refuses some of the measures; `footnote doctor` says which",
    ),
]


@pytest.fixture
def surroundings(tmp_path: Path) -> Iterator[Surroundings]:
    with Surroundings(tmp_path) as made:
        yield made


@pytest.fixture(scope="module")
def taken_over() -> Iterator[Sandbox]:
    launcher = escapes.forked()
    yield Sandbox(launcher)
    launcher.stop()


@pytest.fixture(scope="module")
def recogniser() -> Iterator[Sandbox]:
    launcher = escapes.forked(recogniser=True)
    yield Sandbox(launcher)
    launcher.stop()


def is_nothing(outcome: str) -> bool:
    return outcome.startswith(("refused: ", "stopped: "))


@pytest.mark.parametrize("escape", escapes.PARSER, ids=lambda escape: escape.title)
def test_a_forked_parser_does_not_escape(
    surroundings: Surroundings, taken_over: Sandbox, escape: Escape
) -> None:
    outcome = surroundings.outcome(escape, taken_over)
    assert is_nothing(outcome), outcome


@pytest.mark.parametrize("escape", escapes.RECOGNISER, ids=lambda escape: escape.title)
def test_a_recogniser_does_not_escape(
    surroundings: Surroundings, recogniser: Sandbox, escape: Escape
) -> None:
    outcome = surroundings.outcome(escape, recogniser)
    assert is_nothing(outcome), outcome


@pytest.mark.parametrize(
    "escape",
    [escapes.READING[0], escapes.WRITING[0], escapes.NETWORK[0], escapes.PROCESSES[0], escapes.STARTING[0]],
    ids=lambda escape: escape.title,
)
def test_neither_does_one_in_a_process_started_for_it(surroundings: Surroundings, escape: Escape) -> None:
    outcome = surroundings.outcome(escape, Sandbox(escapes.fresh()))
    assert is_nothing(outcome), outcome


@pytest.mark.parametrize("recogniser", [False, True])
def test_an_attempt_that_succeeds_is_told_from_one_that_does_not(
    surroundings: Surroundings, recogniser: bool
) -> None:
    launcher = escapes.forked(recogniser=recogniser)
    try:
        harmless = Escape("count", "len(place)")
        assert surroundings.outcome(harmless, Sandbox(launcher)) == "escaped"
    finally:
        launcher.stop()
