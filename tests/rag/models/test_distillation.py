"""The whole recipe on a stand-in for the teacher, so that it takes seconds; the real student by its file."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from rag.models import distillation
from rag.models.distillation import distil, distil_if_missing
from rag.models.embedder import Embedder, Vectors, unit
from rag.models.embeddings import embeddings_at
from rag.models.locations import default_embedder_path, default_models_folder, student_path
from rag.models.static_embeddings import StaticEmbeddings
from rag.records import ModelIdentity


class SumOfWords(Embedder):
    """A teacher that a student can learn perfectly: each word has a vector, rare words count more."""

    dimension = 24
    max_tokens = 256
    folder = default_embedder_path()
    identity = ModelIdentity("stand-in", "0" * 64)

    def __init__(self, space_id: str = "stand-in") -> None:
        self.space = space_id
        self.calls = 0

    @property
    def space_id(self) -> str:
        return hashlib.sha256(self.space.encode()).hexdigest()

    def load(self) -> None:
        pass

    def encode(self, texts: Sequence[str]) -> Vectors:
        self.calls += 1
        return unit(np.stack([self._vector(text) for text in texts]).astype(np.float32))

    def _vector(self, text: str) -> NDArray[np.int64]:
        words = [hashlib.sha384(word.encode()).digest()[:24] for word in text.lower().split()] or [b"\1" * 24]
        vectors = np.stack([np.frombuffer(word, dtype=np.int8) for word in words])
        summed: NDArray[np.int64] = vectors.sum(axis=0, dtype=np.int64)
        return summed


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distillation, "GENERATED", 60)
    monkeypatch.setattr(distillation, "PARAGRAPHS", 60)
    monkeypatch.setattr(distillation, "HELD_OUT", 20)


def test_progress_ends_where_it_said() -> None:
    told: list[tuple[int, int]] = []
    made = distil(SumOfWords(), lambda done, total: told.append((done, total)))
    assert made.table.shape == (30_522, 24)
    assert told[-1][0] == told[-1][1]
    assert told == sorted(told)


def test_the_same_every_time() -> None:
    assert distil(SumOfWords()).digest == distil(SumOfWords()).digest


def test_made_once_and_kept(tmp_path: Path) -> None:
    teacher = SumOfWords()
    first = distil_if_missing(tmp_path, teacher)
    calls = teacher.calls
    again = distil_if_missing(tmp_path, teacher)
    assert teacher.calls == calls
    assert again.space_id == first.space_id
    assert again.identity.name == "stand-in-static"
    assert student_path(tmp_path, teacher.space_id).exists()


def test_a_damaged_file_is_replaced(tmp_path: Path) -> None:
    first = distil_if_missing(tmp_path, SumOfWords())
    path = student_path(tmp_path, SumOfWords().space_id)
    path.write_bytes(path.read_bytes()[:100_000])
    assert distil_if_missing(tmp_path, SumOfWords()).space_id == first.space_id


def test_a_student_of_another_teacher_is_not_taken(tmp_path: Path) -> None:
    distil_if_missing(tmp_path, SumOfWords())
    other = SumOfWords("other")
    mine, theirs = (student_path(tmp_path, one.space_id) for one in (SumOfWords(), other))
    theirs.write_bytes(mine.read_bytes())
    distil_if_missing(tmp_path, other)
    assert other.calls


def test_an_older_recipe_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    distil_if_missing(tmp_path, SumOfWords())
    monkeypatch.setattr(distillation, "METHOD", distillation.METHOD + 1)
    teacher = SumOfWords()
    distil_if_missing(tmp_path, teacher)
    assert teacher.calls


def test_two_at_once_do_the_work_once(tmp_path: Path) -> None:
    teachers = [SumOfWords() for _ in range(3)]
    made: list[StaticEmbeddings] = []
    threads = [
        threading.Thread(target=lambda one=one: made.append(distil_if_missing(tmp_path, one)))
        for one in teachers
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({one.space_id for one in made}) == 1
    assert sum(teacher.calls > 0 for teacher in teachers) == 1


def test_the_real_student_knows_what_is_alike() -> None:
    """Reads the student that set-up made, or makes it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(distillation, "GENERATED", 1200)
        patch.setattr(distillation, "PARAGRAPHS", 480)
        patch.setattr(distillation, "HELD_OUT", 96)
        student = distil_if_missing(default_models_folder(), embeddings_at(None, threads=2))
    cat, stocks, kitten = student.encode(
        ["A cat sat on the mat.", "Stocks fell sharply.", "A kitten rested on a rug."]
    )
    assert cat @ kitten > cat @ stocks + 0.2
    assert student.fidelity > 0.6
