"""llama.cpp with nothing around it: the loop of its own examples, over the same weights and threads.

What the engine is compared with. One sequence, prompts in batches of 512 as llama.cpp has it by default, one
token at a time, chosen by llama.cpp's own greedy sampler.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from llama_cpp import llama_cpp as native

from rag.models.llama_model import LlamaModel

BATCH = 512


class BareLoop:
    """A context of ``cells`` tokens for one sequence; ``clock`` tells seconds."""

    def __init__(self, model: LlamaModel, cells: int, threads: int, clock: Callable[[], float]) -> None:
        self._clock = clock
        params = native.llama_context_default_params()
        params.n_ctx = cells
        params.n_batch = params.n_ubatch = BATCH
        params.n_threads = params.n_threads_batch = threads
        self._context = native.llama_init_from_model(model.handle, params)
        self._memory = native.llama_get_memory(self._context)
        self._sampler = native.llama_sampler_chain_init(native.llama_sampler_chain_default_params())
        native.llama_sampler_chain_add(self._sampler, native.llama_sampler_init_greedy())
        self._held: list[int] = []

    def read(self, tokens: Sequence[int], keep: int = 0) -> float:
        """Seconds until the next token is known, with the first ``keep`` tokens in the cache already."""
        if self._held[:keep] != list(tokens[:keep]):
            self._forget(0)
            self._compute(tokens[:keep])
        self._forget(keep)
        began = self._clock()
        self._compute(tokens[keep:])
        native.llama_sampler_sample(self._sampler, self._context, -1)
        seconds = self._clock() - began
        self._held = list(tokens)
        return seconds

    def write(self, count: int) -> float:
        """Seconds for so many tokens after what was read."""
        began = self._clock()
        for _ in range(count):
            token = native.llama_sampler_sample(self._sampler, self._context, -1)
            self._compute([token])
            self._held.append(token)
        return self._clock() - began

    def close(self) -> None:
        native.llama_sampler_free(self._sampler)
        native.llama_free(self._context)

    def _forget(self, keep: int) -> None:
        native.llama_memory_seq_rm(self._memory, 0, keep, -1)
        self._held = self._held[:keep]

    def _compute(self, tokens: Sequence[int]) -> None:
        for at in range(0, len(tokens), BATCH):
            part = tokens[at : at + BATCH]
            array = (native.llama_token * len(part))(*part)
            batch = native.llama_batch_get_one(array, len(part))
            if native.llama_decode(self._context, batch) != 0:
                raise RuntimeError("llama_decode failed")
