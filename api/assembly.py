"""The composition root: the one place that picks concrete parts and joins them to a service."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from importlib.metadata import version

import structlog

from api.background import AskGate
from api.folder_lock import FolderLock
from api.housekeeping import Housekeeper, expire_answers
from api.metrics import Metrics
from api.pictures import PagePictures
from api.readiness import PartState, PartStatus, Readiness
from api.settings import Settings
from api.supervisor import WorkerSupervisor
from rag.errors import FootnoteError, Unavailable
from rag.generation import drafting
from rag.generation.answering import Answerer
from rag.generation.capability import capability_of
from rag.generation.drafting import Drafting, DraftingChoice
from rag.generation.receipts import ReceiptKeeper
from rag.generation.surveying import Surveyor
from rag.models.distillation import distil_if_missing
from rag.models.embedder import Embedder
from rag.models.embeddings import embeddings_at
from rag.models.generation import GenerationRequest, GeneratorSettings, PromptPart
from rag.models.generator import Generator, GeneratorState
from rag.models.locations import default_model_path
from rag.models.span_reader import default_reader
from rag.retrieval.dense import VectorSpace
from rag.retrieval.evidence import EvidenceSelector
from rag.retrieval.hybrid import HybridRetriever
from rag.stores import chunk_store, document_catalog, job_queue, schema
from rag.stores.blobs import BlobStore
from rag.stores.database import Database
from rag.stores.index_follower import IndexFollower
from rag.stores.receipt import Environment
from rag.stores.receipt_writer import ReceiptWriter

_log = structlog.get_logger(__name__)

_STATES: Mapping[GeneratorState, PartState] = {
    GeneratorState.STARTING: "starting",
    GeneratorState.READY: "ready",
    GeneratorState.RESTARTING: "starting",
    GeneratorState.FAILED: "failed",
    GeneratorState.CLOSED: "failed",
}


_SHAPE_ANSWERS = ("context_tokens", "abstention", "drafting")
"""Settings by which the same question over the same documents may be answered differently."""


class Service:
    """Everything the routes use. ``start`` returns at once; models load in the background.

    Raises, from the constructor:
        Conflict: ``data_folder_in_use``, ``schema_too_new``.
        StorageFailed: the data folder cannot be used.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._lock = FolderLock(settings.data).acquire()
        try:
            self.database = Database(settings.database_path)
            schema.upgrade(self.database)
            self.blobs = BlobStore(settings.blobs_path)
        except BaseException:
            self._lock.release()
            raise
        self.pictures = PagePictures(settings.cache_path / "pages", self.blobs)
        self.receipts = ReceiptWriter(self.database)
        self.gate = AskGate(settings.max_concurrent_asks)
        self.metrics = Metrics(self._gauges)
        self._readiness = Readiness("search", "generator", "worker")
        self.drafting = _drafting(settings)
        self._reader = default_reader(threads=settings.threads)
        self._retriever: HybridRetriever | None = None
        self._answerer: Answerer | None = None
        self._generator: Generator | None = None
        self._indexes: Sequence[IndexFollower] = ()
        self._supervisor = WorkerSupervisor(self.database, partial(_worker_command, settings))
        self._housekeeper = Housekeeper(
            [
                self.save_index,
                self.pictures.prune,
                self.receipts.settle,
                partial(expire_answers, self.database, settings),
            ]
        )
        self._loading = threading.Thread(target=self._load, name="loading", daemon=True)

    def start(self) -> None:
        self._supervisor.start()
        self._housekeeper.start()
        self._loading.start()

    def close(self) -> None:
        """Stop the children and save what can be saved. Takes some seconds at most."""
        self._supervisor.close()
        if self._generator is not None:
            self._generator.close()
        self._housekeeper.close()
        self.gate.close()
        self.save_index()
        self.database.close()
        self._lock.release()

    @property
    def retriever(self) -> HybridRetriever:
        """Raises ``Unavailable`` (``search_starting``) until the embedder is loaded."""
        if self._retriever is None:
            raise self._not_yet("search")
        return self._retriever

    @property
    def answerer(self) -> Answerer:
        """Raises ``Unavailable`` (``search_starting``) until the embedder is loaded."""
        if self._answerer is None:
            raise self._not_yet("search")
        return self._answerer

    def parts(self) -> Mapping[str, PartStatus]:
        """What each part is doing, as it is now."""
        parts = dict(self._readiness.snapshot())
        if self._generator is not None and parts["generator"].state == "ready":
            status = self._generator.status
            if status.state is not GeneratorState.READY:
                parts["generator"] = PartStatus(_STATES[status.state], status.reason or status.state.value)
            else:
                parts["generator"] = PartStatus("ready", f"ready, drafting: {self.drafting.current}")
        phase = self._supervisor.phase
        parts["worker"] = PartStatus("ready" if phase == "ready" else "starting", phase)
        return parts

    def process_ids(self) -> Mapping[str, int]:
        """The service's processes by role."""
        children = {
            "worker": self._supervisor.pid,
            "generator": None if self._generator is None else self._generator.pid,
        }
        return {"api": os.getpid()} | {role: pid for role, pid in children.items() if pid is not None}

    def save_index(self) -> None:
        for index in self._indexes:
            index.save()

    def _load(self) -> None:
        """Start the generator's own process first: it loads while this one imports the embedder."""
        try:
            self._generator = _start_generator(self.settings)
        except FootnoteError as error:
            self._readiness.report("generator", "failed", error.detail)
        self._attempt("search", "loading the embedder", self._load_search)
        if self._generator is not None:
            self._attempt("generator", "loading the model", self._try_generator)

    def _attempt(self, part: str, phase: str, load: Callable[[], None]) -> None:
        self._readiness.report(part, "starting", phase)
        try:
            load()
        except FootnoteError as error:
            self._readiness.report(part, "failed", error.detail)
            _log.error("part_failed", part=part, code=error.code)
        except Exception:
            self._readiness.report(part, "failed", "it could not be started; see the server's log")
            _log.exception("part_failed", part=part)
        else:
            self._readiness.report(part, "ready", "ready")

    def _load_search(self) -> None:
        embedder = embeddings_at(self.settings.embedder, self.settings.threads)
        embedder.encode(["Ready when this has a vector."])
        self._reader.load()
        student = distil_if_missing(self.settings.models, embedder, self._tell_distilling)
        self._readiness.report("search", "starting", "loading the index")
        spaces = [
            VectorSpace(self._follow(embedder), embedder),
            VectorSpace(self._follow(student), student, student.as_teacher_cosine, student.as_asked),
        ]
        with self.database.read() as tx:
            for space in spaces:
                space.index.current(tx)
        self._indexes = [space.index for space in spaces]
        retriever = HybridRetriever(self.database, spaces)
        if self._generator is not None:
            selector = EvidenceSelector(embedder, self._reader, false_refusals=self.settings.abstention)
            self._answerer = Answerer(
                self.database,
                retriever,
                selector,
                self._generator,
                self._receipt_keeper(embedder.space_id, student.space_id),
                Surveyor(self.database, retriever, selector, student),
                self.drafting,
            )
        self._retriever = retriever

    def _receipt_keeper(self, *spaces: str) -> ReceiptKeeper:
        if self.settings.answers_kept_days == 0:
            return ReceiptKeeper(self.receipts)
        environment = Environment(
            software=version("footnote"),
            spaces=spaces,
            settings=self.settings.model_dump(include=set(_SHAPE_ANSWERS))
            | {"reader": self._reader.identity.sha256},
        )
        return ReceiptKeeper(self.receipts, environment)

    def _follow(self, embedder: Embedder) -> IndexFollower:
        with self.database.write() as tx:
            space = chunk_store.open_space(tx, embedder.space_id, embedder.dimension)
        folder = self.settings.indexes_path / embedder.space_id[:16]
        return IndexFollower(folder, space, embedder.space_id, embedder.dimension)

    def _tell_distilling(self, done: int, total: int) -> None:
        self._readiness.report(
            "search", "starting", f"distilling the static student, once ({done / total:.0%})"
        )

    def _tell_trying(self, done: int, total: int) -> None:
        phase = f"trying out what the model can do, once ({done / total:.0%})"
        self._readiness.report("generator", "starting", phase)

    def _try_generator(self) -> None:
        assert self._generator is not None
        self._generator.wait_ready()
        if self.settings.drafting == "auto":
            known = capability_of(self._generator, self.settings.models, self._tell_trying)
            self.drafting.settle(known.drafting)
        self._generator.warm(drafting.prefix(self.drafting.current, self._generator.chat_format))
        for _ in self._generator.generate(GenerationRequest((PromptPart("One, two,"),), max_tokens=1)):
            pass

    def _not_yet(self, part: str) -> Unavailable:
        phase = self._readiness.snapshot()[part].phase
        return Unavailable("search_starting", f"Search is not ready ({phase}); try again in a moment.")

    def _gauges(self) -> Iterable[tuple[str, str, str, Mapping[str, float]]]:
        with self.database.read() as tx:
            jobs, documents = job_queue.counts_by_state(tx), document_catalog.counts_by_state(tx)
        yield "footnote_jobs", "Jobs by state.", "state", jobs
        yield "footnote_documents", "Documents by state.", "state", documents
        waiting = {"asks": self.gate.taken, "generator": self._generator.load if self._generator else 0}
        yield "footnote_in_progress", "Questions being worked on, and those at the model.", "queue", waiting
        ready = {name: float(part.state == "ready") for name, part in self.parts().items()}
        yield "footnote_part_ready", "Whether a part of the service is ready.", "part", ready
        yield (
            "footnote_restarts",
            "Restarts of child processes.",
            "process",
            {"worker": self._supervisor.restarts},
        )


def _drafting(settings: Settings) -> DraftingChoice:
    if settings.drafting == "auto":
        return DraftingChoice()
    return DraftingChoice(Drafting(settings.drafting), fixed=True)


def _start_generator(settings: Settings) -> Generator:
    wanted = GeneratorSettings(context=settings.context_tokens, threads=settings.threads)
    return Generator(settings.model or default_model_path(), wanted).start()


def _worker_command(settings: Settings, worker_id: str) -> list[str]:
    command = [sys.executable, "-m", "ingest.worker", "--worker-id", worker_id]
    command += ["--data", str(settings.data), "--database", str(settings.database_path)]
    command += ["--models", str(settings.models)]
    command += ["--threads", str(settings.threads), "--parent", str(os.getpid())]
    if settings.embedder is not None:
        command += ["--embedder", str(settings.embedder)]
    return command
