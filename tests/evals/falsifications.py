"""True sentences made false by one small change, by rule: what a verifier must catch.

A falsification returns a sentence that the evidence does not bear, or None where its rule does not apply.
"""

from __future__ import annotations

import itertools
import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.evals.rewordings import MONTHS, NAME

_NUMBER = re.compile(r"(?<![\w.,])\d+(?:,\d{3})*(?:\.\d+)?(?![\w,]*\d)")
_YEAR = re.compile(r"\b(1[0-9]{3}|20[0-2]\d)\b")
_NUMERALS = "one two three four five six seven eight nine ten eleven twelve".split()
_AUXILIARY = re.compile(
    r"\b(is|are|was|were|has been|have been|had been|can|could|will|would|must|should|does|did)\b(?! not)"
)
_PAST = re.compile(
    r"(?<=[a-z] )(\w{3,}[^aeiou]ed)(?= (?:the|a|an|his|her|its|their|in|to|from|by|for|[A-Z]))"
)
_DENIAL = re.compile(
    r"\b(is|are|was|were|has|have|had|can|could|will|would|should|did|does) not\b|\bcannot\b"
)
_NAME = re.compile(r"(?<=[a-z,] )" + NAME)
_ANY_NAME = re.compile(NAME)


def _pairs(table: str) -> dict[str, str]:
    """``one:other|…``: a word and what takes its place."""
    rows = [row for line in table.strip().splitlines() for row in line.strip().split("|")]
    halves = [row.partition(":") for row in rows]
    return {one: other for one, _, other in halves}


ANTONYMS = _pairs(
    """
    increased:decreased|increase:decrease|decreased:increased|reduced:raised|before:after|after:before
    more:fewer|less:more|higher:lower|lower:higher|largest:smallest|larger:smaller|north:south
    south:north|northern:southern|southern:northern|eastern:western|western:eastern|east:west|west:east
    first:last|early:late|late:early|above:below|below:above|won:lost|lost:won|victory:defeat
    defeat:victory|oldest:newest|best:worst|most:least|high:low|low:high|large:small|small:large
    long:short|short:long|old:new|strong:weak|rejected:accepted|accepted:rejected|opened:closed
    closed:opened|allowed:forbade|supported:opposed|opposed:supported|common:rare|rare:common
    public:private|possible:impossible|successful:unsuccessful|legal:illegal|major:minor|upper:lower
    positive:negative|male:female|father:mother|mother:father|son:daughter|brother:sister|began:ended
    joined:left|built:demolished|born:buried|similar:different|different:identical|rural:urban
    modern:ancient|ancient:modern|difficult:easy|failed:managed|rich:poor|always:never|often:rarely
    over:under|longest:shortest|highest:lowest|earliest:latest|better:worse|stronger:weaker
    """
)
UNITS = _pairs(
    """
    km:miles|kilometres:miles|kilometers:miles|miles:kilometres|metres:feet|meters:feet|feet:metres
    kg:pounds|tons:pounds|years:months|months:years|days:weeks|hours:minutes|minutes:hours|weeks:days
    million:billion|billion:million|percent:million|inches:feet|acres:hectares|°C:°F|mph:knots|mm:cm
    m:km|mi:km|ft:m
    """
)
QUANTIFIERS = _pairs(
    """
    some:all|Some:All|most:all|Most:All|many:all|Many:All|several:all|Several:All|all:few|All:Few
    sometimes:always|often:always|usually:always|at least:at most|more than:less than
    less than:more than|over:under|up to:at least|mainly:only|primarily:only|mostly:exclusively
    both:neither|each:no|every:no
    """
)


@dataclass(frozen=True, slots=True)
class Source:
    """What a falsifier may draw on: the evidence, and names and nouns that stand elsewhere in the same
    article."""

    evidence: str
    names: Sequence[str]
    nouns: Sequence[str]


Falsification = Callable[[str, Source, random.Random], str | None]


