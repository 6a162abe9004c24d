from __future__ import annotations

import io
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest import sniffing
from ingest.sniffing import DOCX, HTML, MARKDOWN, PDF, PLAIN, SUPPORTED, sniff
from rag.errors import DocumentRejected, FootnoteError, Unsupported
from tests.ingest.builders import archive, docx, lines, pdf


def kind(data: bytes, name: str = "file") -> str:
    return sniff(io.BytesIO(data), name)


@pytest.mark.parametrize(
    ("data", "name", "expected"),
    [
        (pdf(lines("hello")), "a.txt", PDF),
        (b"\r\n" + pdf(lines("hello")), "a", PDF),
        (docx(""), "a.zip", DOCX),
        (b"<!DOCTYPE html><p>x", "a.txt", HTML),
        (b"\xef\xbb\xbf \n<!-- made by hand --><HTML><body>x", "a", HTML),
        (b'<?xml version="1.0"?><!DOCTYPE html PUBLIC "x"><html xmlns="y">', "a", HTML),
        ("<html>Größe".encode("utf-16"), "a.txt", HTML),
        (b"<p>a fragment</p>", "a.htm", HTML),
        (b"<p>a fragment</p>", "a.txt", PLAIN),
        (b"# Title\n\ntext", "a.md", MARKDOWN),
        (b"# Title\n\ntext", "a.MARKDOWN", MARKDOWN),
        (b"# Title\n\ntext", "a.txt", PLAIN),
        (b"# Title\n\ntext", "no suffix", PLAIN),
        (b'{"a": 1}', "a.json", PLAIN),
        ("Größe".encode("cp1252"), "a.txt", PLAIN),
        ("日本語のテキスト".encode("shift_jis"), "a.txt", PLAIN),
        ("テキスト, с пробелами".encode("utf-16-le"), "a.txt", PLAIN),
        (b"\x1b[1mbold\x1b[0m log line\n", "a.log", PLAIN),
        (b"Subject: of great interest\n\nis a line of a text", "a.txt", PLAIN),
        (b"The header is\n%PDF-1.7\nas the standard says.", "about.md", MARKDOWN),
        (b"BMW and MZ are makers of motorcycles", "a.txt", PLAIN),
        (b"PAR1", "a.txt", "a Parquet file"),
        (b"MZ\x90\x00\x03\x00", "a.txt", "a program"),
        (b"\x89PNG\r\n\x1a\n\x00", "a.pdf", "a PNG image"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8", "a", "a WebP image"),
        (b'<?xml version="1.0"?><svg xmlns="x">', "a.html", "an SVG image"),
        (b"{\\rtf1 hello}", "a.doc", "an RTF document"),
        (b"\x1f\x8b\x08\x00", "a.txt.gz", "a gzip archive"),
        (
            b"From: a@b.c\nTo: d@e.f\nDate: today\nSubject: x\nMIME-Version: 1.0\n\nHi",
            "a",
            "an e-mail message",
        ),
        (archive({"a.txt": b"x"}), "a.docx", "a zip archive"),
        (archive({"ppt/presentation.xml": b"x"}), "a.docx", "a PowerPoint presentation"),
        (archive({"xl/workbook.xml": b"x"}), "a", "an Excel workbook"),
        (archive({"[Content_Types].xml": b"x", "other": b""}), "a", "an Office document of an unknown kind"),
        (bytes(range(256)) * 8, "a.txt", "no text and of no known kind"),
    ],
)
def test_content_decides(data: bytes, name: str, expected: str) -> None:
    if expected in SUPPORTED:
        assert kind(data, name) == expected
        return
    with pytest.raises(Unsupported) as caught:
        kind(data, name)
    assert caught.value.code == "unsupported_type"
    assert expected in caught.value.detail
    assert "Send PDF" in caught.value.detail


def test_an_empty_file_is_named_as_such() -> None:
    with pytest.raises(DocumentRejected, match="empty_file"):
        kind(b"")


def test_the_file_is_left_at_its_start() -> None:
    file = io.BytesIO(b"some text")
    sniff(file, "a.txt")
    assert file.tell() == 0


SHARED_KINDS = {
    "fixtures/eml_with_attachment.eml": "e-mail",
    "fixtures/epub_purvis_poetry.epub": "EPUB",
    "fixtures/odf_presentation_01.odp": "OpenDocument presentation",
    "fixtures/powerpoint_sample.pptx": "PowerPoint",
    "fixtures/xlsx_01.xlsx": "Excel",
    "fixtures/word_sample.docx": DOCX,
    "fixtures/wiki_duck.html": HTML,
    "fixtures/duck.md": MARKDOWN,
    "hostile/truncated.docx": DOCX,
    "hostile/bad1.pdf": PLAIN,
    "hostile/naughty_strings.json": PLAIN,
}


@pytest.mark.parametrize(("name", "expected"), SHARED_KINDS.items())
def test_real_files(shared: Path, name: str, expected: str) -> None:
    with (shared / name).open("rb") as file:
        if expected in SUPPORTED:
            assert sniff(file, name) == expected
        else:
            with pytest.raises(Unsupported, match=expected):
                sniff(file, name)


def test_an_office_file_with_a_password_says_so(shared: Path) -> None:
    with (
        (shared / "hostile/protected.docx").open("rb") as file,
        pytest.raises(DocumentRejected, match="encrypted"),
    ):
        sniff(file, "protected.docx")


def test_a_huge_archive_directory_is_read_in_part_only() -> None:
    entry = b"PK\x01\x02" + bytes(42)
    directory = entry * 200_000
    end = b"PK\x05\x06" + bytes(8) + struct.pack("<II", len(directory), 30) + bytes(2)
    file = _CountingFile(b"PK\x03\x04" + bytes(26) + directory + end)
    with pytest.raises(Unsupported, match="zip archive"):
        sniff(file, "a.zip")
    assert file.bytes_read < 1_200_000


class _CountingFile(io.BytesIO):
    bytes_read = 0

    def read(self, size: int | None = -1) -> bytes:
        data = super().read(size)
        self.bytes_read += len(data)
        return data


@given(
    st.binary(max_size=600),
    st.sampled_from([b"", b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"%PDF-1.4"]),
)
def test_any_bytes_have_a_kind_or_a_typed_error(data: bytes, start: bytes) -> None:
    try:
        found = kind(start + data, "a.html")
    except FootnoteError as error:
        found = error.code
    assert found in SUPPORTED | {"unsupported_type", "empty_file", "encrypted"}


@pytest.mark.parametrize("piece", [b"<!-- -->", b"<!--", b"<?xml ", b"<", b"A: b\n", b" ", b"\n%PDF-1.4"])
def test_patterns_do_not_backtrack(piece: bytes) -> None:
    # With an exponential or cubic pattern this would not come back.
    assert kind(piece * (sniffing._HEAD_BYTES // len(piece)) + b"|", "a.html") in (HTML, PLAIN)
