"""Counting tokens of what is delivered and embedded, with the embedder's own tokenizer."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

from rag.models.tokenizer import OffsetTokenizer


@cache
def tokenizer_at(folder: Path) -> OffsetTokenizer:
    """The tokenizer of a model folder, read once. Raises ``Unavailable`` (``model_unusable``)."""
    return OffsetTokenizer(folder)


def counter(folder: Callable[[], Path]) -> Callable[[str], int]:
    """Counts a text; ``folder`` is asked for only when there is something to count."""
    return lambda text: tokenizer_at(folder()).count(text)
