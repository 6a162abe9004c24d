"""Makes a library of N passages from real text, the same one for the same machine and seed.

``python -m tests.benchmarks.million FOLDER [--chunks N ...] [--seed N]`` makes a data folder ``FOLDER/N`` for
each N, or adds what one is short of. A passage is four to eight sentences of one manual page, module or text
file, in another order, and one in five exchanged for a sentence of a neighbouring file. A document has 250
passages. They are written through the stores as the worker writes them. Their vectors are the static
student's own: it sums token vectors, and no token spans two sentences, so the sum over a passage is had from
the sums of its sentences.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray
from rich.progress import track
from tokenizers import Tokenizer

from rag.models.distillation import distil_if_missing
from rag.models.embedder import unit
from rag.models.embeddings import embeddings_at
from rag.models.locations import default_embedder_path, default_models_folder, student_path
from rag.models.static_embeddings import Student
from rag.records import Chunk, DocumentState, ParsedDocument
from rag.stores import acceptance, chunk_store, collections, job_queue, schema
from rag.stores.access import LOCAL
from rag.stores.blobs import BlobStore
from rag.stores.database import Database
from tests.benchmarks import real_text
from tests.benchmarks.real_text import Topic

DATABASE = "footnote.db"
_NOTED = "million.json"
PASSAGES = 250
"""Passages a document."""
_DOCUMENTS_AT_ONCE = 8
_SENTENCES = (4, 9)
_EXCHANGED = 0.2
_NEAR = 3
"""How many files before and after count as neighbours."""
_SHARED_EVALS = Path(__file__).parents[2].parent / "shared" / "evals"

SHELVES = 50
"""Values of the documents' metadata ``shelf``: filtering by one leaves a fiftieth."""

Vectors = NDArray[np.float32]
Document = tuple[str, int, Sequence[tuple[str, str]], Vectors]
"""Name, shelf, passages (context and text), their vectors."""


@dataclass(frozen=True, slots=True)
class Passage:
    """Indices of its sentences, and of the topic it is about."""

    topic: int
    sentences: Sequence[int]


class Sentences:
    """All sentences of all topics in one row, with the sums of their token vectors."""

    def __init__(self, topics: Sequence[Topic], sums: Vectors, names: Vectors) -> None:
        self.topics = topics
        self.texts = [sentence for topic in topics for sentence in topic.sentences]
        self.starts = np.cumsum([0, *(len(topic.sentences) for topic in topics)])
        self.sums = sums
        self.names = names

    @classmethod
    def read(cls, table: Vectors, tokenizer: Tokenizer, most: int) -> Self:
        topics = real_text.read(most, _SHARED_EVALS)
        texts = [sentence for topic in topics for sentence in topic.sentences]
        names = [topic.name for topic in topics]
        return cls(topics, _sums(table, tokenizer, texts), _sums(table, tokenizer, names))

    def draw(self, rng: np.random.Generator) -> Passage:
        """A passage about a topic drawn by how much it has to say."""
        topic = int(np.searchsorted(self.starts, rng.integers(self.starts[-1]), side="right")) - 1
        first, last = int(self.starts[topic]), int(self.starts[topic + 1])
        wanted = min(int(rng.integers(*_SENTENCES)), last - first)
        at = int(rng.integers(first, last - wanted + 1))
        chosen = rng.permutation(np.arange(at, at + wanted))
        near = self.starts[max(0, topic - _NEAR)], self.starts[min(len(self.topics), topic + _NEAR + 1)]
        exchanged = rng.random(wanted) < _EXCHANGED
        chosen[exchanged] = rng.integers(*near, size=int(exchanged.sum()))
        return Passage(topic, chosen.tolist())

    def vectors(self, passages: Sequence[Passage]) -> Vectors:
        """Unit vectors ``(n, dimension)`` of the passages, each with its topic's name before it."""
        return unit(
            np.stack([self.names[one.topic] + self.sums[one.sentences].sum(axis=0) for one in passages])
        )


