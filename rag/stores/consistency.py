"""Does everything that is stored still fit together? Checked against the one truth, SQL and the blobs.

A crash leaves only garbage (a file nobody refers to), never a hole, so on a sound disk every finding but
those is a bug of Footnote's or somebody else's hand in the data folder. This is also how a deletion is
proved: whatever of a deleted document were left behind would be found here.
"""

from __future__ import annotations

import hashlib
import shutil
import time
from pathlib import Path

from sqlalchemy import ColumnElement, func, select

from rag.records import DocumentState, JobState
from rag.stores import (
    answer_checks,
    chunk_store,
    database_file,
    document_catalog,
    embedders,
    index_snapshots,
    job_queue,
    keyword_checks,
    keyword_segments,
    log_damage,
)
from rag.stores.blobs import BlobStore
from rag.stores.database import Database, Tx
from rag.stores.database_file import Damage
from rag.stores.document_catalog import BLOB_GRACE_SECONDS
from rag.stores.findings import RESTORE, Finding, Report
from rag.stores.tables import chunks, documents, jobs, spaces, text_pieces, vectors, versions

__all__ = ["Finding", "Report", "check", "repair"]

_AGAIN = "upload the document again, or " + RESTORE
_LOST = (
    "what was sent or deleted last may be missing: do it again (unreferenced files may be what was sent), "
    "then `footnote fsck --repair` forgets this"
)
_WAITING = (DocumentState.QUEUED, DocumentState.PROCESSING)


def check(database: Database, blobs: BlobStore, indexes: Path, *, read_files: bool = False) -> Report:
    """Look at everything, change nothing.

    Args:
        indexes: the folder of the index snapshots.
        read_files: also compare every original file, and every place that an answer rests on, with its
            SHA-256, which reads them all.
    """
    report = Report()
    lost = log_damage.noted(database.path)
    if lost is not None:
        when = time.strftime("%Y-%m-%d %H:%M", time.localtime(lost.noticed_at))
        report.add("log_cut_short", f"Commits SQLite passed over, noticed {when}", range(lost.commits), _LOST)
    with database.read() as tx:
        report.documents = tx.scalar(select(func.count()).select_from(documents)) or 0
        report.chunks = tx.scalar(select(func.count()).select_from(chunks)) or 0
        _check_database(tx, report)
        if any(one.code == "database_damaged" for one in report.findings):
            return report  # whatever else were found could be wrong
        _check_chunks(tx, report)
        _check_texts(tx, report)
        _check_queue(tx, report)
        answer_checks.check(tx, report, read_quotations=read_files)
        _check_files(tx, blobs, report, read_files, 0.0 if lost else BLOB_GRACE_SECONDS)
        _check_indexes(tx, indexes, report)
    return report


def repair(database: Database, blobs: BlobStore, indexes: Path) -> Report:
    """Mend what can be mended without asking anyone; returns what ``check`` finds afterwards.

    Keywords are written anew from the stored text, versions that lost their vectors are read again,
    files that nobody refers to are deleted, and an index that does not fit is left to be rebuilt.
    """
    with database.write() as tx:
        if _damage(tx).keywords:
            keyword_checks.rebuild(tx)
        keyword_checks.mend(tx)
        answer_checks.mend(tx)
        _read_again(tx)
    with database.read() as tx:
        unreferenced = document_catalog.unreferenced(tx, blobs)
        stale = [path for path, _ in _unfit_indexes(tx, indexes)]
    with database.write() as tx:
        document_catalog.collect_blobs(tx, blobs, unreferenced)
    for path in stale:
        shutil.rmtree(path, ignore_errors=True)
    log_damage.forget(database.path)
    return check(database, blobs, indexes)


def _damage(tx: Tx) -> Damage:
    return database_file.damage(tx.connection.driver_connection)


def _check_database(tx: Tx, report: Report) -> None:
    damage = _damage(tx)
    report.add("database_damaged", "SQLite finds damage", damage.file, RESTORE)
    report.add("keywords_damaged", "SQLite finds damage in the full-text index", damage.keywords)
    report.add("orphans", "Rows that refer to something that is gone", damage.orphans, RESTORE)


def _check_chunks(tx: Tx, report: Report) -> None:
    live = select(documents.c.live_version_id).where(documents.c.live_version_id.is_not(None))
    dead = tx.scalars(select(chunks.c.id).where(chunks.c.version_id.not_in(live))).all()
    report.add("chunks_not_live", "Passages of versions that are not searched", dead, _AGAIN)
    uneven = tx.scalars(
        select(versions.c.id)
        .outerjoin(chunks, chunks.c.version_id == versions.c.id)
        .where(versions.c.first_chunk.is_not(None))
        .group_by(versions.c.id)
        .having(func.count(chunks.c.id) != versions.c.last_chunk - versions.c.first_chunk + 1)
    ).all()
    report.add("chunks_missing", "Versions whose passages are not all there", uneven, _AGAIN)
    keyword_checks.check(tx, report)
    report.add("vectors_missing", "Passages without a vector", _without_vector(tx))
    family = func.coalesce(spaces.c.teacher_id, spaces.c.id)
    twice = tx.scalars(
        select(vectors.c.chunk_id)
        .join(spaces, spaces.c.id == vectors.c.space_id)
        .group_by(vectors.c.chunk_id, family)
        .having(func.count() > 1)
    ).all()
    report.add("vectors_twice", "Passages with more than one vector of one model", twice, _AGAIN)


