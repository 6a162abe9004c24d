from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import text

from rag.errors import BadRequest, Conflict, FootnoteError, NotFound, StorageFailed
from rag.stores import backup_reading, backup_writing, consistency, document_catalog, receipt_rows, schema
from rag.stores.access import LOCAL
from rag.stores.backup_format import Manifest, Progress, blob_member, opened
from rag.stores.blobs import BlobStore
from rag.stores.database import Database
from rag.stores.key_tokens import SECRET_NAME
from rag.stores.receipt_journal import ReceiptJournal
from rag.stores.receipt_writer import JOURNAL_NAME, ReceiptWriter
from tests.rag.stores import released
from tests.rag.stores.library import Library
from tests.rag.stores.receipts import receipt, span

ROOT = Path(__file__).resolve().parents[3]


def _silent(phase: str, done: int, total: int) -> None: ...


def _back_up(library: Library, target: Path, progress: Progress = _silent) -> tuple[Manifest, str]:
    return _written(library.database.path, library.blobs, target, progress)


def _written(database: Path, blobs: BlobStore, target: Path, progress: Progress) -> tuple[Manifest, str]:
    others = {SECRET_NAME: database.parent / SECRET_NAME}
    journals = [database.with_name(JOURNAL_NAME)]
    return backup_writing.write(target, database, journals, blobs, others, "test", progress)


def _verify(path: Path) -> str:
    return backup_reading.verify(path, schema.revisions(), _silent)[1]


def _restore(path: Path, folder: Path) -> None:
    backup_reading.restore(path, folder, schema.revisions(), _silent)


@contextmanager
def _opened(folder: Path) -> Iterator[tuple[Database, BlobStore]]:
    database = Database(folder / "footnote.db")
    try:
        yield database, BlobStore(folder / "blobs")
    finally:
        database.close()


@pytest.fixture
def backup(library: Library, tmp_path: Path) -> Path:
    """Of a small library in which something was replaced and something deleted."""
    kept, gone = library.add(["one", "two"], "a.txt"), library.add(["three"], "b.txt")
    library.accept(b"new", replacing=kept)
    library.publish(library.claim(), ["new one"])
    library.remove(gone)
    target = tmp_path / "library.backup"
    _back_up(library, target)
    return target


def test_what_is_restored_is_what_was_there(library: Library, backup: Path, tmp_path: Path) -> None:
    manifest, sha256 = backup_reading.verify(backup, schema.revisions(), _silent)
    assert (manifest.counts["documents"], manifest.counts["files"]) == (1, 2)
    assert sha256 == _verify(backup)
    _restore(backup, tmp_path / "copy")
    assert sorted(os.listdir(tmp_path / "copy")) == ["blobs", "footnote.db"], "no index: those are made anew"
    with _opened(tmp_path / "copy") as (database, blobs):
        schema.upgrade(database)
        assert consistency.check(database, blobs, tmp_path / "none", read_files=True).clean
    assert released.rows(tmp_path / "copy" / "footnote.db") == released.rows(library.database.path)
    assert (backup.stat().st_mode & 0o777, backup.with_name("library.backup.partial").exists()) == (
        0o600,
        False,
    )


def test_any_zip_tool_can_look_into_it(backup: Path) -> None:
    with zipfile.ZipFile(backup) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        members = json.loads(archive.read("manifest.json"))["members"]
    assert [*members, "manifest.json"] == names


def test_nothing_that_was_deleted_is_in_it(library: Library, tmp_path: Path) -> None:
    library.remove(library.add(["the xylographer zanthoxylum"], "b.txt"))
    _back_up(library, tmp_path / "x.backup")
    assert b"zanthoxylum" not in (tmp_path / "x.backup").read_bytes()


def test_a_document_deleted_meanwhile_is_in_it_and_goes_afterwards(library: Library, tmp_path: Path) -> None:
    document = library.add(["one"], "a.txt")
    (sha256,) = library.blobs
    os.utime(library.blobs.path(sha256), (1, 1))

    def collect() -> None:
        with library.database.write() as tx:
            document_catalog.collect_blobs(tx, library.blobs, [sha256])

    def delete_once(phase: str, done: int, total: int) -> None:
        if phase == "files" and done == 0:
            assert library.remove(document) == [sha256]
            collect()

    _back_up(library, tmp_path / "x.backup", delete_once)
    _verify(tmp_path / "x.backup")
    with opened(tmp_path / "x.backup") as found:
        assert blob_member(sha256) in found.manifest.members
    assert list(library.blobs) == [sha256]
    collect()
    assert list(library.blobs) == []


