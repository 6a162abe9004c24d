"""Summaries made of a document's own sentences, some from each of its parts.

Extractive: the sentences nearest to the middle of what their part and the document say, not too alike.
D. R. Radev et al., Centroid-based summarization of multiple documents, Information Processing and
Management 40(6), 2004; J. Carbonell and J. Goldstein, The use of MMR, SIGIR 1998.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from rag.generation.survey import PASSAGES_SHOWN, Survey, SurveyItem, evidence_of
from rag.records import Coverage, Notice, Passage
from rag.retrieval.dense import Encoder
from rag.retrieval.units import Unit, units_of
from rag.stores import surveys
from rag.stores.database import Tx
from rag.stores.surveys import LiveDocument
from rag.text.orders import gives_orders
from rag.text.words import words

SENTENCES = 10
"""Length of a summary, unless fewer footnotes are wanted."""
MOST_CHUNKS = 3000
"""Chunks of a document that are considered: about 600 pages. A longer one is sampled evenly."""
CHUNKS_A_STRETCH = 5
"""Chunks of a tenth of the document that are read: its first, and those nearest to its middle."""
MOST_SENTENCES = 480
"""Sentences that are embedded."""
_ALIKE_WEIGHT = 0.5
_DOCUMENT_WEIGHT = 0.5
_HEARD_WEIGHT = 0.1
_GOES_ON_WEIGHT = 0.1
_OPENING_WEIGHT = 0.08
_NOT_CONTENT = re.compile(
    r"\b(?:references|bibliography|acknowledge?ments?|index|contents|literature cited|appendix|appendices)\b",
    re.I,
)
_CAPTION = re.compile(r"(?:figure|fig\.|table|source|note|see)\b", re.I)
_GOES_ON = re.compile(
    r"(?:however|therefore|thus|hence|similarly|moreover|furthermore|also|that is|indeed|for example"
    r"|for instance|as such|in addition|additionally|again|then|so|but|and|yet|still|instead|finally"
    r"|specifically)\b",
    re.I,
)
_FEWEST_WORDS, _MOST_WORDS = 7, 60

Vectors = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class _Stretch:
    """Successive sections of a document that are spoken for together, as far as they were read."""

    passages: Sequence[Passage]


def survey(
    tx: Tx, encoder: Encoder, documents: Sequence[LiveDocument], total: int, limit: int, deadline: float
) -> Survey | None:
    """A summary of some documents; None where they hold no sentence.

    Args:
        total: how many documents were meant; more than are given makes the answer partial.
    """
    length = min(limit, max(SENTENCES, len(documents)))
    share = max(1, length // len(documents))
    stretches: list[_Stretch] = []
    section_of: dict[int, int] = {}
    for document in documents:
        if time.monotonic() > deadline:
            break
        sections = _sections(document, tx)
        before = len(set(section_of.values()))
        section_of |= {one: before + at for at, section in enumerate(sections) for one in section}
        stretches += [_read(tx, part) for part in _joined(sections, share)]
    chosen = _choose(encoder, stretches, length, section_of)
    if not chosen:
        return None
    read = [passage for stretch in stretches for passage in stretch.passages]
    there = len(set(section_of.values()))
    seen = len({section_of[unit.passage.chunk_id] for unit in chosen})
    found = {unit.passage.document.id for unit in chosen}
    return Survey(
        items=_items(chosen, len(documents) > 1),
        coverage=Coverage(
            documents=len(found),
            passages_seen=len(read),
            passages_matching=sum(len(document) for document in documents),
            documents_matching=total,
            sections_seen=seen,
            sections_total=there,
            complete=seen >= there and len(found) >= total,
        ),
        passages=[unit.passage for unit in chosen][:PASSAGES_SHOWN],
        partial=len(found) < total,
        notes=_notes(seen, there, len(found), total),
    )


def survey_passages(
    encoder: Encoder, passages: Sequence[Passage], limit: int, *, every: bool
) -> Survey | None:
    """What passages about one matter say, wherever they stand: a summary of a topic.

    Args:
        every: whether these are all there are.
    """
    chosen = _choose(encoder, [_Stretch(passages)], min(limit, SENTENCES), {})
    if not chosen:
        return None
    chosen.sort(key=lambda unit: (unit.passage.version_id, unit.place))
    found = {unit.passage.document.id for unit in chosen}
    return Survey(
        items=_items(chosen, len(found) > 1),
        coverage=Coverage(
            documents=len(found),
            passages_seen=len(passages),
            passages_matching=len(passages),
            documents_matching=len({passage.document.id for passage in passages}),
            complete=every,
        ),
        passages=passages[:PASSAGES_SHOWN],
        partial=not every,
    )


def _items(chosen: Sequence[Unit], many: bool) -> list[SurveyItem]:
    return [
        SurveyItem(evidence_of(unit, number), unit.text, unit.passage.document.name if many else "")
        for number, unit in enumerate(chosen, start=1)
    ]


def _sections(document: LiveDocument, tx: Tx) -> list[list[int]]:
    """The document's chunks by section, without those that hold no content of its own (references)."""
    ids = list(range(document.first_chunk, document.last_chunk + 1))
    ids = ids[:: max(1, -(-len(ids) // MOST_CHUNKS))]
    headings = surveys.headings_of(tx, ids)
    ids = [one for one in ids if not any(map(_NOT_CONTENT.search, headings.get(one, ())))] or ids
    depth = _telling_depth([headings.get(one, ()) for one in ids])
    named = [list(group) for _, group in groupby(ids, key=lambda one: headings.get(one, ())[: depth + 1])]
    if len(named) >= 3:
        return named
    size = max(1, -(-len(ids) // SENTENCES))
    return [ids[at : at + size] for at in range(0, len(ids), size)]


def _telling_depth(paths: Sequence[tuple[str, ...]]) -> int:
    """The outermost level of headings that divides the document: not its title."""
    for depth in range(4):
        if len({path[: depth + 1] for path in paths}) >= 3:
            return depth
    return 0


def _joined(sections: Sequence[list[int]], count: int) -> list[list[int]]:
    """At most ``count`` stretches of about the same length: neighbouring sections, none left out."""
    if len(sections) <= count:
        return list(sections)
    ends = np.cumsum([len(section) for section in sections])
    middles = ends - np.array([len(section) for section in sections]) / 2
    owners = np.minimum(middles * count // ends[-1], count - 1).astype(int).tolist()
    joined: dict[int, list[int]] = {}
    for section, owner in zip(sections, owners, strict=True):
        joined.setdefault(owner, []).extend(section)
    return list(joined.values())


def _read(tx: Tx, chunk_ids: Sequence[int]) -> _Stretch:
    """The first chunk of a stretch and those nearest to the middle of all, by their stored vectors."""
    if len(chunk_ids) <= CHUNKS_A_STRETCH:
        return _Stretch(surveys.read(tx, chunk_ids))
    vectors = surveys.comparable_vectors(tx, chunk_ids)
    middle = _middle(np.stack(list(vectors.values()))) if vectors else np.zeros(1, dtype=np.float32)
    central = sorted(vectors, key=lambda one: -float(vectors[one] @ middle))
    wanted = dict.fromkeys([chunk_ids[0], *central, *chunk_ids])
    return _Stretch(surveys.read(tx, list(wanted)[:CHUNKS_A_STRETCH]))


def _choose(
    encoder: Encoder, stretches: Sequence[_Stretch], length: int, section_of: Mapping[int, int]
) -> list[Unit]:
    """The best sentences in their order: one of each stretch, then from wherever they add most, rather
    from a section that has not spoken yet."""
    pools = [[unit for passage in stretch.passages for unit in _sentences(passage)] for stretch in stretches]
    heard_of = {unit.passage.document.id for pool in pools for unit in pool}
    for pool, stretch in zip(pools, stretches, strict=True):
        unheard = [passage for passage in stretch.passages if passage.document.id not in heard_of]
        pool += [unit for passage in unheard for unit in _whatever(passage)]
    room = max(1, MOST_SENTENCES // max(1, len(pools)))
    flat = [(at, unit) for at, pool in enumerate(pools) for unit in pool[:room]]
    if not flat:
        return []
    owners = np.array([at for at, _ in flat])
    sections = np.array([section_of.get(unit.passage.chunk_id, -1) for _, unit in flat])
    vectors = encoder.encode([unit.text for _, unit in flat])
    scores = _scores(vectors, owners, [unit for _, unit in flat])
    taken: list[int] = []
    alike = np.zeros(len(flat))
    heard = np.zeros(len(flat), dtype=bool)
    waiting = set(owners.tolist())
    while len(taken) < min(length, len(flat)):
        worth = scores - _ALIKE_WEIGHT * alike - _HEARD_WEIGHT * heard
        worth[taken] = -np.inf
        if waiting:
            worth[~np.isin(owners, list(waiting))] = -np.inf
        best = int(np.argmax(worth))
        taken.append(best)
        waiting.discard(int(owners[best]))
        heard |= sections == sections[best]
        alike = np.maximum(alike, vectors @ vectors[best])
    return [flat[at][1] for at in sorted(taken)]


def _scores(vectors: Vectors, owners: NDArray[np.int64], units: Sequence[Unit]) -> NDArray[np.float64]:
    """How near each sentence is to the middle of its stretch and of all; a little more where it opens one,
    a little less where it goes on with what is not quoted."""
    scores: NDArray[np.float64] = _DOCUMENT_WEIGHT * (vectors @ _middle(vectors)).astype(np.float64)
    for at in np.unique(owners):
        inside = np.flatnonzero(owners == at)
        scores[inside] += vectors[inside] @ _middle(vectors[inside])
        scores[inside] += _OPENING_WEIGHT * (1.0 - np.arange(len(inside)) / len(inside))
    scores -= _GOES_ON_WEIGHT * np.array([bool(_GOES_ON.match(unit.text)) for unit in units])
    return scores


def _middle(vectors: Vectors) -> Vectors:
    mean: Vectors = vectors.mean(axis=0)
    return mean / max(float(np.linalg.norm(mean)), 1e-9)


def _sentences(passage: Passage) -> list[Unit]:
    """Whole sentences that say something by themselves."""
    return [
        unit
        for unit in units_of(passage)
        if not unit.is_row
        and _FEWEST_WORDS <= len(words(unit.text)) <= _MOST_WORDS
        and unit.text.rstrip("\"'”’)]")[-1:] in tuple(".!。")
        and (unit.text[0].isupper() or not unit.text[0].isalpha())
        and not unit.points_back
        and not gives_orders(unit.text)
        and not _CAPTION.match(unit.text)
        and unit.text not in passage.context
        and sum(c.isdigit() for c in unit.text) < len(unit.text) / 6
    ]


def _whatever(passage: Passage) -> list[Unit]:
    """What a document says that has no such sentence: a list, a table, a note of a few words."""
    return [unit for unit in units_of(passage) if not gives_orders(unit.text)]


def _notes(seen: int, sections: int, documents: int, total: int) -> tuple[Notice, ...]:
    notes = []
    if documents < total:
        detail = f"{documents} of {total} documents were summarised; name one to read about that alone."
        notes.append(Notice("not_all_documents", detail))
    if seen < sections:
        notes.append(Notice("not_all_sections", f"Sentences from {seen} of {sections} sections are shown."))
    return tuple(notes)
