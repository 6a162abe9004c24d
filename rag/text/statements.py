"""A statement taken apart for comparison with another: its words, numbers, dates and denials. Pure and
bounded."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

from rag.text.dates import Date, dates
from rag.text.forms import search_form
from rag.text.opposites import DENIALS, LOWER_BOUNDS, PAIRED_DENIALS, UPPER_BOUNDS
from rag.text.quantities import Quantity, abbreviated_ends, quantities
from rag.text.tokens import Token, tokens
from rag.text.words import words

_ANCHORS = 2
"""Content words a denial is taken to deny."""
_REACH = 8
"""Words after (or before) a denial among which they are looked for."""
_QUOTED = re.compile(r"“([^”“]{1,400})”|«([^»«]{1,400})»|„([^“”„]{1,400})[“”]|\"([^\"]{1,400})\"")
_BOUND = re.compile(
    r"\b(" + "|".join(sorted((*LOWER_BOUNDS, *UPPER_BOUNDS), key=len, reverse=True)) + r")\s+(?:[$£€]\s?)?$",
    re.IGNORECASE,
)
_BOUND_BEHIND = re.compile(r"\s+or\s+(more|less|fewer|over|older|younger|above|below)\b", re.IGNORECASE)
_LONGEST_BOUND = 18
_PERCENT = ("percent", "per", "cent")


@dataclass(frozen=True, slots=True)
class Denial:
    """A word that denies, and the stems of the content words it is taken to deny, nearest first."""

    at: int
    anchors: tuple[str, ...]


@dataclass(frozen=True)
class Statement:
    """A text read for comparison. ``text`` is in ``search_form``; what is derived is computed once."""

    text: str
    tokens: tuple[Token, ...]

    @cached_property
    def places(self) -> dict[str, list[int]]:
        """Where each stem stands."""
        found: dict[str, list[int]] = {}
        for at, token in enumerate(self.tokens):
            found.setdefault(token.stem, []).append(at)
        return found

    @cached_property
    def names(self) -> frozenset[str]:
        """Stems of what is capitalised where that means something."""
        return frozenset(token.stem for token in self.tokens if token.name)

    @cached_property
    def words(self) -> frozenset[str]:
        return frozenset(token.lower for token in self.tokens)

    @cached_property
    def quantities(self) -> tuple[Quantity, ...]:
        """The numbers that are not part of a date."""
        spans = [(date.start, date.end) for date in self.dates]
        return tuple(
            one
            for one in quantities(self.text)
            if not any(start <= one.start < end for start, end in spans[:200])
        )

    @cached_property
    def dates(self) -> tuple[Date, ...]:
        return tuple(dates(self.text))

    @cached_property
    def numbers(self) -> frozenset[str]:
        """Every number that the statement gives, those of its dates and ranges too."""
        parts = {str(part) for date in self.dates for part in (date.year, date.day) if part is not None}
        return frozenset({one.key for one in quantities(self.text)} | parts | abbreviated_ends(self.text))

    @cached_property
    def quoted(self) -> tuple[str, ...]:
        """What it gives in quotation marks."""
        return tuple(next(filter(None, match.groups())) for match in _QUOTED.finditer(self.text))

    @cached_property
    def denials(self) -> tuple[Denial, ...]:
        found = [at for at in range(len(self.tokens)) if self._denies(at)]
        return tuple(Denial(at, self._anchors(at)) for at in found)

    @cached_property
    def bounds(self) -> dict[str, int]:
        """Numbers given as a lower bound (1) or an upper bound (-1)."""
        found: dict[str, int] = {}
        for one in self.quantities:
            before = _BOUND.search(self.text[max(0, one.start - _LONGEST_BOUND) : one.start])
            behind = _BOUND_BEHIND.match(self.text, one.end)
            if before:
                found[one.key] = 1 if before[1].lower() in LOWER_BOUNDS else -1
            elif behind:
                found[one.key] = 1 if behind[1].lower() in ("more", "over", "older", "above") else -1
        return found

    def content(self) -> list[Token]:
        """The words that carry it; all of them when nothing else is left."""
        return [token for token in self.tokens if token.content] or list(self.tokens)

    def has_words(self, text: str) -> bool:
        """Whether the words of ``text`` stand here in that order without a gap."""
        return f" {' '.join(words(text))} " in f" {' '.join(words(self.text))} "

    def _denies(self, at: int) -> bool:
        token = self.tokens[at]
        following = self.tokens[at + 1] if at + 1 < len(self.tokens) else None
        if token.denies:
            return True
        if following and (token.lower, following.lower) in PAIRED_DENIALS:
            return True
        if token.lower not in DENIALS:
            return False
        # "No. 5" numbers, "not only ... but" affirms, and French "pas" repeats "ne".
        numbers = token.lower == "no" and self.text[token.end : token.end + 1] == "."
        affirms = (
            token.lower == "not" and following is not None and following.lower in ("only", "just", "merely")
        )
        after = [one.lower for one in self.tokens[at + 1 : at + 3]]
        bound = (
            token.lower in ("no", "not")
            and after[1:] == ["than"]
            and after[0] in ("more", "less", "fewer", "later")
        )
        return not (numbers or affirms or bound or token.lower == "pas")

    def _anchors(self, at: int) -> tuple[str, ...]:
        sentence = self.tokens[at].sentence
        ahead = self.tokens[at + 1 : at + 1 + _REACH]
        found = _first_content(ahead, sentence)
        if not found:
            found = _first_content(self.tokens[max(0, at - _REACH) : at][::-1], sentence)
        if self.tokens[at].lower in ("without", "ohne", "sans"):
            return found[:1]
        return found


def _first_content(found: Sequence[Token], sentence: int) -> tuple[str, ...]:
    stems = [
        token.stem
        for token in found
        if token.content and token.sentence == sentence and token.lower not in DENIALS
    ]
    return tuple(stems[:_ANCHORS])


@lru_cache(maxsize=512)
def statement(text: str) -> Statement:
    """Read a text. The same evidence is compared with every sentence of a draft, hence the cache."""
    plain = search_form(text)
    return Statement(plain, _with_values(plain, tokens(text)))


def _with_values(text: str, found: Sequence[Token]) -> tuple[Token, ...]:
    """Numbers and dates as one token each, its stem the value: ``two`` and ``2`` become the same.

    Of a date the year stands for the whole, without one the month. What only names a percentage goes.
    """
    values = {one.start: (one.end, one.key) for one in quantities(text)}
    for date in dates(text):
        year, month = str(date.year or ""), f"month {date.month}"
        values = {start: value for start, value in values.items() if not date.start <= start < date.end}
        values[date.start] = (date.end, year or month)
    spans = sorted((start, end, key) for start, (end, key) in values.items())
    settled: list[Token] = []
    at = 0
    for token in found:
        while at < len(spans) and spans[at][1] <= token.start:
            at += 1
        inside = at < len(spans) and spans[at][0] < token.end and token.start < spans[at][1]
        if not inside:
            percentage = token.lower in _PERCENT and settled and settled[-1].number
            if not percentage:
                settled.append(token)
        elif not settled or settled[-1].end <= spans[at][0]:
            start, end, key = spans[at]
            settled.append(
                replace(
                    token,
                    lower=key,
                    stem=key,
                    start=start,
                    end=end,
                    number=True,
                    name=False,
                    capital=False,
                    content=True,
                )
            )
    return tuple(settled)


def plain_form(text: str) -> str:
    """For telling a copy: white space, case, kinds of quotation marks and the closing full stop do not
    count."""
    folded = " ".join(search_form(text).split()).casefold()
    for marks, one in (("‘’", "'"), ("“”„«»", '"'), ("–—‐‑", "-")):
        for mark in marks:
            folded = folded.replace(mark, one)
    return folded.strip(" .")
