"""The way from a question to a checked answer, as a stream of events."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from enum import StrEnum

import structlog

from rag.errors import TooLarge, Unavailable
from rag.generation import conflicts
from rag.generation.citations import AnswerText, Footnotes
from rag.generation.drafting import Drafting, DraftingChoice
from rag.generation.drafts import DraftSentence
from rag.generation.generation_span import generation_span
from rag.generation.instructions import quotable
from rag.generation.receipts import Asked, ReceiptKeeper
from rag.generation.sampling import AS_USUAL, Sampling
from rag.generation.survey import MOST_CITATIONS, Survey
from rag.generation.surveying import Surveyor
from rag.generation.verification import Likeness, addresses, verify
from rag.models import generation
from rag.models.cancellation import Cancellation
from rag.models.generator import Generator, GeneratorState
from rag.observability import tracing
from rag.records import (
    Answer,
    AnswerSentence,
    AnswerStatus,
    Citation,
    Coverage,
    Evidence,
    ModelIdentity,
    Notice,
    Passage,
    QuestionKind,
    Verdict,
)
from rag.retrieval.answerability import calibration
from rag.retrieval.evidence import EvidenceSelector, Selection
from rag.retrieval.follow_up import Exchange, standalone
from rag.retrieval.hybrid import HybridRetriever, SearchResult
from rag.retrieval.question_kind import take_apart
from rag.stores import conversations
from rag.stores.access import Access
from rag.stores.database import Database
from rag.stores.identifiers import new_id
from rag.stores.receipt_writer import ReceiptWriter
from rag.stores.scopes import Scope

PASSAGES_SEEN = 8
_WORTH_QUOTING = 0.05
"""Share of the best evidence's score below which a sentence is not quoted beside it: on development
questions that drops one quotation in 25 and no answer; 0.1 would drop one in ten and half a point."""
NEAREST_SHOWN = 3
REFUSAL = "Not in these documents."
_TURNS_REMEMBERED = 4
_NEARLY_BEST = 0.9
"""Share of the best evidence's score that makes other evidence as good a ground for an answer.

