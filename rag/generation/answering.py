"""The way from a question to a checked answer, as a stream of events."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from enum import StrEnum

import structlog

from rag.errors import TooLarge, Unavailable
from rag.generation import prompt
from rag.generation.citations import AnswerText, Footnotes
from rag.generation.drafts import DraftReader, DraftSentence
from rag.generation.verification import addresses, verify
from rag.models import generation
from rag.models.generator import Generator, GeneratorState
from rag.records import (
    Answer,
    AnswerSentence,
    AnswerStatus,
    Citation,
    Coverage,
    Evidence,
    ModelIdentity,
    Passage,
    Verdict,
)
from rag.retrieval.answerability import calibration
from rag.retrieval.evidence import EvidenceSelector, Selection
from rag.retrieval.follow_up import standalone
from rag.retrieval.hybrid import HybridRetriever, SearchResult
from rag.stores import conversations
from rag.stores.conversations import Turn
from rag.stores.database import Database
from rag.stores.identifiers import new_id
from rag.stores.scopes import Scope

PASSAGES_SEEN = 8
_WORTH_QUOTING = 0.2
"""Share of the best evidence's score below which a sentence is not quoted beside it: on development
questions that drops a sixth of the quotations and half a point of the answers held by three."""
NEAREST_SHOWN = 3
REFUSAL = "Not in these documents."
_TURNS_REMEMBERED = 4
_NEARLY_BEST = 0.9
"""Share of the best evidence's score that makes other evidence as good a ground for an answer.