def test_receipts_that_wait_in_the_journal_come_along_once(library: Library, tmp_path: Path) -> None:
    document = library.add(["one"], "a.txt")
    writer = ReceiptWriter(library.database)
    entered, waiting = (
        receipt(name, spans=[span(document.public_id, 1)], conversation="c") for name in ("ans_a", "ans_b")
    )
    writer.write(entered)
    journal = ReceiptJournal(library.database.path.with_name(JOURNAL_NAME))
    for one in (entered, waiting):  # the first as if it were entered while the backup was made
        journal.append(receipt_rows.to_json(one))
    _back_up(library, tmp_path / "x.backup")
    _restore(tmp_path / "x.backup", tmp_path / "copy")
    with _opened(tmp_path / "copy") as (database, _):
        schema.upgrade(database)
        ReceiptWriter(database).settle()
        with database.read() as tx:
            assert tx.scalars(text("SELECT public_id FROM answers")).all() == ["ans_a", "ans_b"]


def test_the_secret_of_the_keys_comes_along(library: Library, tmp_path: Path) -> None:
    made = tmp_path / SECRET_NAME
    made.parent.mkdir(exist_ok=True)
    made.write_bytes(b"s" * 32)
    _back_up(library, tmp_path / "x.backup")
    _restore(tmp_path / "x.backup", tmp_path / "copy")
    secret = tmp_path / "copy" / SECRET_NAME
    assert (secret.read_bytes(), secret.stat().st_mode & 0o777) == (b"s" * 32, 0o600)


def test_a_changed_byte_is_found_or_changes_nothing(backup: Path, tmp_path: Path) -> None:
    whole, sha256 = backup.read_bytes(), _verify(backup)
    chance = random.Random(20261122)
    found = 0
    for place in [*range(16), *chance.sample(range(len(whole)), 40), *range(len(whole) - 24, len(whole))]:
        backup.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        try:
            assert _verify(backup) == sha256, place
        except FootnoteError:
            found += 1
    assert found > 60


@pytest.mark.parametrize("what", ["a member", "the manifest", "one more"])
def test_what_is_exchanged_with_its_checksum_is_found(backup: Path, tmp_path: Path, what: str) -> None:
    """The archive is sound as a ZIP file: only the hashes know."""
    with zipfile.ZipFile(backup) as archive:
        comment = archive.comment
        members = {name: archive.read(name) for name in archive.namelist()}
    if what == "a member":
        blob = next(name for name in members if name.startswith("blobs/"))
        members[blob] = members[blob][::-1]
    elif what == "the manifest":
        members["manifest.json"] = members["manifest.json"].replace(
            b'"software": "test"', b'"software": "tess"'
        )
    else:
        members["secrets/keys"] = b"of somebody else"
    with zipfile.ZipFile(tmp_path / "y.backup", "w") as archive:
        archive.comment = comment
        for name, data in members.items():
            archive.writestr(name, data)
    with pytest.raises(Conflict) as refused:
        _restore(tmp_path / "y.backup", tmp_path / "copy")
    assert refused.value.code == "backup_damaged"
    assert not (tmp_path / "copy").exists()


