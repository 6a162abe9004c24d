"""Whether a sentence is borne out by the evidence it cites. Pure functions of text.

What can be checked exactly is a condition (``conditions``): numbers, units, dates, bounds and quoted words
of the claim must stand in the evidence. Everything else is a feature (``features``, ``roles``): words and
names that the evidence lacks, denials, opposites, quantifiers, who did what to whom. One logistic score
weighs them (``score``).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from rag.generation.verification.conditions import broken
from rag.generation.verification.features import Likeness, features
from rag.generation.verification.score import Model, models
from rag.records import Evidence, Verdict
from rag.text.items import items
from rag.text.statements import plain_form, statement
from rag.text.words import stem, stems, words

__all__ = ["Check", "Likeness", "addresses", "support", "threshold", "verify"]

_OPEN_QUESTION = re.compile(r"\b(?:what|which|who|whom|whose|when|where|why|how)\b", re.IGNORECASE)
"""Other questions ask for a yes or no, and a statement that repeats them is the answer."""
RELEVANCE_THRESHOLD = 0.6
"""Least share of the question's words in the evidence that a full sentence drawn from it must take up."""
_SHORT_ANSWER = 4
"""Content words: up to so many need no sentence around them ("46 volunteers", "in May")."""
MAX_CLAIM = 4000
"""Code points; what is longer is no sentence and supported only as a copy."""


@dataclass(frozen=True, slots=True)
class Check:
    """A verdict, the support behind it (0..1) and the numbers of the evidence that bears the claim.

    ``broken`` names the exact condition that the claim breaks against the evidence it names, "" if none.
    """

    verdict: Verdict
    support: float
    citations: tuple[int, ...]
    broken: str = ""


def verify(
    claim: str,
    claims: Sequence[int],
    evidence: Sequence[Evidence],
    question: str,
    likeness: Likeness | None = None,
) -> Check:
    """Check a drafted sentence against the evidence it names, then against the rest.

    A claim that its own footnote does not bear but another does is given that other footnote: what
    counts is that the delivered citation holds.

    Args:
        likeness: the meaning of words, from the encoder; without it a model fitted without it is used.
    """
    asked = frozenset(stem(word) for word in words(question))
    named = [item for item in evidence if item.number in claims]
    others = [item for item in evidence if item.number not in claims]
    best = 0.0
    for pool in (named, others):
        supports = [(support(claim, item, asked, likeness), -item.number, item) for item in pool]
        reached, _, item = max(supports, key=lambda one: one[:2], default=(0.0, 0, None))
        if item is not None and reached >= threshold(likeness):
            whole = plain_form(claim) == plain_form(item.text)
            return Check(Verdict.VERBATIM if whole else Verdict.SUPPORTED, reached, (item.number,))
        best = max(best, reached)
    reason = next((fault for item in [*named, *others] if (fault := _fault(claim, item))), "")
    return Check(Verdict.UNSUPPORTED, best, (), reason)


def support(
    claim: str,
    item: Evidence,
    asked: frozenset[str] = frozenset(),
    likeness: Likeness | None = None,
) -> float:
    """The calibrated likelihood that the evidence bears the claim; 1 for a copy, 0 where a condition is
    broken or the claim is none: whether "No." is right, its words do not tell.

    The item's ``context`` (title and headings) may supply words and names, but no numbers and no
    denials. ``asked`` are the stems of the question: a claim may repeat them at little cost.
    """
    if any(character.isalnum() for character in claim) and plain_form(claim) == plain_form(item.text):
        return 1.0
    if len(claim) > MAX_CLAIM or not any(token.content or token.number for token in statement(claim).tokens):
        return 0.0
    if broken(statement(claim), statement(item.text)):
        return 0.0
    found = features(statement(claim), statement(item.text), statement(item.context), asked, likeness)
    return round(_model(likeness).score(found.values()), 3)


def threshold(likeness: Likeness | None = None) -> float:
    """Least support of a sentence that is delivered as supported."""
    return _model(likeness).threshold


def addresses(claim: str, item: Evidence, question: str) -> bool:
    """Whether a claim drawn from the evidence speaks of what was asked.

    Asked how many volunteers there are, of "two paid members and 46 volunteers" a model may well take
    the two: true, and no answer. No answer either is what only says the question again, what has not a
    word of what the reader takes for the answer, or what leaves out an item of a list.
    """
    claimed = set(stems(claim))
    if any(said and claimed.isdisjoint(said) for said in map(stems, items(item.text))):
        return False
    pointed = set(stems(item.pointed)) - set(stems(question))
    if pointed and not pointed & claimed:
        return False
    if _OPEN_QUESTION.search(question) and not claimed - set(stems(question)):
        return False
    if len(claimed) <= _SHORT_ANSWER:
        return True
    shared = set(stems(question)) & set(stems(item.text))
    return len(shared & claimed) >= RELEVANCE_THRESHOLD * len(shared)


def _fault(claim: str, item: Evidence) -> str:
    return broken(statement(claim), statement(item.text)) if len(claim) <= MAX_CLAIM else ""


def _model(likeness: Likeness | None) -> Model:
    return models().plain if likeness is None else models().with_likeness
