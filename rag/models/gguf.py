"""A look at a model file before llama.cpp is let near it, for errors that people can act on."""

from __future__ import annotations

import struct
from pathlib import Path

from rag.errors import Unavailable

_HEADER = struct.Struct("<4sIqq")
"""Magic, version, number of tensors, number of metadata entries (GGUF specification, ggml)."""

_MOST_ENTRIES = 1_000_000


def check_header(path: Path) -> None:
    """Refuse what is plainly not a model: missing, empty, a web page, another format or version.

    Passing says nothing about the rest of the file; loading it happens in a process of its own.

    Raises:
        Unavailable: ``model_unusable``.
    """
    try:
        with path.open("rb") as file:
            head = file.read(_HEADER.size)
    except OSError as error:
        raise unusable(f"the file {path.name} cannot be read ({error.strerror})") from error
    if head.lstrip()[:1] == b"<":
        raise unusable(f"{path.name} is a web page, not a model: the download went wrong")
    if len(head) < _HEADER.size or head[:4] != b"GGUF":
        raise unusable(f"{path.name} is not a GGUF file")
    _, version, tensors, entries = _HEADER.unpack(head)
    if version not in (2, 3):
        raise unusable(f"{path.name} has GGUF version {version}; versions 2 and 3 can be read")
    if not (0 < tensors <= _MOST_ENTRIES and 0 <= entries <= _MOST_ENTRIES):
        raise unusable(f"the header of {path.name} is damaged")


def unusable(why: str) -> Unavailable:
    """The error for a model that will never work as it is."""
    return Unavailable("model_unusable", f"The language model cannot be used: {why}. Set another model file.")
