"""Sources that contradict each other: cited sentences that say the same of the same thing, but for one value.

Built to be right when it speaks, at the price of staying silent often: a conflict is reported only where
two documents (or two versions) use nearly the same words about something both of them name, and differ in
exactly one respect. Annual reports that say "revenue was" of different years do not contradict each other;
what a document's name and headings say of its year and its subject is therefore compared as well. Pure
functions of the quotations.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from itertools import combinations

from rag.generation.verification.roles import preposition
from rag.records import Citation, Conflict
from rag.text.dates import Date
from rag.text.opposites import opposites
from rag.text.quantities import Quantity
from rag.text.statements import Statement, statement
from rag.text.tokens import Token
from rag.text.words import stems

_LEAST_SHARED = 3
"""Content words, names among them, that two statements must have in common."""
_OVERLAP = 0.75
"""Share of all their content words, values apart, that both must have."""
_LONGEST = 600
"""Code points; what is longer says too much to differ in one respect."""
_MOST_CITATIONS = 24
_ABOUT_WORDS = 8
_SAME = Decimal("0.02")
"""Relative difference of two numbers that is taken for rounding (never of years)."""
_YEAR = re.compile(r"(?<!\d)(?:1[5-9]|20)\d\d(?!\d)")
_UNNAMED = frozenset("it its he his she her they their this these those we our us i my company group".split())
"""Words by which a sentence speaks of something that only its own document knows."""
_SINGLE_VALUED = frozenset(
    stems(
        "born died buried capital founded founder headquartered headquarters located invented inventor "
        "written directed discovered designed opened built painted composed president chairman director "
        "mayor owner owned acquired succeeded named"
    )
)
"""What has one answer: that two sources give two names for it is a conflict; that two work somewhere is
none."""


@dataclass(frozen=True, slots=True)
class _Difference:
    about: str
    values: tuple[str, str]


def find(citations: Sequence[Citation], question: str | None = None) -> tuple[Conflict, ...]:
    """The conflicts among cited sentences, in the order of their first citation.

    Args:
        question: what was asked; conflicts that touch none of its words are left out.
    """
    asked = frozenset(stems(question)) if question else frozenset()
    found: list[Conflict] = []
    for one, other in combinations(citations[:_MOST_CITATIONS], 2):
        if not _comparable(one, other):
            continue
        difference = _difference(statement(one.quote), statement(other.quote))
        if difference is None or (asked and not asked & frozenset(stems(difference.about))):
            continue
        _add(found, difference, one.number, other.number)
    return tuple(found)


def _add(found: list[Conflict], difference: _Difference, one: int, other: int) -> None:
    """Put a third source that differs in the same respect with the first two."""
    said = dict(zip((one, other), difference.values, strict=True))
    for at, known in enumerate(found):
        values = dict(zip(known.citations, known.values, strict=True))
        shared = said.keys() & values.keys()
        if shared and all(values[number] == said[number] for number in shared):
            merged = dict(sorted((values | said).items()))
            found[at] = Conflict(known.about, tuple(merged), tuple(merged.values()))
            return
    found.append(Conflict(difference.about, tuple(said), tuple(said.values())))


def _comparable(one: Citation, other: Citation) -> bool:
    """Two documents, or two versions of one, that are not about different years."""
    if len(one.quote) > _LONGEST or len(other.quote) > _LONGEST:
        return False
    if one.document.id == other.document.id:
        return one.document.version != other.document.version
    mine, theirs = _years(one), _years(other)
    return not (mine and theirs and mine != theirs)


def _years(citation: Citation) -> frozenset[str]:
    return frozenset(_YEAR.findall(" ".join([citation.document.name, *citation.headings])))


def _difference(one: Statement, other: Statement) -> _Difference | None:
    """The one respect in which two statements differ, None where they agree, differ in more or speak of
    other things."""
    if _speaks_of_unnamed(one) or _speaks_of_unnamed(other) or not one.names & other.names:
        return None
    shared, every = _frame(one) & _frame(other), _frame(one) | _frame(other)
    about = _about(one, shared | (one.names & other.names))
    if not shared or len(shared | (one.names & other.names)) < _LEAST_SHARED:
        return None
    if len(shared) < _OVERLAP * len(every):
        opposed = _opposed(one, other)
        return _Difference(about, opposed) if opposed else None
    values = [pair for rule in (_dates, _numbers, _names, _denied, _opposed) if (pair := rule(one, other))]
    return _Difference(about, values[0]) if len(values) == 1 else None


def _speaks_of_unnamed(text: Statement) -> bool:
    return bool(_UNNAMED & {token.lower for token in text.tokens[:4]})


def _frame(text: Statement) -> frozenset[str]:
    """The content words without names, numbers and dates."""
    return frozenset(
        token.stem
        for token in text.content()
        if not token.number and not token.name and token.stem not in text.names
    )


def _about(text: Statement, shared: frozenset[str]) -> str:
    said = [
        text.text[token.start : token.end] for token in text.tokens if token.stem in shared and token.content
    ]
    return " ".join(dict.fromkeys(said[:_ABOUT_WORDS]))


def _dates(one: Statement, other: Statement) -> tuple[str, str] | None:
    """One date each, which share no reading. Other numbers, if both give any, are the same."""
    if (
        not one.dates
        or not other.dates
        or len({d.start for d in one.dates}) > 1
        or len({d.start for d in other.dates}) > 1
    ):
        return None
    if any(mine.tells(theirs) or theirs.tells(mine) for mine in one.dates for theirs in other.dates):
        return None
    if not _same_names(one, other) or {q.key for q in one.quantities} != {q.key for q in other.quantities}:
        return None
    if not any(_comparable_parts(mine, theirs) for mine in one.dates for theirs in other.dates):
        return None
    return _span(one, one.dates[0].start, one.dates[0].end), _span(
        other, other.dates[0].start, other.dates[0].end
    )


def _comparable_parts(one: Date, other: Date) -> bool:
    """Whether some part is given by both and differs: "3 May" and "1996" do not speak of the same."""
    pairs = ((one.year, other.year), (one.month, other.month), (one.day, other.day))
    return any(a is not None and b is not None and a != b for a, b in pairs)


def _numbers(one: Statement, other: Statement) -> tuple[str, str] | None:
    """One number that differs beside the same words; all others are the same in both."""
    mine = [q for q in one.quantities if q.key not in other.numbers]
    theirs = [q for q in other.quantities if q.key not in one.numbers]
    if len(mine) != 1 or len(theirs) != 1 or not _same_names(one, other):
        return None
    first, second = mine[0], theirs[0]
    if first.kind is not second.kind or (first.unit and second.unit and first.unit != second.unit):
        return None
    if one.bounds.get(first.key) or other.bounds.get(second.key) or _rounded(first, second):
        return None
    if {d.start for d in one.dates} and {d.start for d in other.dates} and not _same_dates(one, other):
        return None
    if not _same_neighbour(one, first, other, second):
        return None
    return _span(one, first.start, first.end), _span(other, second.start, second.end)


def _same_dates(one: Statement, other: Statement) -> bool:
    return any(mine.tells(theirs) or theirs.tells(mine) for mine in one.dates for theirs in other.dates)


def _rounded(one: Quantity, other: Quantity) -> bool:
    try:
        first, second = Decimal(one.value), Decimal(other.value)
    except InvalidOperation:
        return True
    if _YEAR.fullmatch(one.value) and _YEAR.fullmatch(other.value):
        return False
    return abs(first - second) <= _SAME * max(abs(first), abs(second))


def _same_neighbour(one: Statement, first: Quantity, other: Statement, second: Quantity) -> bool:
    """Whether the two numbers stand beside the same word, after it or before it."""
    mine, theirs = _beside(one, first.start), _beside(other, second.start)
    return any(a and a == b for a, b in zip(mine, theirs, strict=True))


def _beside(text: Statement, start: int) -> tuple[str, str]:
    """The stems of the content words before and after what begins at ``start``, in its clause."""
    at = next((place for place, token in enumerate(text.tokens) if token.start == start), None)
    if at is None:
        return "", ""
    clause = text.tokens[at].clause
    before = [
        t for t in text.tokens[max(0, at - 4) : at][::-1] if t.content and not t.number and t.clause == clause
    ]
    after = [t for t in text.tokens[at + 1 : at + 4] if t.content and not t.number and t.clause == clause]
    return (before[0].stem if before else ""), (after[0].stem if after else "")


def _names(one: Statement, other: Statement) -> tuple[str, str] | None:
    """One name in the place of another, for what has only one answer."""
    mine, theirs = _own_run(one, other), _own_run(other, one)
    if not mine or not theirs or one.numbers != other.numbers or _frame(one) ^ _frame(other):
        return None
    first, second = one.tokens.index(mine[0]), other.tokens.index(theirs[0])
    if first == 0 or second == 0 or preposition(one, first) != preposition(other, second):
        return None
    if not _SINGLE_VALUED & _frame(one) & _frame(other):
        return None
    return _span(one, mine[0].start, mine[-1].end), _span(other, theirs[0].start, theirs[-1].end)


def _own_run(text: Statement, other: Statement) -> list[Token]:
    """The one run of names that only this statement has; empty if there is none or more than one."""
    own = [at for at, token in enumerate(text.tokens) if token.name and token.stem not in other.places]
    if not own or own[-1] - own[0] != len(own) - 1:
        return []
    return [text.tokens[at] for at in own]


def _same_names(one: Statement, other: Statement) -> bool:
    """Whether one names nothing that the other does not name, or the other way round."""
    mine = {stem for stem in one.names if stem not in other.places}
    theirs = {stem for stem in other.names if stem not in one.places}
    return not mine or not theirs


def _denied(one: Statement, other: Statement) -> tuple[str, str] | None:
    """The same words, denied by one of the two."""
    if bool(one.denials) == bool(other.denials) or one.numbers != other.numbers or one.names != other.names:
        return None
    denying, plain = (one, other) if one.denials else (other, one)
    if denying.words & {"until", "till"}:
        return None  # what was not until 1959 was in 1959
    if len(denying.denials) != 1 or not set(denying.denials[0].anchors[:1]) & plain.places.keys():
        return None
    own = [
        token for token in denying.content() if token.stem not in plain.places and token.lower not in _FAILING
    ]
    if own or any(token.stem not in denying.places for token in plain.content()):
        return None
    return one.text.strip(), other.text.strip()


def _opposed(one: Statement, other: Statement) -> tuple[str, str] | None:
    """The same words but for two that are opposites."""
    if bool(one.denials) != bool(other.denials) or one.numbers != other.numbers or one.names != other.names:
        return None
    mine = [token for token in one.content() if token.stem not in other.places]
    theirs = [token for token in other.content() if token.stem not in one.places]
    if len(mine) != 1 or len(theirs) != 1 or theirs[0].stem not in opposites().get(mine[0].stem, ()):
        return None
    return _span(one, mine[0].start, mine[0].end), _span(other, theirs[0].start, theirs[0].end)


_FAILING = frozenset("failed fails fail unable refused lacks lacked".split())


def _span(text: Statement, start: int, end: int) -> str:
    return text.text[start:end]
