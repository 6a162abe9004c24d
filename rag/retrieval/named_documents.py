"""Which documents a question names: "Halvorsen's capital expenditure in FY2022" means one report of many.

Each word of the question that documents are called by speaks for those documents, the more the fewer they
are; a name shared by the reports of three years and a year shared by four companies together leave one.
The result is a preference, never a filter, and nothing where the question names no document.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

from rag.retrieval.query import inverse_frequencies, years
from rag.stores import document_names
from rag.stores.database import Tx
from rag.stores.scopes import Range, ResolvedScope
from rag.text.words import STOPWORDS, names, stem, words

BEGINNING_WEIGHT = 0.5
"""What a word counts that is not in a document's name, title or metadata but where its text begins."""
COMMON_WORD_WEIGHT = 0.4
"""What a word counts that is not written like a name or a number."""
_ENOUGH = 1.0
"""Evidence, in nats, from which on a document counts as named without reserve."""
_CLEARLY = 0.75
"""Share of the best document's evidence with which another one is searched by itself as well."""
_SHARPNESS = 3
"""Power to which the share of the best document's evidence is raised: a report of the right company and the
wrong year is a wrong report."""
MOST = 50
"""Documents that are kept."""


@dataclass(frozen=True, slots=True)
class NamedDocuments:
    """``strengths`` (0 to 1) of the documents the question names, by the range of their chunks; ``stems``
    are the words that name each."""

    strengths: Mapping[Range, float]
    stems: Mapping[Range, frozenset[str]]
    scope: ResolvedScope | None
    """The search's scope narrowed to the documents that are named most clearly; None if there are none."""

    def strength(self, chunk_id: int) -> float:
        """How clearly the question names the document of this chunk."""
        found = self._range(chunk_id)
        return 0.0 if found is None else self.strengths[found]

    def naming_stems(self, chunk_id: int) -> frozenset[str]:
        """What the question calls the document of this chunk."""
        found = self._range(chunk_id)
        return frozenset() if found is None else self.stems[found]

    def _range(self, chunk_id: int) -> Range | None:
        return next((found for found in self.strengths if found[0] <= chunk_id <= found[1]), None)


NONE_NAMED = NamedDocuments({}, {}, None)


def find(tx: Tx, question: str, scope: ResolvedScope, readable: ResolvedScope) -> NamedDocuments:
    """The documents inside ``scope`` that ``question`` names; how rare a word is, is told from ``readable``,
    all that the asker may see."""
    weights: dict[str, float] = {}
    written: dict[str, str] = {}
    for word, weight in naming_words(question).items():
        term = stem(word)
        weights[term] = max(weight, weights.get(term, 0.0))
        written[term] = word
    # Ordinary words add to a name and make none: every abstract's title shares some with a long question.
    ordinary = [term for term, weight in weights.items() if weight < 1.0]
    known = document_names.frequencies(tx, [term for term in weights if term not in ordinary], readable)
    naming = set(known)
    total = document_names.count(tx, readable) if naming else 0
    if total < 2:
        return NONE_NAMED
    known |= document_names.frequencies(tx, ordinary, readable)
    # An ordinary word on a first page names nothing.
    postings = document_names.postings(tx, {term: written[term] for term in known}, readable, anywhere=naming)
    rarity = inverse_frequencies(list(known), known, total)
    # However many mention it: one that is called so is meant.
    called = Counter(term for term, _, by_name in postings if by_name)
    rarity_as_name = inverse_frequencies(list(called), called, total)
    evidence: dict[int, dict[str, float]] = {}
    for term, document, by_name in postings:
        worth = rarity_as_name[term] if by_name else rarity[term] * BEGINNING_WEIGHT
        worth *= weights[term]
        told = evidence.setdefault(document, {})
        told[term] = max(worth, told.get(term, 0.0))
    sums = {
        document: sum(told.values()) for document, told in evidence.items() if not naming.isdisjoint(told)
    }
    kept = sorted(sums, key=lambda one: (-sums[one], one))[:MOST]
    ranges = document_names.chunk_ranges(tx, kept, scope)
    best = max((sums[one] for one in ranges), default=0.0)
    if best <= 0.0:
        return NONE_NAMED
    clearly = {one: found for one, found in ranges.items() if sums[one] >= _CLEARLY * best}
    sure = min(1.0, best / _ENOUGH)
    return NamedDocuments(
        strengths={found: sure * (sums[one] / best) ** _SHARPNESS for one, found in ranges.items()},
        stems={found: frozenset(evidence[one]) for one, found in ranges.items()},
        scope=document_names.within(scope, clearly),
    )


def naming_words(question: str) -> dict[str, float]:
    """What each word by which the question may name a document counts, 0 to 1.

    Words written together in a file name are looked for as well ("American Express", ``americanexpress``),
    and so are years however they are written.
    """
    plain = words(question)
    written = names(question) | years(question)
    found: dict[str, float] = {}

    def add(word: str, is_name: bool) -> None:
        found[word] = max(1.0 if is_name else COMMON_WORD_WEIGHT, found.get(word, 0.0))

    for word in plain:
        if word not in STOPWORDS:
            add(word, word in written or any(c.isdigit() for c in word))
    for one, other in pairwise(plain):
        add(one + other, True)
    for year in years(question):
        add(year, True)
    return found
