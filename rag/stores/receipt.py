"""What is kept of an answer, and what is left of it once a document it rests on is deleted. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from rag.records import (
    AnswerSentence,
    AnswerStatus,
    Cached,
    Conflict,
    Coverage,
    ModelIdentity,
    Notice,
    QuestionKind,
)
from rag.stores.access import Owner

_MARKUP = re.compile(r"(?:\s|\[\d{1,3}\]|[-*•–]|\b\d{1,2}\.(?=\s))*")
"""What may stand between two sentences without saying anything: white space, footnote marks, bullets."""


class SpanRole(StrEnum):
    """``EVIDENCE`` was offered to the model and the reader, ``NEAREST`` was shown beside a refusal."""

    EVIDENCE = "evidence"
    NEAREST = "nearest"


@dataclass(frozen=True, slots=True)
class ReceiptSpan:
    """A place in a version of a document, by public id: the text itself is read back from there.

    ``citation`` is the number of the footnote it became, if it did. ``sha256`` is of the text in UTF-8,
    None once the document is deleted.
    """

    role: SpanRole
    document: str
    version: int
    start: int
    end: int
    score: float
    sha256: str | None
    citation: int | None = None
    scores: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RequestSettings:
    """What the asker chose besides the question; ``collections`` None means all that there were.

    ``survey_citations`` is the most citations of an answer that needs more than one passage.
    """

    collections: tuple[str, ...] | None
    filter: Mapping[str, Any] | None
    mode: str
    max_citations: int
    survey_citations: int


@dataclass(frozen=True, slots=True)
class Environment:
    """What made the answer besides the documents and the language model.

    ``spaces`` identify the embedders, ``settings`` are those of the service that shape answers.
    """

    software: str
    spaces: tuple[str, ...]
    settings: Mapping[str, str | int | float | None]


@dataclass(frozen=True, slots=True)
class Draft:
    """What the model wrote, unchecked. ``copied`` says where it is copied from: which source, start, end."""

    text: str
    copied: tuple[int, int, int] | None = None


@dataclass(frozen=True, slots=True)
class Reuse:
    """By what a later question finds an answer, or the draft of one. The keys are digests.

    Attributes:
        key: of everything that decides the answer besides the documents; None: not to be given again.
        library: the state of everything the asker could read, see ``reuse.library_state``.
        draft_key: of everything that decides the draft, what the model was shown included; None: there is
            none to be used again.
    """

    key: str | None = None
    library: str | None = None
    draft_key: str | None = None
    draft: Draft | None = None


NOT_REUSED = Reuse()


@dataclass(frozen=True, slots=True)
class Receipt:
    """An answer as delivered, and everything needed to show it again or ask for it again.

    ``standalone`` is the question as it was understood, None where that is as it was asked.
    ``prompt_sha256`` is of what the model was sent, None where it was not called. ``cached`` says of which
    earlier answer this one was made, ``reuse`` how a later one may be made of it.
    """

    id: str
    owner: Owner
    created_at: float
    question: str
    standalone: str | None
    conversation: str | None
    replay_of: str | None
    request: RequestSettings
    environment: Environment
    status: AnswerStatus
    kind: QuestionKind
    answerability: float
    answer: str
    sentences: tuple[AnswerSentence, ...]
    conflicts: tuple[Conflict, ...]
    notes: tuple[Notice, ...]
    coverage: Coverage
    timings: Mapping[str, float]
    model: ModelIdentity | None
    prompt_sha256: str | None
    spans: tuple[ReceiptSpan, ...]
    cached: Cached | None = None
    reuse: Reuse = NOT_REUSED

    @property
    def understood(self) -> str:
        """The question that was searched for."""
        return self.standalone or self.question


def without(receipt: Receipt, gone: Collection[str]) -> Receipt:
    """The receipt with nothing left that came from the documents ``gone``; spans stay as stubs.

    A sentence is blanked when it cites one of them, and also when it cites nothing while one of them
    was before the model: where its words come from is then unknown. Hashes go too: that of a short
    text tells the text to whoever guesses it. The question is the asker's own and stays, but not what was
    made of it from the conversation.
    """
    if not any(span.document in gone for span in receipt.spans):
        return receipt
    cited = {span.citation for span in receipt.spans if span.document in gone} - {None}
    offered = any(span.document in gone for span in receipt.spans if span.role is SpanRole.EVIDENCE)
    blank = [
        bool(cited.intersection(sentence.citations)) or (offered and not sentence.citations)
        for sentence in receipt.sentences
    ]
    answer, sentences = _blanked(receipt.answer, receipt.sentences, blank)
    return replace(
        receipt,
        standalone=None,
        answer=answer,
        sentences=sentences,
        conflicts=tuple(one for one in receipt.conflicts if not cited.intersection(one.citations)),
        notes=tuple(Notice(note.code, "") for note in receipt.notes),  # in words, they may name it
        prompt_sha256=None if offered else receipt.prompt_sha256,
        spans=tuple(replace(span, sha256=None) if span.document in gone else span for span in receipt.spans),
        reuse=NOT_REUSED,
    )


def _blanked(
    answer: str, sentences: Sequence[AnswerSentence], blank: Sequence[bool]
) -> tuple[str, tuple[AnswerSentence, ...]]:
    """Empty the sentences marked in ``blank``; between sentences, keep only what says nothing."""
    if not any(blank):
        return answer, tuple(sentences)
    text, at = "", 0
    moved: list[AnswerSentence] = []
    for sentence, empty in zip(sentences, blank, strict=True):
        text += _only_markup(answer[at : sentence.start])
        kept, group = ("", "") if empty else (sentence.text, sentence.group)
        moved.append(replace(sentence, text=kept, start=len(text), end=len(text) + len(kept), group=group))
        text += kept
        at = sentence.end
    return text + _only_markup(answer[at:]), tuple(moved)


def _only_markup(between: str) -> str:
    return between if _MARKUP.fullmatch(between) else " "
