from __future__ import annotations

import numpy as np
import pytest

from ingest import pipeline, refiner
from ingest.pipeline import Tools
from ingest.refiner import Refiner
from ingest.sandbox import ParseServer
from ingest.splitting import embedding_text
from ingest.worker import claim
from rag.models.embedder import Embedder
from rag.models.static_embeddings import StaticEmbeddings
from rag.models.tokenizer import OffsetTokenizer
from rag.records import DocumentState
from rag.stores import chunk_store, document_catalog
from rag.stores.acceptance import Accepted
from tests.ingest.workplace import Workplace

TEXT = "".join(
    f"In the year {1500 + number} the tower was raised by {number} feet. " for number in range(300)
)


@pytest.fixture
def read(workplace: Workplace, student: StaticEmbeddings, teacher: Embedder, reader: ParseServer) -> Accepted:
    """A document of several chunks that is searchable by the student's vectors."""
    accepted = workplace.accept(TEXT.encode(), "tower.txt")
    job = claim(workplace.database, "worker")
    assert job is not None
    tools = Tools(workplace.database, workplace.blobs, student, OffsetTokenizer(teacher.folder), 256, reader)
    pipeline.run(job, tools)
    assert workplace.version(accepted).chunks >= 20
    return accepted


@pytest.fixture
def working(workplace: Workplace, student: StaticEmbeddings, teacher: Embedder) -> Refiner:
    return Refiner(workplace.database, teacher, student)


def _vectors(workplace: Workplace, embedder: Embedder) -> tuple[list[int], np.ndarray]:
    with workplace.database.write() as tx:
        space = chunk_store.open_space(tx, embedder.space_id, embedder.dimension)
        ids, rows = chunk_store.vectors_between(tx, space, 1, 1000)
    return ids.tolist(), rows


def test_every_chunk_gets_the_teachers_vector_of_its_own_text(
    workplace: Workplace,
    read: Accepted,
    working: Refiner,
    teacher: Embedder,
    student: StaticEmbeddings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(refiner, "WINDOW", 16)
    monkeypatch.setattr(refiner, "BATCH", 6)
    rounds = 0
    while working.refine_some(lambda: True):
        rounds += 1
    version = workplace.version(read)
    assert (version.state, version.refined_chunks) == (DocumentState.REFINED, version.chunks)
    assert rounds == -(-version.chunks // 16)
    assert version.refined_at is not None
    ids, stored = _vectors(workplace, teacher)
    with workplace.database.read() as tx:
        said = chunk_store.said(tx, ids)
    expected = teacher.encode([embedding_text(context, body) for _, context, body in said])
    # Quantised weights round by the batch they are in.
    assert (np.sum(stored * expected, axis=1) > 0.995).all()
    assert _vectors(workplace, student)[0] == []


def test_what_is_more_urgent_is_asked_about_between_batches(
    workplace: Workplace, read: Accepted, working: Refiner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refiner, "BATCH", 5)
    asked: list[int] = []

    def attend() -> bool:
        asked.append(workplace.version(read).refined_chunks)
        return True

    assert working.refine_some(attend)
    assert asked == [0] * -(-workplace.version(read).chunks // 5)


def test_told_to_stop_it_leaves_everything_as_it_was(
    workplace: Workplace, read: Accepted, working: Refiner, student: StaticEmbeddings
) -> None:
    assert working.refine_some(lambda: False)
    version = workplace.version(read)
    assert (version.state, version.refined_chunks) == (DocumentState.READY, 0)
    assert len(_vectors(workplace, student)[0]) == version.chunks


def test_a_document_deleted_in_between_is_not_written_to(
    workplace: Workplace, read: Accepted, working: Refiner, teacher: Embedder
) -> None:
    def delete() -> bool:
        with workplace.database.write() as tx:
            document = workplace.document(read) if not gone else None
            if document is not None:
                document_catalog.remove(tx, document)
                gone.append(document.public_id)
        return True

    gone: list[str] = []
    assert working.refine_some(delete)
    assert _vectors(workplace, teacher)[0] == []
    assert not working.refine_some(delete)
