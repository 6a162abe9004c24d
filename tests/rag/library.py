"""A small real library for tests: documents of one chunk a paragraph, with real embeddings."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from rag.models.embeddings import SentenceTransformerEmbeddings
from rag.models.span_reader import SpanReader, default_reader
from rag.records import Chunk, DocumentState, Page, ParsedDocument
from rag.retrieval.dense import VectorSpace
from rag.retrieval.evidence import EvidenceSelector
from rag.retrieval.hybrid import HybridRetriever
from rag.stores import acceptance, chunk_store, collections, document_catalog, job_queue, schema
from rag.stores.access import LOCAL
from rag.stores.blobs import BlobStore
from rag.stores.database import Database
from rag.stores.index_follower import IndexFollower
from rag.text.sentences import sentence_spans


class Library:
    """Stores, index and retriever over one folder."""

    def __init__(self, folder: Path, embedder: SentenceTransformerEmbeddings) -> None:
        self.database = Database(folder / "footnote.db")
        schema.upgrade(self.database)
        self.blobs = BlobStore(folder / "blobs")
        self.embedder = embedder
        with self.database.write() as tx:
            self.space = chunk_store.open_space(tx, embedder.space_id, embedder.dimension)
        self.index = IndexFollower(folder / "index", self.space, embedder.space_id, embedder.dimension)
        self.retriever = HybridRetriever(self.database, [VectorSpace(self.index, embedder)])

    def add(
        self, name: str, text: str, collection: str = "default", metadata: dict[str, object] | None = None
    ) -> str:
        """Publish ``text`` and return the document's id; blank lines separate chunks and pages."""
        blob = self.blobs.put([text.encode()], 1_000_000)
        spans = _paragraphs(text)
        pages = tuple(Page(number, *span) for number, span in enumerate(spans, start=1))
        pieces = [Chunk(*span, name, 0, page=number) for number, span in enumerate(spans, start=1)]
        vectors = self.embedder.encode([f"{name}\n{text[start:end]}" for start, end in spans])
        with self.database.write() as tx:
            if collection not in {one.name for one in collections.all_of(tx, LOCAL)}:
                collections.create(tx, LOCAL, collection)
            target = collections.get(tx, LOCAL, collection)
            accepted = acceptance.create(tx, blob, name, target, metadata or {})
            job = job_queue.claim_this(tx, accepted.job, "test")
            chunk_store.publish(
                tx,
                version_id=job.version_id,
                parsed=ParsedDocument(text, "text/plain", pages=pages),
                pieces=pieces,
                embedded=vectors,
                space_id=self.space,
                state=DocumentState.REFINED,
            )
            job_queue.succeed(tx, job)
        return accepted.document.public_id

    def selector(self) -> EvidenceSelector:
        return EvidenceSelector(self.embedder, _reader())

    def remove(self, document: str) -> None:
        with self.database.write() as tx:
            document_catalog.remove(tx, document_catalog.get(tx, LOCAL, document))


@cache
def _reader() -> SpanReader:
    return default_reader(threads=2)


def _paragraphs(text: str) -> list[tuple[int, int]]:
    spans: list[tuple[int, int]] = []
    at = 0
    for paragraph in text.split("\n\n"):
        spans.append((at, at + len(paragraph)))
        at += len(paragraph) + 2
    assert all(sentence_spans(text[start:end]) for start, end in spans)
    return spans
