"""Finding an earlier answer that would be given again, by digests of what decides it."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select

from rag.records import Cached, CachedPart
from rag.stores import receipt_rows
from rag.stores.access import Access, Owner
from rag.stores.database import Tx
from rag.stores.receipt import Draft
from rag.stores.tables import answers, collections


@dataclass(frozen=True, slots=True)
class Earlier:
    """An answer by its id, and the state of the library (see ``library_state``) it was given in."""

    public_id: str
    library: str


@dataclass(frozen=True, slots=True)
class EarlierDraft:
    draft: Draft
    cached: Cached


def library_state(tx: Tx, access: Access) -> str:
    """A mark that is another one after anything has changed of what ``access`` may read: a document
    published, replaced, withdrawn, deleted, moved, renamed or described otherwise, vectors refined, a
    collection made or removed.

    How many collections there are, the newest of them, and how often any changed, in one row however many
    there are. No state comes back: ids are never used again, so as many with the same newest are the very
    same collections, and what each counts only grows.
    """
    row = tx.execute(
        select(
            func.count(),
            func.coalesce(func.max(collections.c.id), 0),
            func.coalesce(func.sum(collections.c.revision), 0),
        ).where(access.to_collection())
    ).one()
    return ".".join(str(int(part)) for part in row)


def newest_answer(tx: Tx, owner: Owner, key: str) -> Earlier | None:
    """The last answer that was given under this key."""
    row = tx.execute(
        select(answers.c.public_id, answers.c.library)
        .where(answers.c.reuse_key == key, owner.owns(answers))
        .order_by(answers.c.id.desc())
        .limit(1)
    ).first()
    return None if row is None else Earlier(row.public_id, row.library)


def newest_draft(tx: Tx, owner: Owner, key: str) -> EarlierDraft | None:
    """The last draft that was written under this key, and for which answer."""
    row = tx.execute(
        select(answers.c.public_id, answers.c.created_at, answers.c.draft)
        .where(answers.c.draft_key == key, owner.owns(answers))
        .order_by(answers.c.id.desc())
        .limit(1)
    ).first()
    draft = None if row is None else receipt_rows.draft_of(row.draft)
    if row is None or draft is None:
        return None
    return EarlierDraft(draft, Cached(row.public_id, row.created_at, CachedPart.DRAFT))
