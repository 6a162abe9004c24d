from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from rag.stores import schema
from rag.stores.blobs import BlobStore
from rag.stores.database import Database
from tests.rag.stores.library import Library


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(tmp_path / "footnote.db")
    schema.upgrade(database)
    yield database
    database.close()


@pytest.fixture
def blobs(tmp_path: Path) -> BlobStore:
    return BlobStore(tmp_path / "blobs")


@pytest.fixture
def library(database: Database, blobs: BlobStore) -> Library:
    return Library(database, blobs)
