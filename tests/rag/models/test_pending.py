from __future__ import annotations

import pytest

from rag.models.cancellation import Cancelled
from rag.models.generation import FinishedEvent, FinishReason, TokenEvent, Usage
from rag.models.pending import PendingGenerations


def test_a_cancelled_request_is_cancelled_even_where_its_end_comes_at_once() -> None:
    pending = PendingGenerations(limit=1)

    def ends(number: int) -> None:
        pending.put(number, FinishedEvent(FinishReason.CANCELLED, Usage(4, 2)))

    number, generation = pending.add(ends)
    pending.put(number, TokenEvent("It is"))
    assert next(generation) == TokenEvent("It is")
    generation.cancel()
    with pytest.raises(Cancelled):
        list(generation)
    assert len(pending) == 0
