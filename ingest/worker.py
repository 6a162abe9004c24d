"""``python -m ingest.worker``: claims jobs and does them, one at a time, until told to stop.

What is searchable and waits for its better vectors is refined in between, never before a job. Runs at
low priority, so that questions stay fast while documents are read. Tells its parent on stdout what it is
doing (``ingest.telling``), and logs on stderr.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

import structlog

from ingest import language, recovery
from ingest.embedder_choice import choose
from ingest.janitor import Janitor
from ingest.migrator import Migrator
from ingest.parsers.limits import ParseLimits
from ingest.pipeline import Interrupted, Tools, run
from ingest.pulse import Pulse
from ingest.refiner import Refiner, open_spaces
from ingest.sandbox import OnProgress, ParseServer, Sandbox
from ingest.telling import STORAGE_FAILED, Teller, tell
from rag.errors import Conflict, FootnoteError, StorageFailed
from rag.models.distillation import distil_if_missing
from rag.models.embedder import Embedder
from rag.models.embeddings import bulk_embeddings_at, embeddings_at, languages_of
from rag.models.tokenizer import OffsetTokenizer
from rag.observability import process, tracing
from rag.records import ParsedDocument
from rag.stores import document_catalog, job_queue
from rag.stores.blobs import BlobStore
from rag.stores.database import Database
from rag.stores.job_queue import Job, LeaseLost

GRACE_SECONDS = 3.0
"""How long a running job may go on after SIGTERM before it is given back."""

_POLL_SECONDS = 0.1
_TROUBLE_SECONDS = 1.0
_NICENESS = 19
_PR_SET_PDEATHSIG = 1

_log = structlog.get_logger(__name__)


class Signals:
    """SIGTERM and SIGINT as events, and a way to break off a parse that says nothing.

    Only within ``interruptible`` does a signal raise, so that no transaction is torn out of its block.
    """

    def __init__(self) -> None:
        self.terminating = threading.Event()
        self.out_of_time = threading.Event()
        self._armed = False

    def install(self) -> None:
        signal.signal(signal.SIGTERM, self._on_terminate)
        signal.signal(signal.SIGINT, self._on_terminate)
        signal.signal(signal.SIGALRM, self._on_out_of_time)
        signal.signal(signal.SIGUSR1, self._on_lost)

    def stand_down(self) -> None:
        """Nothing is left to interrupt; taking the interpreter down may take longer than the grace."""
        signal.setitimer(signal.ITIMER_REAL, 0)

    @contextmanager
    def interruptible(self) -> Iterator[None]:
        """Raises ``Interrupted`` out of the block when time is up or the job was lost."""
        self._armed = True
        try:
            if self.out_of_time.is_set():
                raise Interrupted
            yield
        finally:
            self._armed = False

    def job_lost(self) -> None:
        """Have the main thread drop what it is doing; to be called from any other thread."""
        main = threading.main_thread().ident
        assert main is not None
        signal.pthread_kill(main, signal.SIGUSR1)

    def _on_terminate(self, _number: int, _frame: FrameType | None) -> None:
        self.terminating.set()
        signal.setitimer(signal.ITIMER_REAL, GRACE_SECONDS)

    def _on_out_of_time(self, _number: int, _frame: FrameType | None) -> None:
        self.out_of_time.set()
        self._interrupt()

    def _on_lost(self, _number: int, _frame: FrameType | None) -> None:
        self._interrupt()

    def _interrupt(self) -> None:
        if self._armed:
            self._armed = False  # once: cleaning up must not be interrupted in its turn
            raise Interrupted


class Worker:
    """Reads documents that wait and, when none does, refines those that are read, until told to stop."""

    def __init__(
        self,
        worker_id: str,
        tools: Tools,
        refiner: Refiner,
        terminating: threading.Event,
        migrator: Migrator | None = None,
    ) -> None:
        self._worker_id = worker_id
        self._tools = tools
        self._refiner = refiner
        self._migrator = migrator
        self._terminating = terminating
        self._janitor = Janitor(tools.database, tools.blobs)
        self._unfinished: Job | None = None

    def work(self) -> None:
        """Returns when told to stop, and after a disk has failed a write: only a restart may write again."""
        while not self._terminating.is_set() and self._tools.database.health.trouble is None:
            try:
                busy = self._read_waiting()
                busy = self._refiner.refine_some(self._attend) or busy
                if self._migrator is not None and not busy:
                    busy = self._migrator.migrate_some(self._attend)
                self._janitor.tend(idle=not busy)
            except FootnoteError as error:  # the database is busy or the disk full: no job is at fault
                _log.error("worker_cannot_go_on", code=error.code)
                self._terminating.wait(_TROUBLE_SECONDS)
                continue
            if not busy:
                self._terminating.wait(_POLL_SECONDS)

    def _attend(self) -> bool:
        self._read_waiting()
        return not self._terminating.is_set()

    def _read_waiting(self) -> bool:
        """Do every job that waits; returns whether there was one."""
        self._return_unfinished()
        any_done = False
        while not self._terminating.is_set():
            job = claim(self._tools.database, self._worker_id, likely=any_done)
            if job is None:
                break
            try:
                run(job, self._tools)
            except StorageFailed:
                self._unfinished = job
                raise
            self._janitor.tend(idle=False)
            any_done = True
        return any_done

    def _return_unfinished(self) -> None:
        """Give back the job that the disk may have had no room to take back."""
        if self._unfinished is not None:
            with suppress(LeaseLost):  # it was taken back after all, and may be anybody's
                recovery.give_back(self._tools.database, self._unfinished)
            self._unfinished = None


def claim(database: Database, worker_id: str, *, likely: bool = False) -> Job | None:
    """The next job, now this worker's, or None. Unless one is ``likely``, finding none only reads."""
    if not likely:
        with database.read() as tx:
            if not job_queue.has_waiting(tx):
                return None
    with database.write() as tx:
        job = job_queue.claim(tx, worker_id)
        if job is not None:
            document_catalog.start_processing(tx, job.version_id)
        return job