def test_a_part_of_a_backup_is_none(backup: Path) -> None:
    whole = backup.read_bytes()
    for length in (0, 1, 100, len(whole) // 2, len(whole) - 1):
        backup.write_bytes(whole[:length])
        with pytest.raises((BadRequest, Conflict)):
            _verify(backup)


def test_what_has_no_place_in_a_backup_is_not_restored(backup: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(backup, "a") as archive:
        archive.writestr("../escaped", b"x")
    with pytest.raises(Conflict) as refused:
        _restore(backup, tmp_path / "copy")
    assert refused.value.code == "backup_damaged"
    assert not (tmp_path / "copy").exists()
    assert not (tmp_path / "escaped").exists()


def test_a_backup_of_a_newer_release_is_refused(library: Library, tmp_path: Path) -> None:
    with library.database.write() as tx:
        tx.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    _back_up(library, tmp_path / "x.backup")
    with pytest.raises(Conflict) as refused:
        _restore(tmp_path / "x.backup", tmp_path / "copy")
    assert refused.value.code == "backup_too_new"


@pytest.mark.parametrize("revision", schema.revisions())
def test_a_backup_of_every_released_schema_can_be_restored(tmp_path: Path, revision: str) -> None:
    (tmp_path / "old").mkdir()
    blobs = BlobStore(tmp_path / "old" / "blobs")
    released.build(tmp_path / "old" / "footnote.db", revision)
    database = Database(tmp_path / "old" / "footnote.db")
    with database.write() as tx:  # the rows name files by hashes that no file can have
        for number, (short,) in enumerate(tx.execute(text("SELECT sha256 FROM versions")).all()):
            sha256 = blobs.put([bytes([number])], 9).sha256
            tx.execute(text("UPDATE versions SET sha256 = :a WHERE sha256 = :b"), {"a": sha256, "b": short})
    database.close()
    _written(database.path, blobs, tmp_path / "x.backup", _silent)
    _restore(tmp_path / "x.backup", tmp_path / "copy")
    with _opened(tmp_path / "copy") as (copy, _):
        schema.upgrade(copy)


def test_a_library_that_lacks_a_file_is_not_backed_up(library: Library, tmp_path: Path) -> None:
    library.add(["one"], "a.txt")
    (sha256,) = library.blobs
    library.blobs.path(sha256).write_bytes(b"rotten")
    for _ in range(2):
        with pytest.raises(Conflict, match=sha256) as refused:
            _back_up(library, tmp_path / "x.backup")
        assert refused.value.code == "library_damaged"
        library.blobs.path(sha256).unlink(missing_ok=True)
    assert [path for path in tmp_path.iterdir() if "backup" in path.name] == []


def test_nothing_is_overwritten(library: Library, backup: Path, tmp_path: Path) -> None:
    with pytest.raises(Conflict) as refused:
        _back_up(library, backup)
    assert refused.value.code == "backup_exists"
    with pytest.raises(Conflict) as refused:
        _restore(backup, tmp_path / "blobs")
    assert refused.value.code == "folder_not_empty"
    (tmp_path / "empty").mkdir()
    _restore(backup, tmp_path / "empty")
    with pytest.raises(NotFound):
        _verify(tmp_path / "none")


def test_a_mounted_disk_is_not_replaced(backup: Path, small_disk: Path) -> None:
    with pytest.raises(BadRequest) as refused:
        _restore(backup, small_disk)
    assert refused.value.code == "folder_is_mounted"


def test_an_interrupted_backup_leaves_nothing(library: Library, tmp_path: Path) -> None:
    library.add(["one"], "a.txt")

    def interrupt(phase: str, done: int, total: int) -> None:
        if phase == "files":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        _back_up(library, tmp_path / "x.backup", interrupt)
    assert [path for path in tmp_path.iterdir() if "backup" in path.name] == []


def test_what_a_killed_backup_left_is_used_up_by_the_next(library: Library, tmp_path: Path) -> None:
    library.add(["one"], "a.txt")
    target = tmp_path / "x.backup"
    child = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "tests.rag.stores.stuck_backup",
            library.database.path,
            library.blobs.root,
            target,
        ],
        cwd=ROOT,
        stdout=subprocess.PIPE,
    )
    assert child.stdout is not None
    assert child.stdout.readline() == b"stuck\n"
    with pytest.raises(Conflict) as refused:
        _back_up(library, target)
    assert refused.value.code == "target_in_use"
    child.send_signal(signal.SIGKILL)
    child.communicate()
    assert not target.exists()
    assert target.with_name("x.backup.partial").exists()
    _back_up(library, target)
    assert _verify(target)
    assert not target.with_name("x.backup.partial").exists()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", folder], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("a small disk cannot be mounted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=False)


@pytest.mark.parametrize("free", range(0, 400, 50))
def test_a_full_disk_leaves_nothing(library: Library, small_disk: Path, free: int) -> None:
    library.add(["one"], "a.txt")
    library.accept(os.urandom(300_000), "large.txt")
    (small_disk / "filler").write_bytes(bytes(400_000 - free * 1000))
    with pytest.raises(StorageFailed) as refused:
        _back_up(library, small_disk / "x.backup")
    assert refused.value.code == "disk_full"
    assert os.listdir(small_disk) == ["filler"]


def test_the_disk_that_is_full_is_not_the_library(library: Library, small_disk: Path) -> None:
    """Restoring onto it fails as clearly, and what was there before is there."""
    library.accept(os.urandom(300_000), "large.txt")
    backup = small_disk.parent / "x.backup"
    _back_up(library, backup)
    (small_disk / "library").mkdir()
    with pytest.raises(StorageFailed) as refused:
        _restore(backup, small_disk / "library")
    assert refused.value.code == "disk_full"
    assert os.listdir(small_disk) == ["library"]
    with library.database.read() as tx:
        assert document_catalog.page_of(tx, LOCAL, limit=5)[0]
