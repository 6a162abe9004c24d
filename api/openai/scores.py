"""How near a passage is to what was searched for, between 0 and 1 as OpenAI has it."""

from __future__ import annotations

from rag.records import Passage


def likeness(passage: Passage) -> float:
    """The cosine of meaning, cut to 0..1. Results come in Footnote's order, which also weighs words, names
    and figures: a later one may have a higher score."""
    return round(min(1.0, max(0.0, passage.scores.get("dense", 0.0))), 6)
