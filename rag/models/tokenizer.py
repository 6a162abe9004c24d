"""The embedder's tokenizer alone, so that text can be measured and cut without importing torch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from rag.errors import Unavailable


class OffsetTokenizer:
    """Counts tokens and says which characters each one covers; nothing is truncated or padded.

    Safe to share between threads. Texts must hold no lone surrogates: no UTF-8 exists for those.

    Args:
        folder: a sentence-transformers model folder; its ``tokenizer.json`` is read.

    Raises:
        Unavailable: ``model_unusable`` when that file is missing or cannot be read.
    """

    def __init__(self, folder: Path) -> None:
        try:
            self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        except Exception as error:  # the Rust side raises bare Exception for every failure
            raise Unavailable(
                "model_unusable",
                "The embedder's tokenizer.json cannot be read; install the model again.",
            ) from error
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()

    def offsets(self, text: str) -> list[tuple[int, int]]:
        """``[start, end)`` in characters of every token of ``text``, special tokens left out."""
        encoding = self._tokenizer.encode(text, add_special_tokens=False)
        return list(encoding.offsets)

    def starts(self, texts: Sequence[str]) -> list[NDArray[np.int64]]:
        """Where, in characters, each token of each text begins."""
        encodings = self._tokenizer.encode_batch(list(texts), add_special_tokens=False)
        return [
            np.fromiter((start for start, _ in encoding.offsets), dtype=np.int64, count=len(encoding))
            for encoding in encodings
        ]

    def counts(self, texts: Sequence[str]) -> list[int]:
        """Number of tokens of each text, special tokens left out; on all cores."""
        encodings = self._tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)
        return [len(encoding) for encoding in encodings]

    def count(self, text: str) -> int:
        """Number of tokens of ``text``, special tokens left out."""
        return len(self._tokenizer.encode(text, add_special_tokens=False))

    @property
    def special_tokens(self) -> int:
        """How many special tokens the model puts around one text (2 for BERT: ``[CLS]`` and ``[SEP]``)."""
        return self._tokenizer.num_special_tokens_to_add(False)
