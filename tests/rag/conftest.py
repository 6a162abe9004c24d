"""Real models, loaded once for all tests of the library."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from rag.generation import prompt
from rag.models.embeddings import SentenceTransformerEmbeddings
from rag.models.generator import Generator
from rag.models.locations import default_embedder_path, default_model_path
from tests.rag.library import Library


@pytest.fixture(scope="session")
def embedder() -> SentenceTransformerEmbeddings:
    return SentenceTransformerEmbeddings(default_embedder_path(), threads=2)


@pytest.fixture
def library(tmp_path: Path, embedder: SentenceTransformerEmbeddings) -> Library:
    return Library(tmp_path, embedder)


@pytest.fixture(scope="session")
def running_generator() -> Iterator[Generator]:
    with Generator(default_model_path()) as generator:
        generator.wait_ready()
        generator.warm(prompt.prefix(generator.chat_format))
        yield generator
