from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from ingest.pipeline import Tools
from ingest.sandbox import ParseServer
from rag.models.distillation import distil_if_missing
from rag.models.embedder import Embedder
from rag.models.embeddings import embeddings_at
from rag.models.locations import default_embedder_path, default_models_folder
from rag.models.static_embeddings import StaticEmbeddings
from rag.models.tokenizer import OffsetTokenizer
from rag.records import ParsedDocument
from tests.ingest.workplace import GivenReader, Parse, Workplace


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


@pytest.fixture
def tools(workplace: Workplace, student: StaticEmbeddings, reader: ParseServer) -> Callable[..., Tools]:
    def make(
        parse: Parse | ParsedDocument | BaseException | None = None,
        members: Sequence[tuple[str, bytes]] = (),
        **changed: object,
    ) -> Tools:
        """Tools whose reader is the real one, or one that gives or raises what it is given."""

        def given(*_arguments: object) -> ParsedDocument:
            if isinstance(parse, BaseException):
                raise parse
            assert isinstance(parse, ParsedDocument)
            return parse

        fields = {
            "database": workplace.database,
            "blobs": workplace.blobs,
            "student": student,
            "tokenizer": OffsetTokenizer(default_embedder_path()),
            "max_tokens": 256,
            "reader": reader if parse is None else GivenReader(parse if callable(parse) else given, members),
            "languages": frozenset({"en"}),
        }
        return Tools(**{**fields, **changed})  # type: ignore[arg-type]

    return make
