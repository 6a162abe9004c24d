"""Asking a set of questions and judging what comes back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from api.cli.evaluation.making import Track, without
from api.cli.evaluation.service import Asking
from rag.evaluation.metrics import holds_answer
from rag.evaluation.runs import Outcome, Question, Reply

_LOOKED_AT = 20


def ask_all(asking: Asking, questions: Sequence[Question], drafts: int, track: Track) -> list[Outcome]:
    """Every question by quotation, with and without its document; ``drafts`` of them by the model too."""
    drafted = {one.id for one in sorted(questions, key=lambda one: one.id)[:drafts]}  # ids are hashes
    return [
        _outcome(asking, question, question.id in drafted)
        for question in track(questions, len(questions), "Asking")
    ]


def _outcome(asking: Asking, question: Question, drafted: bool) -> Outcome:
    found = asking.search(question.text, _LOOKED_AT)
    hits = found["hits"]
    return Outcome(
        question=question.id,
        document_rank=document_rank(question, hits),
        passage_rank=passage_rank(question, hits),
        search_ms=found["timings"]["total_ms"],
        quoted=judged(asking, question, asking.ask(question.text)),
        removed=judged(asking, question, asking.ask(question.text, without(question))),
        drafted=judged(asking, question, asking.ask(question.text, mode="auto")) if drafted else None,
    )


def document_rank(question: Question, hits: Sequence[Mapping[str, Any]]) -> int | None:
    """The place of the question's document, or of a near-duplicate, among the documents found."""
    wanted = {question.document, *question.twins}
    found = list(dict.fromkeys(hit["document"]["id"] for hit in hits))
    return next((rank for rank, one in enumerate(found, start=1) if one in wanted), None)


def passage_rank(question: Question, hits: Sequence[Mapping[str, Any]]) -> int | None:
    """The place of the first passage that holds the answer where the question was made from."""
    return next((rank for rank, hit in enumerate(hits, start=1) if _holds_place(question, hit)), None)


def judged(asking: Asking, question: Question, answer: Mapping[str, Any]) -> Reply:
    """An answer of the service against the gold answer and against the stored text."""
    citations = answer["citations"]
    held = [_holds(question, one) for one in citations]
    sentences = answer["sentences"]
    asking.forget(answer)
    return Reply(
        status=answer["status"],
        answerability=answer["answerability"],
        first_holds=held[:1] == [True],
        any_holds=any(held),
        text_holds=holds_answer(answer["answer"], [question.answer]),
        citations=len(citations),
        false_quotes=sum(asking.stored(one) != one["quote"] for one in citations),
        uncited=sum(not one["citations"] for one in sentences),
        verdicts=dict(Counter(one["verdict"] for one in sentences)),
        timings=answer["timings"],
    )


def _holds(question: Question, citation: Mapping[str, Any]) -> bool:
    """Whether a quotation holds the answer and comes from a document that can know it.

    A short answer, a year say, stands in many sentences about other things.
    """
    from_there = citation["document"]["id"] in (question.document, *question.twins)
    return (from_there or question.elsewhere) and holds_answer(citation["quote"], [question.answer])


def _holds_place(question: Question, hit: Mapping[str, Any]) -> bool:
    if hit["document"]["id"] == question.document and hit["document"]["version"] == question.version:
        return bool(hit["start"] <= question.start and question.end <= hit["end"])
    return hit["document"]["id"] in question.twins and holds_answer(hit["text"], [question.answer])
