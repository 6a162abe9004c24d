from __future__ import annotations

from api.cli.output import footnote, marks, passage


def test_a_footnote_names_document_page_and_quote() -> None:
    citation = {"number": 2, "document": {"name": "act.pdf"}, "page": 3, "quote": "It was\npassed in 1996."}
    assert footnote(citation) == "[2] act.pdf, page 3: “It was passed in 1996.”"


def test_a_document_without_pages_has_no_page() -> None:
    citation = {"number": 1, "document": {"name": "act.md"}, "page": None, "quote": "Passed."}
    assert footnote(citation) == "[1] act.md: “Passed.”"


def test_a_passage_is_shortened() -> None:
    hit = {"document": {"name": "act.md"}, "page": None, "score": 1.0, "text": "word " * 500}
    lines = passage(hit).splitlines()
    assert lines[0] == "act.md (1.00)"
    assert lines[-1].endswith("…")


def test_marks() -> None:
    assert marks([1, 3]) == "[1][3]"
    assert marks([]) == ""
