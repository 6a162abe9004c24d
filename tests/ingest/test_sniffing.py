from __future__ import annotations

import io
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest import sniffing
from ingest.sniffing import SUPPORTED, sniff
from rag.errors import DocumentRejected, FootnoteError, Unsupported
from tests.ingest.builders import archive, compound, docx, lines, open_document, pdf


def kind(data: bytes, name: str = "file") -> str:
    return sniff(io.BytesIO(data), name)


OFFICE = {"[Content_Types].xml": b"x"}
MAIL_HEADER = b"From: a@b.c\nTo: d@e.f\nDate: today\nSubject: x\nMIME-Version: 1.0\n\nHi"


@pytest.mark.parametrize(
    ("data", "name", "expected"),
    [
        (pdf(lines("hello")), "a.txt", sniffing.PDF),
        (b"\r\n" + pdf(lines("hello")), "a", sniffing.PDF),
        (docx(""), "a.zip", sniffing.DOCX),
        (archive(OFFICE | {"word/document2.xml": b"", "word/vbaProject.bin": b""}), "a", sniffing.DOCX),
        (archive(OFFICE | {"ppt/presentation.xml": b"x"}), "a.docx", sniffing.PPTX),
        (archive({"ppt/presentation.xml": b"x"}), "a.ppsx", sniffing.PPTX),
        (archive(OFFICE | {"xl/workbook.xml": b"x"}), "a.zip", sniffing.XLSX),
        (archive(OFFICE | {"xl/workbook.xml": b"", "xl/vbaProject.bin": b""}), "a.xlsx", sniffing.XLSM),
        (archive(OFFICE | {"xl/workbook.bin": b"x"}), "a", sniffing.XLSB),
        (archive(OFFICE), "a.xltm", sniffing.XLSM),
        (open_document("text"), "a.zip", sniffing.ODT),
        (open_document("text-template"), "a", sniffing.ODT),
        (open_document("spreadsheet"), "a", sniffing.ODS),
        (open_document("presentation"), "a", sniffing.ODP),
        (archive({"content.xml": b"", "META-INF/manifest.xml": b""}), "a.odt", sniffing.ODT),
        (archive({"META-INF/container.xml": b""}), "a.zip", sniffing.EPUB),
        (archive({"a.txt": b"x"}), "a.docx", sniffing.ZIP),
        (archive({"word/notes.txt": b"", "xl/list.txt": b""}), "folders.zip", sniffing.ZIP),
        (archive({}), "a", sniffing.ZIP),
        (compound("Workbook"), "a", sniffing.XLS),
        (compound("Book"), "a.doc", sniffing.XLS),
        (compound("__properties_version1.0"), "a", sniffing.OUTLOOK),
        (b"<!DOCTYPE html><p>x", "a.txt", sniffing.HTML),
        (b"\xef\xbb\xbf \n<!-- made by hand --><HTML><body>x", "a", sniffing.HTML),
        (b'<?xml version="1.0"?><!DOCTYPE html PUBLIC "x"><html xmlns="y">', "a", sniffing.HTML),
        ("<html>Größe".encode("utf-16"), "a.txt", sniffing.HTML),
        (b"<html><body>502 Bad Gateway", "prices.csv", sniffing.HTML),
        (b"<p>a fragment</p>", "a.htm", sniffing.HTML),
        (b"<p>a fragment</p>", "a.txt", sniffing.PLAIN),
        (b"# Title\n\ntext", "a.md", sniffing.MARKDOWN),
        (b"# Title\n\ntext", "a.MARKDOWN", sniffing.MARKDOWN),
        (b"# Title\n\ntext", "a.txt", sniffing.PLAIN),
        (b"# Title\n\ntext", "no suffix", sniffing.PLAIN),
        (b'{"a": 1}', "a.json", sniffing.JSON),
        (b' [\n{ "a" :null}]', "a", sniffing.JSON),
        (b'{"a": 1}', "a.txt", sniffing.PLAIN),
        (b"no JSON at all", "a.json", sniffing.PLAIN),
        (b"[1] Smith, J.: On lists", "a", sniffing.PLAIN),
        (b'{"a": 1}\n{"a": 2}', "a.ndjson", sniffing.JSONL),
        (b"a,b\n1,2\n", "a.csv", sniffing.CSV),
        (b"a,b\n1,2\n", "a.txt", sniffing.PLAIN),
        (b"a\tb\n", "a.TSV", sniffing.TSV),
        (b"import os\n", "tools/a.py", sniffing.CODE),
        (b'{"a": 1}', "a.js", sniffing.CODE),
        (b"all:\n\techo", "src/Makefile", sniffing.CODE),
        (b"FROM debian\n", "Dockerfile.dev", sniffing.CODE),
        (MAIL_HEADER, "a", sniffing.MAIL),
        (b"From x@y.z Mon Jan 1\nSubject: one\n\nHi", "a.eml", sniffing.MAIL),
        (b"Subject: of great interest\n\nis a line of a text", "a.txt", sniffing.PLAIN),
        (b"{\\rtf1 hello}", "a.doc", sniffing.RTF),
        (b"\x89PNG\r\n\x1a\n\x00", "a.pdf", sniffing.PNG),
        (b"\xff\xd8\xff\xe0", "a", sniffing.JPEG),
        (b"MM\x00*\x00", "a.png", sniffing.TIFF),
        (b"RIFF\x00\x00\x00\x00WEBPVP8", "a", sniffing.WEBP),
        (b"Eighths.WEBP is a word", "a", sniffing.PLAIN),
        ("Größe".encode("cp1252"), "a.txt", sniffing.PLAIN),
        ("日本語のテキスト".encode("shift_jis"), "a.txt", sniffing.PLAIN),
        ("テキスト, с пробелами".encode("utf-16-le"), "a.txt", sniffing.PLAIN),
        (b"\x1b[1mbold\x1b[0m log line\n", "a.log", sniffing.PLAIN),
        (b"The header is\n%PDF-1.7\nas the standard says.", "about.md", sniffing.MARKDOWN),
        (b"BMW and MZ are makers of motorcycles", "a.txt", sniffing.PLAIN),
    ],
)
def test_content_decides(data: bytes, name: str, expected: str) -> None:
    assert kind(data, name) == expected


