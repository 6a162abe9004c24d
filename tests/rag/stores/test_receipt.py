"""What is left of an answer when a document it rests on is deleted."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from rag.records import Conflict
from rag.stores.receipt import SpanRole, without
from tests.rag.stores.receipts import receipt, span

SPANS = (span("doc_a", 1), span("doc_b", 2), span("doc_c", None))
PARTS = (("Alpha speaks.", (1,)), ("Beta speaks.", (2,)), ("Both agree.", (1, 2)), ("Who knows?", ()))


def test_what_cites_the_document_is_blank_and_the_rest_stays_in_place() -> None:
    left = without(receipt(parts=PARTS, spans=SPANS), {"doc_a"})
    assert [one.text for one in left.sentences] == ["", "Beta speaks.", "", ""]
    assert left.answer == " [1] Beta speaks. [2]  [1] [2] "
    assert all(left.answer[one.start : one.end] == one.text for one in left.sentences)
    assert [one.sha256 is None for one in left.spans] == [True, False, False]
    assert left.prompt_sha256 is None


def test_a_sentence_without_a_source_may_come_from_whatever_the_model_saw() -> None:
    left = without(receipt(parts=PARTS, spans=SPANS), {"doc_c"})
    assert [one.text for one in left.sentences] == ["Alpha speaks.", "Beta speaks.", "Both agree.", ""]


def test_a_document_that_was_only_shown_beside_a_refusal_leaves_the_text_alone() -> None:
    shown = receipt(parts=[("Nothing there.", ())], spans=[replace(span("doc_a"), role=SpanRole.NEAREST)])
    left = without(shown, {"doc_a"})
    assert (left.answer, left.prompt_sha256) == (shown.answer, shown.prompt_sha256)
    assert left.spans[0].sha256 is None


def test_words_between_sentences_go_as_well() -> None:
    whole = receipt(parts=PARTS[:2], spans=SPANS)
    lead = "Alpha's secrets: "
    moved = [replace(one, start=one.start + len(lead), end=one.end + len(lead)) for one in whole.sentences]
    left = without(replace(whole, answer=lead + whole.answer, sentences=tuple(moved)), {"doc_a"})
    assert "secrets" not in left.answer
    assert [left.answer[one.start : one.end] for one in left.sentences] == ["", "Beta speaks."]


def test_conflicts_with_it_and_a_rewritten_question_go() -> None:
    conflicts = (Conflict("the year", (1, 2), ("1876", "1877")), Conflict("the place", (2, 3), ("A", "B")))
    spans = (*SPANS, span("doc_d", 3))
    left = without(receipt(spans=spans, conflicts=conflicts, standalone="It (the tower)"), {"doc_a"})
    assert left.conflicts == conflicts[1:]
    assert (left.standalone, left.understood) == (None, left.question)


def test_other_documents_change_nothing() -> None:
    whole = receipt(parts=PARTS, spans=SPANS)
    assert without(whole, {"doc_x"}) is whole


_documents = st.integers(0, 4)


@given(
    st.lists(st.lists(_documents, max_size=3), max_size=6),
    st.sets(_documents, min_size=1),
    st.sampled_from(["Word{0}q says.", "• Word{0}q", "Word{0}q – [9] 1. maybe"]),
)
def test_no_word_of_a_deleted_document_is_left_and_every_other_stays(
    citing: list[list[int]], gone: set[int], form: str
) -> None:
    """Each sentence consists of one marker word for each document it cites."""
    parts = [
        (" ".join(form.format(one) for one in cited) or "Nobody.", [n + 1 for n in cited]) for cited in citing
    ]
    whole = receipt(parts=parts, spans=[span(f"doc_{n}", n + 1) for n in range(5)])
    left = without(whole, {f"doc_{n}" for n in gone})
    for number in gone:
        assert f"Word{number}q" not in repr(left)
    for before, after in zip(whole.sentences, left.sentences, strict=True):
        assert left.answer[after.start : after.end] == after.text
        touched = not before.citations or {n - 1 for n in before.citations} & gone
        assert after.text == ("" if touched else before.text)
    assert without(left, {f"doc_{n}" for n in gone}) == left