With evidence in front of it that answers the question, a small model may still write a true sentence
about something else. Of its supported sentences, those that rest on the best evidence held the answer
in 12 of 14 development questions, the others in 1 of 5.
"""

_NOTHING_USED = generation.Usage(0, 0)

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
    """``usage`` is what the model read and wrote for it; nothing where it had no part."""

    answer: Answer
    usage: generation.Usage = _NOTHING_USED


AnswerEvent = RetrievalEvent | TokenEvent | SentenceEvent | DoneEvent


class Answerer:
    """Answers questions from what ``retriever`` finds. Safe to use from many threads."""

    def __init__(
        self,
        database: Database,
        retriever: HybridRetriever,
        selector: EvidenceSelector,
        generator: Generator,
        receipts: ReceiptKeeper | None = None,
        surveyor: Surveyor | None = None,
        drafting: DraftingChoice | None = None,
    ) -> None:
        self._database = database
        self._retriever = retriever
        self._selector = selector
        self._generator = generator
        self._receipts = receipts or ReceiptKeeper(ReceiptWriter(database))
        self._surveyor = surveyor
        self._drafting = drafting or DraftingChoice(Drafting.FREE)

    def ask(self, request: AskRequest, cancellation: Cancellation | None = None) -> Iterator[AnswerEvent]:
        """The events of one answer; the last is a ``DoneEvent``. Closing the iterator stops the model; so
        does ``cancellation``, from any thread and while an event is waited for.

        Raises:
            Cancelled: the cancellation was asked for.
            NotFound, BadRequest: the scope cannot be.
            Busy, Unavailable: ``ANSWER`` needs the model and cannot have it. ``AUTO`` quotes instead.
        """
        clock, cancellation = _Clock(), cancellation or Cancellation()
        question = self._standalone(request)
        wanted = take_apart(question)
        survey = None
        if self._surveyor is not None and wanted.kind is not QuestionKind.LOOKUP:
            with tracing.span("survey", {"footnote.kind": wanted.kind.value}):
                survey = self._surveyor.survey(wanted, request.scope, request.survey_citations)
        if survey is not None:
            yield from self._surveyed(request, question, wanted.kind, survey, clock)
            return
        with tracing.span("search"):
            result = self._retriever.search(question, request.scope, PASSAGES_SEEN)
        clock.mark("retrieve_ms")
        cancellation.check()
        with tracing.span("evidence", {"footnote.passages": len(result.passages)}):
            selection = self._selector.select(result, request.max_citations)
        clock.mark("evidence_ms")
        cancellation.check()
        yield RetrievalEvent(result.coverage, result.passages)
        evidence = quotable(selection.evidence)
        writing = _Writing(AnswerText(), Footnotes(self._database, evidence), self._selector.likeness)
        model: ModelIdentity | None = None
        if selection.sufficient:
            if request.mode is not AskMode.QUOTE:
                try:
                    yield from self._draft(request, question, evidence, writing, clock, cancellation)
                    model = self._generator.identity if writing.prompts else None
                except (Unavailable, TooLarge) as error:
                    if request.mode is AskMode.ANSWER:
                        raise
                    _log.warning("answer_without_model", code=error.code)
            if request.mode is not AskMode.ANSWER or not writing.footnotes.citations:
                yield from writing.quote(evidence, everything=request.mode is not AskMode.ANSWER)
        answer = _finished(writing, result, selection, clock, model, request.answer_id)
        answer = _understood(answer, request, question, wanted.kind)
        answer = self._kept(request, question, answer, selection.evidence, writing.prompts)
        yield DoneEvent(answer, writing.usage)

    def _surveyed(
        self, request: AskRequest, question: str, kind: QuestionKind, survey: Survey, clock: _Clock
    ) -> Iterator[AnswerEvent]:
        """Deliver what was found in many passages. The model has no part in it: nothing needs phrasing."""
        clock.mark("retrieve_ms")
        yield RetrievalEvent(survey.coverage, survey.passages)
        evidence = [item.evidence for item in survey.items]
        writing = _Writing(AnswerText(), Footnotes(self._database, evidence), self._selector.likeness)
        yield from writing.surveyed(survey)
        clock.mark("evidence_ms")
        answer = replace(_from_survey(writing, survey, clock, request.answer_id), kind=kind)
        answer = replace(answer, understood_as=question if question != request.question else None)
        yield DoneEvent(self._kept(request, question, answer, evidence, writing.prompts))

    def _draft(
        self,
        request: AskRequest,
        question: str,
        evidence: Sequence[Evidence],
        writing: _Writing,
        clock: _Clock,
        cancellation: Cancellation,
    ) -> Iterator[AnswerEvent]:
        """Let the model write; deliver each sentence once it is complete and checked.

        Nobody waits for a model that is being loaded or restarted: that would take longer than quoting.
        """
        if self._generator.status.state is not GeneratorState.READY:
            raise Unavailable(
                "generator_starting", "The language model is being loaded; ask again in a moment."
            )
        insist = request.mode is AskMode.ANSWER
        plan = self._drafting.plan(question, evidence, self._generator.chat_format, insist=insist)
        if plan is None:
            return
        writing.prompts.append(plan.request.prompt)
        wanted = _as_asked_by(request.scope.access, request.sampling.applied(plan.request))
        with (
            generation_span() as measured,
            closing(self._generator.generate(wanted)) as events,
            cancellation.waking(events.cancel),
        ):
            for event in events:
                measured(event)
                if isinstance(event, generation.TokenEvent):
                    clock.mark("first_token_ms", once=True)
                    yield TokenEvent(event.text)
                else:
                    writing.usage = event.usage
                yield from writing.drafted(plan.reader.take(event), question, evidence, request.mode)
        clock.mark("generate_ms")

    def _kept(
        self,
        request: AskRequest,
        question: str,
        answer: Answer,
        evidence: Sequence[Evidence],
        prompts: Sequence[Sequence[generation.PromptPart]],
    ) -> Answer:
        if not request.keep:
            return answer
        return self._receipts.keep(_asked(request, question), answer, evidence, prompts)

    def _standalone(self, request: AskRequest) -> str:
        if request.history:
            return standalone(request.question, request.history[-_TURNS_REMEMBERED:])
        if request.conversation is None:
            return request.question
        self._receipts.settle()
        with self._database.read() as tx:
            turns = conversations.recent_turns(
                tx, request.scope.access.owner, request.conversation, _TURNS_REMEMBERED
            )
        return standalone(request.question, [Exchange(turn.standalone, turn.answer) for turn in turns])


class _Writing:
    """An answer being put together: its text, its footnotes, and what the model was sent for it."""

    def __init__(self, text: AnswerText, footnotes: Footnotes, likeness: Likeness) -> None:
        self.text = text
        self.footnotes = footnotes
        self._likeness = likeness
        self.prompts: list[Sequence[generation.PromptPart]] = []
        self.usage = _NOTHING_USED
        self._answered_in_short: set[int] = set()
        """Evidence of which a few words have been given, and not yet the sentence they stand in."""

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
            with tracing.span("verification") as span:
                check = verify(draft.text, draft.claims, evidence, question, self._likeness)
                span.set({"footnote.verdict": check.verdict.value})
            used = [item for item in evidence if item.number in check.citations]
            if mode is not AskMode.ANSWER and not all(
                item.score >= _NEARLY_BEST * evidence[0].score and addresses(draft.text, item, question)
                for item in used
            ):
                continue
            cited = [citation for n in check.citations if (citation := self.footnotes.cite(n)) is not None]
            verdict = check.verdict if cited else Verdict.UNSUPPORTED
            if verdict is not Verdict.UNSUPPORTED or mode is AskMode.ANSWER:
                self._answered_in_short.update(check.citations if draft.phrase else ())
                yield self._deliver(draft.text, verdict, check.support, cited)

    def quote(self, evidence: Sequence[Evidence], *, everything: bool) -> Iterator[SentenceEvent]:
        """Deliver evidence word for word: all of weight that is not cited yet, or only the best."""
        for item in evidence if everything else evidence[:1]:
            weighs = item.score >= _WORTH_QUOTING * evidence[0].score
            unsaid = item.number in self._answered_in_short or not self.footnotes.is_cited(item.number)
            if weighs and unsaid:
                citation = self.footnotes.cite(item.number)
                if citation is not None:
                    yield self._deliver(item.text, Verdict.VERBATIM, 1.0, [citation])

    def surveyed(self, survey: Survey) -> Iterator[SentenceEvent]:
        """Deliver a survey: its statement, which rests on all of it, then item by item."""
        cited = [(item, self.footnotes.cite(item.evidence.number)) for item in survey.items]
        held = [(item, citation) for item, citation in cited if citation is not None]
        if survey.statement and len(held) == len(cited):
            yield self._deliver(survey.statement, Verdict.SUPPORTED, 1.0, [citation for _, citation in held])
        for item, citation in held:
            verdict = Verdict.VERBATIM if item.whole else Verdict.SUPPORTED
            before = len(self.text.text)
            said = self.text.add(item.text, verdict, 1.0, [citation.number], group=item.group, item=True)
            yield SentenceEvent(said, (citation,), self.text.text[before:])

    def _deliver(
        self, text: str, verdict: Verdict, support: float, cited: Sequence[Citation]
    ) -> SentenceEvent:
        before = len(self.text.text)
        said = self.text.add(text, verdict, support, [citation.number for citation in cited])
        return SentenceEvent(said, tuple(cited), self.text.text[before:])


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


def _as_asked_by(access: Access, wanted: generation.GenerationRequest) -> generation.GenerationRequest:
    """What the model has read for somebody is never used for another, whom its speed would tell of it."""
    owner = access.owner
    return replace(wanted, cache_scope=f"{owner.tenant}/{owner.key or ''}")


def _asked(request: AskRequest, question: str) -> Asked:
    return Asked(
        question=request.question,
        standalone=question,
        scope=request.scope,
        mode=request.mode.value,
        max_citations=request.max_citations,
        survey_citations=request.survey_citations,
        conversation=request.conversation,
        replay_of=request.replay_of,
    )


def _finished(
    writing: _Writing,
    result: SearchResult,
    selection: Selection,
    clock: _Clock,
    model: ModelIdentity | None,
    answer_id: str,
) -> Answer:
    citations = writing.footnotes.citations
    disagreements = conflicts.find(citations, result.query.text)
    doubtful = selection.answerability < calibration().confident or bool(disagreements)
    if not citations:
        status = AnswerStatus.NOT_IN_DOCUMENTS
    elif doubtful or not _all_supported(writing.text.sentences):
        status = AnswerStatus.PARTIAL
    else:
        status = AnswerStatus.ANSWERED
    refused = status is AnswerStatus.NOT_IN_DOCUMENTS
    return Answer(
        id=answer_id,
        status=status,
        answer=REFUSAL if refused else writing.text.text,
        sentences=() if refused else tuple(writing.text.sentences),
        citations=citations,
        coverage=result.coverage,
        timings=clock.total(),
        model=model,
        nearest=tuple(result.passages[:NEAREST_SHOWN]) if refused else (),
        answerability=selection.answerability,
        conflicts=disagreements,
    )


def _understood(answer: Answer, request: AskRequest, question: str, kind: QuestionKind) -> Answer:
    """With how the question was taken. What wanted many passages and got a few is not all there is."""
    rewritten = question if question != request.question else None
    if kind is QuestionKind.LOOKUP or answer.status is AnswerStatus.NOT_IN_DOCUMENTS:
        return replace(answer, kind=kind, understood_as=rewritten)
    note = Notice("best_passages_only", "This comes from the best passages only; there may be more to it.")
    return replace(
        answer, kind=kind, understood_as=rewritten, status=AnswerStatus.PARTIAL, notes=(*answer.notes, note)
    )


def _from_survey(writing: _Writing, survey: Survey, clock: _Clock, answer_id: str) -> Answer:
    citations = writing.footnotes.citations
    complete = not survey.partial and len(citations) == len(survey.items)
    status = AnswerStatus.ANSWERED if complete else AnswerStatus.PARTIAL
    if not citations:
        status = AnswerStatus.NOT_IN_DOCUMENTS
    return Answer(
        id=answer_id,
        status=status,
        answer=writing.text.text if citations else REFUSAL,
        sentences=tuple(writing.text.sentences),
        citations=citations,
        coverage=survey.coverage,
        timings=clock.total(),
        model=None,
        nearest=() if citations else tuple(survey.passages[:NEAREST_SHOWN]),
        answerability=float(bool(citations)),
        notes=survey.notes,
    )


def _all_supported(sentences: Sequence[AnswerSentence]) -> bool:
    return all(sentence.verdict is not Verdict.UNSUPPORTED for sentence in sentences)
