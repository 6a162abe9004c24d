"""Stored and computed values as the JSON models callers see. Nothing is decided here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime

from api import schemas
from rag import records
from rag.stores import collections, document_catalog, job_queue

_SCORE_DIGITS = 6
_MS_DIGITS = 2


def document(stored: document_catalog.Document) -> schemas.Document:
    newest = stored.newest
    return schemas.Document(
        id=stored.public_id,
        name=stored.name,
        collection=stored.collection,
        metadata=dict(stored.metadata),
        state=newest.state,
        version=newest.number,
        live_version=stored.live_version,
        media_type=newest.media_type,
        title=newest.title,
        size=newest.size,
        sha256=newest.sha256,
        characters=newest.characters,
        pages=newest.page_count,
        pages_without_text=list(newest.pages_without_text),
        chunks=newest.chunks,
        warnings=_notices(newest.notices),
        error=_error(newest.error_code, newest.error_detail),
        created_at=_time(stored.created_at),
        updated_at=_time(stored.updated_at),
        ready_at=_optional_time(newest.ready_at),
    )


def job(stored: job_queue.Job, now: float) -> schemas.Job:
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
        eta_seconds=eta_seconds(stored, now),
        created_at=_time(stored.created_at),
        started_at=_optional_time(stored.started_at),
        finished_at=_optional_time(stored.finished_at),
    )


def eta_seconds(stored: job_queue.Job, now: float) -> float | None:
    """Seconds a running job still needs at the pace so far; None while there is no pace to judge by."""
    if stored.finished_at is not None or stored.started_at is None:
        return None
    elapsed = now - stored.started_at
    # Chunks come after pages, so once they are counted they tell more.
    for done, total in ((stored.chunks_done, stored.chunks_total), (stored.pages_done, stored.pages_total)):
        if done and total:
            return round(max(0.0, elapsed * (total - done) / done), 1)
    return None


def accepted(stored: document_catalog.Accepted, now: float) -> schemas.Accepted:
    return schemas.Accepted(
        document=document(stored.document), job=job(stored.job, now), duplicate=stored.duplicate
    )


def collection(stored: collections.Collection) -> schemas.Collection:
    return schemas.Collection(
        id=stored.public_id,
        name=stored.name,
        documents=stored.documents,
        created_at=_time(stored.created_at),
    )


def page(found: records.Page, text: str, version: int) -> schemas.Page:
    return schemas.Page(
        page=found.number,
        text=text,
        start=found.start,
        end=found.end,
        width=found.width,
        height=found.height,
        version=version,
        words=[schemas.WordBox(start=word.start, end=word.end, box=word.box) for word in found.words],
    )


def hit(passage: records.Passage) -> schemas.Hit:
    return schemas.Hit(
        document=_reference(passage.document),
        page=passage.page,
        start=passage.start,
        end=passage.end,
        text=passage.text,
        score=round(passage.score, _SCORE_DIGITS),
        scores={name: round(score, _SCORE_DIGITS) for name, score in passage.scores.items()},
    )


def coverage(seen: records.Coverage) -> schemas.Coverage:
    return schemas.Coverage(**asdict(seen))


def timings(measured: Mapping[str, float]) -> dict[str, float]:
    return {name: round(value, _MS_DIGITS) for name, value in measured.items()}


def sentence(delivered: records.AnswerSentence) -> schemas.Sentence:
    return schemas.Sentence(
        text=delivered.text,
        start=delivered.start,
        end=delivered.end,
        verdict=delivered.verdict,
        support=round(delivered.support, _SCORE_DIGITS),
        citations=list(delivered.citations),
    )


def citation(checked: records.Citation) -> schemas.Citation:
    return schemas.Citation(
        number=checked.number,
        document=_reference(checked.document),
        page=checked.page,
        start=checked.start,
        end=checked.end,
        quote=checked.quote,
        boxes=None if checked.boxes is None else list(checked.boxes),
        score=round(checked.score, _SCORE_DIGITS),
    )


def answer(given: records.Answer) -> schemas.Answer:
    return schemas.Answer(
        id=given.id,
        status=given.status,
        answer=given.answer,
        sentences=[sentence(one) for one in given.sentences],
        citations=[citation(one) for one in given.citations],
        coverage=coverage(given.coverage),
        timings=timings(given.timings),
        model=None if given.model is None else schemas.Model(**asdict(given.model)),
        nearest=[hit(one) for one in given.nearest],
    )


def _reference(document_ref: records.DocumentRef) -> schemas.DocumentRef:
    return schemas.DocumentRef(**asdict(document_ref))


def _notices(notices: Sequence[records.Notice]) -> list[schemas.Notice]:
    return [schemas.Notice(code=notice.code, detail=notice.detail) for notice in notices]


def _error(code: str | None, detail: str | None) -> schemas.Notice | None:
    return None if code is None else schemas.Notice(code=code, detail=detail or "")


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _optional_time(seconds: float | None) -> datetime | None:
    return None if seconds is None else _time(seconds)
