"""Numbers as values, with the unit they count: ``1.5 million``, ``seven``, ``5 km``, ``50 per cent``."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum

from rag.text.words import NUMERALS, plain_number

_DIGITS = re.compile(r"(?<![^\W\d_])(?:\d{1,3}(?:[\u00a0\u2009\u202f]\d{3})+(?!\d)|(?<!\d)\d+(?:[.,]\d+)*)")
_WORD = re.compile(r"[^\W\d_]+")
_JOINS = re.compile(r"\s*(?:[-–—/×x]|to|and|or|by|bis|und|oder|à|et|ou)\s*")
_RANGE = re.compile(r"(\d{4})\s?[-–—/]\s?(\d{2})(?![\d.,])")
_UNIT = re.compile(r"[\s\u00a0\u202f-]{0,2}(%|‰|°\s?[CFcf]?|km/h|per\s?cent|(?:[^\W\d_]|[²³/])+)")
_MAGNITUDE = re.compile(
    r"[\s\u00a0\u202f-]{1,2}(hundred|thousand|million|billion|trillion|bn|Mio|Millionen|Milliarden)\b"
)
_CURRENCY_BEFORE = re.compile(r"(US\$|\$|£|€|¥|₹)\s?$")
_LONGEST = 30
"""Digits; a longer run is an identifier, and is compared as it is written."""

_MAGNITUDES = {
    "hundred": 10**2,
    "thousand": 10**3,
    "million": 10**6,
    "billion": 10**9,
    "trillion": 10**12,
    "bn": 10**9,
    "mio": 10**6,
    "millionen": 10**6,
    "milliarden": 10**9,
}
_ORDINALS = {
    word: value
    for value, word in enumerate(
        "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth "
        "fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth twentieth".split(),
        start=1,
    )
}
_CURRENCIES = {"$": "dollar", "US$": "dollar", "£": "pound", "€": "euro", "¥": "yen", "₹": "rupee"}
_UNITS = {
    alias: unit
    for unit, aliases in {
        "percent": "% percent per_cent percentage prozent pct",
        "permille": "‰",
        "degree": "° degree degrees",
        "celsius": "°c celsius",
        "fahrenheit": "°f fahrenheit",
        "km": "km kilometre kilometres kilometer kilometers",
        "m": "m metre metres meter meters mètre mètres",
        "cm": "cm centimetre centimetres centimeter centimeters",
        "mm": "mm millimetre millimetres millimeter millimeters",
        "mile": "mi mile miles",
        "yard": "yd yard yards",
        "foot": "ft foot feet",
        "inch": "inch inches",
        "km/h": "km/h kmh kph",
        "mph": "mph",
        "knot": "knot knots",
        "km2": "km² km2",
        "m2": "m² m2",
        "acre": "acre acres",
        "hectare": "ha hectare hectares",
        "kg": "kg kilogram kilograms kilogramme kilogrammes",
        "g": "g gram grams gramme grammes",
        "tonne": "tonne tonnes",
        "ton": "ton tons",
        "pound": "lb lbs pound pounds",
        "ounce": "oz ounce ounces",
        "litre": "l litre litres liter liters",
        "gallon": "gallon gallons",
        "watt": "w watt watts",
        "kilowatt": "kw kilowatt kilowatts",
        "megawatt": "mw megawatt megawatts",
        "volt": "v volt volts",
        "hertz": "hz hertz",
        "second": "seconds sekunden secondes",
        "minute": "minute minutes minuten",
        "hour": "hour hours h stunde stunden heure heures",
        "day": "day days tag tage tagen jour jours",
        "week": "week weeks woche wochen semaine semaines",
        "month": "month months monat monate monaten mois",
        "year": "year years jahr jahre jahren an ans année années",
        "decade": "decade decades",
        "century": "century centuries jahrhundert siècle",
        "dollar": "dollar dollars usd",
        "euro": "euro euros eur",
        "yen": "yen jpy",
        "byte": "byte bytes",
        "kb": "kb kilobyte kilobytes",
        "mb": "mb megabyte megabytes",
        "gb": "gb gigabyte gigabytes",
    }.items()
    for alias in aliases.split()
}


class Kind(StrEnum):
    CARDINAL = ""
    ORDINAL = "th"
    DECADE = "s"


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number: its ``value`` in plain digits, what it counts ("" where no known unit stands with it)."""

    value: str
    unit: str
    start: int
    end: int
    kind: Kind = Kind.CARDINAL

    @property
    def key(self) -> str:
        """What makes it the same number: the third is not three."""
        return self.value + self.kind


