"""One real service, with its worker, embedder and generator, for all journeys."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.journeys.running import RunningService


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    with RunningService(tmp_path_factory.mktemp("service")) as service:
        yield service


@pytest.fixture
def http(running: RunningService) -> Iterator[httpx.Client]:
    with running.client() as client:
        yield client
