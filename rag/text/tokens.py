"""Words in their places: what stands where in a text, which words are names, where clauses end."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from rag.text.forms import search_form
from rag.text.sentences import sentence_spans
from rag.text.words import STOPWORDS, stem

MAX_TOKENS = 1000
"""Words looked at in one text: a sentence has thirty, and the cost of a hostile one stays bounded."""

CONNECTIVES = frozenset(
    """
    like such as although though however thus therefore hence moreover furthermore whereas since upon within
    among amongst despite yet may might must shall would also even still just rather via per etc whilst
    """.split()
)
"""Words that join facts and state none, beyond the stop words of the search."""

_PIECE = re.compile(
    r"(\d+(?:[.,]\d+)*(?:[^\W_]+)?|[^\W_]+(?:['’][^\W_]+)*)|([,;:()\[\]{}—–|\t\n]|[.!?…。！？])"
)
_TAIL = re.compile(r"['’](?:s|d|m|t|re|ve|ll)$")


@dataclass(frozen=True, slots=True)
class Token:
    """A word or number of a text.

    ``start`` and ``end`` are offsets in the text's ``search_form``. ``clause`` and ``sentence`` count up
    from 0 at punctuation and at sentence ends. ``capital`` says that it is capitalised and no common word,
    ``name`` that this means something where it stands. ``denies`` marks a contracted *not* ("didn't"),
    which is no part of ``lower``.
    """

    lower: str
    stem: str
    start: int
    end: int
    clause: int
    sentence: int
    capital: bool
    name: bool
    content: bool
    denies: bool = False
    number: bool = False


def tokens(text: str) -> tuple[Token, ...]:
    """The first ``MAX_TOKENS`` words of a text, in order."""
    text = search_form(text)
    starts = [start for start, _ in sentence_spans(text)]
    found: list[Token] = []
    clause, sentence, opens = 0, -1, True
    for match in _PIECE.finditer(text):
        while sentence + 1 < len(starts) and starts[sentence + 1] <= match.start():
            sentence += 1
            opens = True
        if match[2]:
            clause += 1
            # What follows a bracket or a colon may begin with a capital of its own, and is no name for it.
            opens = opens or match[2] in ":.!?…"
            continue
        if len(found) == MAX_TOKENS:
            break
        found.append(_token(match, clause, max(0, sentence), opens))
        opens = False
    return tuple(_named_openings(found))


def lowered(word: str) -> tuple[str, bool]:
    """A word in lower case without what is contracted to it, and whether that was *not*."""
    plain = word.lower().replace("’", "'")
    if plain in ("can't", "cannot"):
        return "can", True
    if plain in ("won't", "shan't"):
        return {"won't": "will", "shan't": "shall"}[plain], True
    if plain.endswith("n't"):
        return plain[:-3], True
    return _TAIL.sub("", plain), False


def _token(match: re.Match[str], clause: int, sentence: int, opens: bool) -> Token:
    written = match[1]
    lower, denies = lowered(written)
    inner = any(letter.isupper() for letter in written[1:])
    capital = written[0].isupper() and lower not in STOPWORDS
    return Token(
        lower=lower,
        stem=stem(lower),
        start=match.start(),
        end=match.end(),
        clause=clause,
        sentence=sentence,
        capital=capital,
        name=capital and (inner or not opens),
        content=lower not in STOPWORDS
        and lower not in CONNECTIVES
        and not (denies and lower in ("is", "are")),
        denies=denies,
        number=written[0].isdecimal(),
    )


def _named_openings(found: Sequence[Token]) -> list[Token]:
    """A capital that opens a sentence means a name where a name follows it, or where the text has it as
    one."""
    known = {token.stem for token in found if token.name}
    settled = []
    for at, token in enumerate(found):
        joined = at + 1 < len(found) and found[at + 1].name and found[at + 1].start == token.end + 1
        named = token.name or (token.capital and (token.stem in known or joined))
        settled.append(replace(token, name=named) if named and not token.name else token)
    return settled
