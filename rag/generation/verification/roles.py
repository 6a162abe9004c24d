"""Who did what to whom: whether names and numbers stand to the words around them as they do in the evidence.

Without a parser: a name's part in a sentence is read from the preposition before it, or from the side of
the verb on which it stands, with the passive turned round. What that cannot tell is not held against a claim.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rag.text.statements import Statement
from rag.text.tokens import Token

_PREPOSITIONS = frozenset(
    """
    of in on at by from to with for into against between among under over after before during through via
    near towards toward until since as than about around within without as like behind beside beyond across
    off von in im am an auf bei mit nach aus zu zum zur für durch de du des à au aux en par pour avec dans sur
    """.split()
)
_AGAINST = frozenset({"against", "without"})
_ROUGHLY = frozenset("about around approximately roughly nearly almost over under circa some".split())
_BE = frozenset("is are was were be been being am get gets got wurde wurden wird werden".split())
_IRREGULAR_PARTICIPLES = frozenset(
    """
    won built made written given taken held led sold bought brought taught caught found sent lost told known
    shown seen drawn driven thrown born beaten begun broken chosen cut done eaten fought hit kept laid left
    met put read run said set shot sung spent stolen struck sworn understood worn overthrown overseen
    """.split()
)
_OCCURRENCES = 6
_REACH = 7
"""Words on either side among which a name's verb is looked for."""
_NEIGHBOURS = 2
_BACK = 8
_SHORT = 4
_EXCHANGED = 3.0
_BESIDE = 3
"""Words: no farther away a word is taken to belong to a name or number."""


@dataclass(frozen=True, slots=True)
class Roles:
    """Counts over the claim's names and numbers.

    ``flipped``: one that did something now has it done to it. ``moved``: one that stands after another
    preposition.
    ``rebound``: one whose neighbouring word has another name or number beside it in the evidence.
    ``opposed``: of all its words those that are against or without what the evidence is for or with, or the
    other way round.
    """

    flipped: float
    moved: int
    rebound: int
    opposed: int


def roles(claim: Statement, evidence: Statement) -> Roles:
    """Compare the part each name and number of the claim plays with the one it plays in the evidence."""
    turned_round: list[float] = []
    moved = rebound = opposed = 0
    names = claim.names | evidence.names
    takes_sides = bool(_AGAINST & (claim.words | evidence.words))
    for at, token in enumerate(claim.tokens):
        places = evidence.places.get(token.stem, ())[:_OCCURRENCES]
        if takes_sides and places and token.content:
            opposed += _opposed(claim, at, evidence, places)
        if not (_is_name(token, names) or token.number) or not places:
            continue
        turned = _flipped(claim, at, evidence, places, names)
        turned_round += [turned] if turned else []
        if not turned and _moved(claim, at, evidence, places):
            moved += 1
        rebound += _rebound(claim, at, evidence, places, names)
    # One alone may be misread; two that are turned round have changed places.
    flipped = _EXCHANGED if len(turned_round) > 1 else sum(turned_round)
    return Roles(flipped, moved, rebound, opposed)


def _flipped(
    claim: Statement, at: int, evidence: Statement, places: Sequence[int], names: frozenset[str]
) -> float:
    """Share of the words around it that stand to it the other way round."""
    compared = opposite = 0
    for near in _neighbours(claim, at, names):
        mine = _part(claim, at, near)
        theirs = {
            _part(evidence, place, other)
            for place in places
            for other in evidence.places.get(claim.tokens[near].stem, ())[:_OCCURRENCES]
            if abs(other - place) <= _REACH + _REACH
            and evidence.tokens[other].sentence == evidence.tokens[place].sentence
        } - {0}
        if mine and theirs:
            compared += 1
            opposite += mine not in theirs
    return opposite / max(1, compared)


def _neighbours(text: Statement, at: int, names: frozenset[str]) -> list[int]:
    """The nearest content words on both sides that are no names: among them is the verb."""
    found = []
    for step in (1, -1):
        near = 0
        for distance in range(1, _REACH + 1):
            place = at + step * distance
            if not 0 <= place < len(text.tokens) or near == _NEIGHBOURS:
                break
            token = text.tokens[place]
            if token.sentence != text.tokens[at].sentence:
                break
            if token.content and not token.number and not _is_name(token, names):
                found.append(place)
                near += 1
    return found


def _part(text: Statement, name: int, word: int) -> int:
    """1 for one that does what ``word`` says, -1 for one that has it done to it, 0 for what cannot be
    told."""
    marker = preposition(text, name)
    passive = _is_passive(text, word)
    if name < word:
        return 0 if marker else (-1 if passive else 1)
    if marker == "by" and passive:
        return 1
    return 0 if marker or passive else -1


def _is_passive(text: Statement, at: int) -> bool:
    word = text.tokens[at].lower
    if not (word.endswith(("ed", "en")) or word in _IRREGULAR_PARTICIPLES):
        return False
    before = [token.lower for token in text.tokens[max(0, at - 3) : at]]
    return any(one in _BE for one in before) or _by_follows(text, at)


