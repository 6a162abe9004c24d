"""How often words stand in English at large: what a library of a few pages cannot know of itself."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib import resources


@cache
def shares() -> Mapping[str, float]:
    """The share (0..1) of chunks of a hundred words that a word of each stem stands in, by stem; without stop
    words and without what stands in fewer than two of a thousand. Made by ``tests.evals.usual_words``."""
    stored = resources.files("rag.text").joinpath("usual_words.json").read_text()
    return dict(json.loads(stored))
