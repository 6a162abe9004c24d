"""A data folder with a database and files, as the worker finds it, and looks at what became of a job."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from sqlalchemy import func, select, update

from ingest.parsers.limits import ParseLimits
from ingest.sandbox import OnProgress
from ingest.worker import claim
from rag.records import ParsedDocument
from rag.stores import acceptance, collections, document_catalog, job_queue, schema
from rag.stores.acceptance import Accepted
from rag.stores.access import LOCAL
from rag.stores.blobs import BlobStore
from rag.stores.database import Database
from rag.stores.document_catalog import Document, Version
from rag.stores.job_queue import Job
from rag.stores.tables import index_changes, jobs

PATIENCE_SECONDS = 240.0
"""Workers leave the processor to everybody else: beside much else they take long. It ends tests that
would hang, and is no figure."""


class Workplace:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.database = Database(folder / "footnote.db")
        schema.upgrade(self.database)
        self.blobs = BlobStore(folder / "blobs")

    def accept(self, content: bytes, name: str = "a.txt", replacing: Accepted | None = None) -> Accepted:
        blob = self.blobs.put([content], limit=10_000_000)
        with self.database.write() as tx:
            if replacing is not None:
                document = document_catalog.get(tx, LOCAL, replacing.document.public_id)
                return acceptance.accept_version(tx, document, blob, name)
            place = collections.get(tx, LOCAL, collections.DEFAULT)
            return acceptance.accept(tx, blob, name, place, {})

    def job(self, accepted: Accepted) -> Job:
        with self.database.read() as tx:
            return job_queue.get(tx, LOCAL, accepted.job.public_id)

    def document(self, accepted: Accepted) -> Document:
        with self.database.read() as tx:
            return document_catalog.get(tx, LOCAL, accepted.document.public_id)

    def version(self, accepted: Accepted) -> Version:
        with self.database.read() as tx:
            document = document_catalog.get(tx, LOCAL, accepted.document.public_id)
            return document_catalog.version(tx, document, accepted.job.version_number)

    def publications(self) -> int:
        """How many times chunks were made searchable."""
        with self.database.read() as tx:
            return (
                tx.scalar(
                    select(func.count()).select_from(index_changes).where(index_changes.c.operation == "add")
                )
                or 0
            )

    def skip_pauses(self) -> None:
        with self.database.write() as tx:
            tx.execute(update(jobs).values(run_at=0.0))

    def wait(
        self, accepted: Accepted, until: Callable[[Job], bool], seconds: float = PATIENCE_SECONDS
    ) -> Job:
        """The job once ``until`` holds; fails after ``seconds``."""
        deadline = time.monotonic() + seconds
        while not until(job := self.job(accepted)):
            assert time.monotonic() < deadline, f"still waiting: {job}"
            time.sleep(0.02)
        return job

    def wait_for(self, look: Callable[[], object], wanted: object, seconds: float = PATIENCE_SECONDS) -> bool:
        """Whether ``look`` sees ``wanted`` in time."""
        deadline = time.monotonic() + seconds
        while look() != wanted:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)
        return True


Parse = Callable[..., ParsedDocument]


class GivenReader:
    """Reads whatever it is given, and finds in it what it is told to."""

    def __init__(self, parse: Parse, members: Sequence[tuple[str, bytes]] = ()) -> None:
        self._parse = parse
        self._members = members

    def parse_file(
        self,
        path: Path,
        name: str,
        limits: ParseLimits | None = None,
        on_progress: OnProgress | None = None,
    ) -> ParsedDocument:
        return self._parse(path, name, limits, on_progress)

    def members(
        self, path: Path, name: str, limits: ParseLimits | None = None
    ) -> Iterator[tuple[str, Iterator[bytes]]]:
        for member, content in self._members:
            yield member, iter([content])


def claimed(workplace: Workplace, worker: str = "worker") -> Job:
    job = claim(workplace.database, worker)
    assert job is not None
    return job


def parsed(text: str, **fields: object) -> ParsedDocument:
    return ParsedDocument(text, **{"media_type": "text/plain", **fields})  # type: ignore[arg-type]
