"""One job from claimed to ready: parse, curate, split, embed, and publish in a single transaction.

The vectors are the student's, made in moments; ``ingest.refiner`` replaces them by the transformer's.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any, Protocol

import numpy as np
import structlog
from numpy.typing import NDArray

from ingest import inner_documents, language, near_duplicates, quality, recovery
from ingest.inner_documents import InnerDocuments
from ingest.job_record import JobRecord, Listener, Unheard
from ingest.measured_text import Tokenizer
from ingest.parsers.limits import ParseLimits
from ingest.progress import Progress
from ingest.quality import Quality
from ingest.sandbox import OnProgress
from ingest.self_search import self_retrieval
from ingest.splitting import embedding_text, split
from rag.errors import BadRequest, Conflict, DocumentRejected, NotFound, StorageFailed, Unavailable
from rag.records import Chunk, DocumentState, Notice, ParsedDocument
from rag.stores import acceptance, chunk_store, document_catalog, embedders, job_queue, scopes
from rag.stores import near_duplicates as duplicate_links
from rag.stores.access import tenant_of
from rag.stores.blobs import BlobStore
from rag.stores.chunk_store import notice_row
from rag.stores.database import Database, Tx
from rag.stores.document_catalog import Document, Version
from rag.stores.job_queue import Job, LeaseLost
from rag.stores.vector_checks import require_usable
from rag.text.forms import spoken

_BATCH = 1024
"""Chunks the student embeds between two looks at whether to stop: about half a second of work."""

_log = structlog.get_logger(__name__)


class Embedder(Protocol):
    """Unit vectors ``(n, dimension)`` for texts; ``space_id`` names the space they are in."""

    @property
    def space_id(self) -> str: ...

    @property
    def dimension(self) -> int: ...

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]: ...


class Reader(Protocol):
    """What opens documents: ``ingest.sandbox.Sandbox``, or something of the same kind in a test."""

    def parse_file(
        self,
        path: Path,
        name: str,
        limits: ParseLimits | None = None,
        on_progress: OnProgress | None = None,
    ) -> ParsedDocument: ...

    def members(
        self, path: Path, name: str, limits: ParseLimits | None = None
    ) -> Iterator[tuple[str, Iterator[bytes]]]: ...


class Interrupted(BaseException):
    """The worker has to stop now. Not an ``Exception``: nothing on the way may take it for a failure."""


def _ignore() -> None:
    return None


@dataclass(frozen=True, slots=True)
class Tools:
    """What a job is done with.

    ``student`` embeds in moments; ``tokenizer`` and ``max_tokens`` are those of the transformer whose
    vectors come later, so that chunks fit it; ``languages`` is what it speaks (None: unknown). ``stop``
    asks for the running job to be given back at the next opportunity; ``on_lost`` is called from another
    thread when the job is no longer ours; ``listener`` hears of every stage and outcome.
    """

    database: Database
    blobs: BlobStore
    student: Embedder
    tokenizer: Tokenizer
    max_tokens: int
    reader: Reader
    languages: frozenset[str] | None = None
    limits: ParseLimits = field(default_factory=ParseLimits)
    stop: threading.Event = field(default_factory=threading.Event)
    on_lost: Callable[[], None] = _ignore
    listener: Listener = field(default_factory=Unheard)


def run(job: Job, tools: Tools) -> None:
    """Do a claimed job, whatever becomes of it: the outcome is in the database.

    Raises:
        StorageFailed: the disk is full or failing. No document is at fault: the job is given back, or is to
            be once that can be written.
        Unavailable: the database would not even take the outcome; the job runs out of its lease.
    """
    record = JobRecord(job, tools.listener)
    with record.attempt():
        try:
            _run(job, tools, record)
        except LeaseLost:
            record.ended("lost")


def _run(job: Job, tools: Tools, record: JobRecord) -> None:
    try:
        with Progress(tools.database, job, tools.on_lost) as progress:
            _ingest(job, tools, progress, record)
        record.ended("succeeded")
    except LeaseLost:
        raise
    except Interrupted:
        recovery.give_back(tools.database, job)
        record.ended("given_back")
    except (DocumentRejected, BadRequest, NotFound, Conflict) as error:
        recovery.reject(tools.database, job, error.code, error.detail)
        record.ended("failed", error.code)
    except StorageFailed as error:
        record.ended("given_back", error.code)
        recovery.give_back(tools.database, job)
        raise
    except Unavailable as error:
        again = recovery.retry(tools.database, job, error.code, error.detail)
        record.ended("retried" if again else "dead", error.code)
    except Exception:
        _log.exception("ingest_failed", job=job.public_id)
        again = recovery.retry(
            tools.database, job, "ingest_failed", "Reading failed unexpectedly; see the server's log."
        )
        record.ended("retried" if again else "dead", "ingest_failed")


@dataclass(frozen=True, slots=True)
class _Prepared:
    """Everything that is published."""

    parsed: ParsedDocument
    pieces: Sequence[Chunk]
    embedded: NDArray[np.float32]
    quality: Quality
    signature: bytes | None
    inside: InnerDocuments


def _ingest(job: Job, tools: Tools, progress: Progress, record: JobRecord) -> None:
    with tools.database.read() as tx:
        document = document_catalog.by_id(tx, job.document_id)
        version = document.newest
        if version.number != job.version_number:
            version = document_catalog.version(tx, document, job.version_number)
    path = tools.blobs.sound_path(version.sha256)
    progress.tell(stage="parsing")
    with record.stage("parsing"):
        parsed = tools.reader.parse_file(
            path,
            version.name,
            tools.limits,
            lambda done, total: progress.tell(pages_done=done, pages_total=total),
        )
        if not parsed.text.strip():
            parsed = _without_text(parsed)
        inside = _inside(tools, document, version, path, parsed)
    progress.tell(stage="splitting")
    with record.stage("splitting"):
        pieces = split(parsed, tools.tokenizer, title=_title(parsed, version), max_tokens=tools.max_tokens)
    with record.stage("embedding"):
        embedded = _embed(parsed.text, pieces, tools, progress)
    with record.stage("assessing"):
        assessed = quality.assess(
            parsed,
            pieces,
            max_tokens=tools.max_tokens,
            language=language.identify(parsed.text),
            spoken_languages=tools.languages,
        )
        signature = near_duplicates.signature(parsed.text) if pieces else None
    progress.tell(stage="publishing", chunks_done=len(pieces))
    with record.stage("publishing"):
        _publish(job, tools, document, _Prepared(parsed, pieces, embedded, assessed, signature, inside))


def _inside(
    tools: Tools, document: Document, version: Version, path: Path, parsed: ParsedDocument
) -> InnerDocuments:
    if not parsed.members:
        return InnerDocuments()
    with tools.database.read() as tx:
        room = inner_documents.room(tx, document)
    return inner_documents.take_out(tools.reader, tools.blobs, path, version.name, parsed, room, tools.limits)


def _without_text(parsed: ParsedDocument) -> ParsedDocument:
    """The document with a notice that its pages are pictures. Raises ``DocumentRejected`` (``no_text``)."""
    if not parsed.pages_without_text:
        raise DocumentRejected("no_text", "There is no text in this file; check that it is the right one.")
    notice = Notice(
        "needs_ocr",
        "The pages are pictures in which no text was found. If there is some, install text recognition "
        "(tesseract, or footnote[ocr]), restart the service and retry the job, or send a copy with text.",
    )
    known = {warning.code for warning in parsed.warnings}
    return parsed if notice.code in known else replace(parsed, warnings=(*parsed.warnings, notice))


def _title(parsed: ParsedDocument, version: Version) -> str:
    return parsed.title or PurePosixPath(version.name).stem.replace("_", " ")


def _embed(text: str, pieces: Sequence[Chunk], tools: Tools, progress: Progress) -> NDArray[np.float32]:
    """One row a piece, by the student."""
    progress.tell(stage="embedding", chunks_done=0, chunks_total=len(pieces))
    embedded = np.empty((len(pieces), tools.student.dimension), dtype=np.float32)
    for first in range(0, len(pieces), _BATCH):
        if tools.stop.is_set():
            raise Interrupted
        batch = pieces[first : first + _BATCH]
        said = [embedding_text(piece.context, spoken(text, piece)) for piece in batch]
        rows = tools.student.encode(said)
        require_usable(rows, len(batch), tools.student.dimension)
        embedded[first : first + len(batch)] = rows
        progress.tell(chunks_done=first + len(batch))
    return embedded


def _publish(job: Job, tools: Tools, document: Document, ready: _Prepared) -> None:
    parsed, pieces = ready.parsed, ready.pieces
    with tools.database.write() as tx:
        # First of all: whoever lost the lease finds out here, before anything of theirs is written.
        # Reports are throttled, and a small document is done before the first: hence the counts.
        counts: dict[str, Any] = {"chunks_done": len(pieces), "chunks_total": len(pieces)}
        if parsed.page_count:
            counts |= {"pages_done": parsed.page_count, "pages_total": parsed.page_count}
        job_queue.succeed(tx, job, **counts)
        space = chunk_store.open_space(tx, tools.student.space_id, tools.student.dimension)
        _require_serving(tx, space)
        first_chunk = chunk_store.publish(
            tx,
            version_id=job.version_id,
            parsed=parsed,
            pieces=pieces,
            embedded=ready.embedded,
            space_id=space,
            state=DocumentState.READY if pieces or ready.inside.taken else DocumentState.NEEDS_OCR,
        )
        notices = [*parsed.warnings, *ready.inside.notices]
        assessed = ready.quality
        if first_chunk is not None:
            library = scopes.readable(tx, tenant_of(tx, document.id))
            found = self_retrieval(tx, first_chunk, pieces, parsed.text, space, ready.embedded, library)
            assessed = replace(assessed, self_retrieval=round(found, 3))
            notices += _near_duplicates(tx, job, ready.signature)
            if ready.inside.taken or document.children:
                tools.blobs.require(blob for _, blob in ready.inside.taken)
                acceptance.replace_children(tx, document, ready.inside.taken, job.uploader)
        notices += quality.warnings(assessed)
        chunk_store.annotate(tx, job.version_id, assessed.as_mapping(), notices)
        if notices:
            job_queue.note(tx, job, [notice_row(notice) for notice in notices])


def _require_serving(tx: Tx, space: int) -> None:
    """Raises ``Interrupted`` where another embedder has taken over since this worker was started: its
    successor, which has that one, is to do the job."""
    try:
        embedders.require_serving(tx, space)
    except Conflict as error:
        raise Interrupted from error


def _near_duplicates(tx: Tx, job: Job, signature: bytes | None) -> list[Notice]:
    if signature is None:
        return []
    bands = near_duplicates.bands(signature)
    alike = duplicate_links.link(tx, job.version_id, signature, bands, near_duplicates.similarity)
    if not alike:
        return []
    others = f" and {len(alike) - 1} more" if len(alike) > 1 else ""
    return [
        Notice(
            "near_duplicate",
            # Without its name, which would stay here when that document is deleted.
            f"Says nearly the same as another document ({alike[0].similarity:.0%} alike){others}, named in "
            "`near_duplicates`; both are searched. Delete the one that is out of date.",
        )
    ]
