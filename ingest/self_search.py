"""A document is called ready only after it has been found: some of its own words must lead back to it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from rag.errors import Unavailable
from rag.records import Chunk
from rag.stores import chunk_store, keyword_index
from rag.stores.database import Tx
from rag.stores.scopes import ResolvedScope
from rag.text.forms import spoken
from rag.text.sentences import sentence_spans
from rag.text.words import content_words, stem

SAMPLES = 8
"""Chunks that are searched for, spread evenly over the document."""
DEPTH = 10
"""A chunk is found if it is among so many of the whole library."""
_RAREST = 6
_MOST_RANKED = 2000
"""Chunks that a search for a sample may have to rank: a few milliseconds."""
_SAME = 0.999


def self_retrieval(
    tx: Tx,
    first_chunk: int,
    pieces: Sequence[Chunk],
    text: str,
    space_id: int,
    embedded: NDArray[np.float32],
    library: ResolvedScope,
) -> float:
    """The share, 0 to 1, of sampled chunks of a just published document that a search brings back.

    Runs inside the publishing transaction, over ``library``, all that its tenant has: how well it is found
    must not tell what others have. Each sample is looked for by the
    rarest words of one of its sentences; that it is not among the best is a matter of quality (it has no
    words of its own, or a script whose words the index cuts otherwise), that it is not in the index at all
    or has not the vector it should have is not.

    Raises ``Unavailable`` (``self_search_failed``) in the second case.
    """
    sampled = sorted({round(at) for at in np.linspace(0, len(pieces) - 1, min(SAMPLES, len(pieces)))})
    found = 0
    for at in sampled:
        chunk_id = first_chunk + at
        _, stored = chunk_store.vectors_between(tx, space_id, chunk_id, chunk_id)
        expression = keyword_index.match_expression(_telling_words(tx, spoken(text, pieces[at]), library))
        best = {one for one, _ in keyword_index.search(tx, expression, DEPTH, library)}
        is_best = chunk_id in best
        known = is_best or keyword_index.contains(tx, chunk_id)
        if not known or len(stored) != 1 or float(stored[0] @ embedded[at]) < _SAME:
            raise Unavailable(
                "self_search_failed",
                "The document was stored but a search did not find it; it is read again.",
            )
        found += is_best
    return found / len(sampled)


def _telling_words(tx: Tx, said: str, library: ResolvedScope) -> list[str]:
    """The rarest words of the chunk's longest sentence, as few as lead to few enough chunks.

    None where even the rarest is everywhere: it would tell nothing, and ranking all those takes long.
    """
    sentences = [said[start:end] for start, end in sentence_spans(said)] or [said]
    words = list(dict.fromkeys(content_words(max(sentences, key=len))))
    known = keyword_index.document_frequencies(tx, [stem(word) for word in words], library)
    frequencies = {word: known.get(stem(word), 0) for word in words}
    rarest = sorted(words, key=lambda word: frequencies[word])[:_RAREST]
    sums = accumulate(frequencies[word] for word in rarest)
    return [word for word, total in zip(rarest, sums, strict=True) if total <= _MOST_RANKED]
