"""One real service over HTTP for the tests of a module, with models that cost nothing to load."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from api.client import Footnote
from tests.faults.service import FaultyService

LIBRARY = (
    b"The reading room of the Harbour Library was opened on 3 May 1911 by Mayor Ottilie Brandt.\n\n"
    b"It has 84 seats, and its roof is made of copper from the Falun mine.\n\n"
    b"The library lends skates in winter, free of charge, to everyone under sixteen.\n"
)
OPENED = "When was the reading room of the Harbour Library opened?"


@contextmanager
def served(folder: Path, variables: Mapping[str, str] | None = None) -> Iterator[FaultyService]:
    """A service that searches and reads; it quotes, having no language model."""
    with FaultyService(folder, variables=variables) as service:
        service.start()
        yield service


@contextmanager
def served_with_library(folder: Path) -> Iterator[tuple[FaultyService, str]]:
    """The service and the id of a document that it holds."""
    with served(folder) as service, Footnote(service.address) as client:
        document = client.documents.add(LIBRARY, name="harbour.txt")
        yield service, document.id
