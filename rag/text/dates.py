"""Calendar dates in the parts they are given in, however they are written: ``3 May 1996``, ``1996-05-03``."""

from __future__ import annotations

import re
from dataclasses import dataclass

_MONTHS = {
    name: month
    for month, names in enumerate(
        (
            "january jan januar jänner janvier enero",
            "february feb februar février febrero",
            "march mar märz mars marzo",
            "april apr avril abril",
            "may mai mayo",
            "june jun juni juin junio",
            "july jul juli juillet julio",
            "august aug août agosto",
            "september sep sept septembre septiembre",
            "october oct oktober octobre octubre",
            "november nov novembre noviembre",
            "december dec dezember décembre diciembre",
        ),
        start=1,
    )
    for name in names.split()
}
_ALSO_WORDS = {"may", "march", "mar", "mars", "mai", "sept", "dec", "jan", "jun", "sep"}
"""Month names that are other words too: a month only with a day or year, or after a preposition of time."""

_MONTH = re.compile(
    r"(?<![^\W_])(" + "|".join(sorted(_MONTHS, key=len, reverse=True)) + r")(?![^\W_])", re.IGNORECASE
)
_DAY_BEFORE = re.compile(r"(?<!\d)(\d{1,2})(?:st|nd|rd|th|\.|er)?(?:\s+of|\s+de)?\s+$")
_DAY_AFTER = re.compile(r"\.?\s+(?:the\s+)?(\d{1,2})(?:st|nd|rd|th)?(?![\d:])")
_YEAR_AFTER = re.compile(r"\.?,?\s+(?:of\s+|de\s+)?(\d{3,4})(?!\d|[.,]\d)")
_NUMERIC = re.compile(r"(?<![\d./-])(\d{1,4})([-./])(\d{1,2})\2(\d{1,4})(?![\d]|[./-]\d)")
_TIME_PREPOSITION = re.compile(
    r"\b(?:in|since|until|till|from|to|by|of|during|and|im|en|seit|early|late|mid)[\s-]$", re.IGNORECASE
)
_LOOK_BACK = 12


@dataclass(frozen=True, slots=True)
class Date:
    """A date; None for a part that is not given. At ``[start, end)`` of the text."""

    year: int | None
    month: int | None
    day: int | None
    start: int
    end: int

    def tells(self, other: Date) -> bool:
        """Whether every part given by ``other`` is given here, and the same."""
        mine, asked = (self.year, self.month, self.day), (other.year, other.month, other.day)
        return all(want is None or want == have for have, want in zip(mine, asked, strict=True))


def dates(text: str) -> list[Date]:
    """The dates of a text that give at least a month, in order. Years alone are numbers.

    One in digits that can be read in two ways (``03/05/1996``) is given in both.
    """
    return sorted(_with_month_names(text) + _in_digits(text), key=lambda one: one.start)


def _with_month_names(text: str) -> list[Date]:
    found = []
    for match in _MONTH.finditer(text):
        before = text[max(0, match.start() - _LOOK_BACK) : match.start()]
        start, end = match.span()
        day: int | None = None
        if ahead := _DAY_BEFORE.search(before):
            day, start = int(ahead[1]), start - len(before) + ahead.start()
        elif after := _DAY_AFTER.match(text, end):
            day, end = int(after[1]), after.end()
        year: int | None = None
        if following := _YEAR_AFTER.match(text, end):
            year, end = int(following[1]), following.end()
        if day is not None and not 1 <= day <= 31:
            continue
        plain = match[0].lower()
        in_time = match[0][0].isupper() and _TIME_PREPOSITION.search(before)
        if plain in _ALSO_WORDS and day is None and year is None and not in_time:
            continue
        found.append(Date(year, _MONTHS[plain], day, start, end))
    return found


def _in_digits(text: str) -> list[Date]:
    found = []
    for match in _NUMERIC.finditer(text):
        first, second, third = int(match[1]), int(match[3]), int(match[4])
        if len(match[1]) == 4:
            readings = [(first, second, third)]
        elif len(match[4]) == 4:
            readings = [(third, second, first), (third, first, second)]
        else:
            continue
        found += [
            Date(year, month, day, *match.span())
            for year, month, day in dict.fromkeys(readings)
            if 1 <= month <= 12 and 1 <= day <= 31
        ]
    return found
