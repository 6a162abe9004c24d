"""A small model that reads a text with a question in mind and points at the answer, or at nothing.

The embedder's own MiniLM, trained further as in BERT for SQuAD 2.0 (Devlin et al., 2019; Rajpurkar et
al., 2018): every token gets a score for beginning the answer and one for ending it, and the
classification token stands for "not here". ``scripts/reader`` makes the weights.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from rag.models.embedder import encodable, unusable
from rag.models.hashing import sha256_of
from rag.models.locations import default_embedder_path
from rag.models.onnx_embeddings import batches, session_of
from rag.records import ModelIdentity

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

MAX_TOKENS = 384
"""Of question and text together; what of a text is beyond is not read."""
_QUESTION_TOKENS = 64
_LONGEST_ANSWER = 24  # tokens
_BATCH_TOKENS = 2048

Scores = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class FoundSpan:
    """``text[start:end]`` is the likeliest answer within what was asked about.

    ``score`` is a difference of log-likelihoods: above 0 the reader rather takes it for the answer
    than takes the text to hold none.
    """

    start: int
    end: int
    score: float


@dataclass(frozen=True, slots=True)
class Reading:
    """What the reader makes of one text.

    ``offsets`` (tokens, 2) are where each token stands in the text; ``starts`` and ``ends`` (tokens,)
    its scores for beginning and ending the answer, less the half of the score for "not here".
    """

    offsets: NDArray[np.int64]
    starts: Scores
    ends: Scores

    def best(self, start: int, end: int) -> FoundSpan | None:
        """The likeliest answer inside ``text[start:end]``; None where no token was read."""
        first = int(np.searchsorted(self.offsets[:, 0], start))
        last = int(np.searchsorted(self.offsets[:, 1], end, side="right"))
        if first >= last:
            return None
        at = np.arange(last - first)
        length = at[None, :] - at[:, None]  # tokens of the span but for the first
        sums = self.starts[first:last, None] + self.ends[None, first:last]
        sums = np.where((length >= 0) & (length < _LONGEST_ANSWER), sums, -np.inf)
        row, column = np.unravel_index(int(np.argmax(sums)), sums.shape)
        return FoundSpan(
            int(self.offsets[first + row, 0]),
            int(self.offsets[first + column, 1]),
            float(sums[row, column]),
        )


class SpanReader:
    """Runs the reader on onnxruntime. Safe to use from many threads; one batch runs at a time.

    Args:
        weights: a graph from ``input_ids``, ``attention_mask`` and ``token_type_ids`` (texts, tokens) to
            ``scores`` (texts, tokens, 2).
        tokenizer: the tokenizer.json of the model the reader was made from.
        threads: CPU threads; None leaves onnxruntime's own choice.

    Raises:
        Unavailable: the weights or the tokenizer cannot be used.
    """

    def __init__(self, weights: Path, tokenizer: Path, *, threads: int | None = None) -> None:
        self._weights = weights
        self._tokenizer = tokenizer
        self._threads = threads
        self._loading = threading.Lock()
        self._running = threading.Lock()
        self._parts: tuple[Tokenizer, InferenceSession] | None = None

    @cached_property
    def identity(self) -> ModelIdentity:
        return ModelIdentity("footnote-reader", sha256_of(self._weights))

    def load(self) -> None:
        self._loaded()

    def read(self, question: str, texts: Sequence[str]) -> list[Reading]:
        """One reading a text, in order."""
        tokenizer, session = self._loaded()
        asked = tokenizer.encode(encodable(question), add_special_tokens=False).ids[:_QUESTION_TOKENS]
        found = [tokenizer.encode(encodable(text), add_special_tokens=False) for text in texts]
        classify, separate = tokenizer.encode("").ids  # what stands around every text
        head = [classify, *asked, separate]
        room = MAX_TOKENS - len(head) - 1
        bodies = [one.ids[:room] for one in found]
        readings: list[Reading | None] = [None] * len(texts)
        for members in batches([len(body) for body in bodies], _BATCH_TOKENS):
            rows = [[*head, *bodies[at], separate] for at in members]
            with self._running:
                scores = session.run(None, _feeds(rows, len(head)))[0]
            for row, at in enumerate(members):
                inside = slice(len(head), len(head) + len(bodies[at]))
                readings[at] = Reading(
                    np.asarray(found[at].offsets[:room], dtype=np.int64).reshape(-1, 2),
                    scores[row, inside, 0] - scores[row, 0, 0],
                    scores[row, inside, 1] - scores[row, 0, 1],
                )
        return [reading for reading in readings if reading is not None]

    def _loaded(self) -> tuple[Tokenizer, InferenceSession]:
        with self._loading:
            if self._parts is None:
                try:
                    tokenizer = Tokenizer.from_file(str(self._tokenizer))
                except Exception as error:  # the Rust side raises bare Exception for every failure
                    raise unusable(error) from error
                tokenizer.no_padding()
                tokenizer.no_truncation()
                self._parts = tokenizer, session_of(self._weights, self._threads)
            return self._parts


def default_reader(*, threads: int | None = None) -> SpanReader:
    """The reader that comes with this release; it shares its tokenizer with the default embedder."""
    weights = Path(str(resources.files("rag.models").joinpath("weights", "reader.onnx")))
    return SpanReader(weights, default_embedder_path() / "tokenizer.json", threads=threads)


def _feeds(rows: Sequence[Sequence[int]], head: int) -> dict[str, NDArray[np.int64]]:
    width = max(map(len, rows))
    ids = np.zeros((len(rows), width), dtype=np.int64)
    mask, types = np.zeros_like(ids), np.zeros_like(ids)
    for at, row in enumerate(rows):
        ids[at, : len(row)] = row
        mask[at, : len(row)] = 1
        types[at, head : len(row)] = 1
    return {"input_ids": ids, "attention_mask": mask, "token_type_ids": types}
