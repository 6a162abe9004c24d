"""How items of lists are numbered, in all office formats alike."""

from __future__ import annotations

from enum import Enum

_ROMAN = dict(
    zip(
        (1000, 900, 500, 400, 100, 90, 50, 40, 10, 9, 5, 4, 1),
        ("m", "cm", "d", "cd", "c", "xc", "l", "xl", "x", "ix", "v", "iv", "i"),
        strict=True,
    )
)
_MAX_ROMAN = 5000
_MAX_LETTERS = 26 * 20


class Form(Enum):
    """What an item's number is written with."""

    DECIMAL = "1"
    LOWER_LETTER = "a"
    UPPER_LETTER = "A"
    LOWER_ROMAN = "i"
    UPPER_ROMAN = "I"


def written(count: int, form: Form) -> str:
    """``count`` in the given form; in digits where the form has no way to write it."""
    if form in (Form.LOWER_LETTER, Form.UPPER_LETTER) and 0 < count <= _MAX_LETTERS:
        letters = chr(ord("a") + (count - 1) % 26) * ((count - 1) // 26 + 1)
        return letters.upper() if form is Form.UPPER_LETTER else letters
    if form in (Form.LOWER_ROMAN, Form.UPPER_ROMAN) and 0 < count < _MAX_ROMAN:
        return _roman(count).upper() if form is Form.UPPER_ROMAN else _roman(count)
    return str(count)


def _roman(number: int) -> str:
    digits = ""
    for amount, digit in _ROMAN.items():
        digits += digit * (number // amount)
        number %= amount
    return digits
