"""One life of a small library, with everything that writes: what the enumerating lanes kill and fail.

A text is uploaded, read and refined, an index snapshot taken, a second one uploaded, replaced and read, a
third deleted, and files tidied. Every step goes into the ledger first and after.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from rag.errors import FootnoteError, NotFound
from tests.faults import oracle, texts
from tests.faults.ledger import Ledger
from tests.faults.library import Library

KEPT, REPLACED, DELETED, LATE = "kept", "replaced", "deleted", "late"


def prepare(folder: Path, seed: int) -> None:
    """The library as the story finds it: three documents, read and refined, with a snapshot of the index."""
    chance = random.Random(seed)
    ledger = ledger_of(folder)
    with closing(Library(folder / "data")) as library:
        for key in (KEPT, REPLACED, DELETED):
            upload(library, ledger, key, texts.make(chance))
        library.work()
        library.snapshot()
    ledger.close()


def tell(folder: Path, seed: int) -> list[str | None]:
    """The story itself. What is refused with a typed error is noted as refused, and the story goes on.

    Returns for each step the code it was refused with, None where it was done.
    """
    chance = random.Random(seed + 1)
    ledger = ledger_of(folder)
    refusals = []
    with closing(Library(folder / "data")) as library:
        steps: tuple[Callable[[], Any], ...] = (
            lambda: upload(library, ledger, LATE, texts.make(chance)),
            library.work,
            library.snapshot,
            lambda: upload(library, ledger, REPLACED, texts.make(chance)),
            library.work,
            lambda: delete(library, ledger, DELETED),
            library.snapshot,
            library.tidy,
        )
        for step in steps:
            refusals.append(refusal(step))
    ledger.close()
    return refusals


def recover(folder: Path) -> list[str]:
    """Open it again as a restart does, do what was left, and return what the oracle finds."""
    ledger = ledger_of(folder)
    ledger.close()
    with closing(Library(folder / "data")) as library:
        library.work()
        library.work_again()
        wrong = oracle.promises(ledger.entries.values(), library)
        library.snapshot()
        library.tidy()
        wrong += oracle.promises(ledger.entries.values(), library)
    return wrong + oracle.folder(folder / "data", spared_seconds=-math.inf)


def upload(library: Library, ledger: Ledger, key: str, text: str) -> None:
    """A new document, or a new version where ``key`` has one."""
    ledger.asks_upload(key, text)
    entry = ledger.entries[key]
    try:
        if entry.id is None:
            document = library.upload(text, f"{key}-{len(entry.versions)}")
        else:
            document = entry.id
            library.replace(document, text)
    except FootnoteError:
        ledger.refused_upload(key)
        raise
    ledger.acknowledged_upload(key, document)


def delete(library: Library, ledger: Ledger, key: str) -> None:
    entry = ledger.entries[key]
    assert entry.id is not None
    ledger.asks_delete(key)
    try:
        library.delete(entry.id)
    except NotFound:
        pass
    except FootnoteError:
        ledger.refused_delete(key)
        raise
    ledger.acknowledged_delete(key)


def refusal(step: Callable[[], Any]) -> str | None:
    """Do a step; the code of the typed error it was refused with, None where it was done."""
    try:
        step()
    except FootnoteError as error:
        return error.code
    return None


def ledger_of(folder: Path) -> Ledger:
    return Ledger(folder / "ledger" / "requests.jsonl")
