"""Receipts as rows of the database, and as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from rag.records import (
    AnswerSentence,
    AnswerStatus,
    Cached,
    CachedPart,
    Conflict,
    Coverage,
    ModelIdentity,
    Notice,
    QuestionKind,
    Verdict,
)
from rag.stores.access import DEFAULT_TENANT, Owner
from rag.stores.receipt import Draft, Environment, Receipt, ReceiptSpan, RequestSettings, Reuse, SpanRole


def row_of(receipt: Receipt) -> dict[str, Any]:
    """The columns of ``answers``; all of it can be written as JSON."""
    return {
        "public_id": receipt.id,
        **receipt.owner.columns(),
        "created_at": receipt.created_at,
        "question": receipt.question,
        "standalone": receipt.standalone,
        "conversation": receipt.conversation,
        "replay_of": receipt.replay_of,
        "request": asdict(receipt.request),
        "environment": asdict(receipt.environment),
        "status": receipt.status,
        "kind": receipt.kind,
        "answerability": receipt.answerability,
        "answer": receipt.answer,
        "sentences": [asdict(sentence) for sentence in receipt.sentences],
        "conflicts": [asdict(conflict) for conflict in receipt.conflicts],
        "notes": [asdict(note) for note in receipt.notes],
        "coverage": asdict(receipt.coverage),
        "timings": dict(receipt.timings),
        "model_name": None if receipt.model is None else receipt.model.name,
        "model_sha256": None if receipt.model is None else receipt.model.sha256,
        "prompt_sha256": receipt.prompt_sha256,
        "cached": None if receipt.cached is None else asdict(receipt.cached),
        "reuse_key": receipt.reuse.key,
        "library": receipt.reuse.library,
        "draft_key": receipt.reuse.draft_key,
        "draft": None if receipt.reuse.draft is None else asdict(receipt.reuse.draft),
    }


def row_of_span(span: ReceiptSpan) -> dict[str, Any]:
    """Its columns of ``answer_spans``, without those that say whose it is."""
    return asdict(span)


def receipt_of(row: Mapping[str, Any], spans: Sequence[ReceiptSpan]) -> Receipt:
    return Receipt(
        id=row["public_id"],
        owner=Owner(row["tenant_id"], row["key_id"]),
        created_at=row["created_at"],
        question=row["question"],
        standalone=row["standalone"],
        conversation=row["conversation"],
        replay_of=row["replay_of"],
        request=RequestSettings(**_with_tuple(row["request"], "collections")),
        environment=Environment(**_with_tuple(row["environment"], "spaces")),
        status=AnswerStatus(row["status"]),
        kind=QuestionKind(row["kind"]),
        answerability=row["answerability"],
        answer=row["answer"],
        sentences=tuple(_sentence(stored) for stored in row["sentences"]),
        conflicts=tuple(
            Conflict(stored["about"], tuple(stored["citations"]), tuple(stored["values"]))
            for stored in row["conflicts"]
        ),
        notes=tuple(Notice(**stored) for stored in row["notes"]),
        coverage=Coverage(**row["coverage"]),
        timings=row["timings"],
        model=None if row["model_name"] is None else ModelIdentity(row["model_name"], row["model_sha256"]),
        prompt_sha256=row["prompt_sha256"],
        spans=tuple(spans),
        cached=_cached(row["cached"]),
        reuse=Reuse(row["reuse_key"], row["library"], row["draft_key"], draft_of(row["draft"])),
    )


def draft_of(stored: Mapping[str, Any] | None) -> Draft | None:
    return None if stored is None else Draft(**_with_tuple(stored, "copied"))


def span_of(row: Mapping[str, Any]) -> ReceiptSpan:
    return ReceiptSpan(
        role=SpanRole(row["role"]),
        document=row["document"],
        version=row["version"],
        start=row["start"],
        end=row["end"],
        score=row["score"],
        sha256=row["sha256"],
        citation=row["citation"],
        scores=row["scores"],
    )


def to_json(receipt: Receipt) -> dict[str, Any]:
    return {"answer": row_of(receipt), "spans": [row_of_span(span) for span in receipt.spans]}


def from_json(stored: Mapping[str, Any]) -> Receipt:
    # An earlier release may have written it just before the upgrade.
    answer = {**_SINCE, **stored["answer"]}
    return receipt_of(answer, [span_of(span) for span in stored["spans"]])


_SINCE: Mapping[str, Any] = {"tenant_id": DEFAULT_TENANT} | dict.fromkeys(
    ("key_id", "cached", "reuse_key", "library", "draft_key", "draft")
)
"""Columns that answers have got over time, as they are where nobody wrote them."""


def _cached(stored: Mapping[str, Any] | None) -> Cached | None:
    return None if stored is None else Cached(**{**stored, "part": CachedPart(stored["part"])})


def _sentence(stored: Mapping[str, Any]) -> AnswerSentence:
    return AnswerSentence(**_with_tuple(stored, "citations") | {"verdict": Verdict(stored["verdict"])})


def _with_tuple(stored: Mapping[str, Any], member: str) -> dict[str, Any]:
    """JSON knows lists only."""
    value = stored[member]
    return {**stored, member: None if value is None else tuple(value)}
