"""Footnote's search as LangChain's ``BaseRetriever`` and ``VectorStore``, for use in anybody's chains."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Self
from uuid import uuid4

import numpy as np
from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings
from langchain_core.retrievers import BaseRetriever
from langchain_core.vectorstores import VectorStore
from numpy.typing import NDArray
from pydantic import ConfigDict

from rag.errors import BadRequest
from rag.models.embedder import Embedder
from rag.records import Chunk, DocumentState, ParsedDocument, Passage
from rag.retrieval.hybrid import HybridRetriever
from rag.stores import (
    acceptance,
    chunk_store,
    collections,
    document_catalog,
    embedders,
    job_queue,
    schema,
    scopes,
    texts,
)
from rag.stores.access import LOCAL
from rag.stores.blobs import BlobStore
from rag.stores.collections import Collection
from rag.stores.database import Database, Tx
from rag.stores.embedders import Model
from rag.stores.index_follower import IndexFollower
from rag.stores.scopes import Scope

_LONGEST_TEXT = 10_000_000


class FootnoteRetriever(BaseRetriever):
    """Hybrid search as a retriever: one LangChain document a passage, with where it stands.

    The metadata hold ``document_id``, ``name``, ``version``, ``page``, ``start``, ``end`` and ``score``;
    ``page_content`` is ``text[start:end]`` of that version's canonical text.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    searcher: HybridRetriever
    scope: Scope = Scope(LOCAL)
    k: int = 4

    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun, k: int | None = None
    ) -> list[Document]:
        found = self.searcher.search(query, self.scope, self.k if k is None else k)
        return [_as_document(passage) for passage in found.passages]


