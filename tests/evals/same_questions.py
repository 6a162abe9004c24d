"""Which questions are taken for the same one? Rewordings that are, near-misses that are not.

``python -m tests.evals.same_questions [--data FOLDER] [--no-likeness]`` writes a dated table. Every question
of FOLDER is typed and said in other ways by rule, and changed by rule into another question. Beside it, what
the likeness of embeddings would make of the very same pairs.
"""

from __future__ import annotations

import argparse
import json
import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rag.evaluation.metrics import quantile
from rag.evaluation.reports import Figure, Report, write
from rag.models.embeddings import default_embeddings
from rag.text.same_question import as_meant, as_written
from tests.evals import falsifications
from tests.evals.falsifications import Source
from tests.evals.reading import DEFAULT_DATA, REPORTS
from tests.evals.rewordings import NAME

_SEED = 20261122
_INNER_NAME = re.compile(rf"(?<=[a-z,] ){NAME}")
_WH = ("who", "when", "where", "how", "why", "what", "which")


@dataclass(frozen=True, slots=True)
class Pair:
    kind: str
    one: str
    other: str


TYPED: dict[str, Callable[[str], str]] = {
    "spaces and line ends": lambda asked: "  " + asked.replace(" ", " \n", 2) + " ",
    "no question mark": lambda asked: asked.rstrip("?"),
    "small first letter": lambda asked: asked[:1].lower() + asked[1:] if asked[1:2].islower() else asked,
    "curly quotes": lambda asked: asked.replace("'", "’"),
}
SAID: dict[str, Callable[[str], str]] = {
    "all in small letters": str.lower,
    "all in capitals": str.upper,
    "please": lambda asked: f"Please, {asked[:1].lower()}{asked[1:]}",
    "can you tell me": lambda asked: f"Can you tell me: {asked}",
    "hello": lambda asked: f"Hello, {asked}",
    "thanks": lambda asked: f"{asked.rstrip('?')}, please?",
    "contracted": lambda asked: asked.replace("What is", "What's"),
}
CHANGED: dict[str, falsifications.Falsification] = {
    "number": falsifications.number,
    "year": falsifications.year,
    "month or day": falsifications.month_or_day,
    "name": falsifications.name,
    "swapped names": falsifications.swapped,
    "negation": falsifications.negation,
    "antonym": falsifications.antonym,
    "unit": falsifications.unit,
    "quantifier": falsifications.quantifier,
}


def reworded(questions: Sequence[str], ways: dict[str, Callable[[str], str]]) -> Iterator[Pair]:
    for kind, way in ways.items():
        for asked in questions:
            if way(asked) != asked:
                yield Pair(kind, asked, way(asked))


def changed(questions: Sequence[str], rng: random.Random) -> Iterator[Pair]:
    names = sorted({name for asked in questions for name in _names(asked)})
    for asked in questions:
        source = Source(asked, names, ())
        for kind, way in CHANGED.items():
            other = way(asked, source, rng)
            if other is not None and other != asked:
                yield Pair(kind, asked, other)
        first, _, rest = asked.partition(" ")
        if first.lower() in _WH:
            others = [word for word in _WH if word != first.lower()]
            yield Pair("question word", asked, f"{rng.choice(others).capitalize()} {rest}")
        yield Pair("a word left out", asked, _without_a_word(asked, rng))


def answered_alike(data: Path) -> Iterator[Pair]:
    """Different questions about one paragraph with the very same answer: some are natural rewordings."""
    groups: dict[tuple[str, str], list[str]] = {}
    for line in (data / "questions.jsonl").read_text().splitlines():
        row = json.loads(line)
        groups.setdefault((row["document"], row["answers"][0]["text"].lower()), []).append(row["question"])
    for asked in groups.values():
        yield from (Pair("natural", asked[0], other) for other in asked[1:])


def _without_a_word(asked: str, rng: random.Random) -> str:
    words = asked.split()
    del words[rng.randrange(1, len(words))]
    return " ".join(words)


def _names(asked: str) -> list[str]:
    return [found[0] for found in _INNER_NAME.finditer(asked)]


def main() -> None:
    arguments = _arguments()
    rng = random.Random(_SEED)
    rows = (arguments.data / "questions.jsonl").read_text().splitlines()
    questions = [str(json.loads(row)["question"]) for row in rows]
    typed, said = list(reworded(questions, TYPED)), list(reworded(questions, SAID))
    near, natural = list(changed(questions, rng)), list(answered_alike(arguments.data))
    figures = [
        _hits("typed in another way: same as written", typed, as_written, wanted=True),
        _hits("said in another way: same as meant", said, as_meant, wanted=True),
        _hits("natural rewordings, same as meant", natural, as_meant),
        _hits("near-misses taken for the same as written", near, as_written, wanted=False),
        _hits("near-misses taken for the same as meant", near, as_meant, wanted=False),
        *(
            _hits(f"… {kind}", [pair for pair in near if pair.kind == kind], as_meant, wanted=False)
            for kind in dict.fromkeys(pair.kind for pair in near)
        ),
    ]
    if not arguments.no_likeness:
        figures += _by_likeness(natural, near)
    notes = [f"{len(questions)} questions. Hits of pairs; a near-miss that hits would be a wrong answer."]
    command = "python -m tests.evals.same_questions"
    report = Report("same-questions", "Which questions are the same", command, figures, notes)
    print(write(report, arguments.reports).read_text())


def _hits(
    name: str, pairs: Sequence[Pair], form: Callable[[str], str], *, wanted: bool | None = None
) -> Figure:
    hits = sum(form(pair.one) == form(pair.other) for pair in pairs)
    value = f"{hits} of {len(pairs)}"
    if wanted is None:
        return Figure(name, value)
    return Figure(name, value, "all" if wanted else "0", hits == (len(pairs) if wanted else 0))


def _by_likeness(natural: Sequence[Pair], near: Sequence[Pair]) -> list[Figure]:
    """At the cosine that half of the natural rewordings reach, how many near-misses would hit?"""
    embedder = default_embeddings()

    def cosines(pairs: Sequence[Pair]) -> list[float]:
        ones, others = (embedder.encode([getattr(pair, side) for pair in pairs]) for side in ("one", "other"))
        return [float(one @ other) for one, other in zip(ones, others, strict=True)]

    least = quantile(cosines(natural), 0.5)
    found = cosines(near)
    hits = sum(cosine >= least for cosine in found)
    return [
        Figure("cosine of natural rewordings, median", f"{least:.3f}"),
        Figure("cosine of near-misses, median", f"{quantile(found, 0.5):.3f}"),
        Figure("near-misses at least as alike as half of the natural rewordings", f"{hits} of {len(found)}"),
    ]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA)
    parser.add_argument("--reports", type=Path, default=REPORTS)
    parser.add_argument("--no-likeness", action="store_true", help="without the embedder")
    return parser.parse_args()


if __name__ == "__main__":
    main()
