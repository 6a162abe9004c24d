"""Names of documents inside a document: shown to people, never used as paths."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ingest.canonical import collapse
from rag.records import Notice

_LONGEST = 400
_DRIVE = re.compile(r"^[A-Za-z]:")
# They turn the direction of writing, so that "gpj.exe" reads "exe.jpg".
_DIRECTIONS = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_SHOWN = 5


def safe_path(name: str, otherwise: str = "unnamed") -> str:
    """``name`` as a relative path with ``/``, without drive, ``..`` and anything that does not show."""
    text = _DRIVE.sub("", collapse(_DIRECTIONS.sub("", name)).replace("\\", "/"))
    parts = [part for part in (part.strip() for part in text.split("/")) if part not in ("", ".", "..")]
    return "/".join(parts)[-_LONGEST:].lstrip("/") or otherwise


def safe_name(name: str, otherwise: str = "unnamed") -> str:
    """The last part of :func:`safe_path`."""
    return safe_path(name, otherwise).rpartition("/")[2]


def is_hidden(path: str) -> bool:
    """Whether a program keeps the file for itself: dot files and what Finder and Explorer leave behind."""
    parts = path.split("/")
    system = parts[0] == "__MACOSX" or parts[-1].lower() in ("thumbs.db", "desktop.ini")
    return system or any(part.startswith(".") for part in parts)


def members_notice(code: str, why: str, names: Sequence[str]) -> list[Notice]:
    """A notice that names the members ``why`` applies to; none if there are no such members."""
    if not names:
        return []
    shown = ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else "")
    return [Notice(code, f"{why}: {shown}.")]
