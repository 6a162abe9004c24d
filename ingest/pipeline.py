"""One job from claimed to done: parse, split, embed, and publish in a single transaction."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Protocol

import numpy as np
import structlog
from numpy.typing import NDArray

from ingest import recovery
from ingest.measured_text import Tokenizer
from ingest.parsers.limits import ParseLimits
from ingest.progress import Progress
from ingest.sandbox import OnProgress, parse_file
from ingest.splitting import embedding_text, split
from rag.errors import BadRequest, DocumentRejected, NotFound, Unavailable
from rag.records import Chunk, DocumentState, Notice, ParsedDocument
from rag.stores import chunk_store, document_catalog, job_queue
from rag.stores.blobs import BlobStore
from rag.stores.chunk_store import notice_row
from rag.stores.database import Database
from rag.stores.document_catalog import Version
from rag.stores.job_queue import Job, LeaseLost

_BATCH = 32

_log = structlog.get_logger(__name__)

Parse = Callable[[Path, str, ParseLimits, OnProgress], ParsedDocument]


class Embedder(Protocol):
    """Unit vectors ``(n, dimension)`` for texts of at most ``max_tokens``; ``space_id`` names their space."""

    @property
    def space_id(self) -> str: ...

    @property
    def dimension(self) -> int: ...

    @property
    def max_tokens(self) -> int: ...

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]: ...


class Interrupted(BaseException):
    """The worker has to stop now. Not an ``Exception``: nothing on the way may take it for a failure."""


def _ignore() -> None:
    return None


@dataclass(frozen=True, slots=True)
class Tools:
    """What a job is done with.

    ``tokenizer`` is the embedder's own. ``stop`` asks for the running job to be given back at the
    next opportunity; ``on_lost`` is called from another thread when the job is no longer ours.
    """

    database: Database
    blobs: BlobStore
    embedder: Embedder
    tokenizer: Tokenizer
    parse: Parse = parse_file
    limits: ParseLimits = field(default_factory=ParseLimits)
    stop: threading.Event = field(default_factory=threading.Event)
    on_lost: Callable[[], None] = _ignore


def run(job: Job, tools: Tools) -> None:
    """Do a claimed job, whatever becomes of it: the outcome is in the database.

    Raises:
        Unavailable: the database would not even take the outcome; the job runs out of its lease.
    """
    log = _log.bind(job=job.public_id, document=job.document_public_id, attempt=job.attempts)
    try:
        _run(job, tools)
    except LeaseLost:
        log.info("job_dropped")


def _run(job: Job, tools: Tools) -> None:
    try:
        with Progress(tools.database, job, tools.on_lost) as progress:
            _ingest(job, tools, progress)
    except LeaseLost:
        raise
    except Interrupted:
        recovery.give_back(tools.database, job)
    except (DocumentRejected, BadRequest, NotFound) as error:
        recovery.reject(tools.database, job, error.code, error.detail)
    except Unavailable as error:
        recovery.retry(tools.database, job, error.code, error.detail)
    except Exception:
        _log.exception("ingest_failed", job=job.public_id)
        recovery.retry(
            tools.database, job, "ingest_failed", "Reading failed unexpectedly; see the server's log."
        )


def _ingest(job: Job, tools: Tools, progress: Progress) -> None:
    with tools.database.read() as tx:
        document = document_catalog.by_id(tx, job.document_id)
        version = document_catalog.version(tx, document, job.version_number)
    progress.tell(stage="parsing")
    parsed = tools.parse(
        tools.blobs.open_path(version.sha256),
        version.name,
        tools.limits,
        lambda done, total: progress.tell(pages_done=done, pages_total=total),
    )
    if not parsed.text.strip():
        parsed = _without_text(parsed)
    pieces = split(
        parsed, tools.tokenizer, title=_title(parsed, version), max_tokens=tools.embedder.max_tokens
    )
    embedded = _embed(parsed.text, pieces, tools, progress)
    progress.tell(stage="publishing", chunks_done=len(pieces))
    _publish(job, tools, parsed, pieces, embedded)


def _without_text(parsed: ParsedDocument) -> ParsedDocument:
    """The document with a notice that its pages are pictures. Raises ``DocumentRejected`` (``no_text``)."""
    if not parsed.pages_without_text:
        raise DocumentRejected("no_text", "There is no text in this file; check that it is the right one.")
    notice = Notice(
        "needs_ocr",
        "The pages are pictures without text; run text recognition on them and upload the result.",
    )
    known = {warning.code for warning in parsed.warnings}
    return parsed if notice.code in known else replace(parsed, warnings=(*parsed.warnings, notice))


def _title(parsed: ParsedDocument, version: Version) -> str:
    return parsed.title or PurePosixPath(version.name).stem.replace("_", " ")


def _embed(text: str, pieces: Sequence[Chunk], tools: Tools, progress: Progress) -> NDArray[np.float32]:
    """One row a piece. Longest first: batches of like length need no padding, and estimates err low."""
    progress.tell(stage="embedding", chunks_done=0, chunks_total=len(pieces))
    embedded = np.empty((len(pieces), tools.embedder.dimension), dtype=np.float32)
    order = sorted(range(len(pieces)), key=lambda at: -pieces[at].tokens)
    for first in range(0, len(order), _BATCH):
        if tools.stop.is_set():
            raise Interrupted
        batch = order[first : first + _BATCH]
        embedded[batch] = tools.embedder.encode(
            [embedding_text(pieces[at].context, text[pieces[at].start : pieces[at].end]) for at in batch]
        )
        progress.tell(chunks_done=first + len(batch))
    return embedded


def _publish(
    job: Job, tools: Tools, parsed: ParsedDocument, pieces: Sequence[Chunk], embedded: NDArray[np.float32]
) -> None:
    with tools.database.write() as tx:
        # First of all: whoever lost the lease finds out here, before anything of theirs is written.
        # The last reports may not have been written: they are throttled, and a small document is done before.
        counts = {"chunks_done": len(pieces), "chunks_total": len(pieces)}
        if parsed.page_count:
            counts |= {"pages_done": parsed.page_count, "pages_total": parsed.page_count}
        job_queue.report(tx, job, **counts)
        job_queue.succeed(tx, job, [notice_row(notice) for notice in parsed.warnings])
        chunk_store.publish(
            tx,
            document_id=job.document_id,
            version_id=job.version_id,
            parsed=parsed,
            pieces=pieces,
            embedded=embedded,
            space_id=chunk_store.open_space(tx, tools.embedder.space_id, tools.embedder.dimension),
            state=DocumentState.READY if pieces else DocumentState.NEEDS_OCR,
        )
