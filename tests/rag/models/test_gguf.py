from __future__ import annotations

import struct
from pathlib import Path

import pytest

from rag.errors import Unavailable
from rag.models.gguf import check_header
from rag.models.locations import default_model_path


def _header(magic: bytes = b"GGUF", version: int = 3, tensors: int = 10, entries: int = 10) -> bytes:
    return struct.pack("<4sIqq", magic, version, tensors, entries) + b"\x00" * 100


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "not a GGUF"),
        (b"GGUF", "not a GGUF"),
        (b"<!DOCTYPE html><html>", "web page"),
        (b"\n  <html>", "web page"),
        (b"PK\x03\x04" + b"\x00" * 60, "not a GGUF"),
        (_header(magic=b"FUGG"), "not a GGUF"),
        (_header(version=1), "version 1"),
        (_header(version=99), "version 99"),
        (_header(tensors=-1), "damaged"),
        (_header(tensors=0), "damaged"),
        (_header(entries=2**60), "damaged"),
    ],
)
def test_refused_with_a_reason(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "model.gguf"
    path.write_bytes(content)
    with pytest.raises(Unavailable, match=says) as caught:
        check_header(path)
    assert caught.value.code == "model_unusable"
    assert str(tmp_path) not in caught.value.detail


def test_missing(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="cannot be read"):
        check_header(tmp_path / "none.gguf")


def test_the_default_model_passes() -> None:
    check_header(default_model_path())
