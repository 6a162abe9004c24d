"""The hostile files that are sent to a running service: those of a folder, and those made here."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tests.ingest.hostile import bombs, long_runs, pdf_bombs, xml_attacks

_RUN_BYTES = 250_000
_NOWHERE = ("file:///etc/hostname", "http://127.0.0.1:9")


@dataclass(frozen=True, slots=True)
class Case:
    """A file called ``name`` to send, of a family of alike ones."""

    family: str
    title: str
    name: str
    make: Callable[[], bytes]


def of_folder(folder: Path) -> Iterator[Case]:
    for path in sorted(folder.iterdir()):
        if path.is_file():
            yield Case(f"files of {folder.name}/", path.name, path.name, path.read_bytes)


def made() -> Iterator[Case]:
    """Bombs, attacks by XML, and long runs of characters in every kind of text."""
    for bomb in bombs.BOMBS:
        yield Case("bombs", bomb.title, bomb.name, bomb.make)
    for bomb in pdf_bombs.BOMBS:
        yield Case("PDF bombs", bomb.title, bomb.name, bomb.make)
    for title, (before, inside) in xml_attacks.attacks(*_NOWHERE).items():
        for name, holder in xml_attacks.HOLDERS.items():
            yield Case("XML attacks", f"{title} in {name}", name, partial(holder, before, inside))
    for title, unit in long_runs.RUNS.items():
        for name in long_runs.NAMES:
            make = partial(long_runs.text, unit, name, _RUN_BYTES)
            yield Case("long runs of characters", f"{title} in {name}", name, make)


def naughty(strings: Path) -> Iterator[Case]:
    """Each string of the list as the text of a document and, where that can be, as its name."""
    for number, string in enumerate(json.loads(strings.read_text("utf-8"))):
        data = string.encode("utf-8", "surrogatepass")
        yield Case("naughty strings", f"string {number}", f"{number}.txt", partial(bytes, data))


def sampled(cases: list[Case], most: int, seed: int) -> list[Case]:
    """At most ``most`` of each family, drawn with ``seed``; in their order."""
    families: dict[str, list[int]] = {}
    for number, case in enumerate(cases):
        families.setdefault(case.family, []).append(number)
    draw = random.Random(seed)
    chosen = {
        number
        for numbers in families.values()
        for number in (numbers if len(numbers) <= most else draw.sample(numbers, most))
    }
    return [case for number, case in enumerate(cases) if number in chosen]