@pytest.mark.parametrize(
    ("data", "name", "what", "remedy"),
    [
        (compound("WordDocument"), "a.docx", "a Word 97-2003 document", "Save it as DOCX"),
        (compound("PowerPoint Document"), "a", "a PowerPoint 97-2003 presentation", "Save it as PPTX"),
        (compound("Catalog"), "Thumbs.db", "an old Office document", "Send PDF"),
        (open_document("graphics"), "a", "an OpenDocument file of an unknown kind", "Save it as PDF"),
        (archive(OFFICE | {"visio/document.xml": b""}), "a", "a Visio drawing", "Save it as PDF"),
        (archive({"META-INF/MANIFEST.MF": b""}), "a.zip", "a Java archive", "Send PDF"),
        (archive(OFFICE | {"other": b""}), "a", "an Office document of an unknown kind", "Send PDF"),
        (b'<?xml version="1.0"?><svg xmlns="x">', "a.html", "an SVG image", "Save it as PDF or PNG"),
        (b"GIF89a\x00", "a.png", "a GIF image", "Save it as PNG"),
        (b"\x1f\x8b\x08\x00", "a.txt.gz", "a gzip archive", "a ZIP of them"),
        (b"RIFF\x00\x00\x00\x00WAVE", "a.webp", "a sound recording", "Send PDF"),
        (b"PAR1", "a.txt", "a Parquet file", "Send PDF"),
        (b"MZ\x90\x00\x03\x00", "a.txt", "a program", "Send PDF"),
        (bytes(range(256)) * 8, "a.txt", "no text and of no known kind", "Send PDF"),
        (bytes(range(256)) * 8, "a.py", "no text and of no known kind", "Send PDF"),
    ],
)
def test_what_is_not_read_is_named_with_a_remedy(data: bytes, name: str, what: str, remedy: str) -> None:
    with pytest.raises(Unsupported) as caught:
        kind(data, name)
    assert caught.value.code == "unsupported_type"
    assert what in caught.value.detail
    assert remedy in caught.value.detail


