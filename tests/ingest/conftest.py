from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ingest.sandbox import ParseServer
from rag.models.distillation import distil_if_missing
from rag.models.embedder import Embedder
from rag.models.embeddings import embeddings_at
from rag.models.locations import default_models_folder
from rag.models.static_embeddings import StaticEmbeddings
from tests.ingest.workplace import Workplace


@pytest.fixture(scope="session")
def teacher() -> Embedder:
    return embeddings_at(None, threads=2)


@pytest.fixture(scope="session")
def student(teacher: Embedder) -> StaticEmbeddings:
    return distil_if_missing(default_models_folder(), teacher)


@pytest.fixture(scope="session")
def reader() -> Iterator[ParseServer]:
    with ParseServer() as server:
        yield server


@pytest.fixture
def workplace(tmp_path: Path) -> Iterator[Workplace]:
    workplace = Workplace(tmp_path)
    yield workplace
    workplace.database.close()
