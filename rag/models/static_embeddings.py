"""A table of token vectors as an embedder: hundreds of times as fast as the transformer it was made from.

An embedding is the sum of the vectors of a text's tokens, scaled to length 1; the table's rows carry
their weights already. ``distillation`` makes the table.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import tempfile
import threading
import zipfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from rag.errors import StorageFailed
from rag.models.embedder import Embedder, Vectors, encodable, unit, unusable
from rag.records import ModelIdentity

_TOKENIZED_AT_ONCE = 256
"""Texts whose tokens are held at a time."""

_GATHERED_AT_ONCE = 4096
"""Tokens whose rows are copied at a time: 4 MB of 256 dimensions, so that they are still in the cache."""


@dataclass(frozen=True, slots=True)
class Student:
    """What a student file holds.

    Attributes:
        table: float16, (tokens, dimension); the row of a token is its vector times its weight.
        projection: float16, (teacher's dimension, dimension); from the teacher's space into this one.
        unknown: the row that stands for a text without any token.
        teacher: the vector space it imitates.
        teacher_name: what the model it imitates is called.
        method: version of the recipe it was made by.
        slope, intercept: ``teacher's cosine ~ slope * student's cosine + intercept``.
        fidelity: correlation of the two cosines on texts that were not fitted to.
    """

    table: NDArray[np.float16]
    projection: NDArray[np.float16]
    unknown: int
    teacher: str
    teacher_name: str
    method: int
    slope: float
    intercept: float
    fidelity: float

    @property
    def digest(self) -> str:
        """Hex sha256 of everything in it."""
        total = hashlib.sha256(json.dumps(self._facts(), sort_keys=True).encode())
        total.update(np.ascontiguousarray(self.table).tobytes())
        total.update(np.ascontiguousarray(self.projection).tobytes())
        return total.hexdigest()

    def write(self, path: Path) -> None:
        """Write the file whole or not at all.

        Raises:
            StorageFailed: ``storage_failed`` when the disk refuses.
        """
        facts = json.dumps(self._facts() | {"digest": self.digest})
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".student-", delete=False) as file:
                try:
                    np.savez(file, table=self.table, projection=self.projection, facts=np.array(facts))
                    file.flush()
                    os.fsync(file.fileno())
                    os.replace(file.name, path)
                except BaseException:
                    os.unlink(file.name)
                    raise
        except OSError as error:
            raise StorageFailed(
                "storage_failed",
                f"The static student could not be written ({error.strerror}); free or mend the disk.",
            ) from error

    @classmethod
    def read(cls, path: Path) -> Student:
        """Raises ``DamagedStudent`` when the file is not, byte for byte, what was written."""
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as parts:
                facts = json.loads(str(parts["facts"]))
                table, projection = parts["table"], parts["projection"]
            digest = facts.pop("digest")
            student = cls(table=table, projection=projection, **facts)
            halves = table.dtype == projection.dtype == np.float16
            sound = halves and table.ndim == projection.ndim == 2 and student.digest == digest
        except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
            raise DamagedStudent(str(path)) from error
        if not sound:
            raise DamagedStudent(str(path))
        return student

    def _facts(self) -> dict[str, str | int | float]:
        facts = asdict(self)
        del facts["table"], facts["projection"]
        return facts


class DamagedStudent(Exception):
    """The file is missing, cut, changed or something else: distil it again."""


class StaticEmbeddings(Embedder):
    """Any number of threads may call, and they do not wait for each other.

    Args:
        student: the token vectors.
        folder: the teacher's folder, for its ``tokenizer.json``.
    """

    def __init__(self, student: Student, folder: Path) -> None:
        self._student = student
        self._folder = folder
        self._loading = threading.Lock()
        self._parts: tuple[Tokenizer, Vectors] | None = None

    def load(self) -> None:
        self._loaded()

    def encode(self, texts: Sequence[str]) -> Vectors:
        tokenizer, table = self._loaded()
        sums = np.empty((len(texts), self.dimension), dtype=np.float32)
        for first in range(0, len(texts), _TOKENIZED_AT_ONCE):
            some = [encodable(text) for text in texts[first : first + _TOKENIZED_AT_ONCE]]
            encodings = tokenizer.encode_batch_fast(some, add_special_tokens=False)
            for at, encoding in enumerate(encodings, start=first):
                sums[at] = _sum(table, np.array(encoding.ids, dtype=np.intp))
        sums[~sums.any(axis=1)] = table[self._student.unknown]
        return unit(sums) if len(texts) else sums

    def as_asked(self, own: Vectors, teachers: Vectors) -> Vectors:
        """A question's vectors in this space, from those it has here and those the teacher gave it.

        Documents have only the student's vector, but a question can be read by the teacher at no further
        cost, and what it makes of the question is carried over. The sum of both ranks better than either.
        """
        carried = unit(teachers @ self._student.projection.astype(np.float32))
        return unit(own + carried)

    def as_teacher_cosine(self, scores: NDArray[np.float32]) -> NDArray[np.float32]:
        """Cosines of this space as the teacher's most likely are, so that both can be ranked together."""
        scaled: NDArray[np.float32] = np.float32(self._student.slope) * scores + np.float32(
            self._student.intercept
        )
        return scaled

    @property
    def folder(self) -> Path:
        return self._folder

    @property
    def dimension(self) -> int:
        return int(self._student.table.shape[1])

    @property
    def max_tokens(self) -> int:
        """No limit: every token counts."""
        return sys.maxsize

    @property
    def identity(self) -> ModelIdentity:
        return ModelIdentity(f"{self._student.teacher_name}-static", self.space_id)

    @cached_property
    def space_id(self) -> str:
        """Hash of the table and of what goes with it."""
        return self._student.digest

    @property
    def fidelity(self) -> float:
        """Correlation of its cosines with the teacher's, on texts it was not fitted to."""
        return self._student.fidelity

    def _loaded(self) -> tuple[Tokenizer, Vectors]:
        with self._loading:
            if self._parts is None:
                try:
                    tokenizer = Tokenizer.from_file(str(self._folder / "tokenizer.json"))
                except Exception as error:  # the Rust side raises bare Exception for every failure
                    raise unusable(error) from error
                tokenizer.no_padding()
                tokenizer.no_truncation()
                self._parts = tokenizer, self._student.table.astype(np.float32)
            return self._parts


def _sum(table: Vectors, ids: NDArray[np.intp]) -> Vectors:
    """The sum of the rows ``ids`` of ``table``."""
    total = np.zeros(table.shape[1], dtype=np.float32)
    for first in range(0, len(ids), _GATHERED_AT_ONCE):
        total += table[ids[first : first + _GATHERED_AT_ONCE]].sum(axis=0)
    return total
