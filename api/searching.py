"""Everything that finds and answers, made of one embedder: exchanged whole when another takes over."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ingest.refiner import open_spaces
from rag.generation.answer_cache import AnswerCache, writer_of
from rag.generation.answering import Answerer
from rag.generation.drafting import DraftingChoice
from rag.generation.receipts import ReceiptKeeper
from rag.generation.surveying import Surveyor
from rag.models.embedder import Embedder
from rag.models.span_reader import SpanReader
from rag.models.static_embeddings import StaticEmbeddings
from rag.models.text_generator import TextGenerator
from rag.retrieval.dense import VectorSpace
from rag.retrieval.evidence import EvidenceSelector
from rag.retrieval.hybrid import HybridRetriever
from rag.stores.database import Database
from rag.stores.index_follower import IndexFollower
from rag.stores.keywords import Keywords


@dataclass(frozen=True, slots=True)
class Searching:
    """``answerer`` is None where there is no generator."""

    embedder: Embedder
    indexes: Sequence[IndexFollower]
    retriever: HybridRetriever
    answerer: Answerer | None


@dataclass(frozen=True, slots=True)
class Parts:
    """What stays when the embedder changes. ``keeper`` makes what keeps answers, from the spaces' ids."""

    database: Database
    indexes_path: Path
    keywords: Keywords
    reader: SpanReader
    abstention: float
    drafting: DraftingChoice
    keeper: Callable[..., ReceiptKeeper]
    generator: TextGenerator | None
    cached_answers: bool


def build(parts: Parts, embedder: Embedder, student: StaticEmbeddings) -> Searching:
    """With indexes that have caught up. Raises ``FootnoteError`` as its parts do."""
    database = parts.database
    with database.write() as tx:
        student_space, teacher_space = open_spaces(tx, embedder, student)
    spaces = [
        VectorSpace(_follow(parts, embedder, teacher_space), embedder),
        VectorSpace(
            _follow(parts, student, student_space), student, student.as_teacher_cosine, student.as_asked
        ),
    ]
    with database.read() as tx:
        for space in spaces:
            space.index.current(tx)
        parts.keywords.open(tx)
    retriever = HybridRetriever(database, spaces, parts.keywords)
    answerer = None
    if parts.generator is not None:
        selector = EvidenceSelector(embedder, parts.reader, false_refusals=parts.abstention)
        keeper = parts.keeper(embedder.space_id, student.space_id)
        answerer = Answerer(
            database,
            retriever,
            selector,
            parts.generator,
            keeper,
            Surveyor(database, retriever, selector, student),
            parts.drafting,
            answer_cache(parts, keeper, parts.generator),
        )
    return Searching(embedder, [space.index for space in spaces], retriever, answerer)


def answer_cache(parts: Parts, keeper: ReceiptKeeper, generator: TextGenerator) -> AnswerCache | None:
    """None where it is not wanted, or where no answers are kept."""
    if not parts.cached_answers or keeper.environment is None:
        return None
    return AnswerCache(parts.database, keeper.environment, lambda: writer_of(generator, parts.drafting))


def _follow(parts: Parts, embedder: Embedder, space: int) -> IndexFollower:
    folder = parts.indexes_path / embedder.space_id[:16]
    return IndexFollower(folder, space, embedder.space_id, embedder.dimension)
