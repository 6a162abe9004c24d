"""Every bomb ends as it should, by design and not because the time or the memory ran out.

PDFium knows no limits of its own, so with some of the PDFs it is the child's that end it.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from ingest.parsers.limits import ParseLimits
from ingest.sandbox import parse_file, render_page
from rag.errors import DocumentRejected, FootnoteError
from tests.ingest.hostile import pdf_bombs
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


# These fill gigabytes before they are stopped.
_HEAVY = ("flate bomb", "hexadecimal", "nested forms", "draws itself", "three million", "saved states")


@pytest.mark.parametrize(
    "bomb",
    [
        pytest.param(bomb, marks=[pytest.mark.slow] if any(word in bomb.title for word in _HEAVY) else [])
        for bomb in pdf_bombs.BOMBS
    ],
    ids=lambda bomb: bomb.title,
)
def test_pdf_bombs(tmp_path: Path, bomb: Bomb) -> None:
    path = tmp_path / "file"
    path.write_bytes(bomb.make())
    try:
        parse_file(path, bomb.name, LIMITS)
        outcome = "read"
    except FootnoteError as error:
        outcome = error.code
    assert outcome in bomb.codes


def test_a_page_that_takes_too_long_to_draw_is_given_up(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(pdf_bombs.many_pictures())
    limits = ParseLimits(cpu_seconds=1, wall_seconds=10)
    with pytest.raises(DocumentRejected, match="limit_exceeded"):
        render_page(path, 1, limits=limits)
