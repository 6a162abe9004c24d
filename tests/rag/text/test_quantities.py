from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.text.quantities import Kind, abbreviated_ends, quantities


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("1,000 or 1000 or 1\u202f000", ["1000", "1000", "1000"]),
        ("two hundred and fifty-one dogs", ["251"]),
        ("twenty-one and thirty", ["21", "30"]),
        ("one and two", ["1", "2"]),
        ("1.5 million, three billion", ["1500000", "3000000000"]),
        ("12,5 Prozent", ["12.5"]),
        ("COVID-19 and the A380", ["19"]),
        ("no numbers and nothing else", []),
    ],
)
def test_values_are_the_same_however_they_are_written(text: str, values: list[str]) -> None:
    assert [one.value for one in quantities(text)] == values


@pytest.mark.parametrize(
    ("text", "units"),
    [
        ("5 km", ["km"]),
        ("5 kilometres", ["km"]),
        ("5-mile road", ["mile"]),
        ("50%", ["percent"]),
        ("50 per cent", ["percent"]),
        ("fifty percent", ["percent"]),
        ("5 to 10 km", ["km", "km"]),
        ("$5 million", ["dollar"]),
        ("£20", ["pound"]),
        ("46 volunteers", [""]),
    ],
)
def test_units_stand_with_their_number(text: str, units: list[str]) -> None:
    assert [one.unit for one in quantities(text)] == units


def test_the_third_is_not_three_and_the_nineties_are_no_year() -> None:
    found = quantities("the third of 3 in the 3rd year of the 1990s")
    assert [one.key for one in found] == ["3th", "3", "3th", "1990s"]
    assert found[-1].kind is Kind.DECADE


def test_a_range_of_years_gives_its_end_in_full() -> None:
    assert abbreviated_ends("the war of 1914–18") == {"1918"}
    assert abbreviated_ends("1914-1918") == set()


@given(st.integers(min_value=0, max_value=10**15))
def test_separators_of_thousands_do_not_matter(value: int) -> None:
    assert [one.value for one in quantities(f"about {value:,} of them")] == [str(value)]


@given(st.text(max_size=300))
def test_any_text_can_be_read_and_offsets_hold(text: str) -> None:
    for one in quantities(text):
        assert 0 <= one.start < one.end <= len(text)


def test_long_runs_cost_no_more_than_their_length() -> None:
    for hostile in ("1" * 20_000, "1," * 20_000, "one and " * 2_000, "1 million " * 2_000):
        quantities(hostile)
