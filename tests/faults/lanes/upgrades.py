"""Databases of every released schema, whose upgrade is killed before each statement (catalogue A21)."""

from __future__ import annotations

import time
from pathlib import Path

from rag.stores import schema
from tests.faults.outcome import Outcome
from tests.rag.stores.killed_upgrades import killed_at_every

TITLE = "upgrades of released schemas killed before a statement"


def run(n: int, seed: int, folder: Path) -> Outcome:
    """At most about ``n`` places, spread evenly; there is nothing random about them."""
    began = time.monotonic()
    wrong: list[str] = []
    places = 0
    for revision in schema.revisions():
        inside = folder / revision
        inside.mkdir(parents=True)
        tried, found = killed_at_every(_step(n), inside, revision)
        places += tried
        wrong += [f"from {revision}: {one}" for one in found]
    figures = {"schemas": f"{len(schema.revisions())}"}
    return Outcome("upgrades", TITLE, places, seed, wrong, time.monotonic() - began, figures)


def _step(n: int) -> int:
    """Every how many-th statement: an upgrade from the oldest schema has about a hundred."""
    return max(1, 100 * len(schema.revisions()) // (2 * n))
