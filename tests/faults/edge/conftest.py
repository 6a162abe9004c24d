"""One light service of its own processes, for all tests of the HTTP edge."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.faults.fuzz import VARIABLES, something_to_find
from tests.faults.openapi_cases import Known
from tests.faults.service import FaultyService


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FaultyService]:
    with FaultyService(tmp_path_factory.mktemp("edge"), variables=VARIABLES) as service:
        service.start()
        yield service


@pytest.fixture(scope="session")
def http(running: FaultyService) -> Iterator[httpx.Client]:
    with running.client() as client:
        yield client


@pytest.fixture(scope="session")
def known(http: httpx.Client) -> Known:
    """A document, a job, an answer, a collection and a conversation that exist."""
    return something_to_find(http)
