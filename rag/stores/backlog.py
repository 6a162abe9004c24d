"""How much waits to be read: what uploads are bounded by."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select

from rag.records import JobState
from rag.stores.database import Tx
from rag.stores.tables import jobs, versions


@dataclass(frozen=True, slots=True)
class Waiting:
    """Jobs that wait, the bytes of their files, and how many jobs there have ever been."""

    jobs: int
    size: int
    ever: int


def waiting(tx: Tx) -> Waiting:
    """Over all callers. Its cost grows with what waits: a few milliseconds for ten thousand jobs."""
    query = (
        select(func.count(), func.coalesce(func.sum(versions.c.size), 0))
        .select_from(jobs.join(versions, versions.c.id == jobs.c.version_id))
        .where(jobs.c.state == JobState.QUEUED)
    )
    count, size = tx.execute(query).one()
    return Waiting(count, size, tx.scalar(select(func.max(jobs.c.id))) or 0)
