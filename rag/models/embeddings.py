"""Sentence embeddings by sentence-transformers, from a folder on this machine, without any network."""

from __future__ import annotations

import gc
import hashlib
import json
import os
import threading
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from langchain_core.embeddings import Embeddings
from numpy.typing import NDArray

from rag.errors import Unavailable
from rag.models.hashing import sha256_of
from rag.models.locations import default_embedder_path
from rag.records import ModelIdentity

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

BATCH = 32
_WEIGHTS = "model.safetensors"


class SentenceTransformerEmbeddings(Embeddings):
    """Maps texts to unit vectors; the dot product of two is their cosine.

    Nothing is loaded before the first text or :meth:`load`: importing sentence-transformers alone
    takes seconds. One text runs at a time; any number of threads may call.

    Args:
        folder: a model in sentence-transformers layout with safetensors weights.
        name: what the model is called; the folder's name by default.
        threads: CPU threads of torch, for the whole process; None leaves torch's own choice.
    """

    def __init__(self, folder: Path, *, name: str | None = None, threads: int | None = None) -> None:
        self._folder = folder
        self._name = name or folder.name
        self._threads = threads
        self._lock = threading.Lock()
        self._model: SentenceTransformer | None = None

    def load(self) -> None:
        """Load now what would be loaded with the first text; does nothing the second time.

        Raises:
            Unavailable: ``model_unusable`` when the folder holds no usable model.
        """
        with self._lock:
            self._loaded()

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors, shape (n, dimension), in the order of ``texts``.

        Texts longer than ``max_tokens`` are cut there: measure before, with ``OffsetTokenizer``.

        Raises:
            Unavailable: ``bad_embedding`` when the model returns something else than finite numbers,
                ``model_unusable`` when it cannot be loaded.
        """
        if not texts:
            return np.empty((0, self.dimension), dtype=np.float32)
        # sentence-transformers sorts by length before it batches, so that little padding is computed.
        with self._lock:
            vectors: NDArray[np.float32] = self._loaded().encode(
                [_encodable(text) for text in texts],
                batch_size=BATCH,
                convert_to_numpy=True,
                normalize_embeddings=False,
                show_progress_bar=False,
            )
        return _unit(vectors.astype(np.float32, copy=False))

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """The vectors of ``texts`` as plain lists (langchain-core's interface)."""
        rows: list[list[float]] = self.encode(texts).tolist()
        return rows

    def embed_query(self, text: str) -> list[float]:
        """The vector of one question as a plain list (langchain-core's interface)."""
        return self.embed_documents([text])[0]

    @cached_property
    def dimension(self) -> int:
        """Length of the vectors, read from the configuration without loading the model."""
        return int(self._configuration("config.json")["hidden_size"])

    @cached_property
    def max_tokens(self) -> int:
        """Most tokens of a text, the model's special tokens included; the rest would be cut off."""
        return int(self._configuration("sentence_bert_config.json")["max_seq_length"])

    @cached_property
    def identity(self) -> ModelIdentity:
        """Name and hash of the weights, computed once."""
        try:
            digest = sha256_of(self._folder / _WEIGHTS)
        except OSError as error:
            raise _unusable(error) from error
        return ModelIdentity(self._name, digest)

    @cached_property
    def space_id(self) -> str:
        """Names the vector space: vectors may be compared only where this is equal.

        Hash of the weights, the pooling configuration, the length limit and the normalisation.
        """
        recipe = json.dumps(
            {
                "weights": self.identity.sha256,
                "pooling": self._configuration("1_Pooling/config.json"),
                "max_tokens": self.max_tokens,
                "normalisation": "l2",
            },
            sort_keys=True,
        )
        return hashlib.sha256(recipe.encode()).hexdigest()

    def _loaded(self) -> SentenceTransformer:
        if self._model is None:
            self._model = self._read_model()
        return self._model

    def _read_model(self) -> SentenceTransformer:
        os.environ["HF_HUB_OFFLINE"] = "1"
        os.environ["TOKENIZERS_PARALLELISM"] = "false"  # texts come one batch at a time; no forked pools
        # Thousands of modules come in and none of their objects is garbage: looking for it costs a tenth
        # of the import.
        collecting = gc.isenabled()
        gc.disable()
        try:
            import torch
            from sentence_transformers import SentenceTransformer
            from transformers.utils import logging as transformers_logging

            transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]  # untyped there
            if self._threads is not None:
                torch.set_num_threads(self._threads)
            if not (self._folder / _WEIGHTS).is_file():  # without it torch would unpickle other formats
                raise FileNotFoundError(_WEIGHTS)
            return SentenceTransformer(
                str(self._folder), device="cpu", local_files_only=True, trust_remote_code=False
            )
        except Exception as error:  # torch, transformers and safetensors have no common error class
            raise _unusable(error) from error
        finally:
            if collecting:
                gc.enable()

    def _configuration(self, name: str) -> dict[str, Any]:
        try:
            values: dict[str, Any] = json.loads((self._folder / name).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise _unusable(error) from error
        return values


def default_embeddings(threads: int | None = None) -> SentenceTransformerEmbeddings:
    """The embedder that is installed with Footnote."""
    return SentenceTransformerEmbeddings(default_embedder_path(), name="all-MiniLM-L6-v2", threads=threads)


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    if not np.isfinite(norms).all() or not (norms > 0).all():
        raise Unavailable("bad_embedding", "The embedding model returned no usable vector; install it again.")
    return np.ascontiguousarray(vectors / norms, dtype=np.float32)


def _encodable(text: str) -> str:
    """Lone surrogates, which no tokenizer can take, as question marks."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _unusable(error: Exception) -> Unavailable:
    return Unavailable(
        "model_unusable",
        f"The embedding model cannot be loaded ({type(error).__name__}); install it again.",
    )
