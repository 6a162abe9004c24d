"""How documents come in: entered together with the job that reads them, or recognised as there already."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, insert, select, update

from rag.errors import Conflict
from rag.records import DocumentState
from rag.stores import document_catalog, job_queue
from rag.stores.blobs import Blob
from rag.stores.collections import Collection
from rag.stores.database import Tx
from rag.stores.document_catalog import Document
from rag.stores.identifiers import new_id
from rag.stores.job_queue import Job
from rag.stores.tables import documents, idempotency_keys, versions


@dataclass(frozen=True, slots=True)
class Accepted:
    """The outcome of an upload. ``duplicate`` means the very bytes were there and nothing was added."""

    document: Document
    job: Job
    duplicate: bool


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """The caller's tenant and key, and a hash of everything that makes the request what it is."""

    tenant: int
    key: str
    request_hash: str


def accept(
    tx: Tx,
    blob: Blob,
    name: str,
    collection: Collection,
    metadata: Mapping[str, Any],
    idempotency: IdempotencyKey | None = None,
    *,
    source: str | None = None,
    uploader: str | None = None,
) -> Accepted:
    """Enter a new document and its job; the same bytes in the same collection come back as a duplicate.

    What comes from a ``source`` that is known already is a new version of that document. ``uploader`` is
    whose turn the job counts for; the collection stands in for one.

    Raises ``Conflict`` (``idempotency_key_reused``) when the key stands for another request.
    """
    earlier = _replayed(tx, idempotency)
    if earlier:
        return earlier
    whose = uploader or collection.name
    known = None if source is None else document_catalog.by_source(tx, collection, source)
    if known is not None:
        if metadata:
            document_catalog.set_metadata(tx, known, metadata)
        accepted = accept_version(tx, known, blob, name, uploader=whose)
    else:
        accepted = _same_bytes(tx, blob, collection, source) or create(
            tx, blob, name, collection, metadata, source=source, uploader=whose
        )
    _remember(tx, idempotency, accepted)
    return accepted


def create(
    tx: Tx,
    blob: Blob,
    name: str,
    collection: Collection,
    metadata: Mapping[str, Any],
    *,
    source: str | None = None,
    uploader: str | None = None,
) -> Accepted:
    """Enter a new document and its job even if the same bytes are there already."""
    key = _insert_document(
        tx, name=name, collection_id=collection.id, metadata=dict(metadata), source=source, depth=0
    )
    return _add_version(tx, key, blob, name, uploader or collection.name)


def accept_version(
    tx: Tx,
    document: Document,
    blob: Blob,
    name: str,
    idempotency: IdempotencyKey | None = None,
    *,
    uploader: str | None = None,
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
        accepted = _add_version(tx, document.id, blob, name, uploader or document.collection)
    _remember(tx, idempotency, accepted)
    return accepted


def replace_children(
    tx: Tx, parent: Document, members: Sequence[tuple[str, Blob]], uploader: str
) -> Sequence[Accepted]:
    """Make the documents found in ``parent`` those of its present version, each with a job of its own.

    A member whose name was there before becomes a new version; what is no longer there is removed.
    Returns what was entered. The files of removed children are collected as unreferenced later on.
    """
    before = {child.name: child for child in document_catalog.children_of(tx, parent)}
    root = tx.scalar(
        select(func.coalesce(documents.c.root_id, documents.c.id)).where(documents.c.id == parent.id)
    )
    entered = []
    for name, blob in members:
        known = before.pop(name, None)
        if known is not None:
            entered.append(accept_version(tx, known, blob, name, uploader=uploader))
            continue
        key = _insert_document(
            tx,
            name=name,
            collection_id=tx.scalar(select(documents.c.collection_id).where(documents.c.id == parent.id)),
            metadata=dict(parent.metadata),
            parent_id=parent.id,
            root_id=root,
            depth=parent.depth + 1,
        )
        entered.append(_add_version(tx, key, blob, name, uploader))
    for gone in before.values():
        document_catalog.remove(tx, gone)
    return entered


@dataclass(frozen=True, slots=True)
class Descent:
    """What is inside an outermost document already, at any depth: how many documents, how many bytes."""

    documents: int
    bytes: int


def descent(tx: Tx, document: Document) -> Descent:
    """How much the outermost document around ``document`` has brought with it so far."""
    root = select(func.coalesce(documents.c.root_id, documents.c.id)).where(documents.c.id == document.id)
    row = tx.execute(
        select(func.count(), func.coalesce(func.sum(versions.c.size), 0))
        .select_from(documents)
        .join(versions, versions.c.document_id == documents.c.id)
        .where(documents.c.root_id == root.scalar_subquery())
    ).one()
    return Descent(row[0], row[1])


def _same_bytes(tx: Tx, blob: Blob, collection: Collection, source: str | None) -> Accepted | None:
    """The document of a collection that has these very bytes, unless it cannot be read.

    A file of a folder is one with a document that came without a source, and from then on has one. A
    copy elsewhere in the folder is a document of its own: it may change on its own.
    """
    same = (
        select(documents.c.id)
        .join(versions, versions.c.document_id == documents.c.id)
        .where(documents.c.collection_id == collection.id, versions.c.sha256 == blob.sha256)
        .where(versions.c.number == documents.c.latest_version, versions.c.state != DocumentState.FAILED)
        .where(documents.c.parent_id.is_(None))
        .limit(1)
    )
    if source is not None:
        same = same.where(documents.c.source.is_(None))
    document_id = tx.scalar(same)
    if document_id is None:
        return None
    document = document_catalog.by_id(tx, document_id)
    if source is not None:
        document_catalog.set_source(tx, document, source)
        document = document_catalog.by_id(tx, document_id)
    return Accepted(document, job_queue.newest_of(tx, document.newest.id), duplicate=True)


def _insert_document(tx: Tx, **values: Any) -> int:
    now = time.time()
    key = tx.execute(
        insert(documents).values(
            public_id=new_id("doc"), latest_version=0, created_at=now, updated_at=now, **values
        )
    ).inserted_primary_key
    assert key is not None
    return int(key[0])


def _add_version(tx: Tx, document_id: int, blob: Blob, name: str, uploader: str) -> Accepted:
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
    job = job_queue.enqueue(tx, document_id, key[0], uploader=uploader, size=blob.size)
    return Accepted(document_catalog.by_id(tx, document_id), job, duplicate=False)


def _replayed(tx: Tx, idempotency: IdempotencyKey | None) -> Accepted | None:
    if idempotency is None:
        return None
    row = tx.execute(
        select(idempotency_keys).where(
            idempotency_keys.c.tenant_id == idempotency.tenant, idempotency_keys.c.key == idempotency.key
        )
    ).first()
    if row is None:
        return None
    if row.request_hash != idempotency.request_hash:
        raise Conflict(
            "idempotency_key_reused", "This Idempotency-Key was used for another request; choose a new one."
        )
    return Accepted(
        document_catalog.by_id(tx, row.document_id), job_queue.by_id(tx, row.job_id), duplicate=False
    )


def _remember(tx: Tx, idempotency: IdempotencyKey | None, accepted: Accepted) -> None:
    if idempotency is not None:
        tx.execute(
            insert(idempotency_keys).values(
                tenant_id=idempotency.tenant,
                key=idempotency.key,
                request_hash=idempotency.request_hash,
                document_id=accepted.document.id,
                job_id=accepted.job.id,
                created_at=time.time(),
            )
        )
