"""Search in the three states of a library: student vectors alone, with BM25, and refined.

``python -m tests.evals.retrieval [--data FOLDER]`` publishes both collections into stores of their own,
once with the static student's vectors and once with the transformer's, and writes a dated table. FOLDER
holds ``retrieval`` (CISI: many relevant abstracts a question) and ``reading`` (one paragraph a question).
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.progress import Progress

from ingest.splitting import embedding_text, split
from rag.evaluation.metrics import mean, ndcg_at, success_at
from rag.evaluation.reports import Figure, Report, write
from rag.models.distillation import distil_if_missing
from rag.models.embedder import Embedder
from rag.models.embeddings import embeddings_at
from rag.models.locations import default_models_folder
from rag.models.static_embeddings import StaticEmbeddings
from rag.models.tokenizer import OffsetTokenizer
from rag.records import DocumentState, ParsedDocument
from rag.retrieval.dense import VectorSpace
from rag.retrieval.hybrid import HybridRetriever, SearchMode
from rag.stores import acceptance, chunk_store, collections, job_queue, schema
from rag.stores.access import LOCAL
from rag.stores.blobs import BlobStore
from rag.stores.database import Database
from rag.stores.index_follower import IndexFollower
from rag.stores.scopes import Scope

ROOT = Path(__file__).parents[2]
DEFAULT_DATA = ROOT.parent / "shared" / "evals"
REPORTS = ROOT / "data" / "reports"

KEPT = 0.97
"""What the student with BM25 is to keep of the refined figure."""
_PASSAGES = 50

Track = Callable[..., Iterable[Any]]


@dataclass(frozen=True, slots=True)
class Collection:
    """``documents`` are id, title and text; ``questions`` are pairs of text and gains by document id."""

    name: str
    documents: Sequence[tuple[str, str, str]]
    questions: Sequence[tuple[str, Mapping[str, float]]]


@dataclass(frozen=True, slots=True)
class Scores:
    ndcg: float
    first: float
    in_five: float


class Library:
    """Real stores with a collection in them, embedded by one embedder and searched as the service does."""

    def __init__(
        self, folder: Path, teacher: Embedder, student: StaticEmbeddings, state: DocumentState
    ) -> None:
        embedder = teacher if state is DocumentState.REFINED else student
        self._database = Database(folder / "footnote.db")
        schema.upgrade(self._database)
        self._blobs = BlobStore(folder / "blobs")
        self._embedder = embedder
        self._state = state
        self._names: dict[str, str] = {}
        indexes = [self._follow(folder / "teacher", teacher), self._follow(folder / "student", student)]
        with self._database.write() as tx:
            self._space = chunk_store.open_space(tx, embedder.space_id, embedder.dimension)
        self._retriever = HybridRetriever(
            self._database,
            [
                VectorSpace(indexes[0], teacher),
                VectorSpace(indexes[1], student, student.as_teacher_cosine, student.as_asked),
            ],
        )

    def add(self, collection: Collection, tokenizer: OffsetTokenizer, most: int, track: Track) -> None:
        for name, title, text in track(collection.documents, description=f"{collection.name}: {self._state}"):
            parsed = ParsedDocument(text, "text/plain")
            pieces = split(parsed, tokenizer, title=title, max_tokens=most)
            vectors = self._embedder.encode(
                [embedding_text(piece.context, text[piece.start : piece.end]) for piece in pieces]
            )
            blob = self._blobs.put([f"{name}\n{text}".encode()], 10_000_000)
            with self._database.write() as tx:
                accepted = acceptance.create(tx, blob, title, collections.get(tx, LOCAL, "default"), {})
                job = job_queue.claim_this(tx, accepted.job, "eval")
                chunk_store.publish(
                    tx,
                    version_id=job.version_id,
                    parsed=parsed,
                    pieces=pieces,
                    embedded=vectors,
                    space_id=self._space,
                    state=self._state,
                )
                job_queue.succeed(tx, job)
            self._names[accepted.document.public_id] = name

    def _follow(self, folder: Path, embedder: Embedder) -> IndexFollower:
        with self._database.write() as tx:
            space = chunk_store.open_space(tx, embedder.space_id, embedder.dimension)
        return IndexFollower(folder, space, embedder.space_id, embedder.dimension)

    def scores(self, collection: Collection, mode: SearchMode) -> Scores:
        """Means over the questions that have anything relevant."""
        ranked = [(self.ranked(question, mode), gains) for question, gains in collection.questions if gains]
        return Scores(
            ndcg=mean([ndcg_at(found, gains, 10) for found, gains in ranked]),
            first=mean([success_at(found, set(gains), 1) for found, gains in ranked]),
            in_five=mean([success_at(found, set(gains), 5) for found, gains in ranked]),
        )

    def close(self) -> None:
        self._database.close()

    def ranked(self, question: str, mode: SearchMode) -> list[str]:
        """The documents found, by the ids they have in the collection, best first."""
        passages = self._retriever.search(question, Scope(LOCAL), _PASSAGES, mode).passages
        return list(dict.fromkeys(self._names[passage.document.id] for passage in passages))


def read_cisi(folder: Path) -> Collection:
    gains: dict[str, dict[str, float]] = {}
    for line in (folder / "relevant.tsv").read_text(encoding="utf-8").splitlines():
        question, document, gain = line.split("\t")
        gains.setdefault(question, {})[document] = float(gain)
    return Collection(
        "retrieval",
        [(row["id"], row["title"], row["text"]) for row in _lines(folder / "corpus.jsonl")],
        [(row["question"], gains.get(row["id"], {})) for row in _lines(folder / "questions.jsonl")],
    )


def read_reading(folder: Path) -> Collection:
    return Collection(
        "reading",
        [(row["id"], row["id"], row["text"]) for row in _lines(folder / "corpus.jsonl")],
        [(row["question"], {row["document"]: 1.0}) for row in _lines(folder / "questions.jsonl")],
    )


def main() -> None:
    arguments = _arguments()
    teacher = embeddings_at(None, arguments.threads)
    student = distil_if_missing(arguments.models, teacher)
    sets = [read_cisi(arguments.data / "retrieval"), read_reading(arguments.data / "reading")]
    figures: list[Figure] = []
    with Progress() as progress:
        for collection in sets:
            states = _states(collection, teacher, student, progress.track)
            figures += _figures(collection.name, states)
    notes = [
        *(
            f"{one.name}: {len(one.documents)} documents, "
            f"{sum(bool(gains) for _, gains in one.questions)} questions with something relevant."
            for one in sets
        ),
        f"Student: {student.dimension} dimensions; its cosines correlate with the transformer's by "
        f"{student.fidelity:.3f} on texts left out of its making.",
        "Nothing of these collections went into the student, but its texts and the way questions are carried "
        "over were chosen seeing these figures. The weights of the fused score were chosen on reading.",
    ]
    report = Report("retrieval", "Retrieval before and after refinement", "make eval", figures, notes)
    print(write(report, arguments.reports).read_text())


def _states(
    collection: Collection, teacher: Embedder, student: StaticEmbeddings, track: Track
) -> dict[str, Scores]:
    tokenizer = OffsetTokenizer(teacher.folder)
    scores: dict[str, Scores] = {}
    for state, modes in (
        (DocumentState.READY, {"student": SearchMode.DENSE, "student + BM25": SearchMode.HYBRID}),
        (DocumentState.REFINED, {"transformer": SearchMode.DENSE, "refined": SearchMode.HYBRID}),
    ):
        with tempfile.TemporaryDirectory() as folder:
            library = Library(Path(folder), teacher, student, state)
            library.add(collection, tokenizer, teacher.max_tokens, track)
            scores |= {name: library.scores(collection, mode) for name, mode in modes.items()}
            library.close()
    return scores


def _figures(name: str, states: Mapping[str, Scores]) -> list[Figure]:
    """One set's rows; the share kept is of the figure the set is meant for."""
    value: Callable[[Scores], float]
    if name == "retrieval":
        value, what = (lambda scores: scores.ndcg), "nDCG@10"
        rows = [Figure(f"{name}, {state}: {what}", f"{value(one):.3f}") for state, one in states.items()]
    else:
        value, what = (lambda scores: scores.first), "R@1"
        rows = [
            Figure(f"{name}, {state}: R@1 / R@5", f"{one.first:.3f} / {one.in_five:.3f}")
            for state, one in states.items()
        ]
    kept = value(states["student + BM25"]) / value(states["refined"])
    return [
        *rows,
        Figure(f"{name}: kept before refinement ({what})", f"{kept:.3f}", f">= {KEPT:.2f}", kept >= KEPT),
    ]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA)
    parser.add_argument("--reports", type=Path, default=REPORTS)
    parser.add_argument("--models", type=Path, default=default_models_folder())
    parser.add_argument("--threads", type=int, default=None)
    return parser.parse_args()


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


if __name__ == "__main__":
    main()
