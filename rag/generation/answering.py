"""The way from a question to a checked answer, as a stream of events."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace

import structlog

from rag.errors import TooLarge, Unavailable
from rag.generation import conflicts, given_again
from rag.generation.answer_cache import AnswerCache, Look, is_worth_keeping
from rag.generation.asking import (
    AnswerEvent,
    AskMode,
    AskRequest,
    CacheOutcome,
    DoneEvent,
    RetrievalEvent,
    TokenEvent,
)
from rag.generation.citations import AnswerText, Footnotes
from rag.generation.drafting import Drafting, DraftingChoice, DraftPlan
from rag.generation.generation_span import generation_span
from rag.generation.instructions import quotable
from rag.generation.receipts import Asked, ReceiptKeeper, Shown
from rag.generation.survey import Survey
from rag.generation.surveying import Surveyor
from rag.generation.writing import Clock, Writing
from rag.models import generation
from rag.models.cancellation import Cancellation
from rag.models.text_generator import TextGenerator
from rag.observability import tracing
from rag.records import (
    Answer,
    AnswerSentence,
    AnswerStatus,
    Cached,
    CachedPart,
    Evidence,
    ModelIdentity,
    Notice,
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
from rag.stores.receipt import Draft
from rag.stores.receipt_writer import ReceiptWriter
from rag.text.framing import without_framing
from rag.text.same_question import as_meant

PASSAGES_SEEN = 8
NEAREST_SHOWN = 3
REFUSAL = "Not in these documents."
_TURNS_REMEMBERED = 4

_log = structlog.get_logger(__name__)


class Answerer:
    """Answers questions from what ``retriever`` finds. Safe to use from many threads."""

    def __init__(
        self,
        database: Database,
        retriever: HybridRetriever,
        selector: EvidenceSelector,
        generator: TextGenerator,
        receipts: ReceiptKeeper | None = None,
        surveyor: Surveyor | None = None,
        drafting: DraftingChoice | None = None,
        cache: AnswerCache | None = None,
    ) -> None:
        self._database = database
        self._retriever = retriever
        self._selector = selector
        self._generator = generator
        self._receipts = receipts or ReceiptKeeper(ReceiptWriter(database))
        self._surveyor = surveyor
        self._drafting = drafting or DraftingChoice(Drafting.FREE)
        self._cache = cache

    def ask(self, request: AskRequest, cancellation: Cancellation | None = None) -> Iterator[AnswerEvent]:
        """The events of one answer; the last is a ``DoneEvent``. Closing the iterator stops the model; so
        does ``cancellation``, from any thread and while an event is waited for.

        Raises:
            Cancelled: the cancellation was asked for.
            NotFound, BadRequest: the scope cannot be.
            Busy, Unavailable: ``ANSWER`` needs the model and cannot have it. ``AUTO`` quotes instead.
        """
        clock, cancellation = Clock(), cancellation or Cancellation()
        question = self._standalone(request)
        look = self._look(request, question)
        if look is not None:
            clock.mark("cache_ms")
            if look.found is not None:
                yield from self._again(request, question, look.found, clock)
                return
        wanted = take_apart(question)
        plain = without_framing(question)
        survey = None
        if self._surveyor is not None and wanted.kind is not QuestionKind.LOOKUP:
            with tracing.span("survey", {"footnote.kind": wanted.kind.value}):
                survey = self._surveyor.survey(wanted, request.scope, request.survey_citations)
        if survey is not None:
            yield from self._surveyed(request, question, wanted.kind, survey, look, clock)
            return
        with tracing.span("search"):
            result = self._retriever.search(plain, request.scope, PASSAGES_SEEN)
        clock.mark("retrieve_ms")
        cancellation.check()
        with tracing.span("evidence", {"footnote.passages": len(result.passages)}):
            selection = self._selector.select(result, request.max_citations)
        clock.mark("evidence_ms")
        cancellation.check()
        yield RetrievalEvent(result.coverage, result.passages)
        evidence = quotable(selection.evidence)
        writing = Writing(AnswerText(), Footnotes(self._database, evidence), self._selector.likeness)
        model: ModelIdentity | None = None
        if selection.sufficient:
            if request.mode is not AskMode.QUOTE:
                try:
                    yield from self._draft(request, plain, evidence, writing, clock, cancellation)
                    model = self._generator.identity if writing.has_draft else None
                except (Unavailable, TooLarge) as error:
                    if request.mode is AskMode.ANSWER:
                        raise
                    writing.is_makeshift = True
                    _log.warning("answer_without_model", code=error.code)
            if request.mode is not AskMode.ANSWER or not writing.footnotes.citations:
                yield from writing.quote(evidence, everything=request.mode is not AskMode.ANSWER)
        answer = _finished(writing, result, selection, clock, model, request.answer_id)
        answer = _understood(answer, request, question, wanted.kind)
        answer = self._kept(request, question, answer, selection.evidence, writing, look)
        yield DoneEvent(answer, writing.usage, _outcome(answer, look))

    def _again(
        self, request: AskRequest, question: str, earlier: Shown, clock: Clock
    ) -> Iterator[AnswerEvent]:
        """Deliver an answer that was given before, for the same question over the same library."""
        yield given_again.retrieval(earlier.answer)
        yield from given_again.sentences(earlier.answer)
        answer = replace(
            earlier.answer,
            id=request.answer_id,
            timings=clock.total(),
            understood_as=question if question != request.question else None,
            cached=Cached(earlier.receipt.id, earlier.receipt.created_at, CachedPart.ANSWER),
        )
        if request.keep:
            answer = self._receipts.keep_again(_asked(request, question), answer, earlier.receipt)
        yield DoneEvent(answer, cache=CacheOutcome.ANSWER)

    def _surveyed(
        self,
        request: AskRequest,
        question: str,
        kind: QuestionKind,
        survey: Survey,
        look: Look | None,
        clock: Clock,
    ) -> Iterator[AnswerEvent]:
        """Deliver what was found in many passages. The model has no part in it: nothing needs phrasing."""
        clock.mark("retrieve_ms")
        yield RetrievalEvent(survey.coverage, survey.passages)
        evidence = [item.evidence for item in survey.items]
        writing = Writing(AnswerText(), Footnotes(self._database, evidence), self._selector.likeness)
        yield from writing.surveyed(survey)
        clock.mark("evidence_ms")
        answer = replace(_from_survey(writing, survey, clock, request.answer_id), kind=kind)
        answer = replace(answer, understood_as=question if question != request.question else None)
        answer = self._kept(request, question, answer, evidence, writing, look)
        yield DoneEvent(answer, cache=_outcome(answer, look))

    def _draft(
        self,
        request: AskRequest,
        question: str,
        evidence: Sequence[Evidence],
        writing: Writing,
        clock: Clock,
        cancellation: Cancellation,
    ) -> Iterator[AnswerEvent]:
        """Let the model write; deliver each sentence once it is complete and checked.

        Nobody waits for a model that is being loaded or restarted: that would take longer than quoting.
        """
        self._generator.wait_ready(0)
        insist = request.mode is AskMode.ANSWER
        plan = self._drafting.plan(question, evidence, self._generator.chat_format, insist=insist)
        if plan is None:
            return
        wanted = _as_asked_by(request.scope.access, request.sampling.applied(plan.request))
        earlier = self._earlier_draft(request, question, evidence, plan, writing)
        if earlier is not None:
            for event in given_again.draft(earlier):
                yield from self._checked(event, plan, question, evidence, request.mode, writing)
            return
        writing.prompts.append(plan.request.prompt)
        with (
            generation_span() as measured,
            closing(self._generator.generate(wanted)) as events,
            cancellation.waking(events.cancel),
        ):
            for event in events:
                measured(event)
                if isinstance(event, generation.TokenEvent):
                    clock.mark("first_token_ms", once=True)
                yield from self._checked(event, plan, question, evidence, request.mode, writing)
        clock.mark("generate_ms")

    def _checked(
        self,
        event: generation.EngineEvent,
        plan: DraftPlan,
        question: str,
        evidence: Sequence[Evidence],
        mode: AskMode,
        writing: Writing,
    ) -> Iterator[AnswerEvent]:
        """What an event of the generator adds: draft text, and the sentences that are complete by it."""
        writing.take(event)
        if isinstance(event, generation.TokenEvent):
            yield TokenEvent(event.text)
        yield from writing.drafted(plan.reader.take(event), question, evidence, mode)

    def _look(self, request: AskRequest, question: str) -> Look | None:
        if self._cache is None:
            return None
        with tracing.span("cache"):
            return self._cache.look(_asked(request, question), request.sampling, anew=request.anew)

    def _earlier_draft(
        self,
        request: AskRequest,
        question: str,
        evidence: Sequence[Evidence],
        plan: DraftPlan,
        writing: Writing,
    ) -> Draft | None:
        """What the model wrote when it was shown the same for a question that means the same."""
        if self._cache is None:
            return None
        insist = request.mode is AskMode.ANSWER
        same = self._drafting.plan(as_meant(question), evidence, self._generator.chat_format, insist=insist)
        if same is None or same.request.copy_from != plan.request.copy_from:  # drafting has just been settled
            return None
        wanted = request.sampling.applied(same.request)
        owner = request.scope.access.owner
        writing.draft_key = self._cache.draft_key(owner, wanted, self._generator.identity)
        if writing.draft_key is None or request.anew:
            return None
        earlier = self._cache.draft(owner, writing.draft_key)
        if earlier is None:
            return None
        writing.cached = earlier.cached
        return earlier.draft

    def _kept(
        self,
        request: AskRequest,
        question: str,
        answer: Answer,
        evidence: Sequence[Evidence],
        writing: Writing,
        look: Look | None,
    ) -> Answer:
        answer = replace(answer, cached=writing.cached)
        if not request.keep:
            return answer
        asked = _asked(request, question)
        reuse = writing.reuse()
        if self._cache is not None and look is not None and not writing.is_makeshift:
            place = look.place if is_worth_keeping(answer) else None
            if place is not None and self._cache.is_still(place, asked, request.sampling):
                reuse = replace(reuse, key=place.key, library=place.library)
        return self._receipts.keep(asked, answer, evidence, writing.prompts, reuse)

    def _standalone(self, request: AskRequest) -> str:
        """The question as it was asked, or completed from the ones before it."""
        if request.history:
            before = list(request.history[-_TURNS_REMEMBERED:])
        elif request.conversation is None:
            return request.question
        else:
            self._receipts.settle()
            with self._database.read() as tx:
                turns = conversations.recent_turns(
                    tx, request.scope.access.owner, request.conversation, _TURNS_REMEMBERED
                )
            before = [Exchange(turn.standalone, turn.answer) for turn in turns]
        plain = without_framing(request.question)
        completed = standalone(plain, before)
        return request.question if completed == plain else completed


def _as_asked_by(access: Access, wanted: generation.GenerationRequest) -> generation.GenerationRequest:
    """What the model has read for somebody is never used for another, whom its speed would tell of it."""
    owner = access.owner
    return replace(wanted, cache_scope=f"{owner.tenant}/{owner.key or ''}")


def _outcome(answer: Answer, look: Look | None) -> CacheOutcome | None:
    if answer.cached is not None:
        return CacheOutcome.DRAFT
    return None if look is None else look.outcome


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
    writing: Writing,
    result: SearchResult,
    selection: Selection,
    clock: Clock,
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


def _from_survey(writing: Writing, survey: Survey, clock: Clock, answer_id: str) -> Answer:
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
