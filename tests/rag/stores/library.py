"""A small library to test the stores with: real database, real blobs, vectors from a seeded generator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rag.records import Chunk, DocumentState, Page, ParsedDocument
from rag.stores import acceptance, chunk_store, collections, document_catalog, job_queue
from rag.stores.acceptance import Accepted
from rag.stores.access import LOCAL
from rag.stores.blobs import BlobStore
from rag.stores.database import Database
from rag.stores.document_catalog import Document
from rag.stores.job_queue import Job

DIMENSION = 8
SPACE = "test-space"


def unit_vectors(count: int, seed: int = 0, dimension: int = DIMENSION) -> NDArray[np.float32]:
    rows = np.random.default_rng(seed).standard_normal((count, dimension)).astype(np.float32)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True).astype(np.float32)
    unit: NDArray[np.float32] = rows / lengths
    return unit


class Library:
    """Documents made of given texts, one chunk a text, published through the job queue as the worker does."""

    def __init__(self, database: Database, blobs: BlobStore) -> None:
        self.database = database
        self.blobs = blobs
        with database.write() as tx:
            self.space_id = chunk_store.open_space(tx, SPACE, DIMENSION)
        self._seed = 0

    def accept(
        self,
        content: bytes,
        name: str = "a.txt",
        *,
        collection: str = collections.DEFAULT,
        metadata: Mapping[str, Any] | None = None,
        replacing: Document | None = None,
        **options: Any,
    ) -> Accepted:
        blob = self.blobs.put([content], limit=10_000_000)
        with self.database.write() as tx:
            if replacing is not None:
                document = document_catalog.get(tx, LOCAL, replacing.public_id)
                return acceptance.accept_version(tx, document, blob, name)
            place = collections.get(tx, LOCAL, collection)
            return acceptance.accept(tx, blob, name, place, metadata or {}, **options)

    def claim(self, worker: str = "worker") -> Job:
        with self.database.write() as tx:
            job = job_queue.claim(tx, worker)
        assert job is not None
        return job

    def publish(self, job: Job, texts: Sequence[str], **parsed: Any) -> int | None:
        """Publish ``texts`` as the version's chunks, joined by blank lines. Returns the first chunk's id."""
        body = "\n\n".join(texts)
        pieces, at = [], 0
        for text in texts:
            pieces.append(Chunk(at, at + len(text), "context", 5, page=1))
            at += len(text) + 2
        self._seed += 1
        with self.database.write() as tx:
            job_queue.succeed(tx, job)
            return chunk_store.publish(
                tx,
                version_id=job.version_id,
                parsed=ParsedDocument(
                    body, **{"media_type": "text/plain", "pages": (Page(1, 0, len(body)),), **parsed}
                ),
                pieces=pieces,
                embedded=unit_vectors(len(pieces), self._seed),
                space_id=self.space_id,
                state=DocumentState.READY if pieces else DocumentState.NEEDS_OCR,
            )

    def add(self, texts: Sequence[str], name: str = "a.txt", **options: Any) -> Document:
        """A ready document."""
        accepted = self.accept(f"{name}: {texts}".encode(), name, **options)
        self.publish(self.claim(), texts)
        return self.document(accepted.document.public_id)

    def document(self, public_id: str) -> Document:
        with self.database.read() as tx:
            return document_catalog.get(tx, LOCAL, public_id)

    def named(self, name: str) -> Document:
        with self.database.read() as tx:
            (found,) = document_catalog.page_of(tx, LOCAL, limit=1, name_contains=name)[0]
        return found

    def remove(self, document: Document) -> Sequence[str]:
        with self.database.write() as tx:
            return document_catalog.remove(tx, document_catalog.get(tx, LOCAL, document.public_id))
