"""Whether a table begins with a header, for formats that do not say: spreadsheets and CSV.

What tells is the difference: words above numbers and dates. Where everything is words, a first row whose
entries are all different and never come again below is taken for a header when there are enough columns
and rows to make a list of things likelier than a form of labels and values.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from ingest.parsers.tables import LONGEST_KEY

SAMPLE_ROWS = 50
"""As many rows of a table are looked at."""

_MOST_TITLES = 4
_YEAR = re.compile(r"(?:19|20)\d\d")
_VALUE = re.compile(
    # Amounts and dates such as -5 %, 3.50 EUR, $1,200.00, (12), 2024-05-01, 14:30.
    r"(?:[A-Z]{3} )?[^\w\s]{0,2} ?\d[\d.,:/'’ ()+%-]*(?:[Ee][+-]?\d+)? ?[^\W\d_]{0,4}\W{0,2}"
    r"|\d{4}-\d\d-\d\dT\S+|\S+@\S+\.\S+|https?://\S+|TRUE|FALSE|True|False|true|false"
)
_LONGEST_VALUE = 60

Rows = Sequence[Sequence[str]]


def is_value(text: str) -> bool:
    """Whether ``text`` is a number, amount, date, address or truth value rather than a name or phrase."""
    return len(text) <= _LONGEST_VALUE and _VALUE.fullmatch(text) is not None


def is_name(text: str) -> bool:
    """Whether ``text`` may name a column: a short phrase, or a year."""
    return len(text) <= LONGEST_KEY and (not is_value(text) or _YEAR.fullmatch(text) is not None)


def header_index(rows: Rows, *, fewest_columns: int) -> int | None:
    """Index of the header among the first ``rows`` of a table, None where there seems to be none.

    Rows before it are titles: they have a single cell, or too few to head the table's columns. A table
    of words only has to have ``fewest_columns`` for its first row to be believed to be a header.
    """
    rows = rows[:SAMPLE_ROWS]
    width = max((_count(row) for row in rows), default=0)
    for index, row in enumerate(rows[: _MOST_TITLES + 1]):
        filled = _count(row)
        if filled == width or (filled > 1 and 2 * filled >= width):
            return index if _heads(row, rows[index + 1 :], fewest_columns) else None
    return None


def _count(row: Sequence[str]) -> int:
    return sum(map(bool, row))


def _heads(row: Sequence[str], rows: Rows, fewest_columns: int) -> bool:
    """Whether ``row`` names the columns of the rows below it."""
    labels = {column: text for column, text in enumerate(row) if text}
    body = [other for other in rows if list(other) != list(row)]
    if not body or len({text.casefold() for text in labels.values()}) < len(labels):
        return False
    if not all(is_name(text) for text in labels.values()):
        return False
    columns = {column: [other[column] for other in body if other[column : column + 1]] for column in labels}
    columns = {column: [text for text in cells if text] for column, cells in columns.items()}
    if any(text in columns[column] for column, text in labels.items()):
        return False
    # Two columns are as often labels beside values, of which a few may be numbers, as a list.
    enough = 0.8 if len(labels) == 2 else 0.5
    typed = [column for column, cells in columns.items() if cells and _share(cells) >= enough]
    years = [column for column, text in labels.items() if _YEAR.fullmatch(text)]
    if years:
        return any(not all(map(_YEAR.fullmatch, columns[column])) for column in years if column in typed)
    return bool(typed) or (len(body) > 1 and len(labels) >= fewest_columns and _covers(labels, body))


def _share(cells: Sequence[str]) -> float:
    return sum(map(is_value, cells)) / len(cells)


def _covers(labels: dict[int, str], body: Rows) -> bool:
    return all(column in labels for row in body for column, text in enumerate(row) if text)
