from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.errors import NotFound
from rag.records import Page, Word, WordTable
from rag.stores import texts
from rag.stores.database import Database
from rag.stores.texts import PIECE
from tests.rag.stores.library import Library

LONG = "".join(chr(0x4E00 + at % 20_000) for at in range(3 * PIECE + 7))


@pytest.fixture
def version_id(library: Library) -> int:
    version = library.accept(b"footnote").document.newest.id
    with library.database.write() as tx:
        texts.write_text(tx, version, LONG)
    return version


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (0, 0),
        (0, 1),
        (0, len(LONG)),
        (PIECE - 1, PIECE + 1),
        (PIECE, PIECE + 1),
        (PIECE, 2 * PIECE),
        (PIECE - 1, 3 * PIECE + 1),
        (len(LONG) - 1, len(LONG) + 500),
        (len(LONG), len(LONG) + 1),
        (2 * len(LONG), 3 * len(LONG)),
        (5, 3),
    ],
)
def test_any_range_reads_as_a_slice(database: Database, version_id: int, start: int, end: int) -> None:
    with database.read() as tx:
        assert texts.read_text(tx, version_id, start, end) == LONG[start:end]


def test_nothing_is_read_of_a_version_without_text(library: Library) -> None:
    version = library.accept(b"footnote").document.newest.id
    with library.database.write() as tx:
        texts.write_text(tx, version, "")
        assert texts.read_text(tx, version, 0, 10) == ""


def test_pages_come_back_with_their_words(library: Library) -> None:
    version = library.accept(b"footnote").document.newest.id
    words = WordTable.of([Word(0, 3, (72.0, 700.5, 90.25, 712.0)), Word(4, 7, (-3.0, 0.0, 5.0, 1e4))])
    stored = (Page(1, 0, 7, 612.0, 792.0, words), Page(2, 9, 20))
    with library.database.write() as tx:
        texts.write_pages(tx, version, stored)
        assert (texts.read_page(tx, version, 1), texts.read_page(tx, version, 2)) == stored
        assert [page.number for page in texts.pages_touching(tx, version, 6, 10)] == [1, 2]
        assert texts.pages_touching(tx, version, 7, 9) == []
        with pytest.raises(NotFound) as caught:
            texts.read_page(tx, version, 3)
    assert caught.value.code == "page_not_found"


def test_a_quotation_is_drawn_with_one_box_a_line() -> None:
    words = WordTable.of(
        [
            Word(0, 3, (10, 100, 30, 110)),
            Word(4, 7, (33, 101, 50, 111)),
            Word(8, 12, (10, 80, 40, 90)),
            Word(13, 20, (300, 80, 340, 90)),
        ]
    )
    assert texts.line_boxes(words, 0, 12) == ((10, 100, 50, 111), (10, 80, 40, 90))
    assert texts.line_boxes(words, 4, 7) == ((33, 101, 50, 111),)
    assert texts.line_boxes(words, 8, 20) == ((10, 80, 40, 90), (300, 80, 340, 90)), "another column"
    assert texts.line_boxes(words, 7, 8) == ()


def test_a_table_of_words_reads_as_the_words_and_cannot_be_changed() -> None:
    words = [Word(0, 3, (1.0, 2.0, 3.0, 4.0)), Word(4, 7, (5.0, 2.0, 6.0, 4.0)), Word(8, 9, (7.0, 2, 8, 4))]
    table = WordTable.of(words)
    assert (len(table), list(table), table[1], list(table[1:])) == (3, words, words[1], words[1:])
    assert table == WordTable.of(words)
    assert hash(table) == hash(WordTable.of(words))
    assert table != table[:2]
    assert [list(table.between(*span)) for span in ((0, 1), (2, 5), (3, 4), (7, 99), (9, 99))] == [
        words[:1],
        words[:2],
        [],
        words[2:],
        [],
    ]
    with pytest.raises(ValueError, match="read-only"):
        table.rows[0, 0] = 1


@given(st.lists(st.floats(-1e5, 1e5, allow_nan=False), min_size=4, max_size=4))
def test_boxes_are_kept_to_a_twentieth_of_a_point(box: list[float]) -> None:
    words = WordTable.of([Word(0, 1, (box[0], box[1], box[2], box[3]))])
    kept = texts._unpack_words(texts._pack_words(words))[0].box
    assert all(abs(a - b) <= 0.025 + 1e-6 for a, b in zip(kept, box, strict=True))


def test_chunks_are_read_together_as_they_are_read_alone(library: Library) -> None:
    bodies = ["short", "x" * (PIECE - 3), "\U0001f600" * PIECE, "end"]
    document = library.add(bodies)
    with library.database.read() as tx:
        found = texts.read_chunks(tx, [1, 2, 3, 4])
        assert list(found.values()) == bodies
        at = 0
        for body in bodies:
            assert texts.read_text(tx, document.newest.id, at, at + len(body)) == body
            at += len(body) + 2
        assert texts.read_chunks(tx, []) == {}
