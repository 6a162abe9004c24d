"""Documents inside documents: taken out within bounds, each to be read as a document of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ingest.parsers.limits import ParseLimits
from rag.errors import DocumentRejected, TooLarge
from rag.records import Notice, ParsedDocument
from rag.stores import acceptance
from rag.stores.blobs import Blob, BlobStore
from rag.stores.database import Tx
from rag.stores.document_catalog import Document

MAX_DEPTH = 3
"""A document in an archive in a message in an archive is read; one more around it is not opened."""
MAX_DOCUMENTS = 5_000
MAX_BYTES = 2 * 2**30
"""All that one uploaded file may bring with it, at every depth together."""


class Opener(Protocol):
    """The part of a reader that takes documents out."""

    def members(
        self, path: Path, name: str, limits: ParseLimits | None = None
    ) -> Iterator[tuple[str, Iterator[bytes]]]: ...


@dataclass(frozen=True, slots=True)
class Room:
    """How much more may come out of an uploaded file: documents and bytes, none of them below 0."""

    documents: int
    bytes: int


@dataclass(frozen=True, slots=True)
class InnerDocuments:
    """What was taken out, by name, stored for good; notices say what was not."""

    taken: Sequence[tuple[str, Blob]] = ()
    notices: Sequence[Notice] = ()


def room(tx: Tx, document: Document) -> Room:
    """What may still be taken out of ``document``."""
    if document.depth >= MAX_DEPTH:
        return Room(0, 0)
    so_far = acceptance.descent(tx, document)
    return Room(max(0, MAX_DOCUMENTS - so_far.documents), max(0, MAX_BYTES - so_far.bytes))


def take_out(
    opener: Opener,
    blobs: BlobStore,
    path: Path,
    name: str,
    parsed: ParsedDocument,
    room: Room,
    limits: ParseLimits,
) -> InnerDocuments:
    """Store the files of the document's members. One that cannot be taken out costs only itself and those
    after it; what the container says of itself is read in any case."""
    if not parsed.members:
        return InnerDocuments()
    if not room.documents:
        return InnerDocuments(
            notices=[_left_out(len(parsed.members), "it lies too deep or there are too many")]
        )
    taken: dict[str, Blob] = {}
    left = room.bytes
    reason = "there are too many"
    members = opener.members(path, name, limits)
    try:
        for member, pieces in members:
            if len(taken) >= room.documents:
                break
            blob = blobs.put(pieces, left)
            if blob.size:
                taken[_unused(member, taken)] = blob
                left -= blob.size
    except TooLarge:
        reason = "together they are too large"
    except DocumentRejected as error:
        reason = error.detail
    else:
        reason = "they are empty" if len(taken) < room.documents else reason
    finally:
        _close(members)
    missing = len(parsed.members) - len(taken)
    return InnerDocuments(list(taken.items()), [_left_out(missing, reason)] if missing > 0 else [])


def _unused(name: str, taken: dict[str, Blob]) -> str:
    """Two attachments may have one name; the second is called "name (2)"."""
    name = name or "unnamed"
    candidate, number = name, 2
    while candidate in taken:
        candidate = f"{name} ({number})"
        number += 1
    return candidate


def _left_out(count: int, why: str) -> Notice:
    return Notice("members_left_out", f"{count} documents inside this one were not read: {why.rstrip('.')}.")


def _close(members: Iterator[tuple[str, Iterator[bytes]]]) -> None:
    """End the child behind the iterator, if there still is one."""
    close = getattr(members, "close", None)
    if close is not None:
        close()