ZIPPED = archive({"a.txt": b"x"})


@pytest.mark.parametrize(
    ("data", "name", "expected"),
    [
        (pdf(lines("hello")) + ZIPPED, "a.zip", sniffing.PDF),
        (ZIPPED + pdf(lines("hello")), "a.pdf", sniffing.ZIP),
        (b"<html><body>hello</body></html>" + b" " * 9000 + ZIPPED, "a.zip", sniffing.HTML),
        (b"\xff\xd8\xff\xe0" + ZIPPED, "a.zip", sniffing.JPEG),
        (b"{\\rtf1 a}<html><body>", "a.html", sniffing.RTF),
        (b"<html><!-- \n%PDF-1.7 -->\nstartxref", "a.html", sniffing.PDF),
    ],
)
def test_a_polyglot_is_what_it_begins_as(data: bytes, name: str, expected: str) -> None:
    assert kind(data, name) == expected


def test_a_picture_that_is_also_a_script_is_a_picture() -> None:
    with pytest.raises(Unsupported, match="a GIF image"):
        kind(b"GIF89a/*\x00*/=1;alert(1)", "a.js")


def test_streams_of_an_attachment_do_not_decide() -> None:
    # The message's own stream is at the top, the workbook's one level down.
    assert kind(compound("__properties_version1.0", below=("Workbook",))) == sniffing.OUTLOOK
    assert kind(compound("Something", below=("Workbook",))) == sniffing.XLS


def test_an_empty_file_is_named_as_such() -> None:
    with pytest.raises(DocumentRejected, match="empty_file"):
        kind(b"")


def test_an_old_office_file_that_is_cut_off_says_so() -> None:
    with pytest.raises(DocumentRejected, match="corrupt"):
        kind(compound("WordDocument")[:600], "a.doc")


def test_the_file_is_left_at_its_start() -> None:
    file = io.BytesIO(b"some text")
    sniff(file, "a.txt")
    assert file.tell() == 0


SHARED_KINDS = {
    "fixtures/csv-semicolon.csv": sniffing.CSV,
    "fixtures/eml_with_attachment.eml": sniffing.MAIL,
    "fixtures/epub_purvis_poetry.epub": sniffing.EPUB,
    "fixtures/odf_presentation_01.odp": sniffing.ODP,
    "fixtures/powerpoint_sample.pptx": sniffing.PPTX,
    "fixtures/xlsx_01.xlsx": sniffing.XLSX,
    "fixtures/word_sample.docx": sniffing.DOCX,
    "fixtures/wiki_duck.html": sniffing.HTML,
    "fixtures/duck.md": sniffing.MARKDOWN,
    "hostile/truncated.docx": sniffing.DOCX,
    "hostile/bad1.pdf": sniffing.PLAIN,
    "hostile/naughty_strings.json": sniffing.JSON,
}


@pytest.mark.parametrize(("name", "expected"), SHARED_KINDS.items())
def test_real_files(shared: Path, name: str, expected: str) -> None:
    with (shared / name).open("rb") as file:
        assert sniff(file, name) == expected


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
    assert sniff(file, "a.zip") == sniffing.ZIP
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
    assert found in SUPPORTED | {"unsupported_type", "empty_file", "encrypted", "corrupt"}


@pytest.mark.parametrize(
    "piece", [b"<!-- -->", b"<!--", b"<?xml ", b"<", b"A: b\n", b" ", b"\n%PDF-1.4", b"{ ", b'{"']
)
def test_patterns_do_not_backtrack(piece: bytes) -> None:
    # With an exponential or cubic pattern this would not come back.
    assert kind(piece * (sniffing._HEAD_BYTES // len(piece)) + b"|", "a.html") in (
        sniffing.HTML,
        sniffing.PLAIN,
    )
