"""Documents, their versions, and the acceptance of new ones together with the job that will read them."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Row, delete, func, insert, select, update

from rag.errors import Conflict, NotFound
from rag.records import DocumentState, Notice
from rag.stores import chunk_store, job_queue
from rag.stores.blobs import Blob, BlobStore
from rag.stores.collections import Collection
from rag.stores.database import Tx
from rag.stores.identifiers import new_id
from rag.stores.job_queue import Job
from rag.stores.tables import collections, documents, idempotency_keys, versions

BLOB_GRACE_SECONDS = 60.0
"""An unreferenced blob younger than this may belong to an upload that is about to be committed."""


@dataclass(frozen=True, slots=True)
class Version:
    """One immutable state of a document: these bytes under this name."""

    id: int
    number: int
    name: str
    sha256: str
    size: int
    state: DocumentState
    media_type: str | None
    title: str | None
    characters: int | None
    page_count: int | None
    pages_without_text: Sequence[int]
    notices: Sequence[Notice]
    error_code: str | None
    error_detail: str | None
    chunks: int
    created_at: float
    ready_at: float | None


@dataclass(frozen=True, slots=True)
class Document:
    """A document with its newest version; ``live_version`` is the number that is searched, if any."""

    id: int
    public_id: str
    name: str
    collection: str
    metadata: Mapping[str, Any]
    newest: Version
    live_version: int | None
    created_at: float
    updated_at: float


@dataclass(frozen=True, slots=True)
class Accepted:
    """The outcome of an upload. ``duplicate`` means the very bytes were there and nothing was added."""

    document: Document
    job: Job
    duplicate: bool


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """The caller's key and a hash of everything that makes the request what it is."""

    key: str
    request_hash: str


def accept(
    tx: Tx,
    blob: Blob,
    name: str,
    collection: Collection,
    metadata: Mapping[str, Any],
    idempotency: IdempotencyKey | None = None,
) -> Accepted:
    """Enter a new document and its job; the same bytes in the same collection come back as a duplicate.

    Raises ``Conflict`` (``idempotency_key_reused``) when the key stands for another request.
    """
    earlier = _replayed(tx, idempotency)
    if earlier:
        return earlier
    same = tx.scalar(
        select(documents.c.public_id)
        .join(versions, versions.c.document_id == documents.c.id)
        .where(documents.c.collection_id == collection.id, versions.c.sha256 == blob.sha256)
        .where(versions.c.number == documents.c.latest_version, versions.c.state != DocumentState.FAILED)
        .limit(1)
    )
    if same is not None:
        document = get(tx, same)
        accepted = Accepted(document, job_queue.newest_of(tx, document.newest.id), duplicate=True)
    else:
        accepted = create(tx, blob, name, collection, metadata)
    _remember(tx, idempotency, accepted)
    return accepted


def create(tx: Tx, blob: Blob, name: str, collection: Collection, metadata: Mapping[str, Any]) -> Accepted:
    """Enter a new document and its job even if the same bytes are there already."""
    now = time.time()
    key = tx.execute(
        insert(documents).values(
            public_id=new_id("doc"),
            collection_id=collection.id,
            name=name,
            metadata=dict(metadata),
            latest_version=0,
            created_at=now,
            updated_at=now,
        )
    ).inserted_primary_key
    assert key is not None
    return _add_version(tx, key[0], blob, name)


def accept_version(
    tx: Tx, document: Document, blob: Blob, name: str, idempotency: IdempotencyKey | None = None
) -> Accepted:
    """Enter a new version; the live one is searched until the new one is ready.

    The newest version's own bytes under its own name come back as a duplicate, unless it failed.
    """
    earlier = _replayed(tx, idempotency)
    if earlier:
        return earlier
    newest = document.newest
    unchanged = (newest.sha256, newest.name) == (blob.sha256, name) and newest.state != DocumentState.FAILED
    if unchanged:
        accepted = Accepted(document, job_queue.newest_of(tx, newest.id), duplicate=True)
    else:
        accepted = _add_version(tx, document.id, blob, name)
    _remember(tx, idempotency, accepted)
    return accepted


