from __future__ import annotations

from pathlib import Path

import pytest

from rag.errors import Unavailable
from rag.models.embeddings import SentenceTransformerEmbeddings
from rag.models.locations import default_embedder_path
from rag.models.tokenizer import OffsetTokenizer

TEXTS = ["Hello, wörld! 日本語 naïve 👩‍🔬", "", "word " * 1000, "a\u0301b", "x" * 500]


@pytest.fixture(scope="module")
def tokenizer() -> OffsetTokenizer:
    return OffsetTokenizer(default_embedder_path())


@pytest.mark.parametrize("text", TEXTS)
def test_offsets_are_in_order_and_inside(tokenizer: OffsetTokenizer, text: str) -> None:
    offsets = tokenizer.offsets(text)
    assert len(offsets) == tokenizer.count(text)
    assert all(0 <= start < end <= len(text) for start, end in offsets)
    assert offsets == sorted(offsets)


def test_offsets_count_characters_not_bytes(tokenizer: OffsetTokenizer) -> None:
    text = "日本 hello"
    start, end = tokenizer.offsets(text)[-1]
    assert text[start:end] == "hello"


def test_nothing_is_truncated(tokenizer: OffsetTokenizer) -> None:
    assert tokenizer.count("word " * 1000) == 1000


def test_it_counts_as_the_embedder_does(
    tokenizer: OffsetTokenizer, embeddings: SentenceTransformerEmbeddings
) -> None:
    """A text counted at ``max_tokens`` is used whole; one word more changes nothing."""
    room = embeddings.max_tokens - tokenizer.special_tokens
    full, over, short = ("word " * n for n in (room, room + 1, room - 1))
    vectors = embeddings.encode([full + "end", over + "end", short + "end"])
    assert (vectors[0] == vectors[1]).all()
    assert (vectors[0] != vectors[2]).any()


def test_missing(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="model_unusable"):
        OffsetTokenizer(tmp_path)
