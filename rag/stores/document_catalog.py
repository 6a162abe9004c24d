"""Documents and their versions: found, described, removed. ``acceptance`` is how they come in."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Row, bindparam, delete, func, insert, select, update

from rag.errors import Conflict, Gone, NotFound
from rag.records import DocumentState, Notice, PageKind
from rag.stores import answers, chunk_store, document_names
from rag.stores.access import Access
from rag.stores.blobs import BlobStore
from rag.stores.collections import Collection
from rag.stores.database import Tx
from rag.stores.tables import collections, deleted_documents, documents, versions

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
    page_kind: PageKind | None
    pages_without_text: Sequence[int]
    notices: Sequence[Notice]
    quality: Mapping[str, Any] | None
    error_code: str | None
    error_detail: str | None
    chunks: int
    refined_chunks: int
    created_at: float
    ready_at: float | None
    refined_at: float | None


@dataclass(frozen=True, slots=True)
class Document:
    """A document with its newest version; ``live_version`` is the number that is searched, if any.

    ``source`` is its path in the folder it was taken from; ``parent`` the id of the document it was found
    in, ``depth`` how many are around it; ``children`` counts those found in it.
    """

    id: int
    public_id: str
    name: str
    collection: str
    metadata: Mapping[str, Any]
    source: str | None
    parent: str | None
    depth: int
    children: int
    newest: Version
    live_version: int | None
    created_at: float
    updated_at: float


def get(tx: Tx, access: Access, public_id: str) -> Document:
    """Raises ``NotFound`` (``document_not_found``) or ``Gone`` (``document_deleted``)."""
    row = tx.execute(
        _document_query().where(documents.c.public_id == public_id, access.to_collection())
    ).first()
    if row is None and _was_deleted(tx, access, public_id):
        raise Gone("document_deleted", "This document was deleted for good; nothing of it is left.")
    if row is None:
        raise NotFound(
            "document_not_found", "There is no document with this id; list them with GET /v1/documents."
        )
    return _document(row)


def by_source(tx: Tx, collection: Collection, source: str) -> Document | None:
    """The document of a collection that was taken from ``source``."""
    row = tx.execute(
        _document_query().where(documents.c.collection_id == collection.id, documents.c.source == source)
    ).first()
    return None if row is None else _document(row)


def children_of(tx: Tx, parent: Document) -> Sequence[Document]:
    """The documents found in ``parent`` itself."""
    rows = tx.execute(_document_query().where(documents.c.parent_id == parent.id))
    return [_document(row) for row in rows]


def by_name(tx: Tx, collection: Collection, names: Sequence[str]) -> Sequence[Document]:
    """The documents of a collection with one of these names, in no particular order."""
    rows = tx.execute(
        _document_query().where(documents.c.collection_id == collection.id, documents.c.name.in_(names))
    )
    return [_document(row) for row in rows]


def by_id(tx: Tx, document_id: int) -> Document:
    row = tx.execute(_document_by_id(), {"wanted": document_id}).first()
    if row is None:
        raise NotFound("document_not_found", "The document was deleted.")
    return _document(row)


def page_of(
    tx: Tx,
    access: Access,
    *,
    limit: int,
    after: int | None = None,
    collection: Collection | None = None,
    state: DocumentState | None = None,
    name_contains: str | None = None,
    source_prefix: str | None = None,
    parent: Document | None = None,
    sha256: str | None = None,
    media_types: Sequence[str] | None = None,
) -> tuple[Sequence[Document], int | None]:
    """Up to ``limit`` documents, newest first, and the cursor of the next page (None at the end)."""
    where: list[ColumnElement[bool]] = [access.to_collection()]
    if after is not None:
        where.append(documents.c.id < after)
    if collection is not None:
        where.append(documents.c.collection_id == collection.id)
    if state is not None:
        where.append(versions.c.state == state)
    if name_contains:
        where.append(documents.c.name.icontains(name_contains, autoescape=True))
    if source_prefix is not None:
        # As a range, so that the index serves; U+10FFFF is the last character there is.
        where.append(documents.c.source.between(source_prefix, source_prefix + "\U0010ffff"))
    if parent is not None:
        where.append(documents.c.parent_id == parent.id)
    if sha256 is not None:
        where.append(versions.c.sha256 == sha256)
    if media_types is not None:
        where.append(versions.c.media_type.in_(media_types))
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


def versions_of(tx: Tx, document: Document) -> Sequence[Version]:
    """Every version, newest first."""
    rows = tx.execute(
        select(versions).where(versions.c.document_id == document.id).order_by(versions.c.number.desc())
    )
    return [_version(row) for row in rows]


def set_source(tx: Tx, document: Document, source: str | None) -> None:
    """Say where the document lies now. Raises ``Conflict`` (``source_taken``)."""
    collection_id = select(documents.c.collection_id).where(documents.c.id == document.id).scalar_subquery()
    taken = tx.scalar(
        select(documents.c.id).where(
            documents.c.collection_id == collection_id,
            documents.c.source == source,
            documents.c.id != document.id,
        )
    )
    if source is not None and taken is not None:
        raise Conflict(
            "source_taken",
            "Another document of the collection has this source; delete or move that one first.",
        )
    tx.execute(
        update(documents).where(documents.c.id == document.id).values(source=source, updated_at=time.time())
    )


def set_metadata(tx: Tx, document: Document, metadata: Mapping[str, Any]) -> None:
    tx.execute(
        update(documents)
        .where(documents.c.id == document.id)
        .values(metadata=dict(metadata), updated_at=time.time())
    )
    live = tx.scalar(_LIVE_VERSION, {"wanted": document.id})
    if live is not None:
        document_names.enter(tx, live)


def remove(tx: Tx, document: Document) -> Sequence[str]:
    """Withdraw the document from every search and remove its text, vectors, versions and jobs, at once,
    and with it the documents found in it and what answers copied from any of them. Nothing but the ids
    is kept.

    Returns the SHA-256 of the files they had; hand them to ``collect_blobs`` once this is committed.
    """
    inside = _with_descendants(tx, document.id)
    hashes = tx.scalars(select(versions.c.sha256).where(versions.c.document_id.in_(list(inside)))).all()
    for key in inside:
        chunk_store.withdraw(tx, key)
    # Where they were says who may hear that they are gone; what is inside a document is where it is.
    place = tx.execute(
        select(collections.c.tenant_id, collections.c.id.label("collection_id"))
        .join(documents, documents.c.collection_id == collections.c.id)
        .where(documents.c.id == document.id)
    ).one()
    answers.erase_documents(tx, place.tenant_id, inside.values())
    mark = {"deleted_at": time.time(), **place._mapping}
    tx.execute(insert(deleted_documents), [{"public_id": public_id, **mark} for public_id in inside.values()])
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
    tx.execute(_SET_STATE, {"wanted": version_id, "state": DocumentState.PROCESSING})


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


def _with_descendants(tx: Tx, document_id: int) -> dict[int, str]:
    """Ids and public ids of a document and of all that were found in it, however deep."""
    tree = (
        select(documents.c.id, documents.c.public_id).where(documents.c.id == document_id).cte(recursive=True)
    )
    below = select(documents.c.id, documents.c.public_id).join(tree, documents.c.parent_id == tree.c.id)
    return dict(tx.execute(select(tree.union_all(below))).all())


def _was_deleted(tx: Tx, access: Access, public_id: str) -> bool:
    known = select(deleted_documents.c.public_id).where(
        deleted_documents.c.public_id == public_id, deleted_documents.c.tenant_id == access.tenant
    )
    if access.collections is not None:
        known = known.where(deleted_documents.c.collection_id.in_(sorted(access.collections)))
    return tx.scalar(known) is not None


_LIVE_VERSION = (
    select(versions.c.id)
    .join(documents, documents.c.live_version_id == versions.c.id)
    .where(documents.c.id == bindparam("wanted"), versions.c.first_chunk.is_not(None))
)
_SET_STATE = update(versions).where(versions.c.id == bindparam("wanted"))
_live = versions.alias("live")
_parent = documents.alias("parent")
_child = documents.alias("child")


@cache  # building it anew takes longer than running it
def _document_query() -> Any:
    """Documents with their newest version, whose columns keep their names; the others are prefixed."""
    return (
        select(
            versions,
            documents.c.id.label("doc_id"),
            documents.c.public_id,
            documents.c.name.label("doc_name"),
            documents.c.metadata.label("doc_metadata"),
            documents.c.source,
            documents.c.depth,
            _parent.c.public_id.label("parent"),
            select(func.count())
            .select_from(_child)
            .where(_child.c.parent_id == documents.c.id)
            .scalar_subquery()
            .label("children"),
            documents.c.created_at.label("doc_created_at"),
            documents.c.updated_at.label("doc_updated_at"),
            collections.c.name.label("collection"),
            _live.c.number.label("live_number"),
        )
        .join(versions, versions.c.document_id == documents.c.id)
        .join(collections, collections.c.id == documents.c.collection_id)
        .outerjoin(_parent, _parent.c.id == documents.c.parent_id)
        .outerjoin(_live, _live.c.id == documents.c.live_version_id)
        .where(versions.c.number == documents.c.latest_version)
    )


@cache
def _document_by_id() -> Any:
    return _document_query().where(documents.c.id == bindparam("wanted"))


def _document(row: Row[Any]) -> Document:
    return Document(
        id=row.doc_id,
        public_id=row.public_id,
        name=row.doc_name,
        collection=row.collection,
        metadata=row.doc_metadata,
        source=row.source,
        parent=row.parent,
        depth=row.depth,
        children=row.children,
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
        page_kind=None if row.page_kind is None else PageKind(row.page_kind),
        pages_without_text=row.pages_without_text,
        notices=[Notice(**notice) for notice in row.notices],
        quality=row.quality,
        error_code=row.error_code,
        error_detail=row.error_detail,
        chunks=0 if row.first_chunk is None else row.last_chunk - row.first_chunk + 1,
        refined_chunks=row.refined_chunks,
        created_at=row.created_at,
        ready_at=row.ready_at,
        refined_at=row.refined_at,
    )
