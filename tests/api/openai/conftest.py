"""One real service for every test here, asked through OpenAI's own clients, which nothing is done to."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from openai import OpenAI
from openai.types import VectorStore

from tests.api.openai.library import LIBRARY
from tests.journeys.running import RunningService


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    with RunningService(tmp_path_factory.mktemp("openai")) as service:
        yield service


@pytest.fixture(scope="session")
def base_url(running: RunningService) -> str:
    return f"{running.address}/v1"


@pytest.fixture(scope="session")
def client(base_url: str) -> Iterator[OpenAI]:
    with OpenAI(base_url=base_url, api_key="unused", timeout=120.0, max_retries=0) as made:
        yield made


@pytest.fixture(scope="session")
def store(client: OpenAI) -> VectorStore:
    """A vector store with one file in it, made as OpenAI's guide to file search does."""
    made = client.vector_stores.create(name="harbour")
    added = client.vector_stores.files.upload_and_poll(
        vector_store_id=made.id, file=("harbour.txt", LIBRARY), poll_interval_ms=100
    )
    assert added.status == "completed", added
    return made
