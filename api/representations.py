"""Stored and computed values as the JSON models callers see. Nothing is decided here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime

from api import answer_schemas, conversation_schemas, receipt_schemas, schemas
from api import job_progress as progress
from rag import records
from rag.generation import receipts
from rag.generation.replay import Comparison
from rag.records import VersionStatus
from rag.stores import acceptance, answers, collections, conversations, document_catalog, job_queue
from rag.stores.near_duplicates import NearDuplicate
from rag.stores.receipt import Receipt

_SCORE_DIGITS = 6
_MS_DIGITS = 2


def document(
    stored: document_catalog.Document, similar: Sequence[NearDuplicate] | None = None
) -> schemas.Document:
    newest = stored.newest
    return schemas.Document(
        id=stored.public_id,
        name=stored.name,
        collection=stored.collection,
        metadata=dict(stored.metadata),
        source=stored.source,
        parent=stored.parent,
        children=stored.children,
        state=newest.state,
        version=newest.number,
        live_version=stored.live_version,
        media_type=newest.media_type,
        title=newest.title,
        size=newest.size,
        sha256=newest.sha256,
        characters=newest.characters,
        pages=newest.page_count,
        page_kind=newest.page_kind,
        pages_without_text=list(newest.pages_without_text),
        chunks=newest.chunks,
        refined=_refinement(newest),
        quality=_quality(newest),
        near_duplicates=None if similar is None else [near_duplicate(one) for one in similar],
        warnings=_notices(newest.notices),
        error=_failure(newest),
        created_at=_time(stored.created_at),
        updated_at=_time(stored.updated_at),
        ready_at=_optional_time(newest.ready_at),
        refined_at=_optional_time(newest.refined_at),
    )


def version(stored: document_catalog.Version, of: document_catalog.Document) -> schemas.Version:
    return schemas.Version(
        version=stored.number,
        status=status_of(stored, of),
        live=stored.number == of.live_version,
        name=stored.name,
        state=stored.state,
        media_type=stored.media_type,
        title=stored.title,
        size=stored.size,
        sha256=stored.sha256,
        characters=stored.characters,
        pages=stored.page_count,
        page_kind=stored.page_kind,
        chunks=stored.chunks,
        refined=_refinement(stored),
        quality=_quality(stored),
        warnings=_notices(stored.notices),
        error=_failure(stored),
        created_at=_time(stored.created_at),
        ready_at=_optional_time(stored.ready_at),
        refined_at=_optional_time(stored.refined_at),
    )


def status_of(stored: document_catalog.Version, of: document_catalog.Document) -> VersionStatus:
    newest = stored.number == of.newest.number
    return VersionStatus.CURRENT if newest else VersionStatus.SUPERSEDED


def near_duplicate(similar: NearDuplicate) -> schemas.NearDuplicate:
    return schemas.NearDuplicate(
        document_id=similar.document_id, name=similar.name, similarity=round(similar.similarity, 4)
    )


def job(stored: job_queue.Job, now: float, position: int | None = None) -> schemas.Job:
    return schemas.Job(
        id=stored.public_id,
        document_id=stored.document_public_id,
        version=stored.version_number,
        state=stored.state,
        stage=stored.stage,
        pages=schemas.Progress(done=stored.pages_done, total=stored.pages_total),
        chunks=schemas.Progress(done=stored.chunks_done, total=stored.chunks_total),
        warnings=_notices(stored.notices),
        error=_error(stored.error_code, stored.error_detail),
        attempts=stored.attempts,
        uploader=stored.uploader,
        position=position,
        rate=progress.rate(stored, now),
        eta_seconds=progress.eta_seconds(stored, now),
        created_at=_time(stored.created_at),
        started_at=_optional_time(stored.started_at),
        finished_at=_optional_time(stored.finished_at),
    )


def accepted(stored: acceptance.Accepted, now: float) -> schemas.Accepted:
    return schemas.Accepted(
        document=document(stored.document), job=job(stored.job, now), duplicate=stored.duplicate
    )


def collection(stored: collections.Collection, documents: int) -> schemas.Collection:
    return schemas.Collection(
        id=stored.public_id,
        name=stored.name,
        documents=documents,
        created_at=_time(stored.created_at),
    )


def conversation(stored: conversations.Conversation) -> conversation_schemas.Conversation:
    return conversation_schemas.Conversation(
        name=stored.name, turns=stored.turns, first=turn(stored.first), last=turn(stored.last)
    )


def turn(stored: conversations.KeptTurn) -> conversation_schemas.ConversationTurn:
    return conversation_schemas.ConversationTurn(
        question=stored.question,
        answer=stored.answer,
        answer_id=stored.answer_id,
        status=stored.status,
        created_at=_time(stored.created_at),
    )


def queue(seen: job_queue.QueueOverview) -> schemas.Queue:
    return schemas.Queue(
        paused=seen.paused,
        jobs={state: seen.jobs.get(state, 0) for state in records.JobState},
        oldest_waiting_seconds=seen.oldest_waiting_seconds,
    )


def page(found: records.Page, text: str, version: int, status: VersionStatus) -> schemas.Page:
    return schemas.Page(
        page=found.number,
        label=found.label,
        text=text,
        start=found.start,
        end=found.end,
        width=found.width,
        height=found.height,
        version=version,
        status=status,
        words=[schemas.WordBox(start=word.start, end=word.end, box=word.box) for word in found.words],
    )


def hit(passage: records.Passage) -> answer_schemas.Hit:
    return answer_schemas.Hit(
        document=_reference(passage.document),
        page=passage.page,
        locator=passage.locator,
        headings=list(passage.headings),
        start=passage.start,
        end=passage.end,
        text=passage.text,
        score=round(passage.score, _SCORE_DIGITS),
        scores={name: round(score, _SCORE_DIGITS) for name, score in passage.scores.items()},
    )


def coverage(seen: records.Coverage) -> answer_schemas.Coverage:
    return answer_schemas.Coverage(**asdict(seen))


def timings(measured: Mapping[str, float]) -> dict[str, float]:
    return {name: round(value, _MS_DIGITS) for name, value in measured.items()}


def sentence(delivered: records.AnswerSentence) -> answer_schemas.Sentence:
    return answer_schemas.Sentence(
        text=delivered.text,
        start=delivered.start,
        end=delivered.end,
        verdict=delivered.verdict,
        support=round(delivered.support, _SCORE_DIGITS),
        citations=list(delivered.citations),
        group=delivered.group,
    )


def citation(checked: records.Citation) -> answer_schemas.Citation:
    return answer_schemas.Citation(
        number=checked.number,
        document=_reference(checked.document),
        page=checked.page,
        locator=checked.locator,
        headings=list(checked.headings),
        start=checked.start,
        end=checked.end,
        quote=checked.quote,
        boxes=None if checked.boxes is None else list(checked.boxes),
        score=round(checked.score, _SCORE_DIGITS),
    )


def disagreement(found: records.Conflict) -> answer_schemas.Disagreement:
    return answer_schemas.Disagreement(
        about=found.about, citations=list(found.citations), values=list(found.values)
    )


def answer(given: records.Answer) -> answer_schemas.Answer:
    return answer_schemas.Answer(
        id=given.id,
        status=given.status,
        kind=given.kind,
        understood_as=given.understood_as,
        notes=_notices(given.notes),
        answerability=round(given.answerability, _SCORE_DIGITS),
        answer=given.answer,
        sentences=[sentence(one) for one in given.sentences],
        citations=[citation(one) for one in given.citations],
        conflicts=[disagreement(one) for one in given.conflicts],
        coverage=coverage(given.coverage),
        timings=timings(given.timings),
        model=None if given.model is None else answer_schemas.Model(**asdict(given.model)),
        nearest=[hit(one) for one in given.nearest],
        cached=None if given.cached is None else _cached(given.cached),
    )


def _cached(earlier: records.Cached) -> answer_schemas.Cached:
    return answer_schemas.Cached(
        answer=earlier.answer, created_at=_time(earlier.created_at), part=earlier.part
    )


def receipt(shown: receipts.Shown) -> receipt_schemas.Receipt:
    kept = shown.receipt
    return receipt_schemas.Receipt(
        **dict(answer(shown.answer)),
        freshness=shown.freshness,
        created_at=_time(kept.created_at),
        question=kept.question,
        conversation=kept.conversation,
        replay_of=kept.replay_of,
        request=receipt_schemas.AskSettings(**asdict(kept.request)),
        environment=receipt_schemas.Environment(**asdict(kept.environment)),
        prompt_sha256=kept.prompt_sha256,
        evidence=[_evidence(one) for one in shown.evidence],
    )


def listed_answer(kept: Receipt, sources: answers.Sources) -> receipt_schemas.ListedAnswer:
    cited = dict.fromkeys((one.document, one.version) for one in kept.spans if one.citation is not None)
    return receipt_schemas.ListedAnswer(
        id=kept.id,
        created_at=_time(kept.created_at),
        question=kept.question,
        conversation=kept.conversation,
        replay_of=kept.replay_of,
        status=kept.status,
        kind=kept.kind,
        answer=kept.answer,
        freshness=receipts.freshness(kept, sources),
        documents=[_reference(sources[one].document) for one in cited],
    )


def replay(before: receipts.Shown, after: receipts.Shown, changes: Comparison) -> receipt_schemas.Replay:
    return receipt_schemas.Replay(
        same=changes.same,
        status=receipt_schemas.StatusChange(before=before.answer.status, after=after.answer.status),
        citations=receipt_schemas.CitationChanges(
            kept=[receipt_schemas.KeptCitation(**asdict(one)) for one in changes.kept],
            added=list(changes.added),
            removed=list(changes.removed),
        ),
        reasons=_notices(changes.reasons),
        original=receipt(before),
        replay=receipt(after),
    )


def _evidence(shown: receipts.ShownEvidence) -> receipt_schemas.Evidence:
    return receipt_schemas.Evidence(
        document=_reference(shown.document),
        start=shown.start,
        end=shown.end,
        text=shown.text,
        score=round(shown.score, _SCORE_DIGITS),
        citation=shown.citation,
        sha256=shown.sha256,
        intact=shown.intact,
    )


def _reference(document_ref: records.DocumentRef) -> answer_schemas.DocumentRef:
    return answer_schemas.DocumentRef(**asdict(document_ref))


def _failure(stored: document_catalog.Version) -> schemas.Notice | None:
    """Why it could not be read; a version that is tried again has no error until it fails again."""
    failed = stored.state is records.DocumentState.FAILED
    return _error(stored.error_code, stored.error_detail) if failed else None


def _refinement(stored: document_catalog.Version) -> schemas.Refinement:
    return schemas.Refinement(done=stored.refined_chunks, total=stored.chunks)


def _quality(stored: document_catalog.Version) -> schemas.Quality | None:
    return None if stored.quality is None else schemas.Quality.model_validate(stored.quality)


def _notices(notices: Sequence[records.Notice]) -> list[schemas.Notice]:
    return [schemas.Notice(code=notice.code, detail=notice.detail) for notice in notices]


def _error(code: str | None, detail: str | None) -> schemas.Notice | None:
    return None if code is None else schemas.Notice(code=code, detail=detail or "")


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _optional_time(seconds: float | None) -> datetime | None:
    return None if seconds is None else _time(seconds)