class FootnoteVectorStore(VectorStore):
    """A collection of Footnote's as a vector store: durable, and safe to share between threads.

    One LangChain document is one stored document of one chunk, found by meaning alone. A text longer
    than the embedder reads is the caller's to split: Footnote's own ingestion does that for files.

    Args:
        database: with its schema up to date, see ``open``.
        blobs: where the original texts are kept.
        index_folder: where snapshots of the FAISS cache are kept.
        embedding: any LangChain embeddings; one that has a ``space_id`` is recognised by it.
        collection: the name of the collection, created when missing.

    Raises ``Conflict`` (``embedding_model_changed``) in the folder of a library that another model serves.
    """

    def __init__(
        self,
        database: Database,
        blobs: BlobStore,
        index_folder: Path,
        embedding: Embeddings,
        collection: str = collections.DEFAULT,
    ) -> None:
        self._database = database
        self._blobs = blobs
        self._embedding = embedding
        key = str(getattr(embedding, "space_id", type(embedding).__qualname__))
        dimension = len(embedding.embed_query("dimension"))
        with database.write() as tx:
            self._space = chunk_store.open_space(tx, key, dimension)
            embedders.serve_from(tx, _remembered(embedding, key, dimension))
            embedders.require_serving(tx, self._space)
            if collection not in {one.name for one in collections.all_of(tx, LOCAL)}:
                collections.create(tx, LOCAL, collection)
        self._collection = collection
        self._index = IndexFollower(index_folder, self._space, key, dimension)

    @classmethod
    def open(cls, folder: Path, embedding: Embeddings, collection: str = collections.DEFAULT) -> Self:
        """A store in ``folder``, created when missing."""
        database = Database(folder / "footnote.db")
        schema.upgrade(database)
        return cls(database, BlobStore(folder / "blobs"), folder / "index", embedding, collection)

    @property
    def embeddings(self) -> Embeddings:
        return self._embedding

    def add_texts(
        self,
        texts: Iterable[str],
        metadatas: list[dict[str, Any]] | None = None,
        *,
        ids: list[str] | None = None,
        **_: Any,
    ) -> list[str]:
        """Store the texts in one transaction and return their ids; an id that is there is replaced.

        Raises ``BadRequest`` (``too_long_for_embedder``), and then nothing is stored.
        """
        bodies = list(texts)
        names = [name or str(uuid4()) for name in (ids or [""] * len(bodies))]
        described = metadatas or [{} for _ in bodies]
        for body in bodies:
            self._check_length(body)
        vectors = _unit(self._embedding.embed_documents(bodies))
        stored = [self._blobs.put([body.encode()], _LONGEST_TEXT) for body in bodies]
        with self._database.write() as tx:
            self._blobs.require(stored)
            collection = collections.get(tx, LOCAL, self._collection)
            for name, body, metadata, vector, blob in zip(
                names, bodies, described, vectors, stored, strict=True
            ):
                self._remove(tx, collection, [name])
                accepted = acceptance.create(tx, blob, name, collection, metadata)
                job = job_queue.claim_this(tx, accepted.job, "langchain")
                chunk_store.publish(
                    tx,
                    version_id=job.version_id,
                    parsed=ParsedDocument(body, "text/plain"),
                    pieces=[Chunk(0, len(body), "", 0)],
                    embedded=vector[None],
                    space_id=self._space,
                    state=DocumentState.REFINED,
                )
                job_queue.succeed(tx, job)
        return names

    def delete(self, ids: list[str] | None = None, **_: Any) -> bool | None:
        """Delete these documents; ids that are not there are ignored. Returns None without ids."""
        if ids is None:
            return None
        with self._database.write() as tx:
            hashes = self._remove(tx, collections.get(tx, LOCAL, self._collection), ids)
        with self._database.write() as tx:
            document_catalog.collect_blobs(tx, self._blobs, hashes)
        return True

    def get_by_ids(self, ids: Sequence[str], /) -> list[Document]:
        """Those of the documents that are there, in the order of ``ids``."""
        with self._database.read() as tx:
            collection = collections.get(tx, LOCAL, self._collection)
            found = {one.name: one for one in document_catalog.by_name(tx, collection, ids)}
            return [self._document(tx, found[name]) for name in ids if name in found]

    def similarity_search(self, query: str, k: int = 4, **_: Any) -> list[Document]:
        return [document for document, _ in self.similarity_search_with_score(query, k)]

    def similarity_search_with_score(self, query: str, k: int = 4, **_: Any) -> list[tuple[Document, float]]:
        """The ``k`` nearest documents with their cosine, nearest first."""
        return self._nearest(_unit([self._embedding.embed_query(query)])[0], k)

    def similarity_search_by_vector(self, embedding: list[float], k: int = 4, **_: Any) -> list[Document]:
        return [document for document, _ in self._nearest(_unit([embedding])[0], k)]

    @classmethod
    def from_texts(
        cls,
        texts: list[str],
        embedding: Embeddings,
        metadatas: list[dict[str, Any]] | None = None,
        *,
        ids: list[str] | None = None,
        folder: Path | None = None,
        collection: str = collections.DEFAULT,
        **_: Any,
    ) -> Self:
        """A store in ``folder`` (required) with these texts in it."""
        if folder is None:
            raise BadRequest(
                "folder_missing", "A store is durable; say in which folder to keep it (folder=…)."
            )
        store = cls.open(folder, embedding, collection)
        store.add_texts(texts, metadatas, ids=ids)
        return store

    def _select_relevance_score_fn(self) -> Any:
        return lambda cosine: (cosine + 1.0) / 2.0

    def _nearest(self, vector: NDArray[np.float32], k: int) -> list[tuple[Document, float]]:
        with self._database.read() as tx:
            scope = scopes.resolve(tx, Scope(LOCAL, (self._collection,)))
            hits = dict(self._index.current(tx).search(vector, k, scope.ranges))
            found = chunk_store.passages(tx, {chunk: (score, {}) for chunk, score in hits.items()})
            return [
                (self._document(tx, document_catalog.get(tx, LOCAL, passage.document.id)), passage.score)
                for passage in found
            ]

    def _document(self, tx: Tx, stored: document_catalog.Document) -> Document:
        body = texts.read_text(tx, stored.newest.id, 0, stored.newest.characters or 0)
        return Document(id=stored.name, page_content=body, metadata=dict(stored.metadata))

    def _remove(self, tx: Tx, collection: Collection, names: Sequence[str]) -> list[str]:
        present = document_catalog.by_name(tx, collection, names)
        return [one for document in present for one in document_catalog.remove(tx, document)]

    def _check_length(self, body: str) -> None:
        longest = getattr(self._embedding, "max_tokens", None)
        count = getattr(self._embedding, "count_tokens", None)
        if longest is not None and count is not None and count(body) > longest:
            raise BadRequest(
                "too_long_for_embedder",
                f"A text has more than the {longest} tokens the embedder reads; split it first.",
            )


def _as_document(passage: Passage) -> Document:
    return Document(
        page_content=passage.text,
        metadata={
            "document_id": passage.document.id,
            "name": passage.document.name,
            "version": passage.document.version,
            "page": passage.page,
            "start": passage.start,
            "end": passage.end,
            "score": passage.score,
        },
    )


def _remembered(embedding: Embeddings, key: str, dimension: int) -> Model:
    """What a library that nothing else serves yet keeps of who made its vectors."""
    if isinstance(embedding, Embedder):
        return Model(key, dimension, embedding.identity.name, embedding.identity.sha256, embedding.folder)
    return Model(key, dimension, type(embedding).__qualname__, key)


def _unit(rows: Sequence[Sequence[float]]) -> NDArray[np.float32]:
    vectors = np.asarray(rows, dtype=np.float32)
    unit: NDArray[np.float32] = vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12)
    return unit.astype(np.float32, copy=False)
