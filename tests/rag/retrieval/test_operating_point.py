from __future__ import annotations

import pytest

from rag.retrieval.operating_point import refusal_threshold

STORED = {"0.1": 0.4, "0.01": 0.1, "0.05": 0.3}


def test_stored_shares_have_their_threshold_and_others_lie_between() -> None:
    assert refusal_threshold(STORED, 0.05) == pytest.approx(0.3)
    assert refusal_threshold(STORED, 0.03) == pytest.approx(0.2)
    assert refusal_threshold(STORED, 0.005) == pytest.approx(0.05)


def test_nothing_is_refused_at_zero() -> None:
    assert refusal_threshold(STORED, 0.0) == 0.0


def test_no_threshold_is_made_up_beyond_what_was_measured() -> None:
    for share in (0.11, -0.01):
        with pytest.raises(ValueError, match=r"between 0 and 0\.1"):
            refusal_threshold(STORED, share)
