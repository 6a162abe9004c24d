"""A short lane of ``python -m tests.faults.slow_clients``."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.service import FaultyService
from tests.faults.slow_clients import run

_PLACES = 24


@pytest.mark.slow
def test_an_honest_client_is_served_among_more_slow_ones_than_there_are_places(tmp_path: Path) -> None:
    few = {"FOOTNOTE_MAX_CONNECTIONS": str(_PLACES), "FOOTNOTE_HEAD_SECONDS": "2"}
    with FaultyService(tmp_path, variables=few) as service:
        service.start()
        honest, dropped = run(service.address, 3 * _PLACES, 5.0)
    assert honest.served > 0
    # On a busy machine all places may be held by connections too young to be given up.
    assert honest.refused <= honest.served // 3
    assert dropped > _PLACES
