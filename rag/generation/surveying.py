"""Answers that need more than one passage: which way each kind of question is answered, within bounds."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence

from rag.generation import comparing, listing, summarising
from rag.generation.survey import Survey
from rag.records import QuestionKind
from rag.retrieval.dense import Encoder
from rag.retrieval.evidence import EvidenceSelector
from rag.retrieval.hybrid import HybridRetriever
from rag.retrieval.question_kind import DOCUMENT_NOUNS, Asked
from rag.stores import scopes, surveys
from rag.stores.database import Database
from rag.stores.scopes import Scope
from rag.stores.surveys import LiveDocument
from rag.text.words import STOPWORDS, stem, stems, words

SECONDS = 4.0
"""After so long nothing more is read; what is missing then is said."""
MOST_DOCUMENTS = 2000
"""Documents among which one that is named is looked for."""
MOST_SUMMARISED = 5
PASSAGES_OF_TOPIC = 40
_NAMED = 0.5
"""Least share of the words that a document's name and title must take up to be the one meant."""
_OF_TOPIC = 0.5
"""Least share of a topic's weight that a passage about it holds."""
_ONE_DOCUMENT = 0.6
"""Share of the best passages that must come from one document for that to be the one meant."""
_ANY_DOCUMENT = frozenset("documents document files file texts text pdfs pdf sources source".split())
_WHOLE = frozenset(
    """
    whole entire all everything collection library content contents briefly short brief sentences words
    uploaded attached following given main points
    """.split()
)


class Surveyor:
    """Finds what answers a question from many passages. Safe to use from many threads.

    Args:
        encoder: embeds the sentences of what is summarised; a fast one, as only likeness counts.
    """

    def __init__(
        self, database: Database, retriever: HybridRetriever, selector: EvidenceSelector, encoder: Encoder
    ) -> None:
        self._database = database
        self._retriever = retriever
        self._selector = selector
        self._encoder = encoder

    def survey(self, asked: Asked, scope: Scope, limit: int) -> Survey | None:
        """What to answer with at most ``limit`` footnotes; None where one passage must do.

        Raises ``NotFound``, ``BadRequest`` or ``Unavailable`` as a search does.
        """
        deadline = time.monotonic() + SECONDS
        match asked.kind:
            case QuestionKind.LIST | QuestionKind.COUNT:
                return listing.survey(self._database, asked, scope, limit, deadline)
            case QuestionKind.COMPARISON:
                return comparing.survey(self._retriever, self._selector, asked, scope, limit)
            case QuestionKind.SUMMARY:
                return self._summary(asked.about, scope, limit, deadline)
            case _:
                return None

    def _summary(self, about: str, scope: Scope, limit: int, deadline: float) -> Survey | None:
        with self._database.read() as tx:
            there = surveys.live_documents(tx, scopes.resolve(tx, scope), MOST_DOCUMENTS)
        meant = documents_meant(about, there)
        if meant is None:
            return self._topic(about, scope, there, limit, deadline)
        return self._documents(meant, limit, deadline)

    def _documents(self, meant: Sequence[LiveDocument], limit: int, deadline: float) -> Survey | None:
        few = meant[: min(MOST_SUMMARISED, limit)]
        if not few:
            return None
        with self._database.read() as tx:
            return summarising.survey(tx, self._encoder, few, len(meant), limit, deadline)

    def _topic(
        self, about: str, scope: Scope, there: Sequence[LiveDocument], limit: int, deadline: float
    ) -> Survey | None:
        """What is named is no document: the one that is about it, or else the passages that are."""
        result = self._retriever.search(about, scope, PASSAGES_OF_TOPIC)
        query = result.query
        passages = [
            passage
            for passage in result.passages
            if query.coverage(frozenset(stems(f"{passage.context} {passage.text}"))) >= _OF_TOPIC
        ]
        if not passages:
            return None
        owner, share = Counter(one.document.id for one in passages[:8]).most_common(1)[0]
        if share >= _ONE_DOCUMENT * len(passages[:8]) and any(
            word in DOCUMENT_NOUNS for word in words(about)
        ):
            return self._documents([one for one in there if one.document.id == owner], limit, deadline)
        every = len(result.passages) < PASSAGES_OF_TOPIC
        return summarising.survey_passages(self._encoder, passages, limit, every=every)


def documents_meant(about: str, there: Sequence[LiveDocument]) -> Sequence[LiveDocument] | None:
    """The documents that somebody calls ``about``; None if it is not the name of any.

    "This document" and "everything" mean whatever may be looked at, "the minutes" what is called so.
    """
    telling = frozenset(
        stem(word) for word in words(about) if word not in STOPWORDS | DOCUMENT_NOUNS | _WHOLE
    )
    if not telling:
        kinds = frozenset(stem(word) for word in words(about) if word in DOCUMENT_NOUNS - _ANY_DOCUMENT)
        return [one for one in there if kinds & _called(one)] or there
    ranked = [(_likeness(telling, one), one) for one in there]
    best = max((likeness for likeness, _ in ranked), default=(0.0, 0.0))
    if best[0] < _NAMED:
        return None
    return [one for likeness, one in ranked if likeness == best]


def _likeness(telling: frozenset[str], document: LiveDocument) -> tuple[float, float]:
    """The share of the words that its name and title take up, and how much of its name they are: asked
    for "the BERT paper", bert.pdf rather than the one about DistilBERT and BERT."""
    name = frozenset(
        stems(document.document.name.replace("_", " ").rpartition(".")[0] or document.document.name)
    )
    held = _called(document)
    return len(telling & held) / len(telling), len(telling & name) / max(1, len(telling | name))


def _called(document: LiveDocument) -> frozenset[str]:
    """The stems of its name and title."""
    name = document.document.name
    return frozenset((*stems(name.replace("_", " ")), *stems(name), *stems(document.title)))
