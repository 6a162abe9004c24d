"""What people call a file, made fit to be shown and sent back. A name never becomes a path."""

from __future__ import annotations

import re
import unicodedata
from pathlib import PurePosixPath
from urllib.parse import quote

from rag.errors import BadRequest

MAX_CHARS = 255
UNNAMED = "unnamed"

_UNPRINTABLE = ("Cc", "Cf", "Cs", "Zl", "Zp")
_JOINERS = "\u200c\u200d"  # needed to write Persian, Indic scripts and emoji; harmless in a name


def display_name(given: str) -> str:
    """A one-line name of 1 to 255 characters without folders, control or bidi characters.

    >>> display_name("minutes/2025/report.pdf")
    'report.pdf'

    Raises ``BadRequest`` (``bad_file_name``) for what no honest client sends: ``..`` and NUL.
    """
    parts = re.split(r"[/\\]", given)
    if ".." in parts or "\0" in given:
        raise BadRequest(
            "bad_file_name", "The file name holds `..` or a NUL character; send the plain name of the file."
        )
    last = parts[-1]
    kept = "".join(c for c in last if c in _JOINERS or unicodedata.category(c) not in _UNPRINTABLE)
    name = " ".join(kept.split())
    if not name.strip(". "):
        return UNNAMED
    return _shortened(name)


def content_disposition(name: str) -> str:
    """``attachment`` with the name in both forms of RFC 6266: plain ASCII and percent-encoded UTF-8."""
    ascii_name = re.sub(r'[^\x20-\x7e]|["\\%;]', "_", name)
    return f"attachment; filename=\"{ascii_name}\"; filename*=UTF-8''{quote(name, safe='')}"


def _shortened(name: str) -> str:
    if len(name) <= MAX_CHARS:
        return name
    suffix = PurePosixPath(name).suffix
    if len(suffix) > 16:
        suffix = ""
    return name[: MAX_CHARS - len(suffix)] + suffix
