from __future__ import annotations

import pytest

from ingest.parsers.table_headers import header_index, is_name, is_value


@pytest.mark.parametrize(
    "text",
    [
        "3", "-3.5", "3.50 EUR", "$1,200.00", "(12)", "5 %", "2024-05-01", "01.05.2024", "14:30", "1.5e-3",
        "12 kg", "a@b.org", "https://example.org/x", "TRUE", "+1-539-402-0259", "2024-05-01T10:00:00Z",
    ],
)  # fmt: skip
def test_values(text: str) -> None:
    assert is_value(text)


@pytest.mark.parametrize("text", ["Price", "Q1", "col-1", "Capacity (kW)", "Room 12", "", "6F94879bDAfE5a6"])
def test_names(text: str) -> None:
    assert not is_value(text)
    assert is_name(text)


def found(*rows: str, fewest_columns: int = 3) -> int | None:
    return header_index([row.split("|") for row in rows], fewest_columns=fewest_columns)


def test_words_above_figures_are_a_header() -> None:
    assert found("Item|Price", "Tea|2", "Pie|3") == 0
    assert found("Item|Price", "Tea|2") == 0


def test_titles_above_the_header_are_passed_over() -> None:
    assert found("Prices||", "in euros||", "Item|Price|Stock", "Tea|2|3") == 2


def test_years_may_be_headers_but_not_of_years() -> None:
    assert found("Town|2023|2024", "Rome|5,100|5,200", "Bath|900|910") == 0
    assert found("Anna|1985|1990", "Bob|1987|1991", "Cleo|1980|1995") is None


def test_a_list_of_words_needs_columns_and_rows() -> None:
    assert found("Town|River|Land", "Rome|Tiber|Italy", "Bonn|Rhine|Germany") == 0
    assert found("Town|River|Land", "Rome|Tiber|Italy") is None
    assert found("Name|Anna", "City|Rome", "Job|Judge") is None
    assert found("Question|Answer", "Who|Anna", "Where|Rome", fewest_columns=2) == 0


def test_labels_beside_values_are_no_list() -> None:
    assert found("Name|Anna", "Age|30", "City|Rome", "Street|Via Appia") is None


def test_data_from_the_first_row_on_has_no_header() -> None:
    assert found("Tea|2|9", "Pie|3|8") is None
    assert found("yes|no|a", "no|no|b", "yes|yes|c") is None  # what heads a column does not come again in it
    assert found("a|a|b", "1|2|3") is None


def test_a_header_printed_again_on_every_page_is_one() -> None:
    assert found("Item|Price", "Tea|2", "Item|Price", "Pie|3") == 0


def test_nothing_is_no_header() -> None:
    assert header_index([], fewest_columns=2) is None
    assert found("Item|Price") is None
