"""Sentences that people wrote, from the documentation on this machine: manual pages, package documentation,
what Python's modules and the installed packages say about themselves, the development questions if there."""

from __future__ import annotations

import gzip
import html
import re
import sys
import sysconfig
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from pydoc_data import topics

_LARGEST_FILE = 2_000_000
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z\"'(])|\n\s*\n")
_ROFF = re.compile(r"\\f.|\\s[-+]?\d|\\[&|^/,]|\\\*\(..|\\\(..")
_TAG = re.compile(r"<(script|style)\b.*?</\1>|<[^>]*>", re.DOTALL | re.IGNORECASE)
_DOCSTRING = re.compile(r'"""(.{120,20000}?)"""', re.DOTALL)
_WORD = re.compile(r"[A-Za-z]{2,}")
_CODE = re.compile(r"[={}<>]|\bself\b|\bimport\b")
_FEWEST_WORDS, _MOST_CHARS = 7, 400


@dataclass(frozen=True, slots=True)
class Topic:
    """The sentences of one file, in their order."""

    name: str
    sentences: Sequence[str]


def read(most_sentences: int, extra: Path | None = None) -> list[Topic]:
    """Topics with at least eight sentences, no sentence twice, always in the same order on one machine."""
    found: list[Topic] = []
    seen: set[int] = set()
    count = 0
    for name, text in _texts(extra):
        kept = []
        for sentence in _sentences(text):
            known = hash(sentence.lower())
            if known not in seen:
                seen.add(known)
                kept.append(sentence)
        if len(kept) >= 8:
            found.append(Topic(name, kept))
            count += len(kept)
        if count >= most_sentences:
            break
    return found


def _texts(extra: Path | None) -> Iterator[tuple[str, str]]:
    yield from ((f"python {name}", text) for name, text in sorted(topics.topics.items()))
    if extra is not None and extra.is_dir():
        yield from _of_files(sorted(extra.rglob("*.txt")), str)
    yield from _of_files(sorted(Path("/usr/share/man").glob("man*/*.gz")), _plain_of_roff)
    documentation = sorted(Path("/usr/share/doc").rglob("*"))
    yield from _of_files((one for one in documentation if one.suffix == ".html"), _plain_of_html)
    yield from _of_files((one for one in documentation if one.suffix in (".txt", ".md", ".rst")), str)
    yield from _of_files((one for one in documentation if one.name.endswith((".txt.gz", "README.gz"))), str)
    for folder in (Path(sysconfig.get_path("stdlib")), Path(sysconfig.get_path("purelib"))):
        yield from _of_files(sorted(folder.rglob("*.py")), _docstrings)


def _of_files(paths: Iterable[Path], plain: Callable[[str], str]) -> Iterator[tuple[str, str]]:
    for path in paths:
        try:
            if not path.is_file() or path.stat().st_size > _LARGEST_FILE:
                continue
            data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        except OSError:
            continue
        yield "/".join(path.parts[-3:]), plain(data.decode("utf-8", "replace"))


def _plain_of_roff(text: str) -> str:
    lines = ("\n" if line[:1] in ".'" else line for line in text.splitlines())
    return _ROFF.sub("", "\n".join(lines).replace("\\-", "-"))


def _plain_of_html(text: str) -> str:
    return html.unescape(_TAG.sub(" ", text))


def _docstrings(text: str) -> str:
    return "\n\n".join(_DOCSTRING.findall(text))


def _sentences(text: str) -> Iterator[str]:
    for part in _SENTENCE_END.split(text):
        sentence = " ".join(part.split())
        if len(sentence) > _MOST_CHARS or len(sentence) < 40:
            continue
        words = _WORD.findall(sentence)
        prose = len(words) >= _FEWEST_WORDS and sum(map(len, words)) > 0.7 * len(sentence)
        if prose and not _CODE.search(sentence):
            yield sys.intern(sentence)
