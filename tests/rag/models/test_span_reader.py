from __future__ import annotations

import numpy as np
import pytest

from rag.models.span_reader import Reading, SpanReader, default_reader

TEXT = (
    "The Skerry lighthouse was completed in 1876. Its tower is 41 metres high. "
    "Iris Halloran was its first keeper, and she stayed for nine years."
)


@pytest.fixture(scope="module")
def reader() -> SpanReader:
    return default_reader(threads=2)


def pointed_at(reader: SpanReader, question: str, text: str = TEXT) -> tuple[str, float]:
    found = reader.read(question, [text])[0].best(0, len(text))
    assert found is not None
    return text[found.start : found.end], found.score


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("When was the Skerry lighthouse completed?", "1876"),
        ("How high is the tower of the Skerry lighthouse?", "41"),
        ("Who was the first keeper of the lighthouse?", "Iris Halloran"),
    ],
)
def test_it_points_at_the_answer(reader: SpanReader, question: str, answer: str) -> None:
    assert answer in pointed_at(reader, question)[0]


def test_a_text_without_the_answer_scores_less(reader: SpanReader) -> None:
    question = "When was the Skerry lighthouse completed?"
    elsewhere = "The harbour of Skerry is closed to yachts in winter. Boats are kept in a shed made of larch."
    assert pointed_at(reader, question)[1] > pointed_at(reader, question, elsewhere)[1] + 2


def test_texts_read_together_read_as_alone(reader: SpanReader) -> None:
    question = "Who was the first keeper?"
    texts = [TEXT, "Bread is baked from flour, water and salt.", TEXT[45:]]
    together = reader.read(question, texts)
    for text, reading in zip(texts, together, strict=True):
        alone = reader.read(question, [text])[0]
        # Eight-bit activations are scaled by batch.
        assert np.allclose(alone.starts, reading.starts, atol=0.3)
        assert np.array_equal(alone.offsets, reading.offsets)


def test_the_span_lies_inside_what_was_asked_about(reader: SpanReader) -> None:
    reading = reader.read("When was it completed?", [TEXT])[0]
    start = TEXT.index("Its tower")
    found = reading.best(start, start + len("Its tower is 41 metres high."))
    assert found is not None
    assert start <= found.start < found.end <= start + len("Its tower is 41 metres high.")


def test_hostile_texts_are_read(reader: SpanReader) -> None:
    texts = ["", "\ud800 lone", "[CLS] [SEP] " * 400, "語" * 3000, "a" * 50_000]
    readings = reader.read("[SEP] what? \ud800" * 50, texts)
    assert len(readings) == len(texts)
    assert readings[0].best(0, 0) is None
    for text, reading in zip(texts, readings, strict=True):
        assert np.isfinite(reading.starts).all()
        assert reading.offsets.size == 0 or reading.offsets.max() <= len(text)


def test_the_best_span_of_made_scores() -> None:
    offsets = np.array([[0, 1], [2, 3], [4, 5], [6, 7]])
    starts = np.array([0.0, 3.0, 0.0, 5.0], dtype=np.float32)
    ends = np.array([9.0, 0.0, 2.0, 0.0], dtype=np.float32)
    found = Reading(offsets, starts, ends).best(0, 7)
    assert found is not None
    assert (found.start, found.end, found.score) == (0, 1, 9.0)
    found = Reading(offsets, starts, ends).best(2, 7)  # the ends of earlier tokens are out of reach
    assert found is not None
    assert (found.start, found.end, found.score) == (2, 5, 5.0)
    assert Reading(offsets, starts, ends).best(8, 9) is None
