"""The decoding loop over one llama.cpp context: prefill, choose, emit, repeat.

Sequence 0 of the key-value cache holds the running text; sequence 1 keeps the warmed prefix, whose
cells later prompts share instead of computing them again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
from llama_cpp import llama_cpp as native
from numpy.typing import NDArray

from rag.errors import TooLarge, Unavailable
from rag.models import gguf
from rag.models.chat_formats import ChatFormat
from rag.models.citation_constraint import BracketVocabulary, CitationConstraint
from rag.models.copy_constraint import CopyConstraint, CopyVocabulary
from rag.models.generation import (
    CopiedSpan,
    EngineEvent,
    FinishedEvent,
    FinishReason,
    GenerationRequest,
    GeneratorSettings,
    ProgressEvent,
    PromptPart,
    TokenEvent,
    Usage,
)
from rag.models.llama_model import LlamaModel
from rag.models.sampling import choose
from rag.models.text_stream import RepetitionGuard, TextStream

_TEXT, _WARM = 0, 1

Cancelled = Callable[[], bool]


class LlamaEngine:
    """One model and one context, used by one thread.

    Args:
        path: a GGUF file.
        settings: see :class:`GeneratorSettings`.

    Raises:
        Unavailable: ``model_unusable``.
    """

    def __init__(self, path: Path, settings: GeneratorSettings) -> None:
        self.model = LlamaModel(path, cpu_kernels=settings.cpu_kernels)
        self._slice = settings.prefill_slice
        self._context = _Context(self.model, settings)
        self._vocabularies = _Vocabularies(self.model)
        self._text: list[int] = []
        self._warm: list[int] = []
        self._scope: str | None = None
        self._try_out()

    @property
    def context(self) -> int:
        """Most tokens of prompt and answer together."""
        return self._context.size

    @property
    def chat_format(self) -> ChatFormat:
        return self.model.chat_format

    def warm(self, prefix: Sequence[PromptPart]) -> None:
        """Compute a prefix once and keep it for every later prompt that begins with it.

        Raises:
            TooLarge: ``prompt_too_long`` when it would leave no room for an answer.
        """
        tokens = self._tokenize(prefix)
        for _ in self._prefill(tokens, None, lambda: False, room=0):
            pass
        self._context.copy(_TEXT, _WARM, len(tokens))
        self._warm = tokens

    def generate(self, request: GenerationRequest, cancelled: Cancelled) -> Iterator[EngineEvent]:
        """Events of one generation, ending with a :class:`FinishedEvent`.

        Args:
            cancelled: asked between tokens and between slices of the prompt.

        Raises:
            TooLarge: ``prompt_too_long``.
            Unavailable: ``generator_failed`` when llama.cpp refuses to go on.
        """
        began = time.perf_counter()
        prompt = self._tokenize(request.prompt)
        room = min(request.max_tokens, self.context - len(prompt))
        reused: int | None = None
        for event in self._prefill(prompt, request.cache_scope, cancelled, room=room):
            reused = event.done if reused is None else reused  # the first report comes before any work
            yield event
        prefilled = time.perf_counter()
        writing = _Writing(request, self.model, self._vocabularies)
        while True:
            if cancelled():
                reason = FinishReason.CANCELLED
                break
            text, ended = writing.advance(self._context.logits())
            if text:
                yield TokenEvent(text)
            if ended:
                reason = ended
                break
            if len(writing.tokens) >= room:
                reason = FinishReason.LENGTH
                break
            self._decode(writing.tokens[-1:])
        if rest := writing.finish():
            yield TokenEvent(rest)
        usage = Usage(len(prompt), len(writing.tokens), reused or 0)
        timings = {"prefill": prefilled - began, "decode": time.perf_counter() - prefilled}
        yield FinishedEvent(reason, usage, timings, writing.copied)

    def _tokenize(self, parts: Sequence[PromptPart]) -> list[int]:
        least = self.model.at_least(parts)
        tokens = self.model.tokenize(parts) if least < self.context else []
        if not tokens or len(tokens) >= self.context:
            raise TooLarge(
                "prompt_too_long",
                f"The prompt takes {len(tokens) or f'at least {least}'} tokens and the model reads "
                f"{self.context - 1}; ask with less text.",
            )
        return tokens

    def _prefill(
        self, tokens: list[int], scope: str | None, cancelled: Cancelled, *, room: int
    ) -> Iterator[ProgressEvent]:
        self._reuse(tokens, scope, room)
        while True:
            yield ProgressEvent(len(self._text), len(tokens))
            if len(self._text) == len(tokens) or cancelled():
                return
            self._decode(tokens[len(self._text) : len(self._text) + self._slice])

    def _reuse(self, tokens: list[int], scope: str | None, room: int) -> None:
        """Leave in the text sequence the longest useful beginning of ``tokens``, at least one short."""
        own = _common(self._text, tokens) if scope is not None and scope == self._scope else 0
        warm = _common(self._warm, tokens)
        keep = 0 if self.model.recurrent else min(max(own, warm), len(tokens) - 1)
        shared = 0
        if keep and warm > own:
            self._context.copy(_WARM, _TEXT, keep)
            shared = keep
        elif not self._context.truncate(_TEXT, keep):
            keep = 0
            self._context.truncate(_TEXT, 0)
        if len(self._warm) - shared + len(tokens) + room > self.context:
            self._context.truncate(_WARM, 0)
            self._warm = []
        self._text, self._scope = tokens[:keep], scope

    def _decode(self, tokens: list[int]) -> None:
        try:
            self._context.decode(tokens, at=len(self._text))
        except Unavailable:
            self._context.clear()
            self._text, self._warm = [], []
            raise
        self._text += tokens

    def _try_out(self) -> None:
        """Run both shapes of matrix product once, so that a CPU that cannot shows it now."""
        self._decode([self.model.size - 1] * 32)
        self._decode([self.model.size - 1])
        if not np.isfinite(self._context.logits()).all():
            raise gguf.unusable("its output is not made of numbers")
        self._context.clear()
        self._text = []


class _Vocabularies:
    """What the constraints need to know of a model's tokens, found out once and only if needed."""

    def __init__(self, model: LlamaModel) -> None:
        self._model = model

    @cached_property
    def brackets(self) -> BracketVocabulary:
        return BracketVocabulary(self._model.pieces)

    @cached_property
    def copying(self) -> CopyVocabulary:
        return CopyVocabulary(self._model.pieces, self._model.end_tokens)


