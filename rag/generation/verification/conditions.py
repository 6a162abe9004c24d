"""What must hold exactly: numbers, units, dates, bounds and quoted words. One broken condition decides."""

from __future__ import annotations

from rag.text.dates import Date
from rag.text.statements import Statement


def broken(claim: Statement, evidence: Statement) -> str:
    """The first condition that the claim breaks: ``number``, ``unit``, ``date``, ``bound`` or
    ``quotation``; "" if none."""
    if any(one.key not in evidence.numbers for one in claim.quantities):
        return "number"
    if not all(_told(date, claim, evidence) for date in claim.dates):
        return "date"
    if _other_unit(claim, evidence):
        return "unit"
    if _other_bound(claim, evidence):
        return "bound"
    if not all(evidence.has_words(quoted) for quoted in claim.quoted):
        return "quotation"
    return ""


def _told(date: Date, claim: Statement, evidence: Statement) -> bool:
    """Whether the evidence gives the date, or another reading of the same digits, in every part.

    The year may stand apart: "In 1996 ... on 3 May".
    """
    readings = [one for one in claim.dates[:50] if one.start == date.start]
    known = evidence.dates[:200]
    if any(other.tells(one) for one in readings for other in known):
        return True
    apart = Date(None, date.month, date.day, 0, 0)
    return str(date.year) in evidence.numbers and any(
        other.year is None and other.tells(apart) for other in known
    )


def _other_unit(claim: Statement, evidence: Statement) -> bool:
    """Whether a number of the claim counts something that the evidence nowhere counts with it."""
    units: dict[str, set[str]] = {}
    for one in evidence.quantities:
        units.setdefault(one.key, set()).add(one.unit)
    return any(
        (one.unit and one.key in units and one.unit not in units[one.key] and "" not in units[one.key])
        or (one.unit and units.get(one.key) == {""} and one.unit not in _all_units(evidence))
        for one in claim.quantities
    )


def _all_units(evidence: Statement) -> set[str]:
    """A table names its unit once, at the head of a column: "Length (km): 5"."""
    return {one.unit for one in evidence.quantities} | set(evidence.words)


def _other_bound(claim: Statement, evidence: Statement) -> bool:
    """Whether "at least 5" is made of "5" or of "at most 5". That "at least 5" is told as 5 is let pass."""
    return any(evidence.bounds.get(number, 0) != bound for number, bound in claim.bounds.items())
