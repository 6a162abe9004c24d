"""Models that cost nothing to load, so that a service can be killed and started a thousand times.

They are deterministic and good enough for finding a document by a word that only it has. Everything else
is the product's own: stores, pipeline, worker, api. ``install`` has to be called before ``api.assembly``
or ``ingest.worker`` is imported, which take the real models by name.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Self
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from rag.errors import Unavailable
from rag.models.chat_formats import FORMATS, ChatFormat
from rag.models.embedder import Embedder, Vectors, unit
from rag.models.generation import GenerationRequest, GeneratorState, GeneratorStatus
from rag.models.locations import default_embedder_path
from rag.models.span_reader import Reading
from rag.models.tally import Tally
from rag.records import ModelIdentity

_ROWS = 4096
_MAX_TOKENS = 256
_WORD = re.compile(r"\w+")


class LightEmbedder(Embedder):
    """A text is the sum of its words' vectors, which are random but always the same."""

    def __init__(self, name: str, dimension: int) -> None:
        self._name = name
        self._dimension = dimension

    def load(self) -> None:
        """Nothing to load."""

    def encode(self, texts: Sequence[str]) -> Vectors:
        vectors = np.zeros((len(texts), self.dimension), dtype=np.float32)
        for row, text in zip(vectors, texts, strict=True):
            row += self._table[0]  # a text without any word has a direction too
            for word in _WORD.findall(text.lower()):
                row += self._table[crc32(word.encode()) % _ROWS]
        return unit(vectors) if len(texts) else vectors

    def as_asked(self, own: Vectors, teachers: Vectors) -> Vectors:
        """As ``StaticEmbeddings.as_asked``, with nothing to carry over."""
        return own

    def as_teacher_cosine(self, scores: NDArray[np.float32]) -> NDArray[np.float32]:
        """As ``StaticEmbeddings.as_teacher_cosine``: both spaces have the same scale."""
        return scores

    @property
    def folder(self) -> Path:
        return default_embedder_path()

    @property
    def dimension(self) -> int:
        return self._dimension

    @property
    def max_tokens(self) -> int:
        return _MAX_TOKENS

    @property
    def identity(self) -> ModelIdentity:
        return ModelIdentity(self._name, hashlib.sha256(self._name.encode()).hexdigest())

    @property
    def space_id(self) -> str:
        return self.identity.sha256

    @cached_property
    def _table(self) -> Vectors:
        random = np.random.default_rng(crc32(self._name.encode()))
        return random.standard_normal((_ROWS, self._dimension)).astype(np.float32)


TEACHER = LightEmbedder("light-teacher", 48)
STUDENT = LightEmbedder("light-student", 32)


def teacher_at(folder: Path | None = None, *_: object, **__: object) -> LightEmbedder:
    """The model that a folder ``NAME-DIMENSION`` stands for, if it is there."""
    if folder is None:
        return TEACHER
    if not folder.is_dir():
        raise Unavailable("model_unusable", "The embedding model cannot be loaded; install it again.")
    return LightEmbedder(folder.name, int(folder.name.rpartition("-")[2]))


def student_of(_folder: Path, teacher: Embedder, *_: object) -> LightEmbedder:
    if teacher is TEACHER:
        return STUDENT
    return LightEmbedder(f"student of {teacher.identity.name}", 32)


class LightReader:
    """Points at the words of the question; stands in for ``SpanReader``."""

    identity = ModelIdentity("light-reader", "0" * 64)

    def load(self) -> None:
        """Nothing to load."""

    def read(self, question: str, texts: Sequence[str]) -> list[Reading]:
        asked = set(_WORD.findall(question.lower()))
        return [_reading(text, asked) for text in texts]


def _reading(text: str, asked: set[str]) -> Reading:
    words = list(_WORD.finditer(text))
    hits = np.array([4.0 if word[0].lower() in asked else -4.0 for word in words], dtype=np.float32)
    places = np.array([word.span() for word in words], dtype=np.int64).reshape(-1, 2)
    return Reading(places, hits, hits)


class NoGenerator:
    """Ready at once and never has anything to say: answers are quotations."""

    pid = None
    load = 0
    context = 2048
    name = "none"
    identity = ModelIdentity("none", "0" * 64)
    status = GeneratorStatus(GeneratorState.READY)

    def __init__(self, *_: Any, **__: Any) -> None:
        """Takes what the real one takes."""
        self.tally = Tally()

    @property
    def chat_format(self) -> ChatFormat:
        return next(iter(FORMATS.values()))

    def start(self) -> Self:
        return self

    def wait_ready(self, timeout: float | None = None) -> None:
        """It always is."""

    def warm(self, prefix: object) -> None:
        """Nothing to warm."""

    def generate(self, request: GenerationRequest) -> Iterator[Any]:
        yield from ()

    def close(self) -> None:
        """Nothing to end."""


def install() -> None:
    """Put the light models where the product looks for its own, in this process."""
    from rag.models import distillation, embeddings, generator, span_reader

    replaced: tuple[tuple[Any, str, Any], ...] = (
        (embeddings, "embeddings_at", teacher_at),
        (embeddings, "bulk_embeddings_at", teacher_at),
        (distillation, "distil_if_missing", student_of),
        (span_reader, "default_reader", lambda *_, **__: LightReader()),
        (generator, "Generator", NoGenerator),
    )
    for module, name, value in replaced:
        if not hasattr(module, name):
            raise AttributeError(
                f"{module.__name__} has no {name} any more; mend tests/faults/light_models.py"
            )
        setattr(module, name, value)
