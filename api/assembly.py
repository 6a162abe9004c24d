"""The composition root: the one place that picks concrete parts and joins them to a service."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from importlib.metadata import version
from typing import Literal

import structlog

from api import figures, searching
from api.callers import Callers, is_loopback
from api.embedder_watch import EmbedderWatch
from api.folder_lock import FolderLock
from api.generators import server_of, start_generator
from api.housekeeping import Housekeeper, expire_answers
from api.lifecycle import Lifecycle
from api.load import Load
from api.metrics import Metrics
from api.pictures import PagePictures
from api.readiness import PartState, PartStatus, Readiness
from api.searching import Searching
from api.settings import Settings
from api.supervisor import WorkerSupervisor
from ingest.embedder_choice import choose, refused_model
from rag.errors import Conflict, FootnoteError, Unavailable
from rag.generation import drafting
from rag.generation.answering import Answerer
from rag.generation.capability import capability_of
from rag.generation.drafting import Drafting, DraftingChoice
from rag.generation.receipts import ReceiptKeeper
from rag.models.distillation import distil_if_missing
from rag.models.embedder import Embedder
from rag.models.embeddings import embeddings_at
from rag.models.generation import GenerationRequest, GeneratorState, PromptPart
from rag.models.span_reader import default_reader
from rag.models.tally import Totals
from rag.models.text_generator import TextGenerator
from rag.observability import process
from rag.records import ModelIdentity
from rag.retrieval.hybrid import HybridRetriever
from rag.stores import embedders, keyword_segments, log_damage, schema
from rag.stores.blobs import BlobStore
from rag.stores.database import Database
from rag.stores.embedders import Known, Model
from rag.stores.index_follower import IndexFollower
from rag.stores.key_tokens import KeyTokens
from rag.stores.keywords import Keywords
from rag.stores.receipt import Environment
from rag.stores.receipt_writer import ReceiptWriter
from rag.stores.reserve import Reserve

_log = structlog.get_logger(__name__)

_STATES: Mapping[GeneratorState, PartState] = {
    GeneratorState.STARTING: "starting",
    GeneratorState.READY: "ready",
    GeneratorState.RESTARTING: "starting",
    GeneratorState.FAILED: "failed",
    GeneratorState.CLOSED: "failed",
}


_BETWEEN_TRIES_S = 1.0

_SHAPE_ANSWERS = ("context_tokens", "abstention", "drafting")
"""Settings by which the same question over the same documents may be answered differently."""


class Service:
    """Everything the routes use. ``start`` returns at once; models load in the background.

    Raises, from the constructor:
        Conflict: ``data_folder_in_use``, ``schema_too_new``, ``key_required``.
        StorageFailed: the data folder cannot be used.
    """

    def __init__(self, settings: Settings, life: Lifecycle | None = None) -> None:
        self.settings = settings
        self.life = life or Lifecycle()
        self._lock = FolderLock(settings.data).acquire()
        try:
            self.reserve = Reserve(settings.data / "reserve")
            self.reserve.release()
            lost = log_damage.look(settings.database_path) or log_damage.noted(settings.database_path)
            if lost is not None:
                _log.error("log_cut_short", commits=lost.commits)
            self.database = Database(settings.database_path)
            self.database.quick_check()
            schema.upgrade(self.database)
            self.blobs = BlobStore(settings.blobs_path, self.database.health)
            self.reserve.hold()
            self.tokens = KeyTokens(settings.data)
            self.callers = Callers(self.database, self.tokens, alone=is_loopback(settings.host))
            self.callers.require_a_key()
        except BaseException:
            self._lock.release()
            raise
        self.pictures = PagePictures(settings.cache_path / "pages", self.blobs)
        self.receipts = ReceiptWriter(self.database)
        self.load = Load(settings, self.database)
        self.gate = self.load.asks
        self.metrics = Metrics(lambda: figures.collect(self._figure_sources()))
        self._readiness = Readiness("search", "generator", "worker")
        self.drafting = _drafting(settings)
        self._reader = default_reader(threads=settings.threads)
        self._retriever: HybridRetriever | None = None
        self._answerer: Answerer | None = None
        self._generator: TextGenerator | None = None
        self._embedder: Embedder | None = None
        self._indexes: Sequence[IndexFollower] = ()
        self._no_embedder: Conflict | None = None
        self.refused_embedder: Model | None = None
        """The model that the settings name, where the library is served from another one."""
        self.embedder_watch = EmbedderWatch(self.database, self._go_over_to)
        self._keywords = Keywords(settings.indexes_path / keyword_segments.FOLDER)
        self._supervisor = WorkerSupervisor(
            self.database, partial(_worker_command, settings), self.metrics.hear_worker
        )
        self._housekeeper = Housekeeper(
            [
                partial(self.save_index, now=False),
                self._grow_indexes,
                self.pictures.prune,
                self.reserve.hold,
                self.receipts.settle,
                self.callers.enter_uses,
                partial(expire_answers, self.database, settings),
            ]
        )
        self._loading = threading.Thread(target=self._load, name="loading", daemon=True)

    def start(self) -> None:
        self._supervisor.start()
        self._housekeeper.start()
        self.load.backlog.start()
        self._loading.start()

    def close(self) -> None:
        """Stop the children and save what can be saved. Takes some seconds at most."""
        self.embedder_watch.close()
        self._supervisor.close()
        if self._generator is not None:
            self._generator.close()
        self._housekeeper.close()
        self.pictures.close()
        self.load.close()
        self._keywords.close()
        self.save_index()
        self.database.close()
        self._lock.release()
        self.life.closed = True

    @property
    def retriever(self) -> HybridRetriever:
        """Raises ``Unavailable`` (``search_starting``) until the embedder is loaded."""
        if self._retriever is None:
            raise self._not_yet("search")
        return self._retriever

    @property
    def embedder(self) -> Embedder:
        """Raises ``Unavailable`` (``search_starting``) until it is loaded."""
        if self._embedder is None:
            raise self._not_yet("search")
        return self._embedder

    @property
    def answerer(self) -> Answerer:
        """Raises ``Unavailable`` (``search_starting``) until the embedder is loaded."""
        if self._answerer is None:
            raise self._not_yet("search")
        return self._answerer

    def parts(self) -> Mapping[str, PartStatus]:
        """What each part is doing, as it is now."""
        parts = dict(self._readiness.snapshot())
        if self._generator is not None and parts["generator"].state == "starting":
            reason = self._generator.status.reason
            parts["generator"] = PartStatus("starting", reason or parts["generator"].phase)
        if self._generator is not None and parts["generator"].state == "ready":
            status = self._generator.status
            if status.state is not GeneratorState.READY:
                parts["generator"] = PartStatus(_STATES[status.state], status.reason or status.state.value)
            else:
                parts["generator"] = PartStatus("ready", f"ready, drafting: {self.drafting.current}")
        phase = self._supervisor.phase
        parts["worker"] = PartStatus("ready" if phase == "ready" else "starting", phase)
        if self.database.health.trouble is not None:
            parts["storage"] = PartStatus("failed", f"read-only, since {self.database.health.trouble}")
        return parts

    def models(self) -> Mapping[Literal["generator", "embedder"], ModelIdentity]:
        """The models that work, by what they are for; one that is being loaded is not among them."""
        found: dict[Literal["generator", "embedder"], ModelIdentity] = {}
        if self._generator is not None and self.parts()["generator"].state == "ready":
            found["generator"] = self._generator.identity
        if self._embedder is not None:
            found["embedder"] = self._embedder.identity
        return found

    def process_ids(self) -> Mapping[str, int]:
        """The service's processes by role."""
        children = {
            "worker": self._supervisor.pid,
            "generator": None if self._generator is None else self._generator.pid,
        }
        return {"api": os.getpid()} | {role: pid for role, pid in children.items() if pid is not None}

    def save_index(self, *, now: bool = True) -> None:
        for index in self._indexes:
            # One of before a delete would keep vectors of what was deleted on the disk.
            with suppress(FootnoteError), self.database.read() as tx:
                index.current(tx)
            index.save(now=now)

    def _grow_indexes(self) -> None:
        """Whatever a larger library is searched with is made in the background."""
        if self._retriever is not None:
            self._retriever.grow()

    def _load(self) -> None:
        """Start the generator's own process first: it loads while this one imports the embedder."""
        try:
            self._generator = start_generator(self.settings)
        except FootnoteError as error:
            self._readiness.report("generator", "failed", error.detail)
        self._attempt("search", "loading the embedder", self._load_search)
        self.embedder_watch.start()
        if self._generator is not None:
            self._have_generator(self._generator)

    def _have_generator(self, generator: TextGenerator) -> None:
        """Until it works. A model file fails for good; a server that is away may come back."""
        server = server_of(self.settings)
        phase = "loading the model" if server is None else "trying the model's server"
        while not self._attempt("generator", phase, self._try_generator):
            if server is None or generator.status.state is GeneratorState.CLOSED:
                return
            time.sleep(_BETWEEN_TRIES_S)

    def _attempt(self, part: str, phase: str, load: Callable[[], str | None]) -> bool:
        """Whether it worked. ``load`` returns what there is to be said of a part that is ready."""
        self._readiness.report(part, "starting", phase)
        try:
            told = load()
        except FootnoteError as error:
            self._readiness.report(part, "failed", error.detail)
            _log.error("part_failed", part=part, code=error.code)
        except Exception:
            self._readiness.report(part, "failed", "it could not be started; see the server's log")
            _log.exception("part_failed", part=part)
        else:
            self._readiness.report(part, "ready", told or "ready")
            return True
        return False

    def _load_search(self) -> str:
        try:
            chosen = choose(self.database, self.settings.embedder)
        except Conflict as error:
            self._no_embedder = error
            raise
        embedder = embeddings_at(chosen.folder, self.settings.threads)
        embedder.encode(["Ready when this has a vector."])
        self._embedder = embedder
        self._reader.load()
        student = distil_if_missing(self.settings.models, embedder, self._tell_distilling)
        self._readiness.report("search", "starting", "loading the index")
        self._search_with(searching.build(self._search_parts(), embedder, student))
        self.refused_embedder = chosen.refused
        return f"ready; {chosen.notice}" if chosen.notice else "ready"

    def _search_parts(self) -> searching.Parts:
        return searching.Parts(
            database=self.database,
            indexes_path=self.settings.indexes_path,
            keywords=self._keywords,
            reader=self._reader,
            abstention=self.settings.abstention,
            drafting=self.drafting,
            keeper=self._receipt_keeper,
            generator=self._generator,
            cached_answers=self.settings.answer_cache,
        )

    def _search_with(self, made: Searching) -> None:
        """Questions that are being answered go on with what they began with."""
        self._indexes, self._embedder = made.indexes, made.embedder
        self._answerer, self._retriever = made.answerer, made.retriever
        self._no_embedder = None

    def _go_over_to(self, target: Known) -> None:
        """Have another embedder serve the library, if it is ready for it: one row, then one object."""
        embedder = embeddings_at(target.model.folder, self.settings.threads)
        if embedder.space_id != target.model.key:
            raise Unavailable("model_unusable", f"{target.model} is not where it was; put it back there.")
        student = distil_if_missing(self.settings.models, embedder)
        made = searching.build(self._search_parts(), embedder, student)
        if self.embedder_watch.closing:  # all that took a while, and the service may not write any more
            return
        with self.database.write() as tx:
            if not embedders.switch(tx, target.space_id):
                return
        self._search_with(made)
        self.refused_embedder = refused_model(self.settings.embedder, target.model)
        self._readiness.report("search", "ready", "ready")
        self._supervisor.replace()
        _log.info("embedder_changed", space=target.model.key)

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

    def _not_yet(self, part: str) -> FootnoteError:
        if self._no_embedder is not None:
            return self._no_embedder
        phase = self._readiness.snapshot()[part].phase
        return Unavailable("search_starting", f"Search is not ready ({phase}); try again in a moment.")

    def refused_connections(self) -> Mapping[str, Mapping[str, float]]:
        """What each process's guard has refused since the service started, by kind of destination."""
        guard = process.guard()
        generator = self._generator.tally.totals() if self._generator else Totals()
        return {
            "api": guard.refused if guard else {},
            "worker": self.metrics.worker_refused,
            "generator": generator.refused,
        }

    def _figure_sources(self) -> figures.Sources:
        generator = self._generator
        return figures.Sources(
            database=self.database,
            indexes=self._indexes,
            indexes_path=self.settings.indexes_path,
            load=self.load.figures(),
            at_generator=generator.load if generator else 0,
            generator=generator.tally.totals() if generator else Totals(),
            parts=self.parts(),
            process_ids=self.process_ids(),
            worker_restarts=self._supervisor.restarts,
            refused=self.refused_connections(),
        )


def _drafting(settings: Settings) -> DraftingChoice:
    if settings.drafting == "auto":
        return DraftingChoice()
    return DraftingChoice(Drafting(settings.drafting), fixed=True)


def _worker_command(settings: Settings, worker_id: str) -> list[str]:
    command = [sys.executable, "-m", "ingest.worker", "--worker-id", worker_id]
    command += ["--data", str(settings.data), "--database", str(settings.database_path)]
    command += ["--models", str(settings.models)]
    command += ["--threads", str(settings.threads), "--parent", str(os.getpid())]
    if settings.embedder is not None:
        command += ["--embedder", str(settings.embedder)]
    return command
