"""Write the table of usual words: ``python -m tests.evals.usual_words``.

A vocabulary of WordPiece tokens has its whole words in the order of their frequency in the text it was made
from (Wikipedia and books). Zipf's law makes frequencies of their ranks, shifted by 2.7 as it fits English
(B. Mandelbrot, An informational theory of the statistical structure of language, 1953).
"""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path

from tokenizers import Tokenizer

from rag.models.locations import default_embedder_path
from rag.text import usual_words
from rag.text.words import STOPWORDS, stem

STORED = Path(usual_words.__file__).with_name("usual_words.json")
CHUNK_WORDS = 100
LEAST_SHARE = 0.002
"""Of chunks; what is rarer is no usual word."""
_SHIFT = 2.7


def table() -> dict[str, float]:
    """The share of chunks of so many words that a word of each stem stands in."""
    tokenizer = Tokenizer.from_file(str(default_embedder_path() / "tokenizer.json"))
    tokens = [tokenizer.id_to_token(at) or "" for at in range(tokenizer.get_vocab_size())]
    ranked = [token for token in tokens if len(token) > 1 and token.isascii() and token.isalpha()]
    total = sum(1 / (rank + _SHIFT) for rank in range(1, len(ranked) + 1))
    frequencies: dict[str, float] = defaultdict(float)
    for rank, word in enumerate(ranked, start=1):
        if word not in STOPWORDS:
            frequencies[stem(word)] += 1 / (rank + _SHIFT) / total
    shares = {word: round(1 - (1 - one) ** CHUNK_WORDS, 4) for word, one in frequencies.items()}
    return {word: share for word, share in sorted(shares.items()) if share >= LEAST_SHARE}


if __name__ == "__main__":
    STORED.write_text(json.dumps(table(), separators=(",", ":")) + "\n")
    print(f"written to {STORED}")
