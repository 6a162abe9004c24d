"""Every real and every hostile file has an outcome of a known kind, and leaves this process alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ingest.parsers.limits import ParseLimits
from ingest.sandbox import parse_file, render_page
from rag.errors import FootnoteError

SHARED = Path(__file__).resolve().parents[3] / "shared"
LIMITS = ParseLimits(memory_bytes=1024 * 2**20, cpu_seconds=3, wall_seconds=20)
KNOWN_CODES = {
    "corrupt",
    "encrypted",
    "limit_exceeded",
    "parser_crashed",
    "no_text",
    "unsupported_type",
    "page_not_found",
    "page_unreadable",
}


def files(folder: str) -> list[str]:
    return sorted(path.name for path in (SHARED / folder).glob("*"))


@pytest.mark.parametrize("name", files("fixtures"))
def test_real_files_are_read_or_say_why_not(shared: Path, name: str) -> None:
    path = shared / "fixtures" / name
    if path.suffix in (".epub", ".odp", ".pptx", ".xlsx", ".eml"):
        with pytest.raises(FootnoteError, match="unsupported_type"):
            parse_file(path, name, LIMITS)
    elif "password" in name:
        with pytest.raises(FootnoteError, match="encrypted"):
            parse_file(path, name, LIMITS)
    else:
        parsed = parse_file(path, name, LIMITS)
        assert parsed.blocks or parsed.pages_without_text
        assert parsed.text.count("\ufffd") <= 0.01 * len(parsed.text) + 1


def outcome(action: Callable[[], object]) -> FootnoteError | None:
    """The typed error ``action`` ends with, or None if it succeeds; any other exception passes."""
    try:
        action()
    except FootnoteError as error:
        return error
    return None


@pytest.mark.parametrize("name", files("hostile"))
def test_hostile_files_have_a_typed_outcome(shared: Path, name: str) -> None:
    path = shared / "hostile" / name
    for error in (
        outcome(lambda: parse_file(path, name, LIMITS)),
        outcome(lambda: render_page(path, 1, limits=LIMITS)),
    ):
        assert error is None or error.code in KNOWN_CODES


def test_a_picture_of_ten_billion_pixels_is_not_unpacked(shared: Path) -> None:
    assert "JBIG2 BOMB" in parse_file(shared / "hostile/bomb_giant.pdf", "bomb.pdf", LIMITS).text
