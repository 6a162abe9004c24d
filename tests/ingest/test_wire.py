from __future__ import annotations

import struct
from base64 import b64encode

import pytest

from ingest.wire import decode_document, encode_document, from_line, to_line
from rag.records import Block, BlockKind, Member, Notice, Page, PageKind, ParsedDocument, Word, WordTable

DOCUMENT = ParsedDocument(
    "Größe\n\n𝄞",
    "application/pdf",
    title=None,
    pages=(
        Page(1, 0, 5, 612.5, 792.0, WordTable.of([Word(0, 5, (1.5, 2.0, 3.25, 4.0))]), "iv"),
        Page(2, 7, 8, rows=((7, 1), (8, 3))),
    ),
    blocks=(
        Block(BlockKind.HEADING, 0, 5, level=2),
        Block(BlockKind.TABLE_ROW, 7, 8, header=True),
        Block(BlockKind.FURNITURE, 8, 9),
    ),
    warnings=(Notice("page_unreadable", "…"),),
    page_count=2,
    pages_without_text=(2,),
    page_kind=PageKind.SHEET,
    members=(Member("inner/ä.txt", 12),),
    pages_recognised=(1,),
)


def b64(*numbers: int) -> str:
    return b64encode(struct.pack(f"<{len(numbers)}i", *numbers)).decode()


def test_a_document_survives_the_way() -> None:
    line = to_line(encode_document(DOCUMENT))
    assert line.count(b"\n") == 1
    assert decode_document(from_line(line)) == DOCUMENT


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("text", None),
        ("pages", [[1]]),
        ("pages", [[0, 1, 0, 0, "", b64(1, 2, 3), ""]]),
        ("pages", [[0, 1, 0, 0, "", "", b64(1, 2, 3)]]),
        ("pages", [[0, 1, 0, 0, "", "not base64", ""]]),
        ("pages", [[0, 1, 0, 0, "", [1, 2, 3, 4, 5, 6], ""]]),
        ("pages", [[0, 1, -1, 0, "", "", ""]]),
        ("pages", [[0, 1, float("nan"), 0, "", "", ""]]),
        ("pages", [[0, 1.5, 0, 0, "", "", ""]]),
        ("pages", [[0, 1, 0, 0, None, "", ""]]),
        ("blocks", [["no such kind", 0, 1, 0, False]]),
        ("page_count", "many"),
        ("page_count", True),
        ("pages_without_text", ["1"]),
        ("pages_recognised", [-1]),
        ("page_kind", "scroll"),
        ("members", [["name"]]),
        ("members", [["name", "12"]]),
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
