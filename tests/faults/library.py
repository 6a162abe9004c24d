"""A library as the service and its worker have it, in one process and on one thread.

The stores and the pipeline are the product's; only the models are light and a text is read in this
process. What the routes do in several steps is done here in the same steps.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path

from sqlalchemy import select, update

from ingest import language, recovery
from ingest.janitor import Janitor
from ingest.parsers.limits import ParseLimits
from ingest.pipeline import Tools
from ingest.refiner import Refiner
from ingest.sandbox import OnProgress
from ingest.worker import Worker
from rag.errors import NotFound
from rag.models.tokenizer import OffsetTokenizer
from rag.records import JobState, ParsedDocument
from rag.retrieval.dense import VectorSpace
from rag.retrieval.hybrid import HybridRetriever
from rag.stores import (
    acceptance,
    chunk_store,
    collections,
    document_catalog,
    job_queue,
    log_damage,
    schema,
    texts,
)
from rag.stores.acceptance import IdempotencyKey
from rag.stores.access import DEFAULT_TENANT, LOCAL
from rag.stores.blobs import BlobStore
from rag.stores.database import Database
from rag.stores.document_catalog import Version
from rag.stores.index_follower import IndexFollower
from rag.stores.reserve import Reserve
from rag.stores.scopes import Scope
from rag.stores.tables import jobs
from tests.faults.ledger import only_word, sha256
from tests.faults.light_models import STUDENT, TEACHER, LightEmbedder

WORKER = "worker"
_LIMIT = 10_000_000
_OLD_SECONDS = 3600.0


@cache
def tokenizer() -> OffsetTokenizer:
    """Read once, before any fork."""
    return OffsetTokenizer(TEACHER.folder)


def warm() -> None:
    """Load now what the first document would load, so that every fork of this process has it."""
    os.environ["TOKENIZERS_PARALLELISM"] = "false"  # its threads would not live on in a fork
    tokenizer().count("The first text is the slowest.")
    language.identify("The first text is the slowest.")


class _PlainReader:
    """Reads a text in this process: what a parser does cannot harm the data folder."""

    def parse_file(
        self,
        path: Path,
        name: str,
        limits: ParseLimits | None = None,
        on_progress: OnProgress | None = None,
    ) -> ParsedDocument:
        return ParsedDocument(path.read_text(), "text/plain")

    def members(
        self, path: Path, name: str, limits: ParseLimits | None = None
    ) -> Iterator[tuple[str, Iterator[bytes]]]:
        return iter(())


class Library:
    """Opened as after a restart: what a dead worker had claimed is given back first."""

    def __init__(self, data: Path) -> None:
        self.data = data
        data.mkdir(parents=True, exist_ok=True)
        self._reserve = Reserve(data / "reserve")
        self._reserve.release()
        log_damage.look(data / "footnote.db")
        self.database = Database(data / "footnote.db")
        self.database.quick_check()
        schema.upgrade(self.database)
        self.blobs = BlobStore(data / "blobs", self.database.health)
        self._reserve.hold()
        recovery.hand_back(self.database, WORKER)
        self.indexes = [self._follow(TEACHER), self._follow(STUDENT)]
        spaces = [
            VectorSpace(self.indexes[0], TEACHER),
            VectorSpace(self.indexes[1], STUDENT, STUDENT.as_teacher_cosine, STUDENT.as_asked),
        ]
        self._retriever = HybridRetriever(self.database, spaces)
        self._refiner = Refiner(self.database, TEACHER, STUDENT)
        tools = Tools(
            database=self.database,
            blobs=self.blobs,
            student=STUDENT,
            tokenizer=tokenizer(),
            max_tokens=TEACHER.max_tokens,
            reader=_PlainReader(),
        )
        self._worker = Worker(WORKER, tools, self._refiner, threading.Event())

    def upload(self, text: str, key: str) -> str:
        """A new document; returns its id once it is durable."""
        blob = self.blobs.put([text.encode()], _LIMIT)
        with self.database.write() as tx:
            place = collections.get(tx, LOCAL, collections.DEFAULT)
            idempotency = IdempotencyKey(DEFAULT_TENANT, key, blob.sha256)
            accepted = acceptance.accept(tx, blob, f"{only_word(text)}.txt", place, {}, idempotency)
        return accepted.document.public_id

    def replace(self, document_id: str, text: str) -> None:
        blob = self.blobs.put([text.encode()], _LIMIT)
        with self.database.write() as tx:
            document = document_catalog.get(tx, LOCAL, document_id)
            acceptance.accept_version(tx, document, blob, f"{only_word(text)}.txt")

    def delete(self, document_id: str) -> None:
        """Raises ``NotFound``."""

        def remove() -> Sequence[str]:
            with self.database.write() as tx:
                return document_catalog.remove(tx, document_catalog.get(tx, LOCAL, document_id))

        hashes = self._reserve.spend(remove)
        self._age(hashes)
        with self.database.write() as tx:
            document_catalog.collect_blobs(tx, self.blobs, hashes)

    def work(self) -> None:
        """Do every job that waits, also one that is to pause first, and refine everything."""
        with self.database.write() as tx:
            tx.execute(update(jobs).where(jobs.c.run_at > time.time()).values(run_at=0.0))
        self._worker._read_waiting()
        while self._refiner.refine_some(lambda: True):
            pass

    def work_again(self) -> None:
        """As a person does with a document that was given up because three workers died over it."""
        with self.database.write() as tx:
            given_up = select(jobs.c.public_id).where(
                jobs.c.state == JobState.DEAD, jobs.c.error_code == "worker_died"
            )
            for job in tx.scalars(given_up).all():
                job_queue.retry(tx, job_queue.get(tx, LOCAL, job))
        self.work()

    def snapshot(self) -> None:
        """What the housekeeper does."""
        with self.database.read() as tx:
            for index in self.indexes:
                index.current(tx)
        for index in self.indexes:
            index.save()

    def tidy(self) -> None:
        """What the janitor does, an hour later."""
        self._age(list(self.blobs))
        for path in (self.blobs.root / ".incoming").iterdir():
            _age(path)
        self.database.truncate_log(0)
        Janitor(self.database, self.blobs).tidy_files()

    def close(self) -> None:
        self.database.close()

    def file(self, document_id: str) -> bytes | None:
        """As in ``oracle.Asked``; raises ``Conflict`` or ``NotFound`` where the file is damaged or gone."""
        newest = self._newest(document_id)
        return None if newest is None else self.blobs.sound_path(newest.sha256).read_bytes()

    def text(self, document_id: str) -> str | None:
        newest = self._newest(document_id)
        if newest is None:
            return None
        with self.database.read() as tx:
            return texts.read_text(tx, newest.id, 0, newest.characters or 0)

    def found(self, word: str) -> list[str]:
        passages = self._retriever.search(word, Scope(LOCAL), 5).passages
        return [passage.document.id for passage in passages if word in passage.text]

    def has_text(self, text: str) -> bool:
        """Whether any document has these bytes."""
        with self.database.read() as tx:
            found, _ = document_catalog.page_of(tx, LOCAL, limit=1, sha256=sha256(text))
        return bool(found)

    def _newest(self, document_id: str) -> Version | None:
        with suppress(NotFound), self.database.read() as tx:
            return document_catalog.get(tx, LOCAL, document_id).newest
        return None

    def _follow(self, embedder: LightEmbedder) -> IndexFollower:
        with self.database.write() as tx:
            space = chunk_store.open_space(tx, embedder.space_id, embedder.dimension)
        folder = self.data / "indexes" / embedder.space_id[:16]
        return IndexFollower(folder, space, embedder.space_id, embedder.dimension)

    def _age(self, hashes: Sequence[str]) -> None:
        for one in hashes:
            _age(self.blobs.path(one))


def _age(path: Path) -> None:
    """Files are not collected in their first minute; this makes it long ago."""
    long_ago = time.time() - _OLD_SECONDS
    with suppress(FileNotFoundError):
        os.utime(path, (long_ago, long_ago))
