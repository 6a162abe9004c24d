from __future__ import annotations

import json

import numpy as np

from rag.retrieval.query import Query, term_weights
from rag.text import irregular
from rag.text.words import stem, stems
from tests.evals import usual_words

BACKUP, MAKE = stem("backup"), stem("make")


def test_in_a_library_of_one_chunk_a_usual_word_it_does_not_hold_tells_less_than_a_rare_one_it_does() -> None:
    weights = term_weights([MAKE, BACKUP], {BACKUP: 1}, 1)
    assert weights[MAKE] < weights[BACKUP] / 2


def test_in_a_large_library_its_own_words_decide() -> None:
    weights = term_weights([MAKE, BACKUP], {MAKE: 40, BACKUP: 60_000}, 100_000)
    assert weights[BACKUP] < 0.6 < 6 < weights[MAKE]


def test_a_word_is_never_worth_less_than_nothing() -> None:
    assert term_weights([MAKE], {MAKE: 10}, 10)[MAKE] > 0


def test_the_table_of_usual_words_is_what_the_vocabulary_gives() -> None:
    assert json.loads(usual_words.STORED.read_text()) == usual_words.table()


def test_a_word_is_covered_by_its_irregular_forms_and_by_no_other_word() -> None:
    weights = term_weights(stems("pay foot burn"), {}, 1)
    query = Query("", (), (), tuple(weights), weights, np.zeros(1, dtype=np.float32))
    assert query.coverage(frozenset(stems("Paid by foot; burnt."))) == 1.0
    assert query.coverage(frozenset(stems("A payee burned his boots."))) < 0.5


def test_no_word_belongs_to_two_families() -> None:
    written = [
        word for line in irregular.FAMILIES.split("\n") for word in {stem(one) for one in line.split()}
    ]
    assert len(written) == len(set(written))
