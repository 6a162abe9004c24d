"""How much there is, over all tenants: for the figures of the machine, never for a caller."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Column, func, select

from rag.records import JobState
from rag.stores.database import Tx
from rag.stores.tables import jobs, queue_state, versions


@dataclass(frozen=True, slots=True)
class Measures:
    """``versions`` and ``jobs`` by state; ``blob_bytes`` of the original files that are referred to."""

    versions: Mapping[str, int]
    jobs: Mapping[str, int]
    oldest_waiting_seconds: float
    paused: bool
    blob_bytes: int


def measure(tx: Tx) -> Measures:
    """Reads indexes and one table of versions: milliseconds for ten thousand documents."""
    oldest = tx.scalar(select(func.min(jobs.c.created_at)).where(jobs.c.state == JobState.QUEUED))
    distinct = select(versions.c.size).group_by(versions.c.sha256).subquery()
    return Measures(
        versions=_by_state(tx, versions.c.state),
        jobs=_by_state(tx, jobs.c.state),
        oldest_waiting_seconds=0.0 if oldest is None else max(0.0, time.time() - oldest),
        paused=bool(tx.scalar(select(queue_state.c.paused))),
        blob_bytes=tx.scalar(select(func.coalesce(func.sum(distinct.c.size), 0))) or 0,
    )


def _by_state(tx: Tx, state: Column[str]) -> dict[str, int]:
    query = select(state, func.count()).group_by(state)
    return {str(name): int(count) for name, count in tx.execute(query)}
