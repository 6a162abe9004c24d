from __future__ import annotations

from collections.abc import Iterator

import pytest

from rag.models.embeddings import SentenceTransformerEmbeddings
from rag.models.generation import GeneratorSettings
from rag.models.generator import Generator
from rag.models.locations import default_embedder_path, default_model_path

SETTINGS = GeneratorSettings(context=256, threads=2)


@pytest.fixture(scope="session")
def generator() -> Iterator[Generator]:
    with Generator(default_model_path(), SETTINGS) as running:
        running.wait_ready()
        yield running


@pytest.fixture(scope="session")
def embeddings() -> SentenceTransformerEmbeddings:
    """The reference, whatever faster form of it is installed."""
    return SentenceTransformerEmbeddings(default_embedder_path(), threads=2)
