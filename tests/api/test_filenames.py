from __future__ import annotations

from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.filenames import MAX_CHARS, content_disposition, display_name


@pytest.mark.parametrize(
    ("given_name", "shown"),
    [
        ("report.pdf", "report.pdf"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\x\\report.pdf", "report.pdf"),
        ("a\x00b\r\n.txt", "ab.txt"),
        ("invoice\u202efdp.exe", "invoicefdp.exe"),
        ("  two   spaces .md ", "two spaces .md"),
        ("", "unnamed"),
        ("..", "unnamed"),
        ("a/", "unnamed"),
        ("\ud800.txt", ".txt"),
        ("Größe 🦆.txt", "Größe 🦆.txt"),
    ],
)
def test_display_name(given_name: str, shown: str) -> None:
    assert display_name(given_name) == shown


def test_a_long_name_keeps_its_extension() -> None:
    name = display_name("x" * 1000 + ".pdf")
    assert len(name) == MAX_CHARS
    assert name.endswith(".pdf")


@given(st.text())
def test_any_name_becomes_a_harmless_one(text: str) -> None:
    name = display_name(text)
    assert 1 <= len(name) <= MAX_CHARS
    assert not set(name) & set("/\\\0\r\n")
    assert name not in (".", "..")
    assert display_name(name) == name


@given(st.text())
def test_the_download_header_is_ascii_and_holds_the_name(text: str) -> None:
    name = display_name(text)
    header = content_disposition(name)
    header.encode("ascii")
    assert "\n" not in header
    assert "\r" not in header
    assert unquote(header.split("filename*=UTF-8''")[1]) == name