def _check_texts(tx: Tx, report: Report) -> None:
    stored = func.coalesce(func.sum(func.length(text_pieces.c.text)), 0)
    wrong = tx.scalars(
        select(versions.c.id)
        .outerjoin(text_pieces, text_pieces.c.version_id == versions.c.id)
        .where(versions.c.characters.is_not(None))
        .group_by(versions.c.id)
        .having(stored != versions.c.characters)
    ).all()
    report.add("texts_incomplete", "Versions whose text is not all there", wrong, _AGAIN)


def _check_queue(tx: Tx, report: Report) -> None:
    report.add("versions_without_job", "Versions that wait, but for no job", _stranded(tx))


def _check_files(tx: Tx, blobs: BlobStore, report: Report, read_files: bool, grace: float) -> None:
    referenced = set(tx.scalars(select(versions.c.sha256).distinct()))
    present = set(blobs)
    report.files = len(present)
    gone = sorted(referenced - present)
    report.add("files_missing", "Original files that are gone", gone, _AGAIN)
    # A young one may belong to an upload that is about to be committed.
    left = [one for one in sorted(present - referenced) if blobs.age(one) >= grace]
    report.add("files_unreferenced", "Files nobody refers to", left)
    if read_files:
        rotten = [sha256 for sha256 in sorted(referenced & present) if _hash(blobs.path(sha256)) != sha256]
        report.add("files_changed", "Original files that are not what was sent", rotten, _AGAIN)


def _check_indexes(tx: Tx, folder: Path, report: Report) -> None:
    unfit = [f"{path.name} ({why})" for path, why in _unfit_indexes(tx, folder)]
    report.add("index_unfit", "Index snapshots that will be built anew", unfit)


def _without_vector(tx: Tx) -> list[int]:
    return list(tx.scalars(select(chunks.c.id).where(_lost_vector(tx)).order_by(chunks.c.id)))


def _lost_vector(tx: Tx) -> ColumnElement[bool]:
    """Of a chunk: it has no vector in the spaces that are searched."""
    searched = embedders.served(tx)
    there = select(vectors.c.chunk_id)
    return chunks.c.id.not_in(there if searched is None else there.where(vectors.c.space_id.in_(searched)))


def _stranded(tx: Tx) -> list[int]:
    going_on = select(jobs.c.version_id).where(jobs.c.state.in_([JobState.QUEUED, JobState.RUNNING]))
    waiting = versions.c.state.in_(_WAITING)
    return list(tx.scalars(select(versions.c.id).where(waiting, versions.c.id.not_in(going_on))))


def _unfit_indexes(tx: Tx, folder: Path) -> list[tuple[Path, str]]:
    """Snapshots that do not hold what SQL does at the change they stand at; being behind is no fault."""
    known = {row.key: row for row in tx.execute(select(spaces))}
    found = []
    for path in sorted(folder.iterdir()) if folder.is_dir() else []:
        if path.name == keyword_segments.FOLDER:
            if keyword_segments.read_manifest(path).parts and not keyword_segments.load(tx, path):
                found.append((path, "damaged, or of another database"))
            continue
        manifest = index_snapshots.manifest_of(path)
        if manifest is None or manifest.space not in known:
            found.append((path, "damaged, or of an unknown model"))
            continue
        row = known[manifest.space]
        loaded = index_snapshots.load(path, row.key, row.dimension)
        if loaded is None:
            found.append((path, "damaged, or of another release"))
        elif loaded[1] > chunk_store.newest_change(tx, row.id):
            found.append((path, "ahead of the database"))
        elif loaded[1] == chunk_store.newest_change(tx, row.id):
            stored = tx.scalars(select(vectors.c.chunk_id).where(vectors.c.space_id == row.id)).all()
            if loaded[0].ids() != set(stored):
                found.append((path, "other passages than the database"))
    return found


def _read_again(tx: Tx) -> None:
    """Queue versions that wait for nothing, and live ones with passages that have lost their vectors."""
    hurt = set(tx.scalars(select(chunks.c.version_id).where(_lost_vector(tx))))
    for version_id in hurt:
        document_id = tx.scalar(select(versions.c.document_id).where(versions.c.id == version_id))
        assert document_id is not None
        chunk_store.withdraw(tx, document_id)
    for version_id in sorted(hurt | set(_stranded(tx))):
        row = tx.execute(
            select(versions.c.document_id, versions.c.size).where(versions.c.id == version_id)
        ).one()
        document_catalog.requeue(tx, version_id)
        job_queue.enqueue(tx, row.document_id, version_id, size=row.size)


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
