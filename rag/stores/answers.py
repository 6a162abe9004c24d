"""Answers as they were delivered: kept, found again, deleted, and rid of what deleted documents said."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Row, bindparam, delete, exists, insert, select, update

from rag.errors import Gone, NotFound
from rag.records import DocumentRef, VersionStatus
from rag.stores import receipt_rows
from rag.stores.access import Access
from rag.stores.chunk_store import status_of
from rag.stores.database import Tx
from rag.stores.receipt import Receipt, ReceiptSpan, without
from rag.stores.tables import (
    answer_spans,
    answers,
    chunks,
    conversation_turns,
    deleted_answers,
    documents,
    versions,
)

T = TypeVar("T")

_BATCH = 500
"""Values in one statement: SQLite bounds them."""


@dataclass(frozen=True, slots=True)
class Source:
    """A version of a document as it is now; ``version_id`` None once the document is deleted."""

    document: DocumentRef
    version_id: int | None


@dataclass(frozen=True, slots=True)
class ChunkPlace:
    """Where a passage stands, as a search says it."""

    page: int | None
    locator: str
    headings: tuple[str, ...]


Sources = Mapping[tuple[str, int], Source]
"""By the document's public id and the version's number."""


def keep(tx: Tx, receipt: Receipt) -> tuple[int, Receipt]:
    """Store a receipt; returns its key and what is stored, as ``as_kept`` gives it."""
    receipt = as_kept(tx, receipt)
    key: int = tx.execute(insert(answers).returning(answers.c.id), receipt_rows.row_of(receipt)).scalar_one()
    if receipt.spans:
        tx.execute(
            insert(answer_spans),
            [
                {"answer_id": key, "position": position, **receipt_rows.row_of_span(span)}
                for position, span in enumerate(receipt.spans)
            ],
        )
    return key, receipt


def as_kept(tx: Tx, receipt: Receipt) -> Receipt:
    """The receipt without what documents said that have been deleted since they were found."""
    named = {span.document for span in receipt.spans}
    present: set[str] = set()
    for some in _batched(named):
        present.update(tx.scalars(select(documents.c.public_id).where(documents.c.public_id.in_(some))))
    return without(receipt, named - present)


def is_known(tx: Tx, public_id: str) -> bool:
    """Whether there is, or was, a receipt with this id."""
    kept = select(answers.c.id).where(answers.c.public_id == public_id)
    deleted = select(deleted_answers.c.public_id).where(deleted_answers.c.public_id == public_id)
    return tx.scalar(kept) is not None or tx.scalar(deleted) is not None


def get(tx: Tx, access: Access, public_id: str) -> Receipt:
    """Raises ``NotFound`` (``answer_not_found``) or ``Gone`` (``answer_deleted``)."""
    mine = access.owner.owns(answers)
    rows = tx.execute(select(answers).where(answers.c.public_id == public_id, mine)).all()
    if not rows:
        raise _missing(tx, access, public_id)
    return _receipts(tx, rows)[0]


def page_of(
    tx: Tx,
    access: Access,
    *,
    limit: int,
    after: int | None = None,
    conversation: str | None = None,
    document: str | None = None,
) -> tuple[Sequence[Receipt], int | None]:
    """Up to ``limit`` receipts, newest first, and the cursor of the next page (None at the end).

    ``document`` is the public id of one that they cite, which may be deleted.
    """
    where: list[ColumnElement[bool]] = [access.owner.owns(answers)]
    if after is not None:
        where.append(answers.c.id < after)
    if conversation is not None:
        where.append(answers.c.conversation == conversation)
    if document is not None:
        where.append(
            exists().where(
                answer_spans.c.answer_id == answers.c.id,
                answer_spans.c.document == document,
                answer_spans.c.citation.is_not(None),
            )
        )
    rows = tx.execute(select(answers).where(*where).order_by(answers.c.id.desc()).limit(limit + 1)).all()
    following = rows[limit - 1].id if len(rows) > limit else None
    return _receipts(tx, rows[:limit]), following


def sources(tx: Tx, receipts: Iterable[Receipt]) -> Sources:
    """What the versions that receipts name are now."""
    wanted = {(span.document, span.version) for receipt in receipts for span in receipt.spans}
    found: dict[tuple[str, int], Source] = {
        (document, number): Source(DocumentRef(document, "", number, VersionStatus.DELETED), None)
        for document, number in wanted
    }
    for some in _batched({document for document, _ in wanted}):
        rows = tx.execute(
            select(
                documents.c.public_id,
                documents.c.latest_version,
                versions.c.id,
                versions.c.number,
                versions.c.name,
            )
            .join(versions, versions.c.document_id == documents.c.id)
            .where(documents.c.public_id.in_(some))
        )
        for row in rows:
            if (row.public_id, row.number) in wanted:
                status = status_of(row.number, row.latest_version)
                reference = DocumentRef(row.public_id, row.name, row.number, status)
                found[row.public_id, row.number] = Source(reference, row.id)
    return found


def chunk_place(tx: Tx, version_id: int, span: ReceiptSpan) -> ChunkPlace | None:
    """Where the chunk of exactly this span stands; None when its version is not searched any more."""
    row = tx.execute(
        select(chunks.c.page, chunks.c.locator, chunks.c.headings)
        .where(chunks.c.version_id == version_id, chunks.c.start == span.start, chunks.c.end == span.end)
        .limit(1)
    ).first()
    return None if row is None else ChunkPlace(row.page, row.locator, tuple(row.headings or ()))


def remove(tx: Tx, access: Access, public_id: str) -> None:
    """Delete a receipt for good, with its turn of a conversation. Raises as ``get`` does."""
    owner = get(tx, access, public_id).owner
    tx.execute(delete(answers).where(answers.c.public_id == public_id))
    tx.execute(insert(deleted_answers).values(public_id=public_id, deleted_at=time.time(), **owner.columns()))


def any_expired(tx: Tx, before: float, traces_before: float) -> bool:
    """Whether ``expire`` would find something to delete."""
    found = (
        select(answers.c.id).where(answers.c.created_at < before),
        select(conversation_turns.c.id).where(conversation_turns.c.created_at < traces_before),
        select(deleted_answers.c.public_id).where(deleted_answers.c.deleted_at < traces_before),
    )
    return any(tx.scalar(one.limit(1)) is not None for one in found)


def expire(tx: Tx, before: float, traces_before: float, limit: int) -> None:
    """Delete up to ``limit`` receipts from before that time (seconds since the epoch), oldest first, and
    what was left behind before ``traces_before``: turns of conversations, marks of deleted receipts."""
    tx.execute(delete(conversation_turns).where(conversation_turns.c.created_at < traces_before))
    tx.execute(delete(deleted_answers).where(deleted_answers.c.deleted_at < traces_before))
    old = tx.execute(
        select(answers.c.id, answers.c.public_id, answers.c.tenant_id, answers.c.key_id)
        .where(answers.c.created_at < before)
        .order_by(answers.c.created_at)
        .limit(limit)
    ).all()
    if old:
        mark = {"deleted_at": time.time()}
        columns = ("public_id", "tenant_id", "key_id")
        marks = [mark | {name: row._mapping[name] for name in columns} for row in old]
        tx.execute(insert(deleted_answers), marks)
    for some in _batched([row.id for row in old]):
        tx.execute(delete(answers).where(answers.c.id.in_(some)))


def erase_documents(tx: Tx, tenant: int, public_ids: Iterable[str]) -> None:
    """Blank whatever receipts and conversations copied from these documents of a tenant's; see
    ``receipt.without``.

    Turns without a receipt do not say what they rest on, so their answers are blanked with any document.
    """
    gone = frozenset(public_ids)
    affected: set[int] = set()
    for some in _batched(gone):
        affected.update(
            tx.scalars(select(answer_spans.c.answer_id).distinct().where(answer_spans.c.document.in_(some)))
        )
    for keys in _batched(affected):
        rows = tx.execute(select(answers).where(answers.c.id.in_(keys)).order_by(answers.c.id.desc())).all()
        left = [
            _left(row.id, without(receipt, gone))
            for row, receipt in zip(rows, _receipts(tx, rows), strict=True)
        ]
        tx.execute(_WRITE_LEFT, left)
        tx.execute(
            _WRITE_LEFT_TURN, [{"receipt": one["receipt"], "left_answer": one["left_answer"]} for one in left]
        )
        _forget_rewritten(tx, tenant, {row.conversation for row in rows if row.conversation is not None})
    for some in _batched(gone):
        tx.execute(update(answer_spans).where(answer_spans.c.document.in_(some)).values(sha256=None))
    tx.execute(
        update(conversation_turns)
        .where(conversation_turns.c.tenant_id == tenant)
        .where(conversation_turns.c.receipt_id.is_(None), conversation_turns.c.answer != "")
        .values(answer="", standalone=conversation_turns.c.question)
    )


_REUSE = ("reuse_key", "library", "draft_key", "draft")
_ERASABLE = ("standalone", "answer", "sentences", "conflicts", "notes", "prompt_sha256", *_REUSE)
"""The columns ``receipt.without`` changes."""
_WRITE_LEFT = (
    update(answers)
    .where(answers.c.id == bindparam("receipt"))
    .values({name: bindparam(f"left_{name}", type_=answers.c[name].type) for name in _ERASABLE})
)
_WRITE_LEFT_TURN = (
    update(conversation_turns)
    .where(conversation_turns.c.receipt_id == bindparam("receipt"))
    .values(answer=bindparam("left_answer"))
)


def _left(key: int, receipt: Receipt) -> dict[str, Any]:
    row = receipt_rows.row_of(receipt)
    return {"receipt": key} | {f"left_{name}": row[name] for name in _ERASABLE}


def _forget_rewritten(tx: Tx, tenant: int, conversations: Collection[str]) -> None:
    """A follow-up may have been completed with words of an earlier answer: only what was asked stays, and no
    digest of what it was completed to."""
    for some in _batched(conversations):
        tx.execute(
            update(answers)
            .where(answers.c.tenant_id == tenant, answers.c.conversation.in_(some))
            .values(standalone=None, **dict.fromkeys(_REUSE))
        )
        tx.execute(
            update(conversation_turns)
            .where(conversation_turns.c.tenant_id == tenant, conversation_turns.c.conversation.in_(some))
            .values(standalone=conversation_turns.c.question)
        )


def _missing(tx: Tx, access: Access, public_id: str) -> NotFound:
    if _was_deleted(tx, access, public_id):
        return Gone("answer_deleted", "This answer was deleted or has expired; ask the question again.")
    return NotFound("answer_not_found", "There is no answer with this id; list them with GET /v1/answers.")


def _was_deleted(tx: Tx, access: Access, public_id: str) -> bool:
    mine = access.owner.owns(deleted_answers)
    known = select(deleted_answers.c.public_id).where(deleted_answers.c.public_id == public_id, mine)
    return tx.scalar(known) is not None


def _receipts(tx: Tx, rows: Sequence[Row[Any]]) -> list[Receipt]:
    spans: dict[int, list[ReceiptSpan]] = {row.id: [] for row in rows}
    for some in _batched(spans):
        for span in tx.execute(
            select(answer_spans)
            .where(answer_spans.c.answer_id.in_(some))
            .order_by(answer_spans.c.answer_id, answer_spans.c.position)
        ):
            spans[span.answer_id].append(receipt_rows.span_of(span._asdict()))
    return [receipt_rows.receipt_of(row._asdict(), spans[row.id]) for row in rows]


def _batched(values: Iterable[T]) -> Iterator[list[T]]:
    every = list(values)
    for at in range(0, len(every), _BATCH):
        yield every[at : at + _BATCH]
