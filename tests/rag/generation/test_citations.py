from __future__ import annotations

from rag.generation.citations import AnswerText, Footnotes
from rag.records import DocumentRef, Evidence, Verdict
from rag.stores.access import LOCAL
from rag.stores.scopes import Scope
from tests.rag.library import Library

TEXT = "First paragraph here.\n\nThe tower is 41 metres high. It leans."


def found(library: Library) -> Evidence:
    passage = library.retriever.search("How high is the tower?", Scope(LOCAL), 1).passages[0]
    start = passage.start
    return Evidence(
        1, passage.document, passage.version_id, None, start, start + 28, TEXT[start : start + 28], "", 0.9
    )


def test_a_citation_is_read_back_from_the_stored_text(library: Library) -> None:
    library.add("tower.txt", TEXT)
    citation = Footnotes(library.database, [found(library)]).cite(1)
    assert citation is not None
    assert citation.quote == TEXT[citation.start : citation.end] == "The tower is 41 metres high."
    assert citation.page == 2


def test_text_that_is_gone_or_different_is_not_cited(library: Library) -> None:
    document = library.add("tower.txt", TEXT)
    item = found(library)
    altered = Evidence(2, item.document, item.version_id, None, item.start, item.end, "Not this.", "", 0.9)
    notes = Footnotes(library.database, [item, altered])
    assert notes.cite(2) is None
    library.remove(document)
    assert notes.cite(1) is None
    assert notes.citations == ()


def test_footnotes_are_numbered_in_the_order_of_use(library: Library) -> None:
    library.add("tower.txt", TEXT)
    first = found(library)
    other = Evidence(2, first.document, first.version_id, None, 0, 21, TEXT[:21], "", 0.5)
    notes = Footnotes(library.database, [first, other])
    assert [notes.cite(2), notes.cite(1), notes.cite(2)] == [*notes.citations, notes.citations[0]]
    assert [(one.number, one.start) for one in notes.citations] == [(1, 0), (2, first.start)]


def test_the_answer_knows_where_its_sentences_stand() -> None:
    text = AnswerText()
    text.add("It opened\nin 1932.", Verdict.SUPPORTED, 0.9, [1])
    text.add("It leans.", Verdict.VERBATIM, 1.0, [2, 3])
    assert text.text == "It opened in 1932. [1] It leans. [2][3]"
    assert [text.text[one.start : one.end] for one in text.sentences] == ["It opened in 1932.", "It leans."]


def test_what_is_quoted_beside_an_answer_is_a_paragraph_of_its_own() -> None:
    text = AnswerText()
    for said, apart in (("It opened in 1932.", False), ("It leans.", True), ("It is high.", True)):
        text.add(said, Verdict.VERBATIM, 1.0, [len(text.sentences) + 1], apart=apart)
    assert text.text == "It opened in 1932. [1]\n\nIt leans. [2]\n\nIt is high. [3]"
    assert text.text[text.sentences[1].start : text.sentences[1].end] == "It leans."


def test_a_document_reference_is_part_of_the_citation(library: Library) -> None:
    document = library.add("tower.txt", TEXT)
    citation = Footnotes(library.database, [found(library)]).cite(1)
    assert citation is not None
    assert citation.document == DocumentRef(document, "tower.txt", 1)
