"""Words that carry a question or a claim: terms, numbers and names."""

from __future__ import annotations

import re
import threading
import unicodedata
from functools import lru_cache

import Stemmer

from rag.text.forms import search_form

_stemmer = Stemmer.Stemmer("porter")
_stemmer_lock = threading.Lock()

_WORD = re.compile(r"([^\W_]+)(?:'(?:s|t|re|ve|ll|d|m)\b)?")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_NAME = re.compile(r"[^\W\d_][\w'’-]*")

STOPWORDS = frozenset(
    """
    a about above after again against all also am an and any are aren as at be because been before
    being below between both but by can cannot could couldn did didn do does doesn doing don
    down during each few for from further had hadn has hasn have haven having he her here hers
    herself him himself his how i if in into is isn it its itself just me more most my myself no nor
    not now of off on once only or other our ours ourselves out over own same she should shouldn so
    some such than that the their theirs them themselves then there these they this those through to
    too under until up upon us very was wasn we were weren what when where which while who whom
    whose why will with won would wouldn you your yours yourself yourselves
    """.split()
)

NUMERALS = {
    word: str(value)
    for value, word in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
        "sixteen seventeen eighteen nineteen twenty".split()
    )
} | {
    "thirty": "30",
    "forty": "40",
    "fifty": "50",
    "sixty": "60",
    "seventy": "70",
    "eighty": "80",
    "ninety": "90",
}


def words(text: str) -> list[str]:
    """Words and numbers in order, lower case, in their ``search_form``, without ``'s`` and ``n't``."""
    return _WORD.findall(search_form(text).replace("’", "'").lower())


def content_words(text: str) -> list[str]:
    """``words`` without stop words; all of them when nothing else is left."""
    found = words(text)
    return [word for word in found if word not in STOPWORDS] or found


def stems(text: str) -> list[str]:
    """Porter stems of the content words, in order, without diacritics: what the keyword index holds.

    M. F. Porter, An algorithm for suffix stripping, Program 14(3), 1980.
    """
    return [stem(word) for word in content_words(text)]


@lru_cache(maxsize=65_536)
def stem(word: str) -> str:
    """The Porter stem of one lower-case word, without diacritics."""
    plain = "".join(mark for mark in unicodedata.normalize("NFKD", word) if not unicodedata.combining(mark))
    with _stemmer_lock:  # the stemmer keeps state while it works
        return str(_stemmer.stemWord(plain))


def numbers(text: str) -> set[str]:
    """Numbers as bare digits: ``1,000`` is ``1000``, ``3.50`` stays ``3.5``, ``seven`` is ``7``."""
    found = {plain_number(match[0]) for match in _NUMBER.finditer(unicodedata.normalize("NFKC", text))}
    return found | {NUMERALS[word] for word in words(text) if word in NUMERALS}


def names(text: str) -> set[str]:
    """Capitalised words, lower-cased, except one that is only capitalised because it opens a sentence."""
    found = set()
    for match in _NAME.finditer(text):
        word = match[0]
        if not word[0].isupper() or word.lower().replace("’", "'") in STOPWORDS:
            continue
        before = text[max(0, match.start() - 8) : match.start()].rstrip()
        opens = not before or before[-1] in '.!?:“"('
        if not opens or any(letter.isupper() for letter in word[1:]):
            found.add(re.sub(r"['’]s?$", "", word).lower())
    return found


def plain_number(written: str) -> str:
    """A number in digits without separators of thousands, leading zeros and idle decimals."""
    groups = re.split(r"[.,]", written)
    thousands = len(groups) > 1 and all(len(group) == 3 for group in groups[1:])
    if thousands and not (len(groups) == 2 and "." in written):
        return "".join(groups).lstrip("0") or "0"
    plain = (
        written.replace(",", ".")
        if written.count(",") == 1 and "." not in written
        else written.replace(",", "")
    )
    whole, dot, fraction = plain.partition(".")
    fraction = fraction.rstrip("0") if dot and "." not in fraction else fraction
    return (whole.lstrip("0") or "0") + ("." + fraction if fraction else "")
