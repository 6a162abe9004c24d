"""Sentence embeddings by sentence-transformers, from a folder on this machine, without any network.

The reference: the faster forms of the same model (``onnx_embeddings``) are held to what this returns.
"""

from __future__ import annotations

import gc
import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from rag.models.embedder import Embedder, Vectors, encodable, unit, unusable
from rag.models.locations import default_embedder_path
from rag.models.model_folder import WEIGHTS, ModelFolder
from rag.models.onnx_embeddings import OnnxEmbeddings, onnx_form_of
from rag.records import ModelIdentity

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

BATCH = 32
DEFAULT_NAME = "all-MiniLM-L6-v2"

PACKAGED_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""Of the packaged model's weights: whatever was fitted to cosines was fitted to this model's."""

# By the sha256 of the weights. The packaged model's training data is English: for other languages its
# vectors say little more than which words look alike.
_LANGUAGES = {PACKAGED_SHA256: frozenset({"en"})}


class SentenceTransformerEmbeddings(Embedder):
    """Runs the model with torch. Importing sentence-transformers alone takes seconds.

    One text runs at a time.

    Args:
        folder: a model in sentence-transformers layout with safetensors weights.
        name: what the model is called; the folder's name by default.
        threads: CPU threads of torch, for the whole process; None leaves torch's own choice.
        half: compute in bfloat16. The vectors keep to the same space (a test holds them to it).
    """

    def __init__(
        self, folder: Path, *, name: str | None = None, threads: int | None = None, half: bool = False
    ) -> None:
        self._model_folder = ModelFolder(folder, name)
        self._threads = threads
        self._half = half
        self._lock = threading.Lock()
        self._model: SentenceTransformer | None = None

    def load(self) -> None:
        with self._lock:
            self._loaded()

    def encode(self, texts: Sequence[str]) -> Vectors:
        if not texts:
            return np.empty((0, self.dimension), dtype=np.float32)
        # sentence-transformers sorts by length before it batches, so that little padding is computed.
        with self._lock:
            vectors: Vectors = self._loaded().encode(
                [encodable(text) for text in texts],
                batch_size=BATCH,
                convert_to_numpy=True,
                normalize_embeddings=False,
                show_progress_bar=False,
            )
        return unit(vectors.astype(np.float32, copy=False))

    @property
    def folder(self) -> Path:
        return self._model_folder.path

    @property
    def dimension(self) -> int:
        return self._model_folder.dimension

    @property
    def max_tokens(self) -> int:
        return self._model_folder.max_tokens

    @property
    def identity(self) -> ModelIdentity:
        return self._model_folder.identity

    @property
    def space_id(self) -> str:
        return self._model_folder.space_id

    def _loaded(self) -> SentenceTransformer:
        if self._model is None:
            self._model = self._read_model()
        return self._model

    def _read_model(self) -> SentenceTransformer:
        os.environ["HF_HUB_OFFLINE"] = "1"
        # Every length of text is another shape, and what oneDNN keeps for a thousand of them fills memory.
        os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "32")
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
            if not (
                self._model_folder.path / WEIGHTS
            ).is_file():  # without it torch would unpickle other formats
                raise FileNotFoundError(WEIGHTS)
            return SentenceTransformer(
                str(self._model_folder.path),
                device="cpu",
                local_files_only=True,
                trust_remote_code=False,
                model_kwargs={"dtype": torch.bfloat16} if self._half else {},
            )
        except Exception as error:  # torch, transformers and safetensors have no common error class
            raise unusable(error) from error
        finally:
            if collecting:
                gc.enable()


def default_embeddings(threads: int | None = None) -> Embedder:
    """The embedder that is installed with Footnote, in the fastest form that is installed."""
    return embeddings_at(None, threads)


def embeddings_at(folder: Path | None, threads: int | None = None) -> Embedder:
    """An embedder for a model in sentence-transformers layout; None means the packaged one.

    It runs on onnxruntime where a form of just these weights is installed, else on sentence-transformers.
    Both lie in the same space.
    """
    name = DEFAULT_NAME if folder is None else None
    model = ModelFolder(folder or default_embedder_path(), name)
    weights = onnx_form_of(model)
    if weights is not None:
        return OnnxEmbeddings(model, weights, threads=threads)
    return SentenceTransformerEmbeddings(model.path, name=name, threads=threads)


def bulk_embeddings_at(folder: Path | None, threads: int | None = None) -> Embedder:
    """As ``embeddings_at``, for whoever embeds thousands of texts and can wait for torch to load.

    Where the processor multiplies bfloat16 matrices by itself (AMX), torch is more than twice as fast with
    them as the ONNX form, which keeps its weights in eight bits and computes with 32. Elsewhere the two are
    about as fast, and that one needs no torch.
    """
    if not _multiplies_bfloat16():
        return embeddings_at(folder, threads)
    name = DEFAULT_NAME if folder is None else None
    return SentenceTransformerEmbeddings(
        folder or default_embedder_path(), name=name, threads=threads, half=True
    )


def _multiplies_bfloat16() -> bool:
    try:
        return " amx_bf16 " in Path("/proc/cpuinfo").read_text()
    except OSError:
        return False


def languages_of(embedder: Embedder) -> frozenset[str] | None:
    """ISO 639-1 codes of the languages that an embedder was trained on; None where that is not known."""
    return _LANGUAGES.get(embedder.identity.sha256)
