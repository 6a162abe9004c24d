"""Search against the size of the library, beside exact search of the same vectors in the same run.

``python -m tests.benchmarks.search [--library FOLDER] [--sizes N ...] [--questions N]`` measures libraries
``FOLDER/N``, which ``tests.benchmarks.million`` makes (here, small ones in a folder that is removed, unless
one is named), and writes a dated table and a picture. The embedding of the question is not counted.
"""

from __future__ import annotations

import argparse
import gc
import os
import random
import select as polling
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import faiss
import numpy as np
from numpy.typing import NDArray
from sqlalchemy import func, select

from rag.evaluation.metrics import mean, quantile
from rag.evaluation.pictures.growth import Line, growth
from rag.evaluation.reports import Figure, Report, write
from rag.models.distillation import distil_if_missing
from rag.models.embedder import Embedder
from rag.models.embeddings import embeddings_at
from rag.models.locations import default_models_folder
from rag.models.static_embeddings import StaticEmbeddings
from rag.retrieval.dense import DenseSearch, VectorSpace
from rag.retrieval.hybrid import HybridRetriever
from rag.stores import chunk_store, document_catalog, index_training, keyword_segments, keywords
from rag.stores.access import LOCAL
from rag.stores.database import Database
from rag.stores.index_follower import IndexFollower
from rag.stores.keywords import Keywords
from rag.stores.scopes import Scope
from rag.stores.tables import chunks, documents, spaces, vectors
from rag.stores.vector_index import Form, one_thread
from tests.benchmarks import million

SMALL = (10_000, 40_000)
"""Sizes of an ordinary run: on both sides of where the index changes its form."""
_SENTENCES = 60_000
_REPORTS = Path(__file__).parents[2] / "data" / "reports"
_NEAREST = 10
_INGESTED = "ingested meanwhile"
_EVERYTHING = Scope(LOCAL)
_vectors_in = select(vectors.c.space_id).limit(1).scalar_subquery()
_ONE_SHELF = Scope(LOCAL, filter={"metadata.shelf": 7})


@dataclass(frozen=True, slots=True)
class Measured:
    """Times in milliseconds, memory in bytes; shares of what is beside them."""

    size: int
    form: Form
    p50: float
    p95: float
    from_disk_p50: float
    shelf_p50: float
    during_p95: float
    exact_p50: float
    recall: float
    tuned_recall: float | None
    start: float
    reading: float
    resident: int
    dimension: int


class Library:
    """A data folder, opened as the service opens it."""

    def __init__(self, folder: Path, teacher: Embedder, student: StaticEmbeddings) -> None:
        self.folder = folder
        self.database = Database(folder / million.DATABASE)
        self.indexes = [self._follow(teacher), self._follow(student)]
        self.keywords = Keywords(folder / "indexes" / keyword_segments.FOLDER)
        self.spaces = [
            VectorSpace(self.indexes[0], teacher),
            VectorSpace(self.indexes[1], student, student.as_teacher_cosine, student.as_asked),
        ]
        self.dense = DenseSearch(self.spaces)
        self.retriever = HybridRetriever(self.database, self.spaces, self.keywords)

    def open(self) -> None:
        with self.database.read() as tx:
            for index in self.indexes:
                index.current(tx)
            self.keywords.open(tx)

    def prepare(self) -> None:
        """Make what the service would have made in the background by now, and save it."""
        own = self.indexes[1]
        with self.database.read() as tx:
            index = own.current(tx)
            count = tx.scalar(select(func.count()).select_from(chunks)) or 0
        if index_training.wanted(index):
            own.train(self.database, partial(self.dense._asked, 1))
        own.save()
        if count >= keywords.LARGE:
            keyword_segments.update(self.database, self.folder / "indexes" / keyword_segments.FOLDER)

    def search(self, questions: Sequence[str], scope: Scope = _EVERYTHING) -> list[float]:
        """Milliseconds of each, without the embedding."""
        return [self.retriever.search(one, scope, _NEAREST).timings["search_ms"] for one in questions]

    def _follow(self, embedder: Embedder) -> IndexFollower:
        with self.database.write() as tx:
            space = chunk_store.open_space(tx, embedder.space_id, embedder.dimension)
        folder = self.folder / "indexes" / embedder.space_id[:16]
        return IndexFollower(folder, space, embedder.space_id, embedder.dimension)


