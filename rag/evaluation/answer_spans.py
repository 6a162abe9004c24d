"""Words of a paragraph that a question could ask for: dates and numbers, names, terms, reasons.

English only in its lists of words; numbers and capitalised names are found in other languages too.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass

from rag.text.sentences import sentence_spans
from rag.text.words import STOPWORDS

_MONTH = "January|February|March|April|May|June|July|August|September|October|November|December"
_KINDS: Sequence[tuple[str, re.Pattern[str], float]] = (
    (
        "number",
        re.compile(
            rf"(?:\d{{1,2}} )?(?:{_MONTH})(?: \d{{1,2}},?)?(?: \d{{4}})?"
            r"|(?:\$|£|€)\d[\d.,]*\d(?: (?:million|billion|trillion))?"
            r"|\d[\d.,]*(?:\s?%| percent)?"
            r"(?: (?:million|billion|years?|km|miles|metres|people|percent|days|feet))?"
            r"|\b(?:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|thirty|fifty|hundred)\b"
        ),
        0.3,
    ),
    ("name", re.compile(r"\b[A-Z][\w'’-]+(?: (?:(?:of|the|de|and|von) )?[A-Z][\w'’-]+){0,3}"), 0.3),
    (
        "reason",
        re.compile(
            r"(?<=\bbecause )[^.,;()]{12,70}|(?<=\bdue to )[^.,;()]{8,60}|(?<=\bin order to )[^.,;()]{8,60}"
            r"|(?<=\bto )(?:prevent|avoid|help|allow|provide|reduce|protect|improve|increase)[^.,;()]{6,50}"
        ),
        0.12,
    ),
)
_TERM_SHARE = 0.28
_WORD = re.compile(r"[A-Za-z][\w'’-]*")
_LONGEST_TERM = 4
_SHORTEST_TERM = 8  # characters of a word that is one alone
_OPENS_NOUNS = frozenset(
    "the a an of in by with as for from on into through its his their her called between".split()
)
"""Words after which a run of content words is most likely a noun with what describes it."""


@dataclass(frozen=True, slots=True)
class Target:
    """``text[start:end]`` of the paragraph, found in it once."""

    start: int
    end: int
    kind: str


def targets(text: str, wanted: int, chance: random.Random) -> list[Target]:
    """Up to ``wanted`` answers, spread over kinds and sentences, none inside another."""
    sentences = sentence_spans(text)
    pools: dict[str, list[Target]] = {kind: [] for kind in (*(kind for kind, _, _ in _KINDS), "term")}
    for kind, pattern, _ in _KINDS:
        for match in pattern.finditer(text):
            start, end = match.start(), match.end()
            end -= len(match[0]) - len(match[0].rstrip(" .,"))
            opens = any(start == first for first, _ in sentences)
            if kind == "name" and opens and " " not in text[start:end]:
                continue  # any word has a capital there
            pools[kind].append(Target(start, end, kind))
    pools["term"] = [Target(start, end, "term") for start, end in _terms(text)]
    shares = {kind: share for kind, _, share in _KINDS} | {"term": _TERM_SHARE}
    chosen: list[Target] = []
    used: dict[int, int] = {}
    for pool in pools.values():
        chance.shuffle(pool)
    while len(chosen) < wanted and any(pools.values()):
        kinds = [kind for kind in pools if pools[kind]]
        kind = chance.choices(kinds, [shares[kind] for kind in kinds])[0]
        target = pools[kind].pop()
        sentence = next(
            (at for at, (first, last) in enumerate(sentences) if first <= target.start < last), None
        )
        if sentence is None or used.get(sentence, 0) >= 3 or not _fit(text, target, chosen):
            continue
        used[sentence] = used.get(sentence, 0) + 1
        chosen.append(target)
    return chosen


def _fit(text: str, target: Target, chosen: Sequence[Target]) -> bool:
    words = text[target.start : target.end]
    return (
        len(words) >= 2
        and text.count(words) == 1
        and not any(one.start < target.end and target.start < one.end for one in chosen)
    )


def _terms(text: str) -> list[tuple[int, int]]:
    """Runs of words between stop words and punctuation, as in RAKE (Rose et al., 2010)."""
    found: list[tuple[int, int]] = []
    run: list[tuple[int, int]] = []
    last, before = 0, ""
    for match in _WORD.finditer(text):
        broken = text[last : match.start()].strip(" ") != ""
        word = match[0].lower()
        if broken or word in STOPWORDS:
            telling = len(run) > 1 or (run and run[0][1] - run[0][0] >= _SHORTEST_TERM)
            if before in _OPENS_NOUNS and telling and len(run) <= _LONGEST_TERM:
                found.append((run[0][0], run[-1][1]))
            run, before = [], "" if broken else before
        if word in STOPWORDS:
            before = word
        else:
            run.append(match.span())
        last = match.end()
    return found
