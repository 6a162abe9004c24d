"""Receipts to test with: one sentence a citation, over given places."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rag.records import AnswerSentence, AnswerStatus, Coverage, ModelIdentity, QuestionKind, Verdict
from rag.stores.access import LOCAL
from rag.stores.receipt import Environment, Receipt, ReceiptSpan, RequestSettings, SpanRole

ENVIRONMENT = Environment("1.2.3", ("space-a", "space-b"), {"context_tokens": 4096})


def span(document: str, citation: int | None = None, **changed: Any) -> ReceiptSpan:
    values: dict[str, Any] = {"version": 1, "start": 0, "end": 5, "score": 0.5, "sha256": "ab" * 32}
    return ReceiptSpan(SpanRole.EVIDENCE, document, citation=citation, **(values | changed))


def written(*parts: tuple[str, Sequence[int]]) -> tuple[str, tuple[AnswerSentence, ...]]:
    """An answer's text and sentences, from texts with the footnotes they use."""
    text = ""
    sentences = []
    for said, citations in parts:
        text += " " if text else ""
        verdict = Verdict.SUPPORTED if citations else Verdict.UNSUPPORTED
        sentences.append(
            AnswerSentence(said, len(text), len(text) + len(said), verdict, 0.9, tuple(citations))
        )
        text += said + "".join(f" [{number}]" for number in citations)
    return text, tuple(sentences)


def receipt(
    public_id: str = "ans_a",
    parts: Sequence[tuple[str, Sequence[int]]] = (("The tower is high.", (1,)),),
    spans: Sequence[ReceiptSpan] = (),
    **changed: Any,
) -> Receipt:
    answer, sentences = written(*parts)
    values: dict[str, Any] = {
        "owner": LOCAL.owner,
        "created_at": 1000.0,
        "question": "How high is it?",
        "standalone": None,
        "conversation": None,
        "replay_of": None,
        "request": RequestSettings(("default",), {"metadata.year": {"$gte": 1900}}, "auto", 3, 12),
        "environment": ENVIRONMENT,
        "status": AnswerStatus.ANSWERED,
        "kind": QuestionKind.LOOKUP,
        "answerability": 0.75,
        "conflicts": (),
        "notes": (),
        "coverage": Coverage(1, 2, 3),
        "timings": {"total_ms": 12.5},
        "model": ModelIdentity("small", "cd" * 32),
        "prompt_sha256": "ef" * 32,
    }
    return Receipt(id=public_id, answer=answer, sentences=sentences, spans=tuple(spans), **(values | changed))
