"""Documents for faults: a word that no other has, and ordinary words in common."""

from __future__ import annotations

import random

_COMMON = (
    "the harbour office closes at noon when fog covers pier seven and ferries wait for tide tables "
    "which masters read aloud while crews check lamps ropes engines valves ledgers and weather notes"
).split()


def make(chance: random.Random, sentences: int | None = None) -> str:
    """A text of a few sentences, or of so many; its first word is its own."""
    word = "q" + "".join(chance.choice("bcdfghjklmnpqrstvwxz") for _ in range(12))
    lines = [
        f"{word} note {number}: "
        + " ".join(chance.choice(_COMMON) for _ in range(chance.randint(6, 20)))
        + "."
        for number in range(sentences if sentences is not None else chance.randint(1, 8))
    ]
    return "\n".join(lines)