class Builder:
    """Writes documents into the data folder ``folder``, which may hold some already."""

    def __init__(self, folder: Path, space_key: str, dimension: int) -> None:
        self.database = Database(folder / DATABASE)
        schema.upgrade(self.database)
        self._blobs = BlobStore(folder / "blobs")
        with self.database.write() as tx:
            self._space = chunk_store.open_space(tx, space_key, dimension)

    def publish(self, documents: Sequence[Document]) -> None:
        """Publish documents in one transaction."""
        with self.database.write() as tx:
            place = collections.get(tx, LOCAL, collections.DEFAULT)
            for name, shelf, passages, vectors in documents:
                blob = self._blobs.put([name.encode()], 1_000)
                entered = acceptance.create(tx, blob, name, place, {"shelf": shelf})
                job = job_queue.claim_this(tx, entered.job, "benchmark")
                body, pieces = _laid_out(passages)
                chunk_store.publish(
                    tx,
                    version_id=job.version_id,
                    parsed=ParsedDocument(body, "text/plain", title=name),
                    pieces=pieces,
                    embedded=vectors,
                    space_id=self._space,
                    state=DocumentState.REFINED,
                )
                job_queue.succeed(tx, job)


def build(folder: Path, sizes: Sequence[int], seed: int, most_sentences: int = 10**9) -> None:
    """Bring the libraries ``folder/<size>`` to their sizes, multiples of 250; a larger one stays."""
    short = [size for size in sizes if _size_of(folder / str(size)) < size]
    if not short:
        return
    student, tokenizer = student_and_tokenizer()
    sentences = Sentences.read(student.table.astype(np.float32), tokenizer, most_sentences)
    for size in short:
        _fill(folder / str(size), size, seed, sentences, student)


def _size_of(library: Path) -> int:
    noted = library / _NOTED
    return int(json.loads(noted.read_text())["chunks"]) if noted.exists() else 0


def _fill(library: Path, size: int, seed: int, sentences: Sentences, student: Student) -> None:
    library.mkdir(parents=True, exist_ok=True)
    builder = Builder(library, student.digest, student.table.shape[1])
    numbers = range(_size_of(library) // PASSAGES, size // PASSAGES)
    for first in track(range(numbers.start, numbers.stop, _DOCUMENTS_AT_ONCE), description=f"{size:,}"):
        some = range(first, min(first + _DOCUMENTS_AT_ONCE, numbers.stop))
        builder.publish([_document(sentences, number, seed) for number in some])
        (library / _NOTED).write_text(json.dumps({"chunks": some.stop * PASSAGES, "seed": seed}))
    builder.database.close()


def student_and_tokenizer() -> tuple[Student, Tokenizer]:
    """The static student of the default embedder, distilled first if it never was."""
    teacher = embeddings_at(None, None)
    distil_if_missing(default_models_folder(), teacher)
    tokenizer = Tokenizer.from_file(str(default_embedder_path() / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return Student.read(student_path(default_models_folder(), teacher.space_id)), tokenizer


def _document(sentences: Sentences, number: int, seed: int) -> Document:
    rng = np.random.default_rng([seed, number])  # by number: a library grown in steps is the same one
    drawn = [sentences.draw(rng) for _ in range(PASSAGES)]
    texts = [
        (sentences.topics[one.topic].name, " ".join(sentences.texts[at] for at in one.sentences))
        for one in drawn
    ]
    return f"collected {number}", number % SHELVES, texts, sentences.vectors(drawn)


def _laid_out(passages: Sequence[tuple[str, str]]) -> tuple[str, list[Chunk]]:
    pieces, at = [], 0
    for context, text in passages:
        pieces.append(Chunk(at, at + len(text), context, len(text) // 4))
        at += len(text) + 2
    return "\n\n".join(text for _, text in passages), pieces


def _sums(table: Vectors, tokenizer: Tokenizer, texts: Sequence[str]) -> Vectors:
    sums = np.empty((len(texts), table.shape[1]), dtype=np.float32)
    for first in range(0, len(texts), 256):
        encoded = tokenizer.encode_batch_fast(texts[first : first + 256], add_special_tokens=False)
        for at, one in enumerate(encoded, start=first):
            sums[at] = table[one.ids].sum(axis=0)
    return sums


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--chunks", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--seed", type=int, default=7)
    arguments = parser.parse_args()
    build(arguments.folder, arguments.chunks, arguments.seed)


if __name__ == "__main__":
    main()
