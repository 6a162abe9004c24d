"""Every bomb ends as it should, by design and not because the time or the memory ran out."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingest.parsers.limits import ParseLimits
from ingest.sandbox import parse_file
from rag.errors import FootnoteError
from tests.ingest.hostile.bombs import BOMBS, Bomb

LIMITS = ParseLimits(memory_bytes=1024 * 2**20, cpu_seconds=20, wall_seconds=60)


@pytest.mark.parametrize("bomb", BOMBS, ids=lambda bomb: bomb.title)
def test_bombs(tmp_path: Path, bomb: Bomb) -> None:
    path = tmp_path / "file"
    path.write_bytes(bomb.make())
    try:
        parse_file(path, bomb.name, LIMITS)
        outcome, detail = "read", ""
    except FootnoteError as error:
        outcome, detail = error.code, error.detail
    assert outcome in bomb.codes, detail
    # What the sandbox says when it had to stop the child.
    assert "passed the limit on" not in detail
