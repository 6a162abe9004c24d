"""llama.cpp's context: one key-value cache whose cells are shared by several sequences, and the batch
that is computed over it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from llama_cpp import llama_cpp as native
from numpy.typing import NDArray

from rag.errors import Unavailable
from rag.models import gguf
from rag.models.llama_model import LlamaModel

Logits = NDArray[np.float32]

NO_ROOM = 1
"""What ``llama_decode`` returns when it finds no free cells; nothing has been changed then."""


class OutOfCells(Exception):
    """The cache has no room for the batch; it is as it was before."""


class LlamaContext:
    """A cache of ``cells`` tokens for sequences ``0..sequences-1``, and room for a batch.

    Args:
        model: whose context it is.
        cells: of the cache, over all sequences; tokens that sequences share take one cell.
        sequences: how many there are.
        batch: most tokens computed at once.
        threads: CPU threads.

    Raises:
        Unavailable: ``model_unusable``.
    """

    def __init__(self, model: LlamaModel, *, cells: int, sequences: int, batch: int, threads: int) -> None:
        params = native.llama_context_default_params()
        params.n_ctx = cells
        params.n_batch = params.n_ubatch = batch
        params.n_threads = params.n_threads_batch = threads
        params.n_seq_max = sequences
        params.kv_unified = True  # so that copying a prefix shares its cells
        self._handle = native.llama_init_from_model(model.handle, params)
        if not self._handle:
            raise gguf.unusable("there is not enough memory for it")
        self._vocabulary_size = model.size
        self.cells: int = native.llama_n_ctx(self._handle)
        self._memory = native.llama_get_memory(self._handle)
        self._batch = native.llama_batch_init(batch, 0, 1)
        self._capacity = batch
        self._tokens = np.ctypeslib.as_array(self._batch.token, (batch,))
        self._positions = np.ctypeslib.as_array(self._batch.pos, (batch,))
        self._wanted = np.ctypeslib.as_array(self._batch.logits, (batch,))
        for place in range(batch):
            self._batch.n_seq_id[place] = 1

    @property
    def room(self) -> int:
        """How many more tokens fit into the batch."""
        return self._capacity - int(self._batch.n_tokens)

    def begin(self) -> None:
        """Begin an empty batch."""
        self._batch.n_tokens = 0

    def add(self, sequence: int, tokens: Sequence[int], at: int, *, wanted: int) -> int:
        """Put ``tokens`` of a sequence, which stand at positions ``at`` on, into the batch. The logits of
        the last ``wanted`` of them can be read afterwards. Returns the place of the first one of those."""
        first, size = int(self._batch.n_tokens), len(tokens)
        last = first + size
        self._tokens[first:last] = tokens
        self._positions[first:last] = np.arange(at, at + size)
        self._wanted[first:last] = 0
        self._wanted[last - wanted : last] = 1
        for place in range(first, last):
            self._batch.seq_id[place][0] = sequence
        self._batch.n_tokens = last
        return last - wanted

    def compute(self) -> None:
        """Compute the batch.

        Raises:
            OutOfCells: nothing has changed.
            Unavailable: ``generator_failed``; the cache is of no use any more.
        """
        code = native.llama_decode(self._handle, self._batch)
        if code == NO_ROOM:
            raise OutOfCells
        if code != 0:
            raise Unavailable("generator_failed", f"The model stopped with code {code}; ask again.")

    def logits(self, place: int) -> Logits:
        """The logits of the token at ``place`` of the batch, shape (vocabulary,). llama.cpp's own memory:
        it may be written to and holds until the next ``compute``."""
        pointer = native.llama_get_logits_ith(self._handle, place)
        logits: Logits = np.ctypeslib.as_array(pointer, (self._vocabulary_size,))
        return logits

    def truncate(self, sequence: int, size: int) -> bool:
        """Forget all but the first ``size`` tokens; False where the model cannot."""
        return bool(native.llama_memory_seq_rm(self._memory, sequence, size, -1))

    def copy(self, source: int, target: int, size: int) -> None:
        """Make ``target`` the first ``size`` tokens of ``source``."""
        native.llama_memory_seq_rm(self._memory, target, -1, -1)
        native.llama_memory_seq_cp(self._memory, source, target, 0, size)

    def clear(self) -> None:
        native.llama_memory_clear(self._memory, False)
