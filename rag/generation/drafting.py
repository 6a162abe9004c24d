"""How a model is let write: in words of its own, or only by copying from the evidence."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from rag.generation import prompt
from rag.generation.drafts import CopyReader, DraftReader
from rag.generation.instructions import readable
from rag.models.chat_formats import ChatFormat
from rag.models.generation import GenerationRequest, PromptPart
from rag.records import Evidence


class Drafting(StrEnum):
    """``FREE``: a sentence in the model's own words. ``COPY``: a short answer that is a run of whole words
    of the evidence, by construction. ``OFF``: nothing; answers are quotations."""

    FREE = "free"
    COPY = "copy"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class DraftPlan:
    """What to ask the generator for, and who makes sentences of its events."""

    request: GenerationRequest
    reader: DraftReader | CopyReader


class DraftingChoice:
    """How the running model drafts. Thread safe; it is settled once the model has been tried.

    Args:
        drafting: until then.
        fixed: it is what somebody wants, whatever the model can do.
    """

    def __init__(self, drafting: Drafting = Drafting.OFF, *, fixed: bool = False) -> None:
        self._lock = threading.Lock()
        self._current = drafting
        self._fixed = fixed

    @property
    def current(self) -> Drafting:
        with self._lock:
            return self._current

    def settle(self, drafting: Drafting) -> None:
        with self._lock:
            self._current = drafting

    def plan(
        self, question: str, evidence: Sequence[Evidence], layout: ChatFormat, *, insist: bool = False
    ) -> DraftPlan | None:
        """How to draft an answer from ``evidence``; None when the model is not to.

        Args:
            insist: the model's own sentences are wanted, so that one which is not good enough to be used
                unasked writes all the same.
        """
        drafting = self.current
        if insist and drafting is Drafting.OFF and not self._fixed:
            drafting = Drafting.FREE
        return plan(drafting, question, evidence, layout)


def plan(
    drafting: Drafting, question: str, evidence: Sequence[Evidence], layout: ChatFormat
) -> DraftPlan | None:
    """The plan for one way of drafting; None for ``OFF`` and where there is nothing to write from."""
    sources = readable(evidence)
    if drafting is Drafting.OFF or not sources:
        return None
    if drafting is Drafting.FREE:
        return DraftPlan(prompt.drafting_request(question, sources, layout), DraftReader())
    return DraftPlan(prompt.copying_request(question, sources, layout), CopyReader(sources))


def prefix(drafting: Drafting, layout: ChatFormat) -> list[PromptPart]:
    """The beginning that all prompts of one way of drafting share, to be computed ahead."""
    return prompt.copying_prefix(layout) if drafting is Drafting.COPY else prompt.prefix(layout)