def _by_follows(text: Statement, at: int) -> bool:
    """A participle without an auxiliary: "the bridge opened by Lang"."""
    return at + 1 < len(text.tokens) and text.tokens[at + 1].lower == "by"


def preposition(text: Statement, at: int) -> str:
    """The preposition that governs the name or number at ``at``, "" for a subject or an object."""
    skipped = 0
    for place in range(at - 1, max(-1, at - _BACK), -1):
        token = text.tokens[place]
        if token.sentence != text.tokens[at].sentence:
            return ""
        if token.lower in _ROUGHLY and text.tokens[at].number:
            continue
        if token.lower in _PREPOSITIONS:
            return "as" if token.lower == "like" else token.lower
        if (
            token.lower in ("the", "a", "an", "and", "or", "his", "her", "their", "its")
            or token.name
            or token.number
        ):
            if token.clause != text.tokens[at].clause and not _listed(text, place, at):
                return ""
            continue
        if skipped or token.clause != text.tokens[at].clause or not token.content:
            return ""
        skipped += 1
    return ""


def _listed(text: Statement, first: int, last: int) -> bool:
    """Whether what stands between is a list of things of one kind."""
    if text.tokens[first].number != text.tokens[last].number:
        return False
    return all(one.name or one.number or one.lower in ("and", "or", "the") for one in text.tokens[first:last])


def _moved(claim: Statement, at: int, evidence: Statement, places: Sequence[int]) -> bool:
    mine = preposition(claim, at)
    if not mine and len(claim.tokens) <= _SHORT:
        return False  # an answer of a few words leaves the preposition to the question
    theirs = {preposition(evidence, place) for place in places}
    # What "by" governs is the passive's, and judged by its verb.
    return mine not in theirs and "by" not in (mine, *theirs)


def _opposed(claim: Statement, at: int, evidence: Statement, places: Sequence[int]) -> bool:
    mine = preposition(claim, at)
    theirs = {preposition(evidence, place) for place in places}
    # Who opposes something votes against it: of what no preposition governs, it cannot be told.
    if not mine or "" in theirs or mine in theirs:
        return False
    return mine in _AGAINST or theirs <= _AGAINST


def _rebound(
    claim: Statement, at: int, evidence: Statement, places: Sequence[int], names: frozenset[str]
) -> bool:
    """Whether the word beside it stands beside another of its kind in the evidence, and nearer."""
    one = claim.tokens[at]
    rivalled = False
    for step in (1, -1):
        near = at + step
        while 0 <= near < len(claim.tokens) and abs(near - at) <= _BESIDE and not claim.tokens[near].content:
            near += step
        if not 0 <= near < len(claim.tokens) or abs(near - at) > _BESIDE:
            continue
        word = claim.tokens[near]
        same_kind = word.number or (not one.number and _is_name(word, names))
        if same_kind or word.clause != one.clause or word.stem not in evidence.places:
            continue
        if one.number and near == at + 1 and _counts_others(evidence, word, one):
            continue  # "two years" beside "five years": of what they are told is not the years
        beside = evidence.places[word.stem][:_OCCURRENCES]
        mine = min(abs(place - other) for place in places for other in beside)
        own = {place for first in places for place in _run(evidence, first)}
        theirs = min(_distance_to_kind(evidence, other, one, own, names) for other in beside)
        if mine <= abs(near - at) + 1:
            return False  # it stands where it stood on one side
        rivalled = rivalled or theirs < min(mine, _REACH)
    return rivalled


def _counts_others(evidence: Statement, unit: Token, number: Token) -> bool:
    """Whether the evidence counts the same by this number and by another."""
    before = [evidence.tokens[place - 1] for place in evidence.places[unit.stem][:_OCCURRENCES] if place]
    counted = {token.stem for token in before if token.number}
    return number.stem in counted and len(counted) > 1


def _run(text: Statement, at: int) -> range:
    """The places of the name that the word at ``at`` is part of."""
    first = last = at
    while first > 0 and at - first < _BACK and text.tokens[first - 1].capital:
        first -= 1
    while last + 1 < len(text.tokens) and last - at < _BACK and text.tokens[last + 1].capital:
        last += 1
    return range(first, last + 1)


def _distance_to_kind(text: Statement, at: int, like: Token, own: set[int], names: frozenset[str]) -> int:
    """Words from ``at`` to the nearest other name (or number, if ``like`` is one); ``_REACH`` if there is
    none."""
    for distance in range(1, _REACH):
        for place in (at - distance, at + distance):
            if not 0 <= place < len(text.tokens) or place in own:
                continue
            token = text.tokens[place]
            same_kind = token.number if like.number else _is_name(token, names)
            if same_kind and token.stem != like.stem and token.clause == text.tokens[at].clause:
                return distance
    return _REACH


def _is_name(token: Token, names: frozenset[str]) -> bool:
    """A capitalised word that one of the two texts has as a name: at the beginning of a sentence it may be
    either."""
    return token.name or (token.capital and token.stem in names)
