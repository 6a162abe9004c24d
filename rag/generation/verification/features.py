"""In what respects a claim departs from its evidence, as numbers."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence, Set
from dataclasses import astuple, dataclass, fields

from rag.generation.verification.roles import roles
from rag.text.opposites import EXCLUSIVE, MOSTLY, PARTIAL, UNIVERSAL, opposites, prefixed_opposites, synonyms
from rag.text.statements import Statement
from rag.text.tokens import Token

Likeness = Callable[[Sequence[str], Sequence[str]], Sequence[float]]
"""For each of the first words, the highest cosine of its meaning with that of any of the second."""

_GAP = 8
_REPLACED = 24
_SUBJECT = 5
_HALF = 0.5
_AS_SUBJECT = 3
"""A subject taken from another sentence weighs more than a name that is only mentioned."""
_OCCURRENCES = 6
_STEAD = 3
"""Words that may stand for another one."""
_ALIKE = 0.6
_SAME = 0.8
"""Cosine of two spellings of a word; of 14 other pairs that look alike none reached it."""
_MOST = 3.0
_SHORTEST_SHARED = 5
_POINTS_BACK = frozenset("it its he his she her they their this these those that such".split())


@dataclass(frozen=True, slots=True)
class Features:
    """How a claim departs from its evidence. Counts are cut off at 3; ``order`` is a share, 1 at best.

    ``novel`` content words that the evidence has not, ``novel_share`` their share; ``related`` of which it
    has a synonym or a longer form; ``asked`` that only the question has; ``names`` that are in neither
    evidence nor headings; ``borrowed`` names of the headings anywhere but at the beginning; ``denials``
    that only one of the two has; ``half_denials`` where it may be another part that is denied;
    ``opposites`` of words of the evidence; ``quantifiers`` that claim more; ``flipped``, ``moved``,
    ``rebound`` as in ``Roles``; ``order`` of neighbouring content words kept; ``mixed`` names from another
    sentence of the evidence;
    ``unlike``: how far the novel words are, all in all, from the words of the evidence that the claim has
    not taken up.
    """

    novel: float
    novel_share: float
    related: float
    asked: float
    names: float
    borrowed: float
    denials: float
    half_denials: float
    opposites: float
    quantifiers: float
    flipped: float
    moved: float
    rebound: float
    mixed: float
    order: float
    unlike: float | None

    def values(self) -> tuple[float, ...]:
        """In the order of ``NAMES``; without ``unlike`` where that was not measured."""
        return tuple(float(value) for value in astuple(self) if value is not None)


NAMES = tuple(one.name for one in fields(Features))


def features(
    claim: Statement,
    evidence: Statement,
    context: Statement,
    asked: frozenset[str],
    likeness: Likeness | None = None,
) -> Features:
    """Compare a claim with the evidence.

    Args:
        context: title and headings: they may supply words and names, but no numbers and no denials.
        asked: the stems of the question.
        likeness: tells a synonym from another word; asked only about words that the evidence has not.
    """
    words = _Words(claim, evidence, context, asked)
    hard, half = _denials(claim, evidence)
    parts = roles(claim, evidence)
    counts = (
        words.novel,
        words.related,
        words.asked,
        words.names,
        words.borrowed,
        hard,
        half,
        words.opposites + parts.opposed,
        _quantifiers(claim, evidence, asked),
        parts.flipped,
        parts.moved,
        parts.rebound,
        _mixed(claim, evidence, context),
    )
    (
        novel,
        related,
        asked_only,
        names,
        borrowed,
        denials,
        halves,
        turned,
        more,
        flipped,
        moved,
        rebound,
        mixed,
    ) = (min(_MOST, float(count)) for count in counts)
    return Features(
        novel=novel,
        novel_share=words.novel / max(1, len(claim.content())),
        related=related,
        asked=asked_only,
        names=names,
        borrowed=borrowed,
        denials=denials,
        half_denials=halves,
        opposites=turned,
        quantifiers=more,
        flipped=flipped,
        moved=moved,
        rebound=rebound,
        mixed=mixed,
        order=_order(claim, evidence),
        unlike=None if likeness is None else _unlike(words.unknown, claim, evidence, likeness),
    )


class _Words:
    """Where the claim's content words come from."""

    def __init__(
        self, claim: Statement, evidence: Statement, context: Statement, asked: frozenset[str]
    ) -> None:
        self.unknown: list[str] = []
        self.novel = self.related = self.asked = self.borrowed = self.opposites = 0
        self.names = 0.0
        held = evidence.places.keys() | context.places.keys()
        initials = _initials(evidence) | _initials(context)
        own_initials = _initials(claim)
        abbreviated = any(token.lower in own_initials for token in evidence.tokens)
        # "He was born in 1950", asked about somebody: the question may well name him.
        points_back = bool(evidence.tokens) and evidence.tokens[0].lower in _POINTS_BACK
        for at, token in enumerate(claim.tokens):
            turned = _opposed(token, held)
            if token.stem in held or token.number:
                late = token.name and at >= _SUBJECT and not _POINTS_BACK & evidence.words
                self.borrowed += late and token.stem not in evidence.places
                # "Open on Sundays and close on Fridays" does not say that they close on Sundays.
                self.opposites += bool(turned) and bool(turned & _stead(claim, at, evidence).keys())
                continue
            # Asked when it is open, a small model says so of the hours in which it is closed.
            stead = _stead(claim, at, evidence) if token.stem in asked else {}
            if turned & stead.keys() if token.stem in asked else turned:
                self.opposites += 1
            elif not token.content:
                continue
            elif token.name:
                if token.lower in initials or abbreviated or _same_name(token, held):
                    self.related += 1
                else:
                    self.names += _HALF if token.stem in asked and points_back else 1.0
            elif synonyms().get(token.stem, frozenset()) & held or _longer_form(token.stem, held):
                self.related += 1
            elif token.stem in asked and not any(stead.values()):
                self.asked += 1
            else:
                self.novel += 1
                self.unknown.append(token.lower)


