"""Documents as files, collections as vector stores. Nothing is decided here but which words say the same."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from api import representations
from api.openai.errors import ParameterRefused
from api.openai.library_schemas import (
    Content,
    File,
    FileCounts,
    LastError,
    SearchHit,
    VectorStore,
    VectorStoreFile,
)
from api.openai.schemas import Scalar
from api.openai.scores import likeness
from rag.records import DocumentState, Passage
from rag.stores.collections import Collection
from rag.stores.document_catalog import Document
from rag.stores.moving import Held

Status = Literal["in_progress", "completed", "cancelled", "failed"]

STATES: Mapping[str, Sequence[DocumentState]] = {
    "in_progress": (DocumentState.QUEUED, DocumentState.PROCESSING),
    "completed": (DocumentState.READY, DocumentState.REFINED),
    "failed": (DocumentState.FAILED, DocumentState.NEEDS_OCR),
    "cancelled": (),
}
_UPLOADED: Mapping[str, Literal["uploaded", "processed", "error"]] = {
    "in_progress": "uploaded",
    "completed": "processed",
    "failed": "error",
}
_OURS = frozenset({"worker_died", "parser_crashed", "parser_unavailable", "self_search_failed"})
_PURPOSES = ("assistants", "user_data")


def check_purpose(purpose: str) -> None:
    """Raises ``ParameterRefused`` for files that are to be something else than read and searched."""
    if purpose not in _PURPOSES:
        raise ParameterRefused("purpose", f"Files are read and searched here; use {' or '.join(_PURPOSES)}.")


def check_chunking(strategy: Any) -> None:
    """Raises ``ParameterRefused`` for anything but ``auto``."""
    wanted = strategy.get("type", "auto") if isinstance(strategy, dict) else strategy
    if wanted not in (None, "auto"):
        raise ParameterRefused(
            "chunking_strategy",
            "Footnote cuts documents at blocks and sentences; leave chunking_strategy out, or say auto.",
        )


def status_of(document: Document, *, cancelled: bool = False) -> Status:
    """``cancelled``: its last job was. An older version that is still searched does not count."""
    if cancelled:
        return "cancelled"
    state = document.newest.state
    found: Status = "failed"
    if state in STATES["in_progress"]:
        found = "in_progress"
    elif state in STATES["completed"]:
        found = "completed"
    return found


def file(document: Document, collection: Collection) -> File:
    newest = document.newest
    return File(
        id=document.public_id,
        bytes=newest.size,
        created_at=int(document.created_at),
        filename=document.name,
        status=_UPLOADED[status_of(document)],
        status_details=_failure(document),
        vector_store_id=collection.public_id,
    )


def vector_store(collection: Collection, held: Mapping[DocumentState, Held]) -> VectorStore:
    counts = {
        name: sum(held[state].documents for state in states if state in held)
        for name, states in STATES.items()
    }
    return VectorStore(
        id=collection.public_id,
        created_at=int(collection.created_at),
        name=collection.name,
        status="in_progress" if counts["in_progress"] else "completed",
        file_counts=FileCounts(**counts, total=sum(counts.values())),
        usage_bytes=sum(one.size for one in held.values()),
        last_active_at=int(collection.created_at),
    )


def vector_store_file(document: Document, collection: Collection, *, cancelled: bool) -> VectorStoreFile:
    status = status_of(document, cancelled=cancelled)
    return VectorStoreFile(
        id=document.public_id,
        created_at=int(document.created_at),
        vector_store_id=collection.public_id,
        status=status,
        last_error=_last_error(document) if status == "failed" else None,
        usage_bytes=document.newest.size,
        attributes=attributes(document.metadata),
    )


def attributes(metadata: Mapping[str, Any]) -> dict[str, Scalar]:
    """Metadata that OpenAI's attributes can hold: text, numbers, truth values."""
    return {name: value for name, value in metadata.items() if isinstance(value, str | float | bool | int)}


def search_hits(
    passages: Iterable[Passage], metadata: Mapping[str, Mapping[str, Any]], least: float
) -> list[SearchHit]:
    """Passages at least so near; ``metadata`` by document."""
    return [
        SearchHit(
            file_id=passage.document.id,
            filename=passage.document.name,
            score=likeness(passage),
            attributes=attributes(metadata.get(passage.document.id, {})),
            content=[Content(text=passage.text)],
            footnote=representations.hit(passage),
        )
        for passage in passages
        if likeness(passage) >= least
    ]


def _failure(document: Document) -> str | None:
    newest = document.newest
    if newest.state is DocumentState.NEEDS_OCR:
        return "There is no text in it, and no engine to recognise any is installed."
    return newest.error_detail if newest.state is DocumentState.FAILED else None


def _last_error(document: Document) -> LastError:
    code = document.newest.error_code or ""
    kind: Literal["server_error", "unsupported_file", "invalid_file"] = "invalid_file"
    if code in _OURS:
        kind = "server_error"
    elif code == "unsupported_type":
        kind = "unsupported_file"
    return LastError(code=kind, message=_failure(document) or "It could not be read.")
