from __future__ import annotations

import pytest

from api.sources import MAX_CHARS, checked_source
from rag.errors import BadRequest


@pytest.mark.parametrize(
    "source", ["a.txt", "a/b/c.txt", "ä ö/☂.txt", "...", "a/..b", "a\\b", "x" * MAX_CHARS]
)
def test_relative_paths_are_kept_as_they_are(source: str) -> None:
    assert checked_source(source) == source


@pytest.mark.parametrize(
    "source",
    [
        "",
        "/etc/passwd",
        "../a",
        "a/../b",
        "..",
        "a//b",
        "a/./b",
        "./a",
        "a/",
        "a\0b",
        "a\nb",
        "x" * (MAX_CHARS + 1),
    ],
)
def test_everything_else_is_refused(source: str) -> None:
    with pytest.raises(BadRequest) as refused:
        checked_source(source)
    assert refused.value.code == "bad_source"
