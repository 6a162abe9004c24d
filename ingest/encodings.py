"""Bytes to text, in any usual encoding.

What is certain is tried first (byte order mark, strict UTF-8), then what the zero bytes say about
UTF-16 and UTF-32, then a statistical guess among the encodings that are met in practice. Guessing
among all code pages would be worse: short Western texts then come out as cp1250 or MacCyrillic.
"""

from __future__ import annotations

import codecs
import re
from collections import Counter

from ingest.code_pages import single_byte_encoding

_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16 LE, whose mark is the beginning of this one
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# Single-byte pages are told apart in ``ingest.code_pages``; here one per script stands for them all.
_GUESSED = ["cp1252", "cp1251", "koi8_r", "cp932", "euc_jp", "gb18030", "big5", "cp949"]
_MULTI_BYTE = frozenset({"cp932", "euc_jp", "gb18030", "big5", "cp949"})
_ISO_2022_JP = re.compile(rb"\x1b\$[@B]|\x1b\(J")
_NOT_TEXT = re.compile(rb"[\x01-\x08\x0e-\x1f]")
_SAMPLE_BYTES = 1 << 17
_MANGLED_SHARE = 0.1


def decode(data: bytes, declared: str | None = None) -> tuple[str, str]:
    """The text of ``data`` without its byte order mark, and the name of the encoding it was in.

    ``declared`` is what the document says of itself (an HTML ``<meta charset>``); it is believed when
    the bytes allow it and neither a byte order mark nor valid UTF-8 speaks against it. Never raises:
    bytes that fit nothing become U+FFFD.
    """
    for mark, encoding in _BYTE_ORDER_MARKS:
        if data.startswith(mark):
            return data[len(mark) :].decode(encoding, "replace"), encoding
    iso_2022 = "iso2022_jp" if _ISO_2022_JP.search(data) else None
    for candidate in (wide_encoding(data), iso_2022, "utf-8", _known(declared)):
        text = None if candidate is None else _strictly(data, candidate)
        if candidate is not None and text is not None:
            return text, candidate
    return _leniently(data)


def _strictly(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except (UnicodeDecodeError, ValueError):
        return None


def _leniently(data: bytes) -> tuple[str, str]:
    text = data.decode("utf-8", "replace")
    # A UTF-8 file with a few broken bytes is still UTF-8: another encoding would mangle all of it.
    broken = text.count("\ufffd")
    multibyte = sum(char > "\x7f" for char in text)
    if broken <= _MANGLED_SHARE * multibyte:
        return text, "utf-8"
    guess = _guess(_telling_sample(data))
    return data.decode(guess, "replace"), guess


def wide_encoding(data: bytes) -> str | None:
    """UTF-16 or UTF-32 by where the zero bytes stand; None when they show no pattern.

    Zero bytes alone are not enough, a UTF-8 file may hold a stray one: in a wide encoding the bytes at
    even places also differ as a whole from those at odd places.
    """
    sample = data[: _SAMPLE_BYTES - _SAMPLE_BYTES % 4]
    if 0 not in sample:
        return None
    nuls = [sample[offset::4].count(0) for offset in range(4)]
    quarter = max(1, len(sample) // 4)
    if min(nuls[2:]) > 0.9 * quarter and nuls[0] < 0.5 * quarter:
        return "utf-32-le"
    if min(nuls[:2]) > 0.9 * quarter and nuls[3] < 0.5 * quarter:
        return "utf-32-be"
    if _overlap(sample[::2], sample[1::2]) > 0.6:
        return None
    if sum(nuls) < len(sample) / 4 and not _NOT_TEXT.search(sample) and _strictly(data, "utf-8") is not None:
        return None
    # Zero bytes are no sure sign of the byte order (U+4E00 is a common word in Chinese); spaces are.
    little, big = (_frequent_units(sample, order) for order in ("utf-16-le", "utf-16-be"))
    if little == big:
        return None
    return "utf-16-le" if little > big else "utf-16-be"


def _frequent_units(sample: bytes, encoding: str) -> int:
    return sum(char in " \n\r,.、。," for char in sample.decode(encoding, "replace"))


def _overlap(one: bytes, other: bytes) -> float:
    """How much of two byte histograms coincides, 0 (nothing) to 1 (the same)."""
    common = Counter(one) & Counter(other)
    return common.total() / max(1, len(one))


def _known(declared: str | None) -> str | None:
    """The Python codec for a declared name, Latin-1 read as cp1252 as browsers do (WHATWG Encoding)."""
    if not declared:
        return None
    try:
        name = codecs.lookup(declared.strip()).name
    except (LookupError, ValueError):
        return None
    if name in ("iso8859-1", "ascii"):
        return "cp1252"
    # A declaration can be read as ASCII, so a wide encoding in it is a mistake; and codecs that are
    # no text encodings (base64, zlib) must not be reachable from a document.
    is_text = getattr(codecs.lookup(name), "_is_text_encoding", True)
    return None if name.startswith(("utf-16", "utf-32", "utf-7", "idna", "punycode")) or not is_text else name


def _telling_sample(data: bytes) -> bytes:
    """The lines that hold bytes beyond ASCII: the only ones that tell encodings apart."""
    sample = bytearray()
    for line in re.finditer(rb"[^\n]*[\x80-\xff][^\n]*\n?", data):
        sample += line.group()[: _SAMPLE_BYTES - len(sample)]
        if len(sample) >= _SAMPLE_BYTES:
            break
    return bytes(sample)


def _guess(sample: bytes) -> str:
    # Slow to import and needed for a minority of files.
    from charset_normalizer import from_bytes

    best = from_bytes(sample, cp_isolation=_GUESSED).best()
    if best is not None and best.encoding in _MULTI_BYTE:
        return best.encoding
    return single_byte_encoding(sample)
