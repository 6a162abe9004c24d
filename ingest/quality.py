"""What a reader should know about how well a document was read: measured, kept with it, shown everywhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

from ingest.garbled import garbled_share
from ingest.language import Language
from rag.records import BlockKind, Chunk, Notice, ParsedDocument

GARBLED_WARNING = 0.05
"""Share of garbled text from which a document is ready with a warning."""
SELF_RETRIEVAL_WARNING = 0.75


@dataclass(frozen=True, slots=True)
class Quality:
    """The report on one version.

    ``garbled`` is the share of text that stands for nothing, ``language`` what most of it is written in
    (None: too little to tell) and whether the embedder speaks it (None: nobody knows). ``tokens_truncated``
    counts tokens the embedder did not see; it is 0 because chunks are measured with its own tokenizer.
    ``self_retrieval`` is the share of sampled passages that a search for their own words brings back.
    """

    pages: int
    pages_without_text: int
    pages_recognised: int
    characters: int
    garbled: float
    language: Mapping[str, Any] | None
    tables: int
    furniture_blocks: int
    chunks: int
    tokens: int
    tokens_truncated: int
    self_retrieval: float | None

    def as_mapping(self) -> dict[str, Any]:
        return asdict(self)


def assess(
    parsed: ParsedDocument,
    pieces: Sequence[Chunk],
    *,
    max_tokens: int,
    language: Language | None,
    spoken_languages: frozenset[str] | None,
) -> Quality:
    """The report before the self-search. ``spoken_languages``: what the embedder speaks, None if unknown."""
    return Quality(
        pages=parsed.page_count,
        pages_without_text=len(parsed.pages_without_text),
        pages_recognised=len(parsed.pages_recognised),
        characters=len(parsed.text),
        garbled=round(garbled_share(parsed.text), 4),
        language=None if language is None else _language(language, spoken_languages),
        tables=_tables(parsed),
        furniture_blocks=sum(block.kind is BlockKind.FURNITURE for block in parsed.blocks),
        chunks=len(pieces),
        tokens=sum(piece.tokens for piece in pieces),
        tokens_truncated=sum(max(0, piece.tokens - max_tokens) for piece in pieces),
        self_retrieval=None,
    )


def warnings(quality: Quality) -> list[Notice]:
    """What of the report a person should not have to look for."""
    found = []
    if quality.garbled >= GARBLED_WARNING:
        found.append(
            Notice(
                "garbled_text",
                f"{quality.garbled:.0%} of the text are characters that stand for nothing; "
                "it can hardly be searched. Look for another copy, or have its pages recognised (OCR).",
            )
        )
    if quality.language is not None and quality.language["spoken"] is False:
        found.append(
            Notice(
                "language_not_spoken",
                f"The text seems to be in {quality.language['code']!r}, which the embedding model was not "
                "made for: it is found by its words, hardly by its meaning.",
            )
        )
    if quality.self_retrieval is not None and quality.self_retrieval < SELF_RETRIEVAL_WARNING:
        found.append(
            Notice(
                "hard_to_find",
                f"Only {quality.self_retrieval:.0%} of sampled passages are found by their own words.",
            )
        )
    return found


def _language(language: Language, spoken: frozenset[str] | None) -> dict[str, Any]:
    return {
        "code": language.code,
        "probability": round(language.probability, 3),
        "spoken": None if spoken is None else language.code in spoken,
    }


def _tables(parsed: ParsedDocument) -> int:
    """Runs of rows on consecutive lines."""
    kinds = [block.kind is BlockKind.TABLE_ROW for block in parsed.blocks]
    continued = [
        former.kind is latter.kind is BlockKind.TABLE_ROW
        and parsed.text.count("\n", former.end, latter.start) < 2
        for former, latter in pairwise(parsed.blocks)
    ]
    return sum(kinds) - sum(continued)
