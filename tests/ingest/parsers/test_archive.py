from __future__ import annotations

import io
import stat
import zipfile

import pytest

from ingest.parsers import members
from ingest.parsers.limits import ParseLimits
from rag.errors import DocumentRejected
from rag.records import BlockKind, Member
from tests.ingest.builders import archive
from tests.ingest.reading import read, texts


def unpacked(data: bytes, limits: ParseLimits | None = None) -> list[tuple[str, bytes]]:
    return list(members(io.BytesIO(data), "a.zip", limits or ParseLimits()))


def codes(data: bytes, limits: ParseLimits | None = None) -> list[str]:
    return [notice.code for notice in read(data, "a.zip", limits).warnings]


def with_entries(*entries: tuple[zipfile.ZipInfo | str, bytes]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as writer:
        for entry, content in entries:
            writer.writestr(entry, content)
    return target.getvalue()


def test_the_text_is_the_list_of_files_and_each_is_a_member() -> None:
    data = archive({"docs/": b"", "docs/a.txt": b"hello", "b.pdf": b"x" * 2000})
    parsed = read(data, "folder/papers.zip")
    assert texts(parsed, BlockKind.HEADING) == ["papers.zip"]
    assert texts(parsed, BlockKind.LIST_ITEM) == ["- docs/a.txt (5 bytes)", "- b.pdf (2,000 bytes)"]
    assert parsed.members == (Member("docs/a.txt", 5), Member("b.pdf", 2000))
    assert unpacked(data) == [("docs/a.txt", b"hello"), ("b.pdf", b"x" * 2000)]
    assert parsed.warnings == ()


def test_members_are_unpacked_one_at_a_time() -> None:
    stream = members(io.BytesIO(archive({"a": b"1", "b": b"2"})), "a.zip", ParseLimits())
    assert next(stream) == ("a", b"1")


def test_hidden_files_and_links_are_left_out_and_named() -> None:
    link = zipfile.ZipInfo("link.txt")
    link.create_system = 3
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    data = with_entries(
        ("__MACOSX/._a.txt", b"x"),
        (".git/config", b"x"),
        ("a/Thumbs.db", b"x"),
        (link, b"/etc"),
        ("a.txt", b"y"),
    )
    (notice,) = read(data, "a.zip").warnings
    assert notice.code == "members_skipped"
    assert "link.txt" in notice.detail
    assert ".git/config" in notice.detail
    assert unpacked(data) == [("a.txt", b"y")]


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("../../etc/passwd", "etc/passwd"),
        ("/absolute/a.txt", "absolute/a.txt"),
        ("C:\\Users\\a.txt", "Users/a.txt"),
        ("..", "unnamed"),
        ("a\u202etxt.exe", "atxt.exe"),
    ],
)
def test_names_that_lead_elsewhere_keep_their_safe_tail(written: str, name: str) -> None:
    data = with_entries((written, b"x"))
    assert unpacked(data) == [(name, b"x")]
    assert codes(data) == ["members_renamed"]


def test_names_without_a_declared_encoding() -> None:
    data = archive({"XXXXXXXXXX.txt": b"x"}).replace(b"XXXXXXXXXX", "Größe ä".encode())
    assert [name for name, _ in unpacked(data)] == ["Größe ä.txt"]


def encrypted(data: bytes, name: bytes) -> bytes:
    """``data`` with the flag of encryption set at ``name`` in its directory."""
    at = data.rfind(name) - 46
    return data[: at + 8] + bytes([data[at + 8] | 1]) + data[at + 9 :]


def test_files_with_a_password() -> None:
    data = encrypted(archive({"secret.txt": b"x", "open.txt": b"y"}), b"secret.txt")
    assert unpacked(data) == [("open.txt", b"y")]
    assert codes(data) == ["members_encrypted"]
    with pytest.raises(DocumentRejected, match="encrypted"):
        read(encrypted(archive({"secret.txt": b"x"}), b"secret.txt"), "a.zip")


def test_a_damaged_file_does_not_cost_the_others() -> None:
    data = with_entries(("broken.txt", b"broken content"), ("whole.txt", b"whole")).replace(
        b"broken content", b"BROKEN content"
    )
    assert unpacked(data) == [("whole.txt", b"whole")]
    assert codes(data) == ["members_damaged"]


def test_only_so_many_members_are_taken() -> None:
    data = archive({f"{number}.txt": b"x" for number in range(5)})
    limits = ParseLimits(max_members=3)
    assert codes(data, limits) == ["members_left_out"]
    assert len(unpacked(data, limits)) == len(read(data, "a.zip", limits).members) == 3


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        (ParseLimits(max_zip_entries=4), "more than 4 files"),
        (ParseLimits(max_unpacked_bytes=99), "unpacks to 100 bytes"),
    ],
)
def test_limits(limits: ParseLimits, reason: str) -> None:
    data = archive({f"{number}.txt": bytes(20) for number in range(5)})
    with pytest.raises(DocumentRejected, match=f"limit_exceeded.*{reason}"):
        read(data, "a.zip", limits)


def test_an_archive_of_nothing() -> None:
    with pytest.raises(DocumentRejected, match="no_text"):
        read(archive({"folder/": b""}), "a.zip")
