"""PDFium's text functions called in bulk: each writes what it knows of many glyphs into one array.

A page needs thousands of these small calls. Mapped over indices and addresses inside the interpreter,
with nothing converted to Python objects in between, they cost a third of a loop over them.
"""

from __future__ import annotations

import ctypes
from collections import deque
from collections.abc import Callable, Iterable
from itertools import repeat
from typing import Any

import numpy as np
import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c
from numpy.typing import NDArray

HYPHEN_MARK = "\ufffe"
"""What PDFium puts for a hyphen at a line end; the word goes on in the next line."""

Numbers = NDArray[np.float64]
_Index = NDArray[np.intp]

_NAME_BYTES = 128  # a longer name is not reported at all
_POINTER, _INT, _DOUBLE = ctypes.c_void_p, ctypes.c_int, ctypes.c_double


def _bound(function: object, result: type[Any], *arguments: type[Any]) -> Callable[..., Any]:
    """The native ``function`` taking plain addresses, which is quicker than typed pointers."""
    return ctypes.CFUNCTYPE(result, *arguments)(ctypes.cast(function, _POINTER).value)  # type: ignore[arg-type]  # never None: a library function has an address


_loose_box = _bound(pdfium_c.FPDFText_GetLooseCharBox, _INT, _POINTER, _INT, _POINTER)
_origin = _bound(pdfium_c.FPDFText_GetCharOrigin, _INT, _POINTER, _INT, _POINTER, _POINTER)
_matrix = _bound(pdfium_c.FPDFText_GetMatrix, _INT, _POINTER, _INT, _POINTER)
_font_size = _bound(pdfium_c.FPDFText_GetFontSize, _DOUBLE, _POINTER, _INT)
_font_weight = _bound(pdfium_c.FPDFText_GetFontWeight, _INT, _POINTER, _INT)
_font_info = _bound(
    pdfium_c.FPDFText_GetFontInfo, ctypes.c_ulong, _POINTER, _INT, _POINTER, ctypes.c_ulong, _POINTER
)
_unicode = _bound(pdfium_c.FPDFText_GetUnicode, ctypes.c_uint, _POINTER, _INT)
_is_hyphen = _bound(pdfium_c.FPDFText_IsHyphen, _INT, _POINTER, _INT)


class Glyphs:
    """The glyphs of one text page. Positions are in the page's own space, before any rotation."""

    def __init__(self, text_page: pdfium.PdfTextPage) -> None:
        self._page = text_page
        self._handle = ctypes.cast(text_page.raw, _POINTER).value

    def characters(self) -> str:
        """One code point for every glyph, so that a position in the text leads back to its glyph."""
        count: int = self._page.count_chars()
        text: str = self._page.get_text_range() if count else ""
        if len(text) == count:
            return text
        # Some glyphs have no text and others several units of it: ask for each (rare, and slower).
        codes = map(_unicode, repeat(self._handle), range(count))
        hyphens = map(_is_hyphen, repeat(self._handle), range(count))
        return "".join(
            HYPHEN_MARK if hyphen == 1 else chr(code) if 0 < code <= 0x10FFFF else " "
            for code, hyphen in zip(codes, hyphens, strict=True)
        )

    def boxes(self, indices: _Index) -> Numbers:
        """(n, 4): left, bottom, right, top of the em box of each glyph; not a number if it has none.

        The em box is as high as the type and as wide as the glyph moves on, whatever its outline: the
        words of a line get boxes of one height, which do not touch the next line.
        """
        found = np.full((len(indices), 4), np.nan, dtype=np.float32)
        _call(_loose_box, self._handle, indices, _addresses(found))
        return found[:, [0, 3, 2, 1]].astype(np.float64)

    def origins(self, indices: _Index) -> Numbers:
        """(n, 2): where each glyph stands on its baseline."""
        found = np.full((len(indices), 2), np.nan)
        xs = _addresses(found)
        _call(_origin, self._handle, indices, xs, range(xs.start + 8, xs.stop + 8, xs.step))
        return found

    def matrices(self, indices: _Index) -> Numbers:
        """(n, 4): the linear part a, b, c, d of each glyph's transformation."""
        found = np.zeros((len(indices), 6), dtype=np.float32)
        found[:] = (1, 0, 0, 1, 0, 0)
        _call(_matrix, self._handle, indices, _addresses(found))
        return found[:, :4].astype(np.float64)

    def sizes(self, indices: _Index) -> Numbers:
        """(n,): type sizes before the transformation."""
        return np.fromiter(map(_font_size, repeat(self._handle), indices.tolist()), np.float64, len(indices))

    def weights(self, indices: _Index) -> NDArray[np.int32]:
        """(n,): weights of the fonts, 400 is regular, -1 unknown."""
        return np.fromiter(map(_font_weight, repeat(self._handle), indices.tolist()), np.int32, len(indices))

    def font_names(self, indices: _Index) -> list[bytes]:
        """The beginnings of the names of the fonts."""
        names = np.zeros((len(indices), _NAME_BYTES), dtype=np.uint8)
        _call(_font_info, self._handle, indices, _addresses(names), repeat(_NAME_BYTES), repeat(None))
        joined = names.tobytes()
        return [joined[at : at + _NAME_BYTES] for at in range(0, len(joined), _NAME_BYTES)]


def _addresses(rows: NDArray[Any]) -> range:
    """The address of each row."""
    start, step = rows.ctypes.data, rows.strides[0]
    return range(start, start + step * len(rows), step)


def _call(
    function: Callable[..., Any], handle: int | None, indices: _Index, *arguments: Iterable[Any]
) -> None:
    """Call ``function`` for every index; what it returns is of no interest."""
    deque(map(function, repeat(handle), indices.tolist(), *arguments), maxlen=0)