def measure(folder: Path, size: int, teacher: Embedder, student: StaticEmbeddings, count: int) -> Measured:
    before = Library(folder, teacher, student)
    before.prepare()
    first, questions = _questions(before, count), _questions(before, count, seed=12)
    before.database.close()
    del before
    gc.collect()
    at_first = _resident()
    reading = _seconds_to_read(folder / "indexes")
    library = Library(folder, teacher, student)
    started = time.perf_counter()
    library.open()
    start = time.perf_counter() - started
    _forget(folder)
    from_disk = library.search(first)
    _read(folder)
    times = library.search(questions)
    shelf = library.search(questions, _ONE_SHELF)
    resident = _resident() - at_first
    with _ingesting(library):
        during = library.search(questions)
    exact, recall = _against_exact(library, questions)
    with library.database.read() as tx:
        index = library.indexes[1].current(tx)
    library.database.close()
    return Measured(
        size,
        index.form,
        quantile(times, 0.5),
        quantile(times, 0.95),
        quantile(from_disk, 0.5),
        quantile(shelf, 0.5),
        quantile(during, 0.95),
        quantile(exact, 0.5),
        recall,
        index.tuning.recall,
        start,
        reading,
        resident,
        index.dimension,
    )


def _questions(library: Library, count: int, seed: int = 11) -> list[str]:
    """Runs of six to twelve words from passages all over the library."""
    chance = random.Random(seed)
    with library.database.read() as tx:
        last = tx.scalar(select(func.max(chunks.c.id))) or 1
        drawn = [chance.randint(1, last) for _ in range(2 * count)]
        said = [body.split() for _, _, body in chunk_store.said(tx, drawn)]
    chance.shuffle(said)
    questions = []
    for words in said[:count]:
        at = chance.randrange(max(1, len(words) - 12))
        questions.append(" ".join(words[at : at + chance.randint(6, 12)]))
    return questions


def _against_exact(library: Library, questions: Sequence[str]) -> tuple[list[float], float]:
    """Milliseconds of FAISS Flat for each question, and what share of its ten nearest search finds."""
    with library.database.read() as tx:
        batches = list(chunk_store.all_vectors(tx, library.indexes[1]._space_id))
        ids = np.concatenate([some for some, _ in batches])
        flat = faiss.IndexFlatIP(batches[0][1].shape[1])
        while batches:
            flat.add(np.ascontiguousarray(batches.pop(0)[1]))
        times, recalls = [], []
        for question in questions:
            embedded = library.dense.embed(question)
            query: NDArray[np.float32] = embedded[1].reshape(1, -1)
            with one_thread():  # as the search beside it
                started = time.perf_counter()
                _, at = flat.search(query, _NEAREST)
                times.append(1000 * (time.perf_counter() - started))
            expected = set(ids[at[0]].tolist())
            view = library.spaces[1].index.view(tx)
            found = view.nearest(tx, embedded[1], view.candidates(embedded[1], 50, None), _NEAREST)
            recalls.append(len(expected & found.keys()) / _NEAREST)
    return times, mean(recalls)


@contextmanager
def _ingesting(library: Library) -> Iterator[None]:
    """A process that publishes documents at the worker's priority, and whose documents are removed again."""
    command = [sys.executable, "-m", "tests.benchmarks.search", "--ingest", str(library.folder)]
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert child.stdin is not None
    assert child.stdout is not None
    assert child.stdout.readline(), "the process that ingests has died"  # or else the first is published
    try:
        yield
    finally:
        child.stdin.close()
        child.wait()
        with library.database.read() as tx:
            added = tx.scalars(select(documents.c.public_id).where(documents.c.name == _INGESTED)).all()
        for one in added:
            with library.database.write() as tx:
                document_catalog.remove(tx, document_catalog.get(tx, LOCAL, one))


def _ingest(folder: Path) -> None:
    """Publish passages that are there already as new documents, until standard input ends."""
    os.nice(19)
    database = Database(folder / million.DATABASE)
    with database.read() as tx:
        space, key = tx.execute(select(spaces.c.id, spaces.c.key).where(spaces.c.id == _vectors_in)).one()
        ids, embedded = chunk_store.vectors_between(tx, space, 1, million.PASSAGES)
        said = [(context, body) for _, context, body in chunk_store.said(tx, ids.tolist())]
    builder = million.Builder(folder, key, embedded.shape[1])
    while not polling.select([sys.stdin], [], [], 0)[0]:  # it becomes readable when it ends
        builder.publish([(_INGESTED, 0, said, embedded)])
        print("published", flush=True)


def _forget(folder: Path) -> None:
    """Have the machine drop from memory what nobody has mapped of the files below ``folder``."""
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def _read(folder: Path) -> None:
    """Have the machine keep the database and the indexes in memory."""
    for path in folder.rglob("*"):
        if path.is_file() and "blobs" not in path.parts:
            with path.open("rb") as file:
                while file.read(1 << 24):
                    pass


