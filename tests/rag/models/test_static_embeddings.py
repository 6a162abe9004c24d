from __future__ import annotations

import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rag.errors import StorageFailed
from rag.models.locations import default_embedder_path
from rag.models.static_embeddings import DamagedStudent, StaticEmbeddings, Student
from rag.models.tokenizer import OffsetTokenizer

TOKENS = 30_522


@pytest.fixture(scope="module")
def student() -> Student:
    table = np.random.default_rng(0).normal(size=(TOKENS, 16)).astype(np.float16)
    projection = np.random.default_rng(1).normal(size=(24, 16)).astype(np.float16)
    return Student(table, projection, 100, "a space", "a model", 1, 0.5, 0.25, 0.9)


@pytest.fixture(scope="module")
def static(student: Student) -> StaticEmbeddings:
    return StaticEmbeddings(student, default_embedder_path())


def test_it_is_the_normed_sum_of_its_tokens(static: StaticEmbeddings, student: Student) -> None:
    text = "The lighthouse keeper's lamps. " * 40
    tokenizer = OffsetTokenizer(default_embedder_path())._tokenizer
    rows = student.table[tokenizer.encode(text, add_special_tokens=False).ids].astype(np.float64)
    expected = rows.sum(axis=0) / np.linalg.norm(rows.sum(axis=0))
    np.testing.assert_allclose(static.encode([text])[0], expected, atol=1e-5)


def test_length_and_order(static: StaticEmbeddings) -> None:
    texts = [f"text number {number}" for number in range(600)]
    vectors = static.encode(texts)
    assert vectors.shape == (600, 16)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    np.testing.assert_array_equal(vectors[555], static.encode([texts[555]])[0])


def test_nothing_is_cut(static: StaticEmbeddings) -> None:
    long = "word " * 20_000
    assert static.max_tokens == sys.maxsize
    assert (static.encode([long + "end"]) != static.encode([long])).any()


@pytest.mark.parametrize("text", ["", " \n", "\ud800", "[PAD]", "\U0001f9ff"])
def test_a_text_of_nothing_has_a_direction(static: StaticEmbeddings, text: str) -> None:
    assert np.linalg.norm(static.encode([text])[0]) == pytest.approx(1, abs=1e-5)


def test_no_texts(static: StaticEmbeddings) -> None:
    assert static.encode([]).shape == (0, 16)


def test_scale_of_the_teacher(static: StaticEmbeddings) -> None:
    scaled = static.as_teacher_cosine(np.array([0.0, 1.0], dtype=np.float32))
    assert scaled.dtype == np.float32
    np.testing.assert_allclose(scaled, [0.25, 0.75])


def test_what_the_teacher_makes_of_a_question_is_carried_over(
    static: StaticEmbeddings, student: Student
) -> None:
    own = static.encode(["where", "when"])
    teachers = np.random.default_rng(2).normal(size=(2, 24)).astype(np.float32)
    asked = static.as_asked(own, teachers)
    carried = teachers @ student.projection.astype(np.float32)
    carried /= np.linalg.norm(carried, axis=1, keepdims=True)
    np.testing.assert_allclose(np.linalg.norm(asked, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose((asked * own).sum(axis=1), (asked * carried).sum(axis=1), atol=1e-4)


def test_written_and_read(student: Student, tmp_path: Path) -> None:
    path = tmp_path / "new" / "student.npz"
    student.write(path)
    read = Student.read(path)
    assert read.digest == student.digest
    assert (read.projection == student.projection).all()
    assert (read.slope, read.teacher, read.unknown) == (0.5, "a space", 100)
    assert [one.name for one in path.parent.iterdir()] == ["student.npz"]


def test_the_space_is_named_by_the_content(student: Student) -> None:
    folder = default_embedder_path()
    spaces = {StaticEmbeddings(student, folder).space_id}
    for part in ("table", "projection"):
        changed = getattr(student, part).copy()
        changed[7, 3] += 1
        spaces.add(StaticEmbeddings(replace(student, **{part: changed}), folder).space_id)
    assert len(spaces) == 3


@pytest.mark.parametrize("place", [0, 200, 400_000, -300, -10])
def test_damage_is_noticed(student: Student, tmp_path: Path, place: int) -> None:
    path = tmp_path / "student.npz"
    student.write(path)
    content = bytearray(path.read_bytes())
    content[place] ^= 0xFF
    path.write_bytes(content)
    with suppress(DamagedStudent):  # a byte may also mean nothing, such as one of a date in the zip
        assert Student.read(path).digest == student.digest


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"text", None])
def test_other_files_are_refused(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "student.npz"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DamagedStudent):
        Student.read(path)


def test_changed_values_are_refused(student: Student, tmp_path: Path) -> None:
    path = tmp_path / "student.npz"
    student.write(path)
    with np.load(path) as parts:
        table, facts = parts["table"].copy(), parts["facts"]
    table[5, 5] += 1
    np.savez(path, table=table, facts=facts)
    with pytest.raises(DamagedStudent):
        Student.read(path)


def test_a_folder_that_cannot_be(student: Student, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StorageFailed):
        student.write(tmp_path / "file" / "student.npz")
