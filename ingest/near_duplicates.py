"""Which documents are almost the same text: MinHash signatures and the bands they are looked up by.

A. Z. Broder, On the resemblance and containment of documents, 1997. The share of equal places of two
signatures estimates the Jaccard similarity of the texts' sets of five-word sequences, with a standard
error of at most 0.045 (128 places). Signatures are stored: what they are made of must never change.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterator
from itertools import islice

import numpy as np
from numpy.typing import NDArray
from rensa import RMinHash

PLACES = 128
BANDS = 16
"""Two texts of similarity s share at least one of b bands of r rows with probability 1 - (1 - s^r)^b.

For 16 bands of 8 rows: 0.06 at s = 0.5, 0.61 at 0.7, 0.95 at 0.8, 0.999 at 0.9. The steepest point is near
(1 / b)^(1 / r) = 0.71: what is to be reported (0.8 and more) is found, and little else is compared.
"""
FEWEST_WORDS = 50
"""Shorter texts are too easily alike."""

_SHINGLE = 5
_SEED = 20261122
_WORDS_AT_ONCE = 100_000
"""Words held at a time, about 20 MB, however long the text is."""
_KNOWN_AT_MOST = 200_000

# Scripts written without spaces: each character stands for a word.
_UNSPACED = "\u0e00-\u0eff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
_WORD = re.compile(rf"[{_UNSPACED}]|[^\W{_UNSPACED}]+")
# An odd multiplier keeps every bit of a 64-bit number; this one is from Knuth's MMIX generator.
_MULTIPLIER = np.uint64(6364136223846793005)

Hashes = NDArray[np.uint64]


def signature(text: str) -> bytes | None:
    """128 little-endian 32-bit numbers, or None for a text of fewer than 50 words.

    Case, punctuation, white space and the forms that Unicode holds to be compatible make no difference.
    Time is linear in the text (two or three seconds per 10 MB) and memory bounded: the signature of a
    whole is the least of its parts' signatures, place by place.
    """
    least: NDArray[np.uint32] | None = None
    carried: Hashes = np.empty(0, dtype=np.uint64)
    words = 0
    for part in _word_hashes(text):
        words += len(part)
        joined = np.concatenate([carried, part])
        if len(joined) >= _SHINGLE:
            found = _least(_shingles(joined))
            least = found if least is None else np.minimum(least, found)
        carried = joined[-(_SHINGLE - 1) :]
    return None if least is None or words < FEWEST_WORDS else least.astype("<u4").tobytes()


def bands(signature: bytes) -> list[int]:
    """16 numbers below 2^63: texts that share one at the same place are worth comparing."""
    width = len(signature) // BANDS
    parts = (signature[at * width : (at + 1) * width] for at in range(BANDS))
    return [int.from_bytes(hashlib.blake2b(part, digest_size=8).digest(), "little") >> 1 for part in parts]


def similarity(one: bytes, other: bytes) -> float:
    """The estimated Jaccard similarity of two texts by their signatures, 0 to 1."""
    return float((np.frombuffer(one, dtype="<u4") == np.frombuffer(other, dtype="<u4")).mean())


def _word_hashes(text: str) -> Iterator[Hashes]:
    """One number a word, the same for every form of it, in the order of the text."""
    known: dict[str, int] = {}
    words = (found[0] for found in _WORD.finditer(text))
    while some := list(islice(words, _WORDS_AT_ONCE)):
        for word in set(some):
            if word not in known:
                known[word] = _word_hash(word)
        yield np.fromiter((known[word] for word in some), dtype=np.uint64, count=len(some))
        if len(known) > _KNOWN_AT_MOST:
            known.clear()


def _word_hash(word: str) -> int:
    plain = unicodedata.normalize("NFKC", word).casefold().encode("utf-8", "replace")
    return int.from_bytes(hashlib.blake2b(plain, digest_size=8).digest(), "little")


def _shingles(words: Hashes) -> Hashes:
    """The distinct hashes of all runs of five words, each depending on the order."""
    count = len(words) - _SHINGLE + 1
    total = np.zeros(count, dtype=np.uint64)
    for at in range(_SHINGLE):
        total = total * _MULTIPLIER + words[at : at + count]
    return np.unique(total)


def _least(shingles: Hashes) -> NDArray[np.uint32]:
    bounds = np.array([0, len(shingles)], dtype=np.uint64)
    rows = RMinHash.digest_matrix_from_flat_token_hashes(shingles, bounds, PLACES, _SEED).to_rows()
    return np.array(rows[0], dtype=np.uint32)
