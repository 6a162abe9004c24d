from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.text.dates import Date, dates


def parts(text: str) -> list[tuple[int | None, int | None, int | None]]:
    return [(one.year, one.month, one.day) for one in dates(text)]


@pytest.mark.parametrize(
    "text",
    [
        "3 May 1996",
        "May 3, 1996",
        "May 3rd, 1996",
        "the 3rd of May 1996",
        "1996-05-03",
        "3. Mai 1996",
        "3 mai 1996",
    ],
)
def test_the_same_day_in_many_forms(text: str) -> None:
    assert (1996, 5, 3) in parts(f"It was on {text}.")


def test_digits_that_can_be_read_in_two_ways_are_given_in_both() -> None:
    assert set(parts("03/05/1996")) == {(1996, 5, 3), (1996, 3, 5)}
    assert parts("25/05/1996") == [(1996, 5, 25)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("in May", [(None, 5, None)]),
        ("May 1996", [(1996, 5, None)]),
        ("it may rain and they march on", []),
        ("12 March", [(None, 3, 12)]),
        ("version 1.2.3 of 10.0.0.1", []),
    ],
)
def test_parts_that_are_not_given_are_none(
    text: str, expected: list[tuple[int | None, int | None, int | None]]
) -> None:
    assert parts(text) == expected


def test_a_full_date_tells_its_parts_but_not_the_other_way_round() -> None:
    full, month = Date(1996, 5, 3, 0, 0), Date(1996, 5, None, 0, 0)
    assert full.tells(month)
    assert not month.tells(full)
    assert not full.tells(Date(1996, 6, None, 0, 0))


@given(st.dates())
def test_iso_and_spelt_out_dates_are_the_same(day) -> None:
    months = "January February March April May June July August September October November December".split()
    spelt = f"{day.day} {months[day.month - 1]} {day.year:04}"
    assert (day.year, day.month, day.day) in parts(f"on {spelt} it")
    assert (day.year, day.month, day.day) in parts(f"on {day.isoformat()} it")


def test_hostile_texts_are_read_in_linear_time() -> None:
    for hostile in ("May " * 2_000, "1/" * 10_000, "1-1-" * 5_000, " " * 20_000 + "May"):
        dates(hostile)
