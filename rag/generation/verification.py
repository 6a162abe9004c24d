"""Whether a sentence is borne out by the evidence it cites. Pure functions of text.

What can be checked exactly is a condition: every number and every name of the claim must occur in the
evidence, and one must not deny what the other affirms. What remains is graded: the share of the
claim's words that the evidence holds.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from rag.records import Evidence, Verdict
from rag.text.words import content_words, names, negations, numbers, stem, stems, words

_OPEN_QUESTION = re.compile(r"\b(?:what|which|who|whom|whose|when|where|why|how)\b", re.IGNORECASE)
"""Other questions ask for a yes or no, and a statement that repeats them is the answer."""
RELEVANCE_THRESHOLD = 0.6
"""Least share of the question's words in the evidence that a full sentence drawn from it must take up."""
_SHORT_ANSWER = 4
"""Content words: up to so many need no sentence around them ("46 volunteers", "in May")."""
SUPPORT_THRESHOLD = 0.75
"""Least share of a claim's content words that must be found in its evidence."""
_SHORTEST_COPY = 3
"""Words: a shorter run of the evidence's words is too little to call a quotation."""


@dataclass(frozen=True, slots=True)
class Check:
    """A verdict, the support behind it (0..1) and the numbers of the evidence that bears the claim."""

    verdict: Verdict
    support: float
    citations: tuple[int, ...]


def verify(claim: str, claims: Sequence[int], evidence: Sequence[Evidence], question: str) -> Check:
    """Check a drafted sentence against the evidence it names, then against the rest.

    A claim that its own footnote does not bear but another does is given that other footnote: what
    counts is that the delivered citation holds.
    """
    asked = frozenset(stem(word) for word in words(question))
    named = [item for item in evidence if item.number in claims]
    others = [item for item in evidence if item.number not in claims]
    best = 0.0
    for pool in (named, others):
        supports = [(support(claim, item, asked), -item.number, item) for item in pool]
        reached, _, item = max(supports, key=lambda one: one[:2], default=(0.0, 0, None))
        if item is not None and reached >= SUPPORT_THRESHOLD:
            whole = words(claim) == words(item.text)
            return Check(Verdict.VERBATIM if whole else Verdict.SUPPORTED, reached, (item.number,))
        best = max(best, reached)
    return Check(Verdict.UNSUPPORTED, best, ())


def support(claim: str, item: Evidence, asked: frozenset[str] = frozenset()) -> float:
    """Share of the claim's content words in the evidence, 0 where an exact condition is broken.

    The item's ``context`` (title and headings) may supply words and names, but no numbers and no
    denials. ``asked`` are the stems of the question: a claim may repeat them, but whatever it adds to
    them is the answer, and of that not a word may be missing from the evidence.
    """
    if numbers(claim) - numbers(item.text) or (negations(claim) > 0) != (negations(item.text) > 0):
        return 0.0
    claimed = [stem(word) for word in content_words(claim) if not numbers(word)]
    held = {stem(word) for word in words(f"{item.text} {item.context}")}
    named = {stem(word) for name in names(claim) for word in words(name)}
    if named - held or set(claimed) - held - asked:
        return 0.0
    if not claimed:
        return float(bool(numbers(claim)))  # a bare number, and the evidence has it
    if _is_copy(words(claim), words(item.text)):
        return 1.0
    return round(sum(one in held for one in claimed) / len(claimed), 3)


def addresses(claim: str, item: Evidence, question: str) -> bool:
    """Whether a claim drawn from the evidence speaks of what was asked.

    Asked how many volunteers there are, of "two paid members and 46 volunteers" a model may well take
    the two: true, and no answer. No answer either is what only says the question again.
    """
    claimed = set(stems(claim))
    if _OPEN_QUESTION.search(question) and not claimed - set(stems(question)):
        return False
    if len(claimed) <= _SHORT_ANSWER:
        return True
    shared = set(stems(question)) & set(stems(item.text))
    return len(shared & claimed) >= RELEVANCE_THRESHOLD * len(shared)


def _is_copy(claim: Sequence[str], text: Sequence[str]) -> bool:
    """Whether the claim is a run of the evidence's own words."""
    if len(claim) < _SHORTEST_COPY:
        return False
    return f" {' '.join(claim)} " in f" {' '.join(text)} "
