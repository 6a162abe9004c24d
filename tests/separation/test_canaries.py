"""No tenant hears a word that only others' documents hold. A short run of ``canaries``."""

from __future__ import annotations

import pytest

from rag.models.embeddings import SentenceTransformerEmbeddings
from rag.models.locations import default_embedder_path
from rag.retrieval.hybrid import SearchMode
from rag.stores import scopes
from rag.stores.access import LOCAL
from rag.stores.scopes import EVERYWHERE, Scope
from tests.separation.canaries import KINDS, Population, _slip, run

TENANTS, DOCUMENTS, SEED = 3, 12, 20
QUESTIONS = 2 * len(KINDS)


@pytest.fixture(scope="module")
def population(tmp_path_factory: pytest.TempPathFactory) -> Population:
    embedder = SentenceTransformerEmbeddings(default_embedder_path(), threads=2)
    return Population(tmp_path_factory.mktemp("population"), embedder, TENANTS, DOCUMENTS, SEED)


def test_no_canary_crosses(population: Population) -> None:
    outcome = run(population, QUESTIONS)
    assert outcome.leaks == []
    assert outcome.asked == QUESTIONS
    assert outcome.found == outcome.own > 0


def test_the_canaries_would_be_seen(population: Population, monkeypatch: pytest.MonkeyPatch) -> None:
    """With scopes that look everywhere, the same questions leak: the test above can fail."""
    monkeypatch.setattr(scopes, "resolve", lambda tx, scope: EVERYWHERE)
    assert len(run(population, len(KINDS)).leaks) >= len(KINDS) // 2


def test_a_word_is_guessed_from_ones_own_documents_only(population: Population) -> None:
    own, other = (held[0] for held in list(population.planted.values())[:2])
    assert own.access == LOCAL
    for planted, guessed in ((own, True), (other, False)):
        question = f"What does {_slip(population.random, planted.canary)} open?"
        found = population.library.retriever.search(question, Scope(LOCAL), 5, SearchMode.LEXICAL)
        assert bool(found.query.guesses) is guessed
