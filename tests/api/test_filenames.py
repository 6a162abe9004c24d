from __future__ import annotations

from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.filenames import MAX_CHARS, content_disposition, display_name
from rag.errors import BadRequest


@pytest.mark.parametrize(
    ("given_name", "shown"),
    [
        ("report.pdf", "report.pdf"),
        ("minutes/2025/report.pdf", "report.pdf"),
        ("C:\\Users\\x\\report.pdf", "report.pdf"),
        ("a\x07b\r\n.txt", "ab.txt"),
        ("a..b.txt", "a..b.txt"),
        ("invoice\u202efdp.exe", "invoicefdp.exe"),
        ("  two   spaces .md ", "two spaces .md"),
        ("", "unnamed"),
        (".", "unnamed"),
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


@pytest.mark.parametrize("given_name", ["../../etc/passwd", "..", "a\\..\\b", "a/..", "a\0.txt", "\0"])
def test_a_name_that_steps_out_or_holds_nul_is_refused(given_name: str) -> None:
    with pytest.raises(BadRequest) as refused:
        display_name(given_name)
    assert refused.value.code == "bad_file_name"


HONEST = st.text().filter(lambda name: "\0" not in name and ".." not in name)


@given(HONEST)
def test_any_name_becomes_a_harmless_one(text: str) -> None:
    name = display_name(text)
    assert 1 <= len(name) <= MAX_CHARS
    assert not set(name) & set("/\\\0\r\n")
    assert name not in (".", "..")
    assert display_name(name) == name


@given(HONEST)
def test_the_download_header_is_ascii_and_holds_the_name(text: str) -> None:
    name = display_name(text)
    header = content_disposition(name)
    header.encode("ascii")
    assert "\n" not in header
    assert "\r" not in header
    assert unquote(header.split("filename*=UTF-8''")[1]) == name
