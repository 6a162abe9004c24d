"""What is told of the difference between two answers. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from rag.generation.receipts import Shown, ShownEvidence
from rag.generation.replay import KeptCitation, compare, request_again
from rag.records import (
    Answer,
    AnswerStatus,
    Citation,
    Coverage,
    DocumentRef,
    ModelIdentity,
    VersionStatus,
)
from rag.stores.access import LOCAL
from tests.rag.stores.receipts import ENVIRONMENT, receipt


def shown(*places: tuple[str, int], answer: str = "Yes.", status: str = "current", **kept: Any) -> Shown:
    citations = tuple(
        Citation(number, _document(name, status), None, start, start + 5, "quote", 0.5)
        for number, (name, start) in enumerate(places, start=1)
    )
    given = Answer(
        "ans", AnswerStatus.ANSWERED, answer, (), citations, Coverage(1, 1, 1), {}, ModelIdentity("m", "0")
    )
    return Shown(receipt(**kept), given, _evidence(citations), VersionStatus(status))


def _document(name: str, status: str) -> DocumentRef:
    return DocumentRef(name, name, 1, VersionStatus(status))


def _evidence(citations: Sequence[Citation]) -> tuple[ShownEvidence, ...]:
    return tuple(
        ShownEvidence(one.document, one.start, one.end, one.quote, 0.5, one.number, None, True)
        for one in citations
    )


def codes(before: Shown, after: Shown) -> list[str]:
    return [reason.code for reason in compare(before, after).reasons]


def test_nothing_changed() -> None:
    changes = compare(shown(("a", 0)), shown(("a", 0)))
    assert (changes.same, changes.reasons) == (True, ())


def test_citations_are_held_together_by_document_and_place() -> None:
    changes = compare(shown(("a", 0), ("a", 9), ("b", 0)), shown(("c", 0), ("a", 9), answer="No."))
    assert not changes.same
    assert changes.kept == (KeptCitation(2, 2),)
    assert (changes.added, changes.removed) == ((1,), (1, 3))


def test_what_became_of_the_documents_is_a_reason() -> None:
    now = shown(("a", 0))
    assert codes(shown(("a", 0), status="superseded"), now) == ["document_superseded"]
    assert codes(shown(("a", 0), status="deleted"), now) == ["document_deleted"]
    assert codes(shown(("b", 0)), now) == ["evidence_changed"]


def test_what_made_the_answers_is_a_reason() -> None:
    before = shown(("a", 0))
    settings = {"context_tokens": 2048}
    for changed, code in (
        ({"model": ModelIdentity("large", "00")}, "model_changed"),
        ({"model": None}, "model_not_used"),
        ({"environment": replace(ENVIRONMENT, spaces=("space-c",))}, "embedder_changed"),
        ({"environment": replace(ENVIRONMENT, software="2.0.0")}, "software_changed"),
        ({"environment": replace(ENVIRONMENT, settings=settings)}, "settings_changed"),
        ({"prompt_sha256": "00"}, "prompt_changed"),
    ):
        assert codes(before, shown(("a", 0), **changed)) == [code]
    assert codes(before, shown(("a", 0), prompt_sha256=None)) == []


def test_many_documents_are_not_all_named() -> None:
    many = [(f"doc_{number}", 0) for number in range(9)]
    (reason,) = compare(shown(*many, status="deleted"), shown(*many)).reasons
    assert "doc_4 and 4 more" in reason.detail


def test_a_question_whose_rewritten_form_was_erased_is_asked_as_it_was_asked() -> None:
    assert request_again(receipt(standalone="Rewritten?"), LOCAL).question == "Rewritten?"
    assert request_again(receipt(standalone=None), LOCAL).question == "How high is it?"
