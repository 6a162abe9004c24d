"""The demonstration must be able to fail."""

from __future__ import annotations

from typing import Any

from api.demo import Question, check

_ASKED = Question("When?", answerable=True)
_GOOD: dict[str, Any] = {
    "status": "answered",
    "sentences": [{"text": "In 1996.", "citations": [1]}],
    "citations": [{"number": 1, "quote": "It was in 1996."}],
}
_DECLINED: dict[str, Any] = {"status": "not_in_documents", "sentences": [], "citations": []}


def test_a_cited_answer_holds() -> None:
    assert check(_GOOD, _ASKED, {1: "It was in 1996."}) == []


def test_a_quotation_that_is_not_there_fails() -> None:
    assert check(_GOOD, _ASKED, {1: "It was in 1997."})
    assert check(_GOOD, _ASKED, {})


def test_a_sentence_without_citation_fails() -> None:
    assert check(
        {**_GOOD, "sentences": [{"text": "In 1996.", "citations": []}]}, _ASKED, {1: "It was in 1996."}
    )


def test_declining_is_right_only_for_what_is_not_there() -> None:
    unanswerable = Question("Who?", answerable=False)
    assert check(_DECLINED, unanswerable, {}) == []
    assert check(_DECLINED, _ASKED, {})
    assert check(_GOOD, unanswerable, {1: "It was in 1996."})
