from __future__ import annotations

import numpy as np
import pytest

from rag.models.copy_constraint import CopyConstraint, CopyVocabulary
from rag.models.generation import CopiedSpan

BYTES = [bytes([i]) for i in range(256)]
WORDS = [
    b" the",
    b"the",
    b" Iran",
    b"Ir",
    b"an was",
    b"d-larg",
    b" 1",
    b",000",
    b" [1",
    b"\n\n",
    b"",
    b" x",
]
PIECES = BYTES + WORDS
END = PIECES.index(b"")
VOCABULARY = CopyVocabulary(PIECES, frozenset([END]))
SOURCES = (
    "At the time, Iran was the world's second-largest\n  exporter: 1,000 barrels (12%) – “naïve”.",
    "日本語。 The end",
    "   ",
)


def _walk(sources: tuple[str, ...], seed: int, *, ending: float) -> tuple[str, CopiedSpan | None]:
    """Write at random, as a model gone wild would; ``ending`` is how much it likes to stop."""
    rng = np.random.default_rng(seed)
    constraint = CopyConstraint(VOCABULARY, sources)
    written = b""
    for _ in range(500):
        logits = rng.normal(size=len(PIECES)).astype(np.float32)
        logits[VOCABULARY.closing] += ending
        constraint.mask(logits)
        token = int(np.argmax(logits))
        assert np.isfinite(logits[token])
        if not constraint.accept(token):
            return written.decode(), constraint.copied
        written += PIECES[token]
    raise AssertionError("a copy ends with its source at the latest")


@pytest.mark.parametrize("ending", [-50.0, -3.0, 3.0])
@pytest.mark.parametrize("seed", range(20))
def test_whatever_is_written_is_a_run_of_whole_words(seed: int, ending: float) -> None:
    written, span = _walk(SOURCES, seed, ending=ending)
    assert span is not None
    source = SOURCES[span.source]
    copied = source[span.start : span.end]
    assert " ".join(copied.split()) == written.strip()
    before, after = source[: span.start][-1:], source[span.end :][:1]
    joins = written[0] > "\u3000"  # no spaces between words in the first place
    assert joins or not (before.isalnum() or after.isalnum())


@pytest.mark.parametrize(
    ("written", "word"),
    [
        ("the", True),
        (" the", True),
        ("th", False),
        ("second", False),
        ("second-largest", True),
        ("second-largest exporter", True),
        ("1", False),
        ("1,000", True),
        ("world", True),
        ("12%", True),
        ("日", True),
    ],
)
def test_where_a_copy_may_end(written: str, word: bool) -> None:
    constraint = CopyConstraint(VOCABULARY, SOURCES)
    assert all(constraint.accept(byte) for byte in written.encode())
    logits = np.zeros(len(PIECES), dtype=np.float32)
    constraint.mask(logits)
    assert bool(np.isfinite(logits[END])) is word


@pytest.mark.parametrize("written", ["he", "arge", "000", "barrels 12", "time Iran", "x", "the end", ". "])
def test_what_is_not_there_cannot_be_begun(written: str) -> None:
    constraint = CopyConstraint(VOCABULARY, SOURCES)
    accepted = []
    for byte in written.encode():
        logits = np.zeros(len(PIECES), dtype=np.float32)
        constraint.mask(logits)
        accepted.append(bool(np.isfinite(logits[byte])))
        if not accepted[-1]:
            break
        constraint.accept(byte)
    assert not all(accepted)


def test_the_ways_to_end_are_added_up() -> None:
    constraint = CopyConstraint(VOCABULARY, ("the time",))
    assert constraint.accept(PIECES.index(b"the"))
    logits = np.full(len(PIECES), -20.0, dtype=np.float32)
    logits[ord(" ")] = 1.0
    for piece in (b".", b"\n\n", b" [1", b""):
        logits[PIECES.index(piece)] = 0.5
    constraint.mask(logits)
    assert int(np.argmax(logits)) == END
    assert not constraint.accept(END)


def test_an_initial_does_not_end_a_copy_but_the_last_full_stop_is_left_out() -> None:
    constraint = CopyConstraint(VOCABULARY, ("J. Holm.",))
    full_stop = ord(".")
    assert constraint.accept(ord("J"))
    assert constraint.accept(full_stop)
    for byte in b" Holm":
        assert constraint.accept(byte)
    assert not constraint.accept(full_stop)
    assert constraint.copied == CopiedSpan(0, 0, 7)


def test_the_best_source_is_named() -> None:
    constraint = CopyConstraint(VOCABULARY, ("so it is", "what it is not", "it is"))
    for byte in b"it is":
        constraint.accept(byte)
    assert constraint.copied == CopiedSpan(0, 3, 8)
    for byte in b" not":
        constraint.accept(byte)
    assert constraint.copied == CopiedSpan(1, 5, 14)


def test_half_a_word_is_not_reported() -> None:
    constraint = CopyConstraint(VOCABULARY, SOURCES)
    for byte in b"time, Ir":
        constraint.accept(byte)
    assert constraint.copied == CopiedSpan(0, 7, 11)
    short = CopyConstraint(VOCABULARY, SOURCES)
    short.accept(ord("s"))
    assert short.copied is None


@pytest.mark.parametrize("sources", [(), ("",), ("…!?", "\n")])
def test_without_words_it_ends_at_once(sources: tuple[str, ...]) -> None:
    constraint = CopyConstraint(VOCABULARY, sources)
    logits = np.zeros(len(PIECES), dtype=np.float32)
    constraint.mask(logits)
    assert np.flatnonzero(np.isfinite(logits)).tolist() == [END]
    assert not constraint.accept(END)
    assert constraint.copied is None
