from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from api.cli import purging
from api.folder_lock import FolderLock
from rag.stores import answers, conversations, document_catalog, index_snapshots, receipt_rows, schema
from rag.stores.access import LOCAL
from rag.stores.blobs import BlobStore
from rag.stores.conversations import Turn
from rag.stores.database import Database
from rag.stores.index_follower import IndexFollower
from rag.stores.receipt_journal import ReceiptJournal
from rag.stores.receipt_writer import JOURNAL_NAME, ReceiptWriter
from rag.stores.tables import versions
from tests.rag.stores.library import DIMENSION, SPACE, Library
from tests.rag.stores.receipts import receipt, span

CANARY = "Zanthoxylum"
KEPT = "Quercus"


def holding(folder: Path, word: str) -> list[str]:
    """The files whose bytes hold the word, in any case and in the encodings that text is written in."""
    needles = [
        variant.encode(encoding)
        for variant in (word, word.lower(), word.upper(), word[1:])
        for encoding in ("utf-8", "utf-16-le", "utf-16-be", "utf-32-le")
    ]
    return sorted(
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.is_file() and any(needle in path.read_bytes() for needle in needles)
    )


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in [name for name in os.environ if name.startswith("FOOTNOTE_")]:
        monkeypatch.delenv(name)
    return tmp_path / "data"


@pytest.fixture
def library(data: Path) -> Iterator[Library]:
    """The canary in a document's file, name, text, metadata, title and heading, in answers and questions, in
    pictures, indexes, evaluations and what unfinished uploads leave; all of it deleted by its usual way."""
    database, blobs = Database(data / "footnote.db"), BlobStore(data / "blobs")
    schema.upgrade(database)
    library = Library(database, blobs)
    library.add([f"{KEPT} {number} stays" for number in range(200)], f"{KEPT}.txt")
    _fill(library, data)
    yield library
    database.close()


def _fill(library: Library, data: Path) -> None:
    document = library.add(
        [f"The {CANARY} number {number}." for number in range(300)],
        f"{CANARY}_Report.txt",
        metadata={"tree": CANARY},
    )
    told = {"code": "near_duplicate", "detail": f"Says nearly the same as '{CANARY}_Report.txt' (90% alike)."}
    with library.database.write() as tx:
        tx.execute(update(versions).where(versions.c.id == 1).values(notices=[told]))
        tx.execute(update(versions).where(versions.c.id == document.newest.id).values(title=CANARY))
    writer = ReceiptWriter(library.database)
    said = f"It is a {CANARY}."
    spans = [span(document.public_id, 1)]
    writer.write(receipt("ans_cites", [(said, (1,))], spans, question="What is it?", conversation="c"))
    writer.write(receipt("ans_asks", [("No.", ())], question=f"Is it a {CANARY}?"))
    late = receipt("ans_late", [(said, (1,))], spans, question="And that?", conversation="c")
    ReceiptJournal(data / JOURNAL_NAME).append(receipt_rows.to_json(late))
    follower = IndexFollower(data / "indexes" / "space", library.space_id, SPACE, DIMENSION)
    with library.database.read() as tx:
        follower.current(tx)
    follower.save()
    sha256 = document.newest.sha256
    for path, text in {
        f"cache/pages/{sha256}/1-4.png": CANARY,
        "evals/2026-11-22T000000Z.json": json.dumps(
            {"questions": [{"document": document.public_id, "t": CANARY}]}
        ),
        "evals/2026-11-22T000000Z.html": CANARY,
        "uploads/tmpabc": CANARY,
        "blobs/.incoming/abc": CANARY,
    }.items():
        (data / path).parent.mkdir(parents=True, exist_ok=True)
        (data / path).write_text(text)
    os.utime(library.blobs.path(sha256), (1, 1))
    library.database.truncate_log(0)  # so that it is in the database's own file and not only in its log
    library.remove(document)
    with library.database.write() as tx:
        answers.remove(tx, LOCAL, "ans_asks")


def _purge(data: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, Any]]:
    status = purging.purge({"data": data}, as_json=True)
    return status, json.loads(capsys.readouterr().out)


def test_no_byte_of_what_was_deleted_is_left(
    data: Path, library: Library, capsys: pytest.CaptureFixture[str]
) -> None:
    assert {"footnote.db", "receipts.journal"} <= set(holding(data, CANARY)), "a delete is not an erasure"
    with library.database.read():  # connections of others are open
        pass
    status, done = _purge(data, capsys)
    assert (status, done["left"], done["service"]) == (0, [], False)
    assert holding(data, CANARY) == []
    counted = [done[what] for what in ("files", "unfinished_uploads", "pictures", "indexes", "evaluations")]
    assert counted == [1, 2, 1, 1, 1]
    assert done["bytes_after"] < done["bytes_before"]


def test_what_was_not_deleted_is_untouched(
    data: Path, library: Library, capsys: pytest.CaptureFixture[str]
) -> None:
    _purge(data, capsys)
    assert holding(data, KEPT)
    with library.database.read() as tx:
        (document,), _ = document_catalog.page_of(tx, LOCAL, limit=5)
        (turn,) = conversations.recent_turns(tx, LOCAL.owner, "c", 9)[:1]
        late = answers.get(tx, LOCAL, "ans_late")
    assert document.newest.chunks == 200
    assert [notice.code for notice in document.newest.notices] == ["near_duplicate"]
    assert isinstance(turn, Turn)
    assert (late.question, CANARY in late.answer) == ("And that?", False)
    (sha256,) = library.blobs
    assert sha256 == document.newest.sha256


def test_an_index_that_is_up_to_date_is_kept(
    data: Path, library: Library, capsys: pytest.CaptureFixture[str]
) -> None:
    follower = IndexFollower(data / "indexes" / "space", library.space_id, SPACE, DIMENSION)
    with library.database.read() as tx:
        follower.current(tx)
    follower.save()
    assert _purge(data, capsys)[1]["indexes"] == 0
    assert index_snapshots.manifest_of(data / "indexes" / "space") is not None


def test_beside_a_service_it_waits_and_says_what_it_could_not_do(
    data: Path, library: Library, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(purging, "_PATIENCE_SECONDS", 0.0)
    service = FolderLock(data).acquire()
    with library.blobs.held():  # a backup is being made
        status, done = _purge(data, capsys)
    assert (status, done["service"], len(done["left"])) == (1, True, 2)
    assert (data / "receipts.journal").exists(), "the service's own"
    ReceiptWriter(library.database).settle()
    for path in (data / "uploads" / "tmpabc", data / "blobs" / ".incoming" / "abc"):
        assert path.exists(), "it may be of an upload that goes on"
        os.utime(path, (1, 1))
    assert _purge(data, capsys)[0] == 0
    assert holding(data, CANARY) == []
    service.release()


def test_a_folder_without_a_library_is_not_made_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert purging.purge({"data": tmp_path / "x"}, as_json=False) == 1
    assert "There is no library" in capsys.readouterr().err
    assert not (tmp_path / "x").exists()
