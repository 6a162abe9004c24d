from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from rag.models.embeddings import SentenceTransformerEmbeddings, default_embeddings
from tests.ingest.workplace import Workplace


@pytest.fixture(scope="session")
def embedder() -> SentenceTransformerEmbeddings:
    return default_embeddings(threads=2)


@pytest.fixture
def workplace(tmp_path: Path) -> Iterator[Workplace]:
    workplace = Workplace(tmp_path)
    yield workplace
    workplace.database.close()