def _opposed(token: Token, held: Set[str]) -> Set[str]:
    """The opposites of a word among those that are there."""
    found = opposites().get(token.stem, frozenset()) & held
    if token.content and not token.name:
        found |= held & set(prefixed_opposites(token.lower))
    return found


def _stead(claim: Statement, at: int, evidence: Statement) -> dict[str, bool]:
    """Stems of the words that the evidence has where the claim has the word at ``at``, and whether they say
    something: between the same neighbours, of which one may be missing where a sentence begins or ends; none
    where it has that word there too."""
    before = _neighbour(reversed(claim.tokens[:at]), evidence)
    after = _neighbour(claim.tokens[at + 1 :], evidence)
    found: dict[str, bool] = {}
    for place in evidence.places.get(after or "", ())[:_OCCURRENCES]:
        found |= _up_to(before, reversed(evidence.tokens[:place]), evidence.tokens[place].sentence)
    if after is None:
        for place in evidence.places.get(before or "", ())[:_OCCURRENCES]:
            found |= _up_to(None, evidence.tokens[place + 1 :], evidence.tokens[place].sentence)
    if claim.tokens[at].stem in found:
        return {}
    return {stem: says for stem, says in found.items() if stem not in claim.places}


def _neighbour(tokens: Iterable[Token], evidence: Statement) -> str | None:
    """The stem of the first word that says something in the evidence too."""
    return next(
        (one.stem for one in tokens if (one.content or one.number) and one.stem in evidence.places), None
    )


def _up_to(end: str | None, tokens: Iterable[Token], sentence: int) -> dict[str, bool]:
    """The first words of a sentence up to ``end``, or a few where that is None; none where ``end`` does not
    follow soon."""
    found: dict[str, bool] = {}
    for token in tokens:
        if token.sentence != sentence or sum(found.values()) == _STEAD:
            return found if end is None else {}
        if token.stem == end:
            return found
        found[token.stem] = token.content and not token.name and not token.number
    return found if end is None else {}


def _unlike(unknown: Sequence[str], claim: Statement, evidence: Statement, likeness: Likeness) -> float:
    """Sum over the unknown words of 1 - cosine with the nearest word that they may stand for."""
    replaced = [
        token.lower for token in evidence.content() if token.stem not in claim.places and not token.number
    ]
    looked_up = list(unknown[: int(_MOST)])
    if not looked_up or not replaced:
        return float(len(looked_up))
    known = list(dict.fromkeys(replaced))[:_REPLACED]
    alike = zip(looked_up, likeness(looked_up, known), strict=True)
    return sum(1.0 - max(0.0, 0.0 if one < _SAME and _resembles(word, known) else one) for word, one in alike)


def _resembles(word: str, known: Sequence[str]) -> bool:
    """Whether it begins and ends as another word does, as "infection" and "injection": what a model
    misread, or made up of two words, has a meaning near to both."""
    return any(
        _shared(word, other) >= _ALIKE * max(len(word), len(other))
        for other in known
        if len(other) >= _SHORTEST_SHARED
    )


def _shared(one: str, other: str) -> int:
    """Characters of the beginning and the end that two words have in common."""
    shorter = min(len(one), len(other))
    first = next((at for at in range(shorter) if one[at] != other[at]), shorter)
    last = next((at for at in range(shorter - first) if one[-1 - at] != other[-1 - at]), shorter - first)
    return first + last


def _initials(text: Statement) -> set[str]:
    """What runs of names may be abbreviated to: United Nations, un."""
    found: set[str] = set()
    run: list[str] = []
    for token in (*text.tokens, None):
        if token is not None and token.name:
            run = [*run, token.lower[0]][-8:]
            found |= {"".join(run[first:]) for first in range(len(run) - 1)}
        elif token is None or token.lower not in ("of", "the", "and", "for"):
            run = []
    return found


