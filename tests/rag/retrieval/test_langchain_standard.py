"""LangChain's published test suites over Footnote's vector store and retriever."""

from __future__ import annotations

from pathlib import Path

import pytest
from langchain_core.documents import Document
from langchain_core.vectorstores import VectorStore
from langchain_tests.integration_tests import RetrieversIntegrationTests, VectorStoreIntegrationTests

from rag.models.embeddings import SentenceTransformerEmbeddings
from rag.models.locations import default_embedder_path
from rag.retrieval.dense import VectorSpace
from rag.retrieval.hybrid import HybridRetriever
from rag.retrieval.langchain_ports import FootnoteRetriever, FootnoteVectorStore


class TestVectorStore(VectorStoreIntegrationTests):
    @pytest.fixture
    def vectorstore(self, tmp_path: Path) -> VectorStore:
        return FootnoteVectorStore.open(tmp_path, self.get_embeddings())


class TestRetriever(RetrieversIntegrationTests):
    @pytest.fixture(autouse=True)
    def _documents(self, tmp_path: Path) -> None:
        embeddings = SentenceTransformerEmbeddings(default_embedder_path(), threads=2)
        store = FootnoteVectorStore.open(tmp_path, embeddings)
        store.add_documents(
            [
                Document("The lighthouse was built in 1876."),
                Document("Bread is baked from flour."),
                Document("Ships steer by the lamp of the lighthouse."),
                Document("The keeper of the lighthouse cleaned its lenses every morning."),
            ]
        )
        self._searcher = HybridRetriever(store._database, [VectorSpace(store._index, embeddings)])

    @property
    def retriever_constructor(self) -> type[FootnoteRetriever]:
        return FootnoteRetriever

    @property
    def retriever_constructor_params(self) -> dict[str, object]:
        return {"searcher": self._searcher}

    @property
    def retriever_query_example(self) -> str:
        return "When was the lighthouse built?"
