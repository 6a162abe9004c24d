from __future__ import annotations

from rag.text.items import in_lines, items


def test_items_are_what_stands_behind_marks_at_the_beginning_of_lines() -> None:
    assert items("It has:\n- a lamp - lit\n\n 2. a horn of\n1911") == ["a lamp - lit", "a horn of\n1911"]
    assert items("Both:\n(iv) a lamp\nb) a horn\ni.e. (x) both") == ["a lamp", "a horn\ni.e. (x) both"]
    assert items("It has 2. lamps - and - horns\nof 1911") == []


def test_only_items_have_a_line_of_their_own() -> None:
    assert in_lines("Kept\nare:\n\n• a lamp\n (3) a\n  horn") == "Kept are:\n• a lamp\n(3) a horn"
    assert in_lines(" one\n two ") == "one two"