def main(arguments: Sequence[str] | None = None) -> int:
    options = _options(arguments)
    _follow_parent(options.parent)
    os.nice(_NICENESS)
    guard = process.enter("worker")
    _tell("loading")
    signals = Signals()
    teller = Teller(guard)
    with ParseServer() as reader, teller, Pulse(lambda: tell({"alive": True})):
        database = Database(options.database or options.data / "footnote.db")
        try:
            chosen = choose(database, options.embedder)
        except Conflict as error:
            _log.error("no_embedder", code=error.code)
            _only_migrate(database, options, signals, teller)
        else:
            worker = _equip(database, chosen.folder, options, signals, reader, teller)
            signals.install()
            _tell("ready")
            worker.work()
        signals.stand_down()
        database.close()
    tracing.stop()
    return 0 if database.health.trouble is None else STORAGE_FAILED


def _only_migrate(database: Database, options: argparse.Namespace, signals: Signals, teller: Teller) -> None:
    """Without the model that the library is served from no document can be read; another can take over."""
    migrator = _migrator(database, None, options, teller)
    signals.install()
    _tell("waiting for an embedder: the library's own is not here")
    while not signals.terminating.is_set() and database.health.trouble is None:
        try:
            busy = migrator.migrate_some(lambda: not signals.terminating.is_set())
        except FootnoteError as error:
            _log.error("worker_cannot_go_on", code=error.code)
            busy = False
        if not busy:
            signals.terminating.wait(_TROUBLE_SECONDS)


def _migrator(
    database: Database, serving: Embedder | None, options: argparse.Namespace, teller: Teller
) -> Migrator:
    return Migrator(
        database,
        serving,
        models=options.models,
        indexes=options.data / "indexes",
        opening=lambda folder: bulk_embeddings_at(folder, options.threads),
        on_stage=teller.stage,
    )


def _equip(
    database: Database,
    folder: Path | None,
    options: argparse.Namespace,
    signals: Signals,
    reader: ParseServer,
    teller: Teller,
) -> Worker:
    teacher = bulk_embeddings_at(folder, options.threads)
    student = distil_if_missing(
        options.models,
        embeddings_at(folder, options.threads),
        lambda done, total: _tell(f"distilling the static student ({done / total:.0%})"),
    )
    student.encode(["The first text is the slowest."])
    language.identify("The first text is the slowest, whatever the language may be.")
    with database.write() as tx:
        open_spaces(tx, teacher, student)
    tools = Tools(
        database=database,
        blobs=BlobStore(options.data / "blobs", database.health),
        student=student,
        tokenizer=OffsetTokenizer(teacher.folder),
        max_tokens=teacher.max_tokens,
        reader=_InterruptibleReader(reader, signals),
        languages=languages_of(teacher),
        stop=signals.out_of_time,
        on_lost=signals.job_lost,
        listener=teller,
    )
    # Nobody waits for it yet, and the first document should not wait for torch.
    threading.Thread(target=_load_quietly, args=(teacher,), name="loading-teacher", daemon=True).start()
    refiner = Refiner(database, teacher, student, teller.stage)
    migrator = _migrator(database, teacher, options, teller)
    return Worker(options.worker_id, tools, refiner, signals.terminating, migrator)


def _load_quietly(teacher: Embedder) -> None:
    """Whoever needs it hears what is wrong with it."""
    with suppress(FootnoteError):
        teacher.load()


class _InterruptibleReader:
    """Reading that a signal breaks off: a parser may say nothing for minutes."""

    def __init__(self, reader: Sandbox, signals: Signals) -> None:
        self._reader = reader
        self._signals = signals

    def parse_file(
        self,
        path: Path,
        name: str,
        limits: ParseLimits | None = None,
        on_progress: OnProgress | None = None,
    ) -> ParsedDocument:
        with self._signals.interruptible():
            return self._reader.parse_file(path, name, limits, on_progress)

    def members(
        self, path: Path, name: str, limits: ParseLimits | None = None
    ) -> Iterator[tuple[str, Iterator[bytes]]]:
        # Between members the caller stores files, which no signal may break off; a parser that says
        # nothing runs into its own limit on time.
        return self._reader.members(path, name, limits)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m ingest.worker", description="Reads documents that wait.")
    parser.add_argument("--data", type=Path, required=True, help="the data folder")
    parser.add_argument(
        "--worker-id", required=True, help="unique to this process: claims are made in its name"
    )
    parser.add_argument(
        "--database", type=Path, help="the database file; default: footnote.db in the data folder"
    )
    parser.add_argument(
        "--embedder", type=Path, help="a sentence-transformers folder; default: the packaged one"
    )
    parser.add_argument("--models", type=Path, required=True, help="where models made here are kept")
    parser.add_argument("--threads", type=int, help="CPU threads of the embedder")
    parser.add_argument("--parent", type=int, help="end when this process is not, or no longer, the parent")
    return parser.parse_args(arguments)


def _follow_parent(parent: int | None) -> None:
    """Have the kernel send SIGTERM when the parent dies (Linux): nobody else would stop this process."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if parent is not None and os.getppid() != parent:  # it died before the call above
        sys.exit(1)


def _tell(phase: str) -> None:
    tell({"phase": phase})


if __name__ == "__main__":
    status = main()
    # Everything is stored; torch alone would take seconds to take itself down.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)
