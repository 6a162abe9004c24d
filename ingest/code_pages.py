"""Which single-byte code page a text is in, judged by the letters its languages write.

In a single-byte encoding every byte sequence is valid, so only plausibility tells code pages apart:
Polish read as cp1252 is full of letters and signs that no language puts together. The candidate
whose best language explains most of the characters beyond ASCII wins; on a tie the earlier one.
"""

from __future__ import annotations

import re
from collections import Counter

_WESTERN = (
    "äöüß",
    "àâæçèéêëîïôùûüÿœ",
    "áéíñóúüºª",
    "àáâãçéêíóôõúºª",
    "àèéìíîòóùú",
    "åäöé",
    "æøåé",
    "áðéíóúýþæö",
)
_CENTRAL = (
    "ąćęłńóśźż",
    "áčďéěíňóřšťúůýž",
    "áäčďéíĺľňóôŕšťúýž",
    "áéíóöőúüű",
    "čćđšž",
    "ăâîşţșț",
)
_CYRILLIC = (
    "абвгдежзийклмнопрстуфхцчшщъыьэюяё",
    "абвгґдеєжзиіїйклмнопрстуфхцчшщьюя",
    "абвгдђежзијклљмнњопрстћуфхцчџш",
)
_GREEK = ("αβγδεζηθικλμνξοπρστυφχψωςάέήίόύώϊϋΐΰ",)
_TURKISH = ("çğıöşüâîû",)
_HEBREW = ("אבגדהוזחטיךכלםמןנסעףפץצקרשת",)
_ARABIC = ("ءآأؤإئابةتثجحخدذرزسشصضطظعغفقكلمنهوىيپچژگ",)
_THAI = ("".join(chr(code) for code in range(0x0E01, 0x0E5C)),)
_BALTIC = ("ąčęėįšųūž", "āčēģīķļņšūž", "äõöüšž")

# In order of preference on a tie. iso8859_* only where they differ from the Windows page.
_ALPHABETS: dict[str, tuple[str, ...]] = {
    "cp1252": _WESTERN,
    "cp1250": _CENTRAL,
    "iso8859_2": _CENTRAL,
    "cp1255": _HEBREW,  # before cp1251, where Hebrew reads as Cyrillic without capitals
    "cp1251": _CYRILLIC,
    "koi8_r": _CYRILLIC,
    "cp866": _CYRILLIC,
    "cp1253": _GREEK,
    "cp1254": _TURKISH,
    "cp1257": _BALTIC,
    "cp1256": _ARABIC,
    "cp874": _THAI,
}
_LATIN = frozenset({"cp1252", "cp1250", "iso8859_2", "cp1254", "cp1257"})
_WORD = re.compile(r"\w+")
_ASCII_LETTER = re.compile("[A-Za-z]")
_PUNCTUATION = frozenset("\u00a0\u00ad–—‘’‚“”„†‡•…‰‹›€«»§°©®™·№×½¼¾²³µ£¥¢¿¡")


def single_byte_encoding(sample: bytes) -> str:
    """The most plausible code page for ``sample``; cp1252 when nothing tells."""
    return max(_ALPHABETS, key=lambda encoding: _plausibility(sample, encoding))


def _plausibility(sample: bytes, encoding: str) -> float:
    """The share of characters beyond ASCII that the best fitting language accounts for, 0..1."""
    text = sample.decode(encoding, "replace")
    total = sum(char > "\x7f" for char in text)
    if not total:
        return 0.0
    text = _WORD.sub(_telling_latin if encoding in _LATIN else _telling_other, text)
    counts = Counter(char for char in text if char > "\x7f")
    return max(_explained(counts, frozenset(letters)) for letters in _ALPHABETS[encoding]) / total


def _telling_latin(word: re.Match[str]) -> str:
    """The word with its initial made small: capitals elsewhere speak against a code page."""
    return word[0][0].lower() + word[0][1:]


def _telling_other(word: re.Match[str]) -> str:
    """The same, and nothing for a word with ASCII letters: in another script there are none."""
    return "" if _ASCII_LETTER.search(word[0]) else _telling_latin(word)


def _explained(counts: Counter[str], letters: frozenset[str]) -> float:
    # Capitals inside words count half: a wrong Cyrillic page swaps the cases.
    score = 0.0
    for char, count in counts.items():
        if char in letters or char in _PUNCTUATION:
            score += count
        elif char.lower() in letters:
            score += count / 2
    return score
