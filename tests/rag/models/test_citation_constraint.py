from __future__ import annotations

import re

import numpy as np
import pytest

from rag.models.citation_constraint import BracketVocabulary, CitationConstraint

PIECES = [bytes([i]) for i in range(256)] + [
    piece.encode()
    for piece in (
        " [",
        "[1",
        "[2]",
        "1]",
        "].",
        "][",
        "]]",
        "[[",
        "12",
        "[]",
        ".[",
        "]. The",
        " word",
        "[x",
        "3]",
    )
]
VOCABULARY = BracketVocabulary(PIECES)


def _walk(allowed: tuple[int, ...], seed: int, steps: int = 200) -> bytes:
    """Write at random with brackets and digits very likely, as a model gone wild would."""
    rng = np.random.default_rng(seed)
    constraint = CitationConstraint(VOCABULARY, allowed)
    liked = [i for i, piece in enumerate(PIECES) if any(byte in piece for byte in b"[]0123456789")]
    text = b""
    for _ in range(steps):
        logits = rng.normal(size=len(PIECES)).astype(np.float32)
        logits[liked] += 4
        constraint.mask(logits)
        token = int(np.argmax(logits))
        assert np.isfinite(logits[token])
        constraint.accept(token)
        text += PIECES[token]
    return text


@pytest.mark.parametrize("allowed", [(1,), (2, 3), (1, 12), (12, 123, 7), tuple(range(1, 30))])
@pytest.mark.parametrize("seed", range(5))
def test_only_allowed_footnotes_can_be_written(allowed: tuple[int, ...], seed: int) -> None:
    text = _walk(allowed, seed).decode("latin-1")
    closed = text[: text.rfind("]") + 1]
    cited = re.findall(r"\[(\d+)\]", closed)
    assert cited, "the walk is meant to cite often"
    assert {int(number) for number in cited} <= set(allowed)
    assert "[" not in re.sub(r"\[\d+\]", "", closed)
    assert "]" not in re.sub(r"\[\d+\]", "", closed)


@pytest.mark.parametrize("seed", range(3))
def test_nothing_allowed_means_no_brackets(seed: int) -> None:
    text = _walk((), seed)
    assert b"[" not in text
    assert b"]" not in text


@pytest.mark.parametrize(
    ("allowed", "before", "token", "fits"),
    [
        ((1,), b"", b" [", True),
        ((1,), b"", b"[1", True),
        ((2,), b"", b"[1", False),
        ((2,), b"", b"[2]", True),
        ((1,), b"", b"[]", False),
        ((1,), b"", b"]", False),
        ((1,), b"[", b"1]", True),
        ((1,), b"[", b"]", False),
        ((1,), b"[", b" ", False),
        ((1, 12), b"[1", b"2", True),
        ((1, 12), b"[1", b"]. The", True),
        ((12,), b"[1", b"]", False),
        ((1,), b"[1", b"][", True),
        ((1,), b"[1", b"]]", False),
        ((1,), b"[1", b",", False),
    ],
)
def test_single_decisions(allowed: tuple[int, ...], before: bytes, token: bytes, fits: bool) -> None:
    constraint = CitationConstraint(VOCABULARY, allowed)
    for byte in before:
        constraint.accept(byte)
    logits = np.zeros(len(PIECES), dtype=np.float32)
    constraint.mask(logits)
    assert bool(np.isfinite(logits[PIECES.index(token)])) is fits


def test_a_vocabulary_that_cannot_finish_a_number_never_begins_one() -> None:
    pieces = [b"[", b"]", b"1", b"a"]
    constraint = CitationConstraint(BracketVocabulary(pieces), (1,))
    logits = np.zeros(4, dtype=np.float32)
    constraint.mask(logits)
    assert np.isfinite(logits).tolist() == [False, False, True, True]


def test_a_banned_token_is_refused() -> None:
    with pytest.raises(ValueError, match="banned"):
        CitationConstraint(VOCABULARY, (1,)).accept(ord("]"))