def _same_name(token: Token, held: set[str]) -> bool:
    """America and American, not Austria and Australia: one is the beginning of the other."""
    return len(token.stem) >= _SHORTEST_SHARED and any(
        one.startswith(token.stem) or (len(one) >= _SHORTEST_SHARED and token.stem.startswith(one))
        for one in held
    )


def _longer_form(word: str, held: set[str]) -> bool:
    """destroy and destruction: a long beginning in common."""
    if len(word) < _SHORTEST_SHARED:
        return False
    shared = max(_SHORTEST_SHARED, int(0.7 * len(word)))
    return any(one[:shared] == word[:shared] for one in held if len(one) >= shared)


def _denials(claim: Statement, evidence: Statement) -> tuple[int, int]:
    """Denials that only one of the two has, and those of which that cannot be told for certain."""
    hard = half = 0
    claimed, known = claim.denials[:20], evidence.denials[:40]
    unmatched = list(known)
    for denial in claimed:
        match = next((other for other in unmatched if _same_anchor(denial.anchors, other.anchors)), None)
        if match is not None:
            unmatched.remove(match)  # "never failed to" is no "failed to"
        else:
            if known and not any(anchor in evidence.places for anchor in denial.anchors):
                half += 1
            else:
                hard += 1
    for denial in known:
        affirmed = [anchor for anchor in denial.anchors[:1] if anchor in claim.places]
        if not affirmed or any(_same_anchor(denial.anchors, other.anchors) for other in claimed):
            continue
        if _until(evidence, denial.at) and not claim.words & {"until", "till"}:
            continue  # "was not widened until 1959": it was widened in 1959
        elsewhere = any(
            place < denial.at or place > denial.at + _GAP for place in evidence.places[affirmed[0]]
        )
        half, hard = (half + 1, hard) if elsewhere else (half, hard + 1)
    return hard, half


def _same_anchor(one: Sequence[str], other: Sequence[str]) -> bool:
    return bool(set(one) & set(other)) or (not one and not other)


def _until(evidence: Statement, at: int) -> bool:
    return any(token.lower in ("until", "till") for token in evidence.tokens[at : at + 12])


def _quantifiers(claim: Statement, evidence: Statement, asked: frozenset[str]) -> int:
    """Groups of quantifiers with which the claim says more than the evidence (all for some), or less
    certainly."""
    claimed = {token.lower for token in claim.tokens if token.stem not in asked}
    groups = (UNIVERSAL, EXCLUSIVE, MOSTLY)
    added = sum(bool(claimed & group) and not evidence.words & group for group in groups)
    # "All swans are white" does not follow from "some are", but "some" from "all" is as odd in an answer.
    weakened = (
        bool(claim.words & PARTIAL) and not evidence.words & PARTIAL and bool(evidence.words & UNIVERSAL)
    )
    strengthened = (
        bool(evidence.words & PARTIAL)
        and not claim.words & PARTIAL
        and bool(claim.words & (UNIVERSAL | MOSTLY))
    )
    return added + weakened + strengthened


def _mixed(claim: Statement, evidence: Statement, context: Statement) -> int:
    """Names that the evidence has only in another sentence than the one that holds most of the claim."""
    if not evidence.tokens or evidence.tokens[-1].sentence == 0:
        return 0
    shares: dict[int, int] = {}
    for token in claim.content():
        for sentence in {evidence.tokens[at].sentence for at in evidence.places.get(token.stem, ())[:20]}:
            shares[sentence] = shares.get(sentence, 0) + 1
    if not shares:
        return 0
    best = max(shares, key=lambda sentence: (shares[sentence], -sentence))
    opening = [token.lower for token in evidence.tokens if token.sentence == best][:3]
    if _POINTS_BACK & set(opening):
        return 0
    return sum(
        (_AS_SUBJECT if at == 0 else 1)
        for at, token in enumerate(claim.tokens)
        if token.capital
        and token.stem in evidence.places
        and token.stem not in context.places
        and all(evidence.tokens[place].sentence != best for place in evidence.places[token.stem])
    )


def _order(claim: Statement, evidence: Statement) -> float:
    """Share of neighbouring content words of the claim that follow one another closely in the evidence
    too."""
    known = [token.stem for token in claim.content() if token.stem in evidence.places]
    pairs = list(itertools.pairwise(known))
    if not pairs:
        return 1.0
    return sum(_follows(evidence, *pair) for pair in pairs) / len(pairs)


def _follows(evidence: Statement, first: str, second: str) -> bool:
    return any(
        0 < after - before <= _GAP
        for before in evidence.places[first][:_OCCURRENCES]
        for after in evidence.places[second][:_OCCURRENCES]
    )
