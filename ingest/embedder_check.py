"""Does another embedder find the user's own documents as well? Asked before it takes over, without any judge.

Sentences of the library's passages are the questions, and the passage each is from is what should be found
first, among all passages. That is easier than what people ask, for any embedder; one that does it clearly
worse than the present one is broken, made for other languages, or used without something it needs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ingest.pipeline import Embedder
from rag.evaluation.intervals import wilson
from rag.evaluation.pairs import change
from rag.stores import chunk_store, space_building
from rag.stores.database import Database
from rag.stores.embedders import Trouble
from rag.text.forms import search_form
from rag.text.sentences import sentence_spans
from rag.text.words import content_words

SAMPLE = 200
MARGIN = 0.02
"""A loss of the first place that is no more than this is let pass, however sure it is."""
DEPTH = 10
_SEED = 20261122
_FEWEST_WORDS = 5
_LEAST = 0.5
"""Share found first that is asked of a model with nothing to compare it with."""


@dataclass(frozen=True, slots=True)
class Found:
    """Shares of the questions whose own passage came first, and among the first ``DEPTH``."""

    first: float
    among_ten: float


@dataclass(frozen=True, slots=True)
class Figures:
    """``before`` is None where the present model is not there to be asked; ``low`` and ``high`` bound the
    difference of what is found first, 95 %."""

    questions: int
    after: Found
    before: Found | None = None
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    p: float | None = None

    def as_mapping(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Side:
    """An embedder and the space that its vectors are in."""

    embedder: Embedder
    space_id: int


def compare(database: Database, new: Side, old: Side | None, sample: int = SAMPLE) -> Figures:
    """Ask both the same questions."""
    ids, questions = _questions(database, [side.space_id for side in (new, old) if side], sample)
    after = _ranks(database, new, ids, questions)
    if old is None:
        return Figures(len(ids), _found(after))
    before = _ranks(database, old, ids, questions)
    if not ids:
        return Figures(0, _found(after), _found(before))
    step = change(_firsts(before), _firsts(after))
    low, high = step.interval
    return Figures(len(ids), _found(after), _found(before), step.difference, low, high, step.p)


def judged(figures: Figures) -> Trouble | None:
    """What speaks against the new model, None if nothing does."""
    after, n = figures.after, figures.questions
    if figures.before is None:
        if n and wilson(round(after.first * n), n)[1] < _LEAST:
            told = f"it finds the right passage first for {after.first:.0%} of {n} of your own sentences"
        else:
            return None
    elif figures.difference is None or figures.high is None or figures.p is None:
        return None
    elif figures.difference < -MARGIN and figures.p < 0.05:
        told = (
            f"it finds the right passage first for {after.first:.0%} of {n} of your own sentences, "
            f"the present one for {figures.before.first:.0%}"
        )
    else:
        return None
    return Trouble(
        "embedder_worse",
        f"The new embedding model does worse: {told}. Run `footnote embedder back` to stay with the present "
        "one, or `footnote embedder migrate --force` to go over nevertheless.",
    )


def _questions(database: Database, spaces: Sequence[int], sample: int) -> tuple[list[int], list[str]]:
    """A sentence of each of up to ``sample`` passages that have a vector in every one of the spaces."""
    random = np.random.default_rng(_SEED)
    with database.read() as tx:
        everything = np.array(space_building.all_chunks(tx), dtype=np.int64)
        drawn = sorted(random.choice(everything, min(sample, len(everything)), replace=False).tolist())
        there = set(drawn)
        for space in spaces:
            there &= set(chunk_store.vectors_at(tx, space, drawn)[0].tolist())
        said = chunk_store.said(tx, sorted(there)) if there else []
    ids, questions = [], []
    for chunk_id, _, body in said:
        sentences = [body[start:end] for start, end in sentence_spans(body)]
        telling = [one for one in sentences if len(content_words(one)) >= _FEWEST_WORDS]
        if telling:
            ids.append(chunk_id)
            questions.append(search_form(telling[int(random.integers(len(telling)))]))
    return ids, questions


def _ranks(database: Database, side: Side, ids: Sequence[int], questions: Sequence[str]) -> NDArray[np.int64]:
    """The rank, from 1, of each question's own passage among all vectors of the space, exactly. What comes as
    near is taken to come before it: a model that says the same of everything has found nothing."""
    if not ids:
        return np.empty(0, dtype=np.int64)
    asked = side.embedder.encode(list(questions))
    with database.read() as tx:
        there, own = chunk_store.vectors_at(tx, side.space_id, ids)
        places = np.searchsorted(there, ids)
        scores = np.einsum("nd,nd->n", asked, own[places])
        ranks = np.zeros(len(ids), dtype=np.int64)
        for _, rows in chunk_store.all_vectors(tx, side.space_id):
            # A little less than equal: the same vector may come out differently in the last bit.
            ranks += (rows @ asked.T >= scores - 1e-6).sum(axis=0)
    return ranks  # its own is among them


def _firsts(ranks: NDArray[np.int64]) -> list[float]:
    return [float(rank == 1) for rank in ranks]


def _found(ranks: NDArray[np.int64]) -> Found:
    if not len(ranks):
        return Found(0.0, 0.0)
    return Found(round(float((ranks == 1).mean()), 4), round(float((ranks <= DEPTH).mean()), 4))
