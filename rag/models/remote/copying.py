"""Whether what a free model wrote is what the copy constraint would have made of it: words of a source."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rag.models.generation import CopiedSpan

_AROUND = re.compile(r"^[\s\"'“”‘’«»*`]+|(?:\s*\[\d{1,3}\]|[\s\"'“”‘’«»*`.,;:])+$")
"""What models put around a phrase that they were asked for."""


def copied_span(text: str, sources: Sequence[str]) -> CopiedSpan | None:
    """Where ``text`` stands in ``sources``, as whole words, in the first that has it; None if nowhere.

    White space and capitals may differ: what is delivered is the source's own text.
    """
    words = _AROUND.sub("", text).split()
    if not words:
        return None
    pattern = re.compile(r"(?<!\w)" + r"\s+".join(map(re.escape, words)) + r"(?!\w)", re.IGNORECASE)
    for number, source in enumerate(sources):
        if found := pattern.search(source):
            return CopiedSpan(number, found.start(), found.end())
    return None