With evidence in front of it that answers the question, a small model may still write a true sentence
about something else. Of its supported sentences, those that rest on the best evidence held the answer
in 12 of 14 development questions, the others in 1 of 5.
"""

_log = structlog.get_logger(__name__)


class AskMode(StrEnum):
    """``QUOTE`` never calls the model, ``ANSWER`` delivers the model's sentences with their verdicts,
    ``AUTO`` delivers those that hold and quotes the evidence for the rest."""

    AUTO = "auto"
    ANSWER = "answer"
    QUOTE = "quote"


@dataclass(frozen=True, slots=True)
class AskRequest:
    question: str
    scope: Scope = field(default_factory=Scope)
    mode: AskMode = AskMode.AUTO
    max_citations: int = 3
    conversation: str | None = None


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
    """A sentence of the answer as delivered, with the citations it uses."""

    sentence: AnswerSentence
    citations: tuple[Citation, ...]


@dataclass(frozen=True, slots=True)
class DoneEvent:
    answer: Answer


AnswerEvent = RetrievalEvent | TokenEvent | SentenceEvent | DoneEvent


class Answerer:
    """Answers questions from what ``retriever`` finds. Safe to use from many threads."""

    def __init__(
        self,
        database: Database,
        retriever: HybridRetriever,
        selector: EvidenceSelector,
        generator: Generator,
    ) -> None:
        self._database = database
        self._retriever = retriever
        self._selector = selector
        self._generator = generator

    def ask(self, request: AskRequest) -> Iterator[AnswerEvent]:
        """The events of one answer; the last is a ``DoneEvent``. Closing the iterator stops the model.

        Raises:
            NotFound, BadRequest: the scope cannot be.
            Busy, Unavailable: ``ANSWER`` needs the model and cannot have it. ``AUTO`` quotes instead.
        """
        clock = _Clock()
        question = self._standalone(request)
        result = self._retriever.search(question, request.scope, PASSAGES_SEEN)
        clock.mark("retrieve_ms")
        selection = self._selector.select(result, request.max_citations)
        clock.mark("evidence_ms")
        yield RetrievalEvent(result.coverage, result.passages)
        writing = _Writing(AnswerText(), Footnotes(self._database, selection.evidence))
        model: ModelIdentity | None = None
        if selection.answerability >= calibration().refuse:
            if request.mode is not AskMode.QUOTE:
                try:
                    yield from self._draft(question, selection.evidence, request.mode, writing, clock)
                    model = self._generator.identity
                except (Unavailable, TooLarge) as error:
                    if request.mode is AskMode.ANSWER:
                        raise
                    _log.warning("answer_without_model", code=error.code)
            if request.mode is not AskMode.ANSWER or not writing.footnotes.citations:
                yield from writing.quote(selection.evidence, everything=request.mode is not AskMode.ANSWER)
        answer = _finished(writing, result, selection, clock, model)
        self._remember(request, question, answer)
        yield DoneEvent(answer)

    def _draft(
        self, question: str, evidence: Sequence[Evidence], mode: AskMode, writing: _Writing, clock: _Clock
    ) -> Iterator[AnswerEvent]:
        """Let the model write; deliver each sentence once it is complete and checked.

        Nobody waits for a model that is being loaded or restarted: that would take longer than quoting.
        """
        if self._generator.status.state is not GeneratorState.READY:
            raise Unavailable(
                "generator_starting", "The language model is being loaded; ask again in a moment."
            )
        reader = DraftReader()
        layout = self._generator.chat_format
        with closing(self._generator.generate(prompt.drafting_request(question, evidence, layout))) as events:
            for event in events:
                if not isinstance(event, generation.TokenEvent):
                    continue
                clock.mark("first_token_ms", once=True)
                yield TokenEvent(event.text)
                yield from writing.drafted(reader.feed(event.text), question, evidence, mode)
        yield from writing.drafted(reader.finish(), question, evidence, mode)
        clock.mark("generate_ms")

    def _standalone(self, request: AskRequest) -> str:
        if request.conversation is None:
            return request.question
        with self._database.read() as tx:
            turns = conversations.recent_turns(tx, request.conversation, _TURNS_REMEMBERED)
        return standalone(request.question, [turn.standalone for turn in turns])

    def _remember(self, request: AskRequest, question: str, answer: Answer) -> None:
        if request.conversation is not None:
            with self._database.write() as tx:
                turn = Turn(request.question, question, answer.answer)
                conversations.add_turn(tx, request.conversation, turn)


class _Writing:
    """An answer being put together: its text, its footnotes, and what has been said already."""

    def __init__(self, text: AnswerText, footnotes: Footnotes) -> None:
        self.text = text
        self.footnotes = footnotes

    def drafted(
        self,
        sentences: Sequence[DraftSentence],
        question: str,
        evidence: Sequence[Evidence],
        mode: AskMode,
    ) -> Iterator[SentenceEvent]:
        """Deliver drafted sentences that hold; in ``ANSWER`` also those that do not, marked as such.

        ``AUTO`` passes over a sentence that rests on lesser evidence or speaks of something else: the
        best evidence is quoted instead.
        """
        for draft in sentences:
            check = verify(draft.text, draft.claims, evidence, question)
            used = [item for item in evidence if item.number in check.citations]
            if mode is not AskMode.ANSWER and not all(
                item.score >= _NEARLY_BEST * evidence[0].score and addresses(draft.text, item, question)
                for item in used
            ):
                continue
            cited = [citation for n in check.citations if (citation := self.footnotes.cite(n)) is not None]
            verdict = check.verdict if cited else Verdict.UNSUPPORTED
            if verdict is not Verdict.UNSUPPORTED or mode is AskMode.ANSWER:
                yield self._deliver(draft.text, verdict, check.support, cited)

    def quote(self, evidence: Sequence[Evidence], *, everything: bool) -> Iterator[SentenceEvent]:
        """Deliver evidence word for word: all of weight that is not cited yet, or only the best."""
        for item in evidence if everything else evidence[:1]:
            weighs = item.score >= _WORTH_QUOTING * evidence[0].score
            if weighs and not self.footnotes.is_cited(item.number):
                citation = self.footnotes.cite(item.number)
                if citation is not None:
                    yield self._deliver(item.text, Verdict.VERBATIM, 1.0, [citation])

    def _deliver(
        self, text: str, verdict: Verdict, support: float, cited: Sequence[Citation]
    ) -> SentenceEvent:
        numbers = [citation.number for citation in cited]
        return SentenceEvent(self.text.add(text, verdict, support, numbers), tuple(cited))


class _Clock:
    """Milliseconds since the question came, by the name of what was done then."""

    def __init__(self) -> None:
        self._began = self._last = time.perf_counter()
        self.timings: dict[str, float] = {}

    def mark(self, name: str, *, once: bool = False) -> None:
        """Durations since the last mark; ``first_token_ms`` counts from the beginning, as a reader does."""
        if once and name in self.timings:
            return
        now = time.perf_counter()
        since = self._began if once else self._last
        self.timings[name] = round((now - since) * 1000, 1)
        self._last = now

    def total(self) -> dict[str, float]:
        return self.timings | {"total_ms": round((time.perf_counter() - self._began) * 1000, 1)}


def _finished(
    writing: _Writing, result: SearchResult, selection: Selection, clock: _Clock, model: ModelIdentity | None
) -> Answer:
    citations = writing.footnotes.citations
    if not citations:
        status = AnswerStatus.NOT_IN_DOCUMENTS
    elif selection.answerability < calibration().confident or not _all_supported(writing.text.sentences):
        status = AnswerStatus.PARTIAL
    else:
        status = AnswerStatus.ANSWERED
    refused = status is AnswerStatus.NOT_IN_DOCUMENTS
    return Answer(
        id=new_id("ans"),
        status=status,
        answer=REFUSAL if refused else writing.text.text,
        sentences=() if refused else tuple(writing.text.sentences),
        citations=citations,
        coverage=result.coverage,
        timings=clock.total(),
        model=model,
        nearest=tuple(result.passages[:NEAREST_SHOWN]) if refused else (),
    )


def _all_supported(sentences: Sequence[AnswerSentence]) -> bool:
    return all(sentence.verdict is not Verdict.UNSUPPORTED for sentence in sentences)
