"""What every embedder here promises: texts in, unit vectors out, and a name for the space they lie in."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from langchain_core.embeddings import Embeddings
from numpy.typing import NDArray

from rag.errors import Unavailable
from rag.records import ModelIdentity

Vectors = NDArray[np.float32]


class Embedder(Embeddings):
    """Maps texts to unit vectors; the dot product of two is their cosine.

    Nothing is loaded before the first text or :meth:`load`. Any number of threads may call.
    """

    @abstractmethod
    def load(self) -> None:
        """Load now what would be loaded with the first text; does nothing the second time.

        Raises:
            Unavailable: ``model_unusable`` when there is no usable model.
        """

    @abstractmethod
    def encode(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors, shape (n, dimension), in the order of ``texts``.

        Texts longer than ``max_tokens`` are cut there: measure before, with ``OffsetTokenizer``.

        Raises:
            Unavailable: ``bad_embedding`` when the model returns something else than finite numbers,
                ``model_unusable`` when it cannot be loaded.
        """

    @property
    @abstractmethod
    def folder(self) -> Path:
        """Where the ``tokenizer.json`` lies that counts and divides its texts."""

    @property
    @abstractmethod
    def dimension(self) -> int:
        """Length of the vectors, known without loading the model."""

    @property
    @abstractmethod
    def max_tokens(self) -> int:
        """Most tokens of a text, the model's special tokens included; the rest would be cut off."""

    @property
    @abstractmethod
    def identity(self) -> ModelIdentity:
        """Name and hash of the weights."""

    @property
    @abstractmethod
    def space_id(self) -> str:
        """Names the vector space: vectors may be compared only where this is equal."""

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """The vectors of ``texts`` as plain lists (langchain-core's interface)."""
        rows: list[list[float]] = self.encode(texts).tolist()
        return rows

    def embed_query(self, text: str) -> list[float]:
        """The vector of one question as a plain list (langchain-core's interface)."""
        return self.embed_documents([text])[0]


def unit(vectors: Vectors) -> Vectors:
    """Rows scaled to length 1.

    Raises:
        Unavailable: ``bad_embedding`` where a row has no direction (zero, not finite).
    """
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    if not np.isfinite(norms).all() or not (norms > 0).all():
        raise Unavailable("bad_embedding", "The embedding model returned no usable vector; install it again.")
    return np.ascontiguousarray(vectors / norms, dtype=np.float32)


def encodable(text: str) -> str:
    """``text`` with lone surrogates, which no tokenizer can take, as question marks."""
    return text.encode("utf-8", "replace").decode("utf-8")


def unusable(error: Exception) -> Unavailable:
    """What to raise when a model's files are missing or make no sense."""
    return Unavailable(
        "model_unusable",
        f"The embedding model cannot be loaded ({type(error).__name__}); install it again.",
    )