def quantities(text: str) -> list[Quantity]:
    """The numbers of a text in order, written in digits or in English words, offsets as in ``text``."""
    found = sorted(_in_digits(text) + _in_words(text), key=lambda one: one.start)
    return _shared_units(text, found)


def abbreviated_ends(text: str) -> set[str]:
    """The years that ranges such as ``1914-18`` end in, in full."""
    return {match[1][:2] + match[2] for match in _RANGE.finditer(text) if match[2] > match[1][2:]}


def _in_digits(text: str) -> list[Quantity]:
    found = []
    for match in _DIGITS.finditer(text):
        written = re.sub(r"\s", "", unicodedata.normalize("NFKC", match[0]))
        value, end, kind = plain_number(written), match.end(), Kind.CARDINAL
        if tail := re.compile(r"(?:st|nd|rd|th)\b").match(text, end):
            kind, end = Kind.ORDINAL, tail.end()
        elif tail := re.compile(r"['’]?s\b").match(text, end):
            kind, end = Kind.DECADE, tail.end()
        elif (magnitude := _MAGNITUDE.match(text, end)) and len(value) < _LONGEST:
            value, end = _plain(Decimal(value) * _MAGNITUDES[magnitude[1].lower()]), magnitude.end()
        before = _CURRENCY_BEFORE.search(text[max(0, match.start() - 4) : match.start()])
        unit = _CURRENCIES[before[1]] if before else _unit_after(text, end)
        found.append(Quantity(value, unit, match.start(), end, kind))
    return found


def _in_words(text: str) -> list[Quantity]:
    """English numerals, also composed: ``two hundred and fifty``, ``twenty-one``, ``seventh``."""
    found: list[Quantity] = []
    run: list[tuple[str, int, int]] = []
    for match in _WORD.finditer(text):
        word = match[0].lower()
        gap = text[run[-1][2] : match.start()] if run else ""
        if run and not (gap in (" ", "-", "‑") and _continues(run, word)):
            _close(found, run, text)
            run = []
        if word in NUMERALS or word in _ORDINALS or (run and (word in _MAGNITUDES or word == "and")):
            run.append((word, match.start(), match.end()))
        elif run:
            _close(found, run, text)
            run = []
    _close(found, run, text)
    return found


def _continues(run: list[tuple[str, int, int]], word: str) -> bool:
    last = run[-1][0]
    if word in _MAGNITUDES:
        return True
    if word == "and":
        return last in _MAGNITUDES
    small = word in NUMERALS or word in _ORDINALS
    tens = last in NUMERALS and int(NUMERALS[last]) >= 20
    below_ten = int(NUMERALS.get(word, _ORDINALS.get(word, 99))) < 10
    return small and ((tens and below_ten) or last in _MAGNITUDES or last == "and")


def _close(found: list[Quantity], run: list[tuple[str, int, int]], text: str) -> None:
    while run and run[-1][0] == "and":
        run = run[:-1]
    if not run or run[0][0] == "and":
        return
    total, current, kind = 0, 0, Kind.CARDINAL
    for word, _, _ in run:
        if word in _MAGNITUDES:
            scale = _MAGNITUDES[word]
            current = max(1, current) * scale
            if scale > 100:
                total, current = total + current, 0
        elif word in NUMERALS:
            current += int(NUMERALS[word])
        elif word in _ORDINALS:
            current, kind = current + _ORDINALS[word], Kind.ORDINAL
    end = run[-1][2]
    found.append(Quantity(str(total + current), _unit_after(text, end), run[0][1], end, kind))


def _unit_after(text: str, at: int) -> str:
    match = _UNIT.match(text, at, at + 24)
    if not match:
        return ""
    return _UNITS.get(re.sub(r"^per\s?cent$", "per_cent", match[1].lower()).replace(" ", ""), "")


def _shared_units(text: str, found: list[Quantity]) -> list[Quantity]:
    """``5 to 10 km``: the first of two joined numbers has the unit of the second."""
    for at in range(len(found) - 2, -1, -1):
        one, following = found[at], found[at + 1]
        if one.unit or not following.unit or following.start - one.end > 8:
            continue
        if _JOINS.fullmatch(text[one.end : following.start]):
            found[at] = replace(one, unit=following.unit)
    return found


def _plain(value: Decimal) -> str:
    plain = f"{value:f}"
    return plain.rstrip("0").rstrip(".") if "." in plain else plain
