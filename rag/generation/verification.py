"""Whether a sentence is borne out by the evidence it cites. Pure functions of text.

What can be checked exactly is a condition: every number and every name of the claim must occur in the
evidence, and one must not deny what the other affirms. What remains is graded: the share of the
claim's words that the evidence holds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rag.records import Evidence, Verdict
from rag.text.words import names, negations, numbers, stem, stems, words

SUPPORT_THRESHOLD = 0.7
"""Least share of a claim's content words that must be found in its evidence."""
_SHORTEST_COPY = 3
"""Words: a shorter run of the evidence's words is too little to call a quotation."""


@dataclass(frozen=True, slots=True)
class Check:
    """A verdict, the support behind it (0..1) and the numbers of the evidence that bears the claim."""

    verdict: Verdict
    support: float
    citations: tuple[int, ...]


def verify(claim: str, claims: Sequence[int], evidence: Sequence[Evidence]) -> Check:
    """Check a drafted sentence against the evidence it names, then against the rest.

    A claim that its own footnote does not bear but another does is given that other footnote: what
    counts is that the delivered citation holds.
    """
    named = [item for item in evidence if item.number in claims]
    others = [item for item in evidence if item.number not in claims]
    for pool in (named, others):
        checked = [(_support(claim, item), item.number) for item in pool]
        best, number = max(checked, default=(0.0, 0), key=lambda pair: (pair[0], -pair[1]))
        if best >= SUPPORT_THRESHOLD:
            copied = best == 1.0 and _is_whole(claim, next(item for item in pool if item.number == number))
            return Check(Verdict.VERBATIM if copied else Verdict.SUPPORTED, best, (number,))
    if len(named) > 1:
        joined = _support_by(claim, " ".join(item.text for item in named), named[0].context)
        if joined >= SUPPORT_THRESHOLD:
            return Check(Verdict.SUPPORTED, joined, tuple(item.number for item in named))
    best = max((_support(claim, item) for item in evidence), default=0.0)
    return Check(Verdict.UNSUPPORTED, min(best, SUPPORT_THRESHOLD - 0.01), ())


def _support(claim: str, item: Evidence) -> float:
    return _support_by(claim, item.text, item.context)


def _support_by(claim: str, text: str, context: str) -> float:
    """Share of the claim's content words in the evidence, 0 where an exact condition is broken.

    ``context`` (title and headings) may supply names and words but neither numbers nor denials.
    """
    if numbers(claim) - numbers(text) or (negations(claim) > 0) != (negations(text) > 0):
        return 0.0
    held = {stem(word) for word in words(f"{text} {context}")}
    if any(stem(word) not in held for name in names(claim) for word in words(name)):
        return 0.0
    claimed = stems(claim)
    if not claimed:
        return 0.0
    if _is_copy(words(claim), words(text)):
        return 1.0
    return round(sum(one in held for one in claimed) / len(claimed), 3)


def _is_whole(claim: str, item: Evidence) -> bool:
    return words(claim) == words(item.text)


def _is_copy(claim: Sequence[str], text: Sequence[str]) -> bool:
    """Whether the claim is a run of the evidence's own words."""
    if len(claim) < _SHORTEST_COPY:
        return False
    return f" {' '.join(claim)} " in f" {' '.join(text)} "