class _Writing:
    """The text side of one generation: mask, choose, decode, decide whether it has ended."""

    def __init__(self, request: GenerationRequest, model: LlamaModel, vocabularies: _Vocabularies) -> None:
        self._request = request
        self._model = model
        cite, sources = request.citations, request.copy_from
        self._copy = None if sources is None else CopyConstraint(vocabularies.copying, sources)
        cited = None if cite is None or self._copy else CitationConstraint(vocabularies.brackets, cite)
        self._constraint: CopyConstraint | CitationConstraint | None = self._copy or cited
        self._stream = TextStream(request.stop, hold_brackets=cited is not None)
        self._repetition = RepetitionGuard()
        self._random = np.random.default_rng(request.seed)
        self.tokens: list[int] = []

    def advance(self, logits: NDArray[np.float32]) -> tuple[str, FinishReason | None]:
        """Choose one token. Returns the text that became certain and why to end here, if so."""
        logits[self._model.never_written] = -np.inf
        if self._constraint:
            self._constraint.mask(logits)
        token = choose(logits, self.tokens, self._request, self._random)
        if token in self._model.end_tokens or (self._constraint and not self._constraint.accept(token)):
            return "", FinishReason.STOP
        self.tokens.append(token)
        text = self._stream.feed(self._model.pieces[token])
        if self._stream.stopped:
            return text, FinishReason.STOP
        return text, FinishReason.REPETITION if self._repetition.feed(text) else None

    @property
    def copied(self) -> CopiedSpan | None:
        return self._copy.copied if self._copy else None

    def finish(self) -> str:
        """The text held back so far, except half a footnote or half a stop string's continuation."""
        return self._stream.finish()


class _Context:
    """llama.cpp's context: a key-value cache of ``size`` cells shared by two sequences."""

    def __init__(self, model: LlamaModel, settings: GeneratorSettings) -> None:
        params = native.llama_context_default_params()
        params.n_ctx = min(settings.context, model.trained_context)
        params.n_batch = params.n_ubatch = settings.prefill_slice
        params.n_threads = params.n_threads_batch = settings.threads
        params.n_seq_max = 2
        params.kv_unified = True  # so that copying a prefix shares its cells
        self._handle = native.llama_init_from_model(model.handle, params)
        if not self._handle:
            raise gguf.unusable("there is not enough memory for it")
        self._vocabulary_size = model.size
        self.size: int = min(native.llama_n_ctx(self._handle), params.n_ctx)
        self._memory = native.llama_get_memory(self._handle)
        self._batch = native.llama_batch_init(settings.prefill_slice, 0, 1)
        shape = (settings.prefill_slice,)
        self._tokens = np.ctypeslib.as_array(self._batch.token, shape)
        self._positions = np.ctypeslib.as_array(self._batch.pos, shape)
        self._wanted = np.ctypeslib.as_array(self._batch.logits, shape)
        for place in range(settings.prefill_slice):
            self._batch.n_seq_id[place] = 1
            self._batch.seq_id[place][0] = _TEXT

    def decode(self, tokens: Sequence[int], *, at: int) -> None:
        """Compute ``tokens`` at positions ``at`` on; the last one's logits can be read afterwards."""
        size = len(tokens)
        self._batch.n_tokens = size
        self._tokens[:size] = tokens
        self._positions[:size] = np.arange(at, at + size)
        self._wanted[:size] = 0
        self._wanted[size - 1] = 1
        code = native.llama_decode(self._handle, self._batch)
        if code != 0:
            raise Unavailable("generator_failed", f"The model stopped with code {code}; ask again.")

    def logits(self) -> NDArray[np.float32]:
        """A copy of the last token's logits, shape (vocabulary,)."""
        pointer = native.llama_get_logits_ith(self._handle, -1)
        return np.array(np.ctypeslib.as_array(pointer, (self._vocabulary_size,)), dtype=np.float32)

    def truncate(self, sequence: int, size: int) -> bool:
        """Forget all but the first ``size`` tokens; False where the model cannot."""
        return bool(native.llama_memory_seq_rm(self._memory, sequence, size, -1))

    def copy(self, source: int, target: int, size: int) -> None:
        """Make ``target`` the first ``size`` tokens of ``source``."""
        native.llama_memory_seq_rm(self._memory, target, -1, -1)
        native.llama_memory_seq_cp(self._memory, source, target, 0, size)

    def clear(self) -> None:
        native.llama_memory_clear(self._memory, False)


def _common(first: Sequence[int], second: Sequence[int]) -> int:
    """Length of the common beginning."""
    size = min(len(first), len(second))
    return next((i for i in range(size) if first[i] != second[i]), size)