def number(claim: str, source: Source, rng: random.Random) -> str | None:
    """Another number: a digit changed, or another numeral."""
    places = [m for m in _NUMBER.finditer(claim) if not _YEAR.fullmatch(m[0])]
    words = list(re.finditer(r"\b(" + "|".join(_NUMERALS) + r")\b", claim))
    if places and (not words or rng.random() < 0.7):
        match = rng.choice(places)
        digits = [at for at in range(match.start(), match.end()) if claim[at].isdigit()]
        at = rng.choice(digits)
        fresh = str((int(claim[at]) + rng.randint(1, 8) - 1) % 9 + 1)
        return _absent(claim[:at] + fresh + claim[at + 1 :], claim, source)
    if words:
        match = rng.choice(words)
        other = rng.choice([word for word in _NUMERALS[1:] if word not in source.evidence.lower()])
        return claim[: match.start()] + other + claim[match.end() :]
    return None


def year(claim: str, source: Source, rng: random.Random) -> str | None:
    found = list(_YEAR.finditer(claim))
    if not found:
        return None
    match = rng.choice(found)
    other = str(int(match[0]) + rng.choice([-20, -10, -2, -1, 1, 2, 9, 10, 100]))
    return claim[: match.start()] + other + claim[match.end() :] if other not in source.evidence else None


def month_or_day(claim: str, source: Source, rng: random.Random) -> str | None:
    months = "|".join(MONTHS)
    dated = re.search(rf"\b(?:({months}) (\d{{1,2}})\b|(\d{{1,2}}) ({months})\b)", claim)
    if dated and rng.random() < 0.5:
        group = 2 if dated[2] else 3
        other = str(int(dated[group]) % 28 + rng.randint(1, 2))
        changed = claim[: dated.start(group)] + other + claim[dated.end(group) :]
        return changed if not re.search(rf"\b{other}\b", source.evidence) else None
    named = re.search(rf"(?:\b(?:in|In|on|On|of|since|until) |\d )({months})\b|\b({months})(?= \d)", claim)
    if not named:
        return None
    group = 1 if named[1] else 2
    other = rng.choice([month for month in MONTHS if month not in source.evidence])
    return claim[: named.start(group)] + other + claim[named.end(group) :]


def name(claim: str, source: Source, rng: random.Random) -> str | None:
    """A name for another from elsewhere in the article."""
    found = [m for m in _NAME.finditer(claim) if m[0] not in MONTHS]
    present = {word[:5] for word in re.findall(r"\w+", source.evidence.lower())}
    others = [
        one for one in source.names if not {word[:5] for word in re.findall(r"\w+", one.lower())} & present
    ]
    if not found or not others:
        return None
    match = rng.choice(found)
    return claim[: match.start()] + rng.choice(others) + claim[match.end() :]


def swapped(claim: str, source: Source, rng: random.Random) -> str | None:
    """Two names that stand on two sides of a verb change places."""
    found = [m for m in _ANY_NAME.finditer(claim) if m[0] not in MONTHS and m[0] not in _OPENERS]
    pairs = []
    for one, other in itertools.pairwise(found):
        between = claim[one.end() : other.start()]
        if one.start() == 0 and one[0] not in source.names:
            continue  # capitalised because it begins the sentence
        if (
            one[0] in other[0]
            or other[0] in one[0]
            or not _ASYMMETRIC.search(between)
            or _SYMMETRIC.search(between)
        ):
            continue
        pairs.append((one, other))
    if not pairs:
        return None
    one, other = rng.choice(pairs)
    return claim[: one.start()] + other[0] + claim[one.end() : other.start()] + one[0] + claim[other.end() :]


def other_word(claim: str, source: Source, rng: random.Random) -> str | None:
    """A noun (what stands after an article) for another from elsewhere in the article."""
    found = list(
        re.finditer(r"(?<=\b[Tt]he )[a-z]{4,}(?= (?:of|in|was|is|were|are|and|to|by|from|on)\b)", claim)
    )
    others = [one for one in source.nouns if one[:4] not in source.evidence.lower()]
    if not found or not others:
        return None
    match = rng.choice(found)
    return claim[: match.start()] + rng.choice(others) + claim[match.end() :]


def addition(claim: str, source: Source, rng: random.Random) -> str | None:
    """A fact that the evidence does not tell, from elsewhere in the article."""
    if not source.nouns or not claim.endswith(".") or claim.count(",") > 1:
        return None
    others = [one for one in source.nouns if one[:4] not in source.evidence.lower()]
    if len(others) < 2:
        return None
    one, other = rng.sample(others, 2)
    return claim[:-1] + rng.choice(
        [f", because of the {one}.", f", together with the {one} of the {other}.", f", and the {one} too."]
    )


