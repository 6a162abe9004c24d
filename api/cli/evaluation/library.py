"""The documents an evaluation is about, and passages drawn from them."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle

from api.cli.connection import Connection
from rag.evaluation.questions import Passage
from rag.evaluation.runs import Library
from rag.text.sentences import sentence_spans

_PAGE = 200
_WINDOW = 1600
"""Characters read at once; what is left of it after cutting at sentences is a passage."""
_FEWEST_CHARACTERS = 80


@dataclass(frozen=True, slots=True)
class Source:
    """A document that is searched, in the version that is."""

    id: str
    name: str
    title: str
    media_type: str
    version: int
    characters: int
    language: str


@dataclass(frozen=True, slots=True)
class Drawn:
    """A passage and where it begins in its document's text."""

    source: Source
    offset: int
    passage: Passage


def sources(service: Connection, collections: Sequence[str]) -> list[Source]:
    """Every document that is searched, in these collections or (none named) in all."""
    found: dict[str, Source] = {}
    for collection in collections or (None,):
        parameters: dict[str, str | int] = {"limit": _PAGE} | (
            {"collection": collection} if collection else {}
        )
        while True:
            page = service.call("GET", "/v1/documents", params=parameters)
            for one in page["data"]:
                if one["live_version"] is not None:
                    language = ((one["quality"] or {}).get("language") or {}).get("code", "")
                    found[one["id"]] = Source(
                        one["id"],
                        one["name"],
                        one["title"] or one["name"],
                        one["media_type"] or "",
                        one["live_version"],
                        one["characters"] or 0,
                        language,
                    )
            if page["next_cursor"] is None:
                break
            parameters["cursor"] = page["next_cursor"]
    return [found[key] for key in sorted(found)]


def library(found: Sequence[Source]) -> Library:
    digest = hashlib.sha256("".join(f"{one.id}:{one.version}\n" for one in found).encode())
    return Library(len(found), sum(one.characters for one in found), digest.hexdigest())


def twins(service: Connection, document_id: str) -> tuple[str, ...]:
    """Documents with nearly the same text."""
    similar = service.call("GET", f"/v1/documents/{document_id}")["near_duplicates"] or []
    return tuple(sorted(one["document_id"] for one in similar))


def passages(service: Connection, found: Sequence[Source], chance: random.Random) -> Iterator[Drawn]:
    """Passages without end, spread over kinds of file first and over documents then."""
    by_kind: dict[str, list[Source]] = {}
    for one in found:
        if one.characters >= _FEWEST_CHARACTERS:
            by_kind.setdefault(one.media_type, []).append(one)
    turns = []
    for kind in sorted(by_kind):
        chance.shuffle(by_kind[kind])
        turns.append(cycle(by_kind[kind]))
    while turns:
        for turn in turns:
            yield _draw(service, next(turn), chance)


def _draw(service: Connection, source: Source, chance: random.Random) -> Drawn:
    begin = chance.randint(0, max(0, source.characters - _WINDOW))
    place = {"start": begin, "end": begin + _WINDOW, "version": source.version}
    text = str(service.call("GET", f"/v1/documents/{source.id}/text", params=place)["text"])
    start, end = whole_sentences(text, begins=begin == 0, finishes=begin + _WINDOW >= source.characters)
    return Drawn(source, begin + start, Passage(text[start:end], source.title, source.language))


def whole_sentences(text: str, *, begins: bool, finishes: bool) -> tuple[int, int]:
    """The part of a window without half sentences; ``begins`` and ``finishes`` say which ends are whole."""
    spans = sentence_spans(text)
    spans = spans[0 if begins else 1 : len(spans) if finishes else -1]
    return (spans[0][0], spans[-1][1]) if spans else (0, 0)
