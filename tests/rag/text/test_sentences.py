from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.text.sentences import sentence_spans


def sentences(text: str) -> list[str]:
    return [text[start:end] for start, end in sentence_spans(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One. Two! Three?", ["One.", "Two!", "Three?"]),
        ("Dr. Smith paid $3.50. He left.", ["Dr. Smith paid $3.50.", "He left."]),
        ("J. R. Tolkien wrote it. Good.", ["J. R. Tolkien wrote it.", "Good."]),
        ('"Really?" she said. Yes.', ['"Really?" she said.', "Yes."]),
        ("It fell in 1876.[12] Then it rose.", ["It fell in 1876.[12]", "Then it rose."]),
        (
            "Present: Cllr. Quill and Pvt. Jones. It is 5 km. The end.",
            ["Present: Cllr. Quill and Pvt. Jones.", "It is 5 km.", "The end."],
        ),
        ("See Fig. 3 for more. End", ["See Fig. 3 for more.", "End"]),
        ("A title\n\nA sentence", ["A title", "A sentence"]),
        ("wrapped at\nthe margin. Next", ["wrapped at\nthe margin.", "Next"]),
        ("Items:\n- one thing\n- another", ["Items:", "- one thing", "- another"]),
        ("Name | Year\nAda | 1815", ["Name | Year", "Ada | 1815"]),
        ("1. Climb up. 2. Ring.\n3. Go.", ["1. Climb up.", "2. Ring.", "3. Go."]),
        ("3.2. Method\nThere were 3. Two left.", ["3.2. Method\nThere were 3.", "Two left."]),
        ("No. 5 was lost. Yes. It was.", ["No. 5 was lost.", "Yes.", "It was."]),
        ("iv. Costs rose.\n\n7.\n\nEnd", ["iv. Costs rose.", "7.", "End"]),
        ("今日は晴れ。明日は雨。", ["今日は晴れ。", "明日は雨。"]),
        ("", []),
        (" \n ", []),
    ],
)
def test_splits_where_a_reader_would(text: str, expected: list[str]) -> None:
    assert sentences(text) == expected


@given(st.text(alphabet="aA1.!? \n|-。\"'()[]é\u00a0", max_size=200))
def test_spans_are_ordered_trimmed_and_complete(text: str) -> None:
    spans = sentence_spans(text)
    end = 0
    for start, stop in spans:
        assert end <= start < stop
        assert not text[end:start].strip()
        assert text[start:stop] == text[start:stop].strip()
        end = stop
    assert not text[end:].strip()


@pytest.mark.parametrize("text", ["a" * 1_000_000, "." * 200_000 + "a", ("." + "'" * 9) * 20_000 + "a"])
def test_a_long_run_without_an_end_is_one_sentence(text: str) -> None:
    """Were any of these quadratic, the suite would not end."""
    assert sentence_spans(text) == [(0, len(text))]


class Counted(str):
    """A text that adds up how much of it is looked through."""

    looked_at = 0

    def __getitem__(self, key: object) -> str:
        found = super().__getitem__(key)  # type: ignore[index]  # as given
        self.looked_at += len(found)
        return found

    def find(self, sub: str, *bounds: int) -> int:  # type: ignore[override]  # always called with both
        at = super().find(sub, *bounds)
        self.looked_at += (min(len(self), bounds[1]) if at < 0 else at + 1) - bounds[0]
        return at

    def rfind(self, sub: str, *bounds: int) -> int:  # type: ignore[override]  # always called with both
        at = super().rfind(sub, *bounds)
        self.looked_at += bounds[1] - (bounds[0] if at < 0 else at)
        return at


@pytest.mark.parametrize(
    "line", ["X: y\n", "a\tb\n", "a | b\n", "\n\n", "e.g. A. \n", "x" * 399 + "\n", "x" * 900 + "\n"]
)
def test_short_lines_are_no_dearer_than_long_ones(line: str) -> None:
    text = Counted(line * (20_000 // len(line)))
    sentence_spans(text)
    assert text.looked_at <= 10 * len(text)
