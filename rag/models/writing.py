"""The text side of one generation: mask the logits, choose a token, decide whether it has ended."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from rag.models.citation_constraint import BracketVocabulary, CitationConstraint
from rag.models.copy_constraint import CopyConstraint, CopyVocabulary
from rag.models.generation import CopiedSpan, FinishReason, GenerationRequest
from rag.models.llama_model import LlamaModel
from rag.models.sampling import Logits, choose
from rag.models.text_stream import RepetitionGuard, TextStream


class Vocabularies:
    """What the constraints need to know of a model's tokens, found out once and only if needed."""

    def __init__(self, model: LlamaModel) -> None:
        self._model = model

    @cached_property
    def brackets(self) -> BracketVocabulary:
        return BracketVocabulary(self._model.pieces)

    @cached_property
    def copying(self) -> CopyVocabulary:
        return CopyVocabulary(self._model.pieces, self._model.end_tokens)


class Writing:
    """One text as it grows. ``tokens`` are those chosen so far."""

    def __init__(self, request: GenerationRequest, model: LlamaModel, vocabularies: Vocabularies) -> None:
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

    def advance(self, logits: Logits) -> tuple[str, FinishReason | None]:
        """Choose one token from ``logits``, which are changed. Returns the text that became certain and
        why to end here, if so."""
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
