"""How much of a text stands for nothing, as happens where a PDF does not say what its glyphs mean."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter

import numpy as np
from numpy.typing import NDArray

GARBLED = 0.3
"""A page with a higher share is not worth reading: real pages stay below 0.1, unreadable ones exceed 0.5."""

_NOTHING = frozenset({"Cc", "Cn", "Co", "Cs"})  # control, unassigned, private use, surrogate
_GLYPH_NUMBER = re.compile(r"\(cid:\d{1,6}\)")
# UTF-8 read as Windows-1252: a lead byte and a continuation byte, both shown as characters.
_MOJIBAKE = re.compile("[ÂÃÐÑ][\x80-\xbf€‚ƒ„…†‡ˆ‰Š‹Œ‘’“”•–—˜™š›œžŸŽ]|â€")
_LEADS = ("Â", "Ã", "Ð", "Ñ", "â€")

# Pairs of letters that the languages written in Latin script are made of. English, German, French,
# Spanish, Italian, Portuguese, Dutch, the Scandinavian languages, Polish, Czech, Hungarian, Finnish,
# Turkish and Indonesian texts consist of them to more than half, random letters to a fifth.
_PAIRS = (
    "th he in er an re on at en nd ti es or te of ed is it al ar st to nt ng se ha as ou io le ve co me "
    "de hi ri ro ic ne ea ra ce li ch ll be ma si om ur el la us il ta et ns tr no ot di ca ec ei ie ge "
    "sc un au ss qu ai eu ue os ad do da em am im ac zi ij aa ee oe ow ni cz sz rz ka na po za ki ia ej "
    "pr mi ii tt kk va sa tu ku ya ak uk ke ut ol so su lo mo pe pa og eg ig sk fo vi gy ek ik eh ho fr "
    "rt ir id"
)
_FEWEST_PAIRS = 60  # fewer say nothing about a text
_NATURAL = 0.40  # share of such pairs above which a text is certainly natural
_RANDOM = 0.25  # and below which it certainly is not


def _pair_table() -> NDArray[np.bool_]:
    table = np.zeros(26 * 26, dtype=np.bool_)
    for pair in _PAIRS.split():
        table[(ord(pair[0]) - ord("a")) * 26 + ord(pair[1]) - ord("a")] = True
    return table


_COMMON = _pair_table()


def garbled_share(text: str) -> float:
    """The share (0 to 1) of the visible characters of ``text`` that do not stand for what was written.

    Counted are characters without a meaning (U+FFFD, private use, unassigned, control), glyph numbers
    like ``(cid:31)``, words with wrongly decoded characters (``Ã¤``), and Latin letters that form no
    language, as when every glyph is shifted (``7KH TXLFN``). In linear time.
    """
    visible = len("".join(text.split()))
    if not visible:
        return 0.0
    spoilt = _meaningless(text)
    if "(cid:" in text:
        spoilt += sum(map(len, _GLYPH_NUMBER.findall(text)))
    if any(lead in text for lead in _LEADS):
        spoilt += sum(len(word) for word in text.split() if _MOJIBAKE.search(word))
    return min(1.0, (spoilt + _unnatural_letters(text)) / visible)


def _meaningless(text: str) -> int:
    if text.isprintable() and "\ufffd" not in text:
        return 0
    suspects = {char for char in set(text) if char == "\ufffd" or unicodedata.category(char) in _NOTHING}
    if not suspects - {"\n", "\t", "\r"}:
        return 0
    counts = Counter(text)
    return sum(counts[char] for char in suspects if not char.isspace())


def _unnatural_letters(text: str) -> float:
    """How many ASCII letters to write off, judged by which of them follow one another."""
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4") | 0x20  # small letters
    letters = codes - ord("a")  # wraps around below "a"
    is_letter = letters < 26
    pairs = is_letter[1:] & is_letter[:-1]
    count = int(np.count_nonzero(pairs))
    if count < _FEWEST_PAIRS:
        return 0.0
    common = np.count_nonzero(_COMMON[letters[:-1][pairs] * 26 + letters[1:][pairs]]) / count
    doubt = min(1.0, max(0.0, (_NATURAL - common) / (_NATURAL - _RANDOM)))
    return doubt * float(np.count_nonzero(is_letter))
