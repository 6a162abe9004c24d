from __future__ import annotations

import io

import pytest
from rich.console import Console
from rich.text import Text

from api.cli.paper import place, plain, print_indented, sentence_line
from api.client.records import DocumentRef, Sentence


def _sentence(verdict: str, text: str = "It was so.") -> Sentence:
    members = {"start": 0, "end": len(text), "support": 1.0, "citations": [1, 3], "group": ""}
    return Sentence.model_validate({"text": text, "verdict": verdict, **members})


@pytest.mark.parametrize(("verdict", "mark"), [("verbatim", "="), ("supported", "✓"), ("unsupported", "?")])
def test_a_sentence_has_its_footnotes_and_its_verdict(verdict: str, mark: str) -> None:
    assert sentence_line(_sentence(verdict)).plain == f"It was so. [1][3] {mark}"


def test_each_item_of_a_list_has_a_line_and_a_wrapped_one_does_not() -> None:
    said = sentence_line(_sentence("verbatim", "Kept\nare:\n- a lamp\n\n2. a\nhorn")).plain
    assert said == "Kept are:\n- a lamp\n2. a horn [1][3] ="


def test_text_of_documents_moves_no_cursor_and_is_no_markup() -> None:
    hostile = "\x1b[2J\x1b]0;title\x07 [bold]x[/bold] :smile: \x9b31m"
    assert not any(ord(char) < 32 or 0x7F <= ord(char) < 0xA0 for char in plain(hostile))
    said = sentence_line(_sentence("verbatim", hostile)).plain
    assert "\x1b" not in said
    assert "[bold]x[/bold] :smile:" in said


def test_a_deleted_document_has_no_name() -> None:
    gone = DocumentRef.model_validate({"id": "doc_a", "name": "", "version": 1, "status": "deleted"})
    assert place(gone, "page 3") == "a document that was deleted"
    old = DocumentRef.model_validate({"id": "doc_a", "name": "act.md", "version": 1, "status": "superseded"})
    assert place(old, "lines 3–4") == "act.md, lines 3–4 (an older version)"


def test_indented_text_is_wrapped_without_blanks_at_the_ends() -> None:
    written = io.StringIO()
    print_indented(Console(file=written, width=20), Text("one two three four five\n\nsix"), 4)
    assert written.getvalue() == "    one two three\n    four five\n\n    six\n"
