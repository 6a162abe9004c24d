"""The lanes of overload, disconnects and shutdowns, briefly: states and counts, no times."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.assembly import Service
from api.settings import Settings
from rag.generation.asking import AnswerEvent, AskRequest, DoneEvent, RetrievalEvent
from rag.models.cancellation import Cancellation
from rag.records import Coverage
from tests.faults import disconnects, overload, shutdowns
from tests.faults.in_process import Serving


class PacedAnswerer:
    """Takes twenty milliseconds for everything."""

    def ask(self, request: AskRequest, cancellation: Cancellation) -> Iterator[AnswerEvent]:
        yield RetrievalEvent(Coverage(0, 0, 0), ())
        time.sleep(0.02)
        yield DoneEvent(disconnects.answer_of("At noon."))


def test_too_many_questions_are_answered_or_refused_and_never_lost(tmp_path: Path) -> None:
    settings = Settings(
        data=tmp_path / "data", max_concurrent_asks=overload.PLACES, max_waiting_asks=overload.WAITING
    )
    service = Service(settings)
    service._answerer = PacedAnswerer()  # type: ignore[assignment]  # all that the route uses
    with Serving(service) as serving:
        target = overload.Target(serving.address, os.getpid())
        found = overload.measure(target, 1.0, [10.0], seed=1, obedient=40)
    (flood,) = found.steps
    assert flood.other == 0
    assert flood.without_retry_after == 0
    assert flood.refused
    assert found.tries[0] == 0
    assert sum(found.tries.values()) == 40
    assert (service.gate.taken, service.gate.waiting) == (0, 0)


def test_clients_that_leave_harm_nobody(tmp_path: Path) -> None:
    found = disconnects.run(4, seed=1, folder=tmp_path)
    assert found.n == 4
    assert (found.never, found.left_over) == (0, 0)
    assert set(found.stayed) == {"answered"}


@pytest.mark.slow
def test_an_end_loses_nothing(tmp_path: Path) -> None:
    found = shutdowns.run(2, seed=1, folder=tmp_path, phases=["uploading", "asking"])
    assert found.violations == []
    assert found.n == 2
    assert found.acknowledged
