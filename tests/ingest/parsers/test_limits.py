from __future__ import annotations

import pytest

from ingest.parsers.limits import ParseLimits

MEBIBYTE = 2**20


@pytest.mark.parametrize(
    ("size", "seconds"), [(0, 8), (3000, 8), (MEBIBYTE, 32), (2 * MEBIBYTE, 56), (1000 * MEBIBYTE, 60)]
)
def test_the_smaller_a_file_the_less_time_it_has(size: int, seconds: int) -> None:
    assert ParseLimits().for_size(size).cpu_seconds == seconds


def test_a_limit_that_was_asked_for_is_never_raised() -> None:
    asked = ParseLimits(cpu_seconds=3)
    assert asked.for_size(100 * MEBIBYTE) == asked
