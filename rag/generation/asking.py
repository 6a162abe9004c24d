"""What can be asked, and what comes of it while it is answered: plain values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from rag.generation.sampling import AS_USUAL, Sampling
from rag.generation.survey import MOST_CITATIONS
from rag.models import generation
from rag.records import Answer, AnswerSentence, Citation, Coverage, Passage
from rag.retrieval.follow_up import Exchange
from rag.stores.identifiers import new_id
from rag.stores.scopes import Scope

NOTHING_USED = generation.Usage(0, 0)


class CacheOutcome(StrEnum):
    """What became of looking for an earlier answer.

    ``ANSWER`` and ``DRAFT`` were found. ``NEW``: nobody has asked that. ``LIBRARY_CHANGED``: somebody has,
    before something changed. ``DECLINED``: the asker wants it made anew. ``UNREPEATABLE``: chance is to
    have a part in it, or it is not known which model would write it.
    """

    ANSWER = "answer"
    DRAFT = "draft"
    NEW = "new"
    LIBRARY_CHANGED = "library_changed"
    DECLINED = "declined"
    UNREPEATABLE = "unrepeatable"


class AskMode(StrEnum):
    """``QUOTE`` never calls the model, ``ANSWER`` delivers the model's sentences with their verdicts,
    ``AUTO`` delivers those that hold and quotes the evidence for the rest."""

    AUTO = "auto"
    ANSWER = "answer"
    QUOTE = "quote"


@dataclass(frozen=True, slots=True)
class AskRequest:
    question: str
    scope: Scope
    mode: AskMode = AskMode.AUTO
    max_citations: int = 3
    survey_citations: int = MOST_CITATIONS
    """The same for questions that need more than one passage."""
    conversation: str | None = None
    replay_of: str | None = None
    """The id of the answer that is asked for again."""
    history: tuple[Exchange, ...] = ()
    """What was said before, oldest first, where the asker keeps that; then the stored turns of
    ``conversation`` are not looked at."""
    sampling: Sampling = AS_USUAL
    answer_id: str = field(default_factory=lambda: new_id("ans"), compare=False)
    """What the answer is to be called: known to the asker before there is one."""
    keep: bool = True
    """Whether a receipt of the answer, and its turn of the conversation, are stored."""
    anew: bool = False
    """Whether it is to be made without anything of an earlier answer."""


@dataclass(frozen=True, slots=True)
class RetrievalEvent:
    """What was found, before anything is written."""

    coverage: Coverage
    passages: Sequence[Passage]


@dataclass(frozen=True, slots=True)
class TokenEvent:
    """A piece of the draft, not yet checked."""

    text: str


@dataclass(frozen=True, slots=True)
class SentenceEvent:
    """A sentence of the answer as delivered, with the citations it uses.

    ``written`` is what it adds to the answer's text: what leads to it, itself, its footnote marks.
    """

    sentence: AnswerSentence
    citations: tuple[Citation, ...]
    written: str = ""


@dataclass(frozen=True, slots=True)
class DoneEvent:
    """``usage`` is what the model read and wrote for it; nothing where it had no part. ``cache`` is what
    became of looking for an earlier answer, None where nobody looks."""

    answer: Answer
    usage: generation.Usage = NOTHING_USED
    cache: CacheOutcome | None = None


AnswerEvent = RetrievalEvent | TokenEvent | SentenceEvent | DoneEvent
