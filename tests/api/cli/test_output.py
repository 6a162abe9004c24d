from __future__ import annotations

from typing import Any

import pytest

from api.cli.output import footnote, marks, passage, print_fields


def _cited(name: str, locator: str, status: str = "current") -> dict[str, Any]:
    return {"document": {"name": name, "status": status}, "locator": locator}


def test_a_citation_of_an_older_version_says_so() -> None:
    citation = {"number": 1, **_cited("act.md", "lines 3–4", "superseded"), "quote": "Passed."}
    assert footnote(citation) == "[1] act.md, lines 3–4 (an older version): “Passed.”"


def test_fields_without_a_value_are_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    print_fields({"name": "[bold]a.txt", "none": None, "empty": [], "zero": 0, "warnings": "one\ntwo"})
    assert capsys.readouterr().out == "name      [bold]a.txt\nzero      0\nwarnings  one\n          two\n"


def test_a_footnote_names_document_page_and_quote() -> None:
    citation = {"number": 2, **_cited("act.pdf", "page 3"), "quote": "It was\npassed in 1996."}
    assert footnote(citation) == "[2] act.pdf, page 3: “It was passed in 1996.”"


def test_a_document_without_pages_has_no_page() -> None:
    citation = {"number": 1, **_cited("act.md", ""), "quote": "Passed."}
    assert footnote(citation) == "[1] act.md: “Passed.”"


def test_a_passage_is_shortened() -> None:
    hit = {**_cited("act.md", ""), "score": 1.0, "text": "word " * 500}
    lines = passage(hit).splitlines()
    assert lines[0] == "act.md (1.00)"
    assert lines[-1].endswith("…")


def test_marks() -> None:
    assert marks([1, 3]) == "[1][3]"
    assert marks([]) == ""
