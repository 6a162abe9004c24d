from __future__ import annotations

import pytest

from ingest.wire import decode_document, encode_document, from_line, to_line
from rag.records import Block, BlockKind, Notice, Page, ParsedDocument, Word

DOCUMENT = ParsedDocument(
    "Größe\n\n𝄞",
    "application/pdf",
    title=None,
    pages=(Page(1, 0, 5, 612.5, 792.0, (Word(0, 5, (1.5, 2.0, 3.25, 4.0)),)), Page(2, 7, 8)),
    blocks=(Block(BlockKind.HEADING, 0, 5, level=2), Block(BlockKind.TABLE_ROW, 7, 8, header=True)),
    warnings=(Notice("page_unreadable", "…"),),
    page_count=2,
    pages_without_text=(2,),
)


def test_a_document_survives_the_way() -> None:
    line = to_line(encode_document(DOCUMENT))
    assert line.count(b"\n") == 1
    assert decode_document(from_line(line)) == DOCUMENT


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("text", None),
        ("pages", [[1]]),
        ("pages", [[0, 1, 0, 0, [1, 2, 3]]]),
        ("blocks", [["no such kind", 0, 1, 0, False]]),
        ("page_count", "many"),
        ("warnings", [[1, 2]]),
    ],
)
def test_other_shapes_are_refused(key: str, value: object) -> None:
    with pytest.raises((TypeError, ValueError)):
        decode_document({**encode_document(DOCUMENT), key: value})


def test_a_missing_field_is_refused() -> None:
    with pytest.raises(KeyError):
        decode_document({"text": ""})
    with pytest.raises(ValueError, match="object"):
        from_line(b"[]")