def numbers_exchanged(claim: str, source: Source, rng: random.Random) -> str | None:
    """Two numbers of the sentence change places; not those of a range."""
    found = list(_NUMBER.finditer(claim))
    pairs = [
        (one, other)
        for one, other in itertools.pairwise(found)
        if one[0] != other[0]
        and re.search(r"[a-z]{3,} .*[a-z]{3,}", claim[one.end() : other.start()])
        and bool(_YEAR.fullmatch(one[0])) == bool(_YEAR.fullmatch(other[0]))
        and "(" not in claim[one.end() : other.start()]
    ]
    if not pairs:
        return None
    one, other = rng.choice(pairs)
    return claim[: one.start()] + other[0] + claim[one.end() : other.start()] + one[0] + claim[other.end() :]


def negation(claim: str, source: Source, rng: random.Random) -> str | None:
    """A denial put in, or taken out."""
    denial = _DENIAL.search(claim)
    if denial:
        return claim[: denial.start()] + (denial[1] or "can") + claim[denial.end() :]
    auxiliary = _AUXILIARY.search(claim)
    if auxiliary and not re.search(r"\b(?:no|never|neither|nor|without)\b", claim):
        word = auxiliary[1].split()[0]
        return (
            claim[: auxiliary.start() + len(word)]
            + rng.choice([" not", " never"])
            + claim[auxiliary.start() + len(word) :]
        )
    past = _PAST.search(claim)
    if past:
        return claim[: past.start()] + "never " + claim[past.start() :]
    return None


def antonym(claim: str, source: Source, rng: random.Random) -> str | None:
    return _replaced(claim, ANTONYMS, rng)


def unit(claim: str, source: Source, rng: random.Random) -> str | None:
    found = [
        (m[1], UNITS[m[1]]) for m in re.finditer(r"(?<=\d[ \u00a0])([a-z°C]+)\b", claim) if m[1] in UNITS
    ]
    found = [(one, other) for one, other in found if not re.search(rf"\b{other}\b", source.evidence)]
    if not found:
        return None
    one, other = rng.choice(found)
    return re.sub(rf"(?<=\d[ \u00a0]){one}\b", other, claim)


def quantifier(claim: str, source: Source, rng: random.Random) -> str | None:
    return _replaced(claim, QUANTIFIERS, rng)


FALSIFICATIONS: dict[str, Falsification] = {
    "number": number,
    "year": year,
    "month or day": month_or_day,
    "name": name,
    "swapped subject": swapped,
    "numbers exchanged": numbers_exchanged,
    "other word": other_word,
    "addition": addition,
    "negation": negation,
    "antonym": antonym,
    "unit": unit,
    "quantifier": quantifier,
}

_OPENERS = frozenset(
    """
    The In On At It We Some Many Most Both There That Others He She They This These His Her Their Its A An As
    For By After Before During However
    """.split()
)
_ASYMMETRIC = re.compile(
    r"\b(?:defeated|led|became|joined|succeeded|founded|wrote|signed|attacked|supported|invaded|appointed|created|won|beat|"
    r"moved|was|were|is|are|had|has|\w{4,}ed|to|from|by|against|than)\b"
)
_SYMMETRIC = re.compile(
    r"\b(?:and|or|married|met|between|with|called|known|named|is the|was the|also|resembles)\b|[,;(]"
)


def mixed(first: str, second: str) -> str | None:
    """What the second sentence says of its subject, said of the first one's."""
    opening = re.compile(
        r"((?:The )?" + NAME + r") (?=(?:was|is|were|are|had|has|became|won|began|\w{3,}ed)\b)"
    )
    one, other = opening.match(first), opening.match(second)
    if (
        not one
        or not other
        or one[1] in _OPENERS
        or other[1] in _OPENERS
        or set(one[1].split()) & set(other[1].split())
    ):
        return None
    return one[1] + second[other.end(1) :]


def _replaced(claim: str, table: dict[str, str], rng: random.Random) -> str | None:
    present = [word for word in table if re.search(rf"\b{word}\b", claim)]
    if not present:
        return None
    word = rng.choice(present)
    return re.sub(rf"\b{word}\b", table[word], claim, count=1)


def _absent(changed: str, claim: str, source: Source) -> str | None:
    fresh = set(_NUMBER.findall(changed)) - set(_NUMBER.findall(claim))
    return changed if fresh and not any(one in source.evidence for one in fresh) else None
