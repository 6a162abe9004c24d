"""Comparisons: evidence about each of several things, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from rag.generation.survey import PASSAGES_SHOWN, Survey, SurveyItem
from rag.records import Coverage, Evidence, Notice, Passage
from rag.retrieval.evidence import EvidenceSelector
from rag.retrieval.hybrid import HybridRetriever, SearchResult
from rag.retrieval.question_kind import DOCUMENT_NOUNS, Asked
from rag.stores.scopes import Scope
from rag.text.words import STOPWORDS, content_words, stem, stems, words

PASSAGES_A_THING = 24
"""Passages looked through for each thing; those that do not name it are left out."""
SENTENCES_A_THING = 3


def survey(
    retriever: HybridRetriever, selector: EvidenceSelector, asked: Asked, scope: Scope, limit: int
) -> Survey | None:
    """Evidence for each thing; None where nothing is found of any of them."""
    each = max(1, min(SENTENCES_A_THING, limit // len(asked.things)))
    items: list[SurveyItem] = []
    missing: list[str] = []
    passages: dict[int, Passage] = {}
    for thing in asked.things:
        result = _about(retriever, asked, thing, scope)
        passages |= {passage.chunk_id: passage for passage in result.passages}
        others = [_telling(other) for other in asked.things if other != thing]
        found = _evidence(selector, result, thing, others, each)
        if not found:
            missing.append(thing)
        items += [SurveyItem(one, one.text, thing) for one in found]
    if not items:
        return None
    items = items[:limit]
    numbered = [
        SurveyItem(replace(item.evidence, number=number), item.text, item.group)
        for number, item in enumerate(items, start=1)
    ]
    return Survey(
        items=numbered,
        coverage=Coverage(
            documents=len({item.evidence.document.id for item in numbered}),
            passages_seen=len(passages),
            passages_matching=len(passages),
            documents_matching=len({passage.document.id for passage in passages.values()}),
            complete=None,
        ),
        passages=list(passages.values())[:PASSAGES_SHOWN],
        partial=bool(missing) or {item.group for item in numbered} < set(asked.things),
        notes=tuple(
            Notice("nothing_found_about", f"Nothing was found about {thing} in these documents.")
            for thing in missing
        ),
    )


def _about(retriever: HybridRetriever, asked: Asked, thing: str, scope: Scope) -> SearchResult:
    """What a search for one of the things finds, without passages that are about another."""
    result = retriever.search(f"{asked.about} {thing}".strip(), scope, PASSAGES_A_THING)
    wanted = _telling(thing)
    return replace(result, passages=[passage for passage in result.passages if wanted <= _said(passage)])


def _evidence(
    selector: EvidenceSelector,
    result: SearchResult,
    thing: str,
    others: Sequence[frozenset[str]],
    limit: int,
) -> list[Evidence]:
    """The best sentences that name the thing, stand under a heading that does, or in a passage that names
    none of the ``others``."""
    if not result.passages:
        return []
    selection = selector.select(result, 4 * limit)
    if not selection.sufficient and not _is_named(thing):
        return []
    wanted = _telling(thing)
    alone = [passage for passage in result.passages if not any(other <= _said(passage) for other in others)]
    named = [
        one
        for one in selection.evidence
        if wanted <= frozenset(stems(f"{one.text} {_above(one)}")) or any(_holds(each, one) for each in alone)
    ]
    return (named or list(selection.evidence))[:limit]


def _holds(passage: Passage, evidence: Evidence) -> bool:
    same = passage.version_id == evidence.version_id
    return same and passage.start <= evidence.start and evidence.end <= passage.end


def _telling(thing: str) -> frozenset[str]:
    return frozenset(
        stem(word) for word in words(thing) if word not in STOPWORDS and word not in DOCUMENT_NOUNS
    ) or frozenset(stem(word) for word in content_words(thing))


def _is_named(thing: str) -> bool:
    """Whether the thing has a name of its own, which no passage holds by chance."""
    return any(letter.isupper() or letter.isdigit() for letter in thing)


def _said(passage: Passage) -> frozenset[str]:
    return frozenset(stems(f"{passage.context} {passage.document.name} {passage.text}"))


def _above(evidence: Evidence) -> str:
    return f"{evidence.context} {evidence.document.name}"