def get(tx: Tx, public_id: str) -> Document:
    """Raises ``NotFound`` (``document_not_found``)."""
    row = tx.execute(_document_query().where(documents.c.public_id == public_id)).first()
    if row is None:
        raise NotFound(
            "document_not_found", "There is no document with this id; list them with GET /v1/documents."
        )
    return _document(row)


def by_name(tx: Tx, collection: Collection, names: Sequence[str]) -> Sequence[Document]:
    """The documents of a collection with one of these names, in no particular order."""
    rows = tx.execute(
        _document_query().where(documents.c.collection_id == collection.id, documents.c.name.in_(names))
    )
    return [_document(row) for row in rows]


def by_id(tx: Tx, document_id: int) -> Document:
    row = tx.execute(_document_query().where(documents.c.id == document_id)).first()
    if row is None:
        raise NotFound("document_not_found", "The document was deleted.")
    return _document(row)


def page_of(
    tx: Tx,
    *,
    limit: int,
    after: int | None = None,
    collection: Collection | None = None,
    state: DocumentState | None = None,
    name_contains: str | None = None,
) -> tuple[Sequence[Document], int | None]:
    """Up to ``limit`` documents, newest first, and the cursor of the next page (None at the end)."""
    where: list[ColumnElement[bool]] = []
    if after is not None:
        where.append(documents.c.id < after)
    if collection is not None:
        where.append(documents.c.collection_id == collection.id)
    if state is not None:
        where.append(versions.c.state == state)
    if name_contains:
        where.append(documents.c.name.icontains(name_contains, autoescape=True))
    rows = tx.execute(_document_query().where(*where).order_by(documents.c.id.desc()).limit(limit + 1)).all()
    found = [_document(row) for row in rows[:limit]]
    return found, (found[-1].id if len(rows) > limit else None)


def version(tx: Tx, document: Document, number: int | None = None) -> Version:
    """One version; without ``number`` the live one, or the newest while none is live.

    Raises ``NotFound`` (``version_not_found``).
    """
    wanted = number if number is not None else document.live_version or document.newest.number
    row = tx.execute(
        select(versions).where(versions.c.document_id == document.id, versions.c.number == wanted)
    ).first()
    if row is None:
        raise NotFound("version_not_found", f"The document has no version {wanted}.")
    return _version(row)


def set_metadata(tx: Tx, document: Document, metadata: Mapping[str, Any]) -> None:
    tx.execute(
        update(documents)
        .where(documents.c.id == document.id)
        .values(metadata=dict(metadata), updated_at=time.time())
    )


def remove(tx: Tx, document: Document) -> Sequence[str]:
    """Withdraw the document from every search and remove its text, vectors, versions and jobs, at once.

    Returns the SHA-256 of the files it had; hand them to ``collect_blobs`` once this is committed.
    """
    chunk_store.withdraw(tx, document.id)
    hashes = tx.scalars(select(versions.c.sha256).where(versions.c.document_id == document.id)).all()
    tx.execute(delete(documents).where(documents.c.id == document.id))
    return sorted(set(hashes))


def collect_blobs(tx: Tx, blobs: BlobStore, hashes: Iterable[str]) -> None:
    """Delete those files that no version refers to. Nothing else may be written in this transaction:
    a file cannot be rolled back."""
    for sha256 in hashes:
        if tx.scalar(select(versions.c.id).where(versions.c.sha256 == sha256).limit(1)) is None:
            blobs.delete(sha256, BLOB_GRACE_SECONDS)


def unreferenced(tx: Tx, hashes: Iterable[str]) -> Sequence[str]:
    """Those of the SHA-256 that no version refers to at this moment: candidates for ``collect_blobs``."""
    return sorted(set(hashes) - set(tx.scalars(select(versions.c.sha256).distinct())))


def start_processing(tx: Tx, version_id: int) -> None:
    tx.execute(update(versions).where(versions.c.id == version_id).values(state=DocumentState.PROCESSING))


def fail(tx: Tx, version_id: int, code: str, detail: str) -> None:
    """The version cannot be read; an older live version stays live."""
    tx.execute(
        update(versions)
        .where(versions.c.id == version_id)
        .values(state=DocumentState.FAILED, error_code=code, error_detail=detail)
    )