def _seconds_to_read(folder: Path) -> float:
    """All snapshots below ``folder``, the quickest of three: the disk is not what is measured."""
    files = [path for path in folder.rglob("*") if path.suffix in (".faiss", ".npy")]
    taken = []
    for _ in range(3):
        started = time.perf_counter()
        for path in files:
            path.read_bytes()
        taken.append(time.perf_counter() - started)
    return min(taken)


def _resident() -> int:
    """Bytes of this process that are in memory, mapped files included."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def _figures(one: Measured) -> list[Figure]:
    name = f"{one.size:,} passages"
    bytes_of_vectors = one.size * one.dimension
    return [
        Figure(f"{name}: index", str(one.form)),
        Figure(f"{name}: search, p50", f"{one.p50:.1f} ms", "< 10 ms", one.p50 < 10),
        Figure(f"{name}: search, p95", f"{one.p95:.1f} ms"),
        Figure(f"{name}: search while its files are not in memory yet, p50", f"{one.from_disk_p50:.1f} ms"),
        Figure(f"{name}: search of a fiftieth of it, p50", f"{one.shelf_p50:.1f} ms"),
        Figure(f"{name}: FAISS Flat alone, p50", f"{one.exact_p50:.1f} ms"),
        Figure(f"{name}: whole search against FAISS Flat", f"{one.p50 / one.exact_p50:.2f}x"),
        Figure(f"{name}: recall@10", f"{one.recall:.3f}", ">= 0.98", one.recall >= 0.98),
        Figure(
            f"{name}: recall@10 measured when it was trained",
            "exact" if one.tuned_recall is None else f"{one.tuned_recall:.3f}",
        ),
        Figure(
            f"{name}: search p95 during ingestion against idle",
            f"{one.during_p95 / one.p95:.2f}x",
            "< 2x",
            one.during_p95 < 2 * one.p95,
        ),
        Figure(
            f"{name}: start against reading the snapshots' bytes ({one.reading:.2f} s)",
            f"{one.start:.2f} s, {one.start / one.reading:.1f}x",
            "< 3x",
            one.start < 3 * one.reading,
        ),
        Figure(
            f"{name}: resident memory against a byte a dimension ({bytes_of_vectors / 2**20:,.0f} MiB)",
            f"{one.resident / bytes_of_vectors:.2f}x",
            "< 2x",
            one.resident < 2 * bytes_of_vectors,
        ),
    ]


def _picture(measured: Sequence[Measured], folder: Path) -> tuple[str, str]:
    last = measured[-1]
    shown = growth(
        "Search against size",
        f"With {last.size:,} passages a search takes {last.p50:.1f} ms, FAISS Flat {last.exact_p50:.1f} ms.",
        [
            Line("search, p50", [(one.size, one.p50) for one in measured]),
            Line("FAISS Flat alone, p50", [(one.size, one.exact_p50) for one in measured]),
            Line("search, p95", [(one.size, one.p95) for one in measured]),
        ],
        ("passages", "milliseconds"),
    )
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "search.svg").write_text(shown.svg(standalone=True))
    return "Search against size", "search.svg"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--library", type=Path)
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SMALL))
    parser.add_argument("--questions", type=int, default=100)
    parser.add_argument("--reports", type=Path, default=_REPORTS)
    parser.add_argument("--ingest", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.ingest is not None:
        _ingest(arguments.ingest)
        return
    with tempfile.TemporaryDirectory() as scratch:
        folder = arguments.library or Path(scratch)
        if arguments.library is None:
            million.build(folder, arguments.sizes, seed=7, most_sentences=_SENTENCES)
        teacher = embeddings_at(None, None)
        teacher.encode(["Loaded when this has a vector."])
        student = distil_if_missing(default_models_folder(), teacher)
        student.load()
        measured = [
            measure(folder / str(size), size, teacher, student, arguments.questions)
            for size in arguments.sizes
        ]
    notes = [
        "The passages are sentences of this machine's documentation, permuted (`tests.benchmarks.million`);"
        f" the vectors are the static student's, {measured[0].dimension} dimensions.",
        f"{arguments.questions} questions, six to twelve words from passages; load of the machine "
        f"{os.getloadavg()[1]:.1f} over five minutes.",
    ]
    command = f"python -m tests.benchmarks.search --sizes {' '.join(map(str, arguments.sizes))}"
    figures = [figure for one in measured for figure in _figures(one)]
    picture = _picture(measured, arguments.reports)
    report = Report("search", "Search against size", command, figures, notes, [picture])
    print(write(report, arguments.reports).read_text())


if __name__ == "__main__":
    main()