def requeue(tx: Tx, version_id: int) -> None:
    tx.execute(update(versions).where(versions.c.id == version_id).values(state=DocumentState.QUEUED))


def counts_by_state(tx: Tx) -> dict[str, int]:
    """How many documents are in each state (that of their newest version)."""
    rows = tx.execute(
        select(versions.c.state, func.count())
        .join(documents, documents.c.id == versions.c.document_id)
        .where(versions.c.number == documents.c.latest_version)
        .group_by(versions.c.state)
    )
    return dict(rows.all())


def _add_version(tx: Tx, document_id: int, blob: Blob, name: str) -> Accepted:
    now = time.time()
    number = tx.scalar(
        update(documents)
        .where(documents.c.id == document_id)
        .values(latest_version=documents.c.latest_version + 1, name=name, updated_at=now)
        .returning(documents.c.latest_version)
    )
    key = tx.execute(
        insert(versions).values(
            document_id=document_id,
            number=number,
            name=name,
            sha256=blob.sha256,
            size=blob.size,
            state=DocumentState.QUEUED,
            pages_without_text=[],
            notices=[],
            created_at=now,
        )
    ).inserted_primary_key
    assert key is not None
    job = job_queue.enqueue(tx, document_id, key[0])
    return Accepted(by_id(tx, document_id), job, duplicate=False)


def _replayed(tx: Tx, idempotency: IdempotencyKey | None) -> Accepted | None:
    if idempotency is None:
        return None
    row = tx.execute(select(idempotency_keys).where(idempotency_keys.c.key == idempotency.key)).first()
    if row is None:
        return None
    if row.request_hash != idempotency.request_hash:
        raise Conflict(
            "idempotency_key_reused", "This Idempotency-Key was used for another request; choose a new one."
        )
    return Accepted(by_id(tx, row.document_id), job_queue.by_id(tx, row.job_id), duplicate=False)


def _remember(tx: Tx, idempotency: IdempotencyKey | None, accepted: Accepted) -> None:
    if idempotency is not None:
        tx.execute(
            insert(idempotency_keys).values(
                key=idempotency.key,
                request_hash=idempotency.request_hash,
                document_id=accepted.document.id,
                job_id=accepted.job.id,
                created_at=time.time(),
            )
        )


_live = versions.alias("live")


def _document_query() -> Any:
    """Documents with their newest version, whose columns keep their names; the others are prefixed."""
    return (
        select(
            versions,
            documents.c.id.label("doc_id"),
            documents.c.public_id,
            documents.c.name.label("doc_name"),
            documents.c.metadata.label("doc_metadata"),
            documents.c.created_at.label("doc_created_at"),
            documents.c.updated_at.label("doc_updated_at"),
            collections.c.name.label("collection"),
            _live.c.number.label("live_number"),
        )
        .join(versions, versions.c.document_id == documents.c.id)
        .join(collections, collections.c.id == documents.c.collection_id)
        .outerjoin(_live, _live.c.id == documents.c.live_version_id)
        .where(versions.c.number == documents.c.latest_version)
    )


def _document(row: Row[Any]) -> Document:
    return Document(
        id=row.doc_id,
        public_id=row.public_id,
        name=row.doc_name,
        collection=row.collection,
        metadata=row.doc_metadata,
        newest=_version(row),
        live_version=row.live_number,
        created_at=row.doc_created_at,
        updated_at=row.doc_updated_at,
    )


def _version(row: Row[Any]) -> Version:
    return Version(
        id=row.id,
        number=row.number,
        name=row.name,
        sha256=row.sha256,
        size=row.size,
        state=DocumentState(row.state),
        media_type=row.media_type,
        title=row.title,
        characters=row.characters,
        page_count=row.page_count,
        pages_without_text=row.pages_without_text,
        notices=[Notice(**notice) for notice in row.notices],
        error_code=row.error_code,
        error_detail=row.error_detail,
        chunks=0 if row.first_chunk is None else row.last_chunk - row.first_chunk + 1,
        created_at=row.created_at,
        ready_at=row.ready_at,
    )
