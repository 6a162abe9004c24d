"""True sentences reworded and falsified by rule: does the verifier tell them apart?

``python -m tests.evals.falsified [--data FOLDER] [--paragraphs FILE] [--sentences N] [--likeness]`` writes
a dated table. FOLDER holds ``corpus.jsonl`` (``id``, ``title``, ``text``) and ``questions.jsonl``. With
``--fit FILE`` the support score is fitted anew instead, on paragraphs (``article``, ``text``) that are not
those it is measured on.
"""

from __future__ import annotations

import argparse
import itertools
import json
import random
import re
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rag.evaluation import support as fitting
from rag.evaluation.metrics import mean, quantile
from rag.evaluation.reports import Figure, Report, at_least, write
from rag.generation import verification
from rag.generation.verification.conditions import broken
from rag.generation.verification.features import Likeness, features
from rag.generation.verification.score import Models
from rag.models.embeddings import default_embeddings
from rag.records import DocumentRef, Evidence, Verdict
from rag.text.sentences import sentence_spans
from rag.text.statements import plain_form, statement
from rag.text.words import stem, words
from tests.evals.falsifications import FALSIFICATIONS, Source, mixed
from tests.evals.reading import DEFAULT_DATA, REPORTS
from tests.evals.rewordings import NAME, Sentence, answered, reworded

_SEED = 20261122
_SHORTEST, _LONGEST = 40, 400
_KEPT = 40
_NOUN = r"\b(?:the|The|an|An) ([a-z]{4,})(?= (?:of|in|was|is|were|are|and)\b)"
_TRUE_SHARE = 0.5
"""Of the falsified sentences, those made from the sentence as it stands; the others from a rewording."""
COPIES, ANSWERS = ("verbatim",), ("short answer", "answer sentence")
SMALL_CHANGES = (
    "number", "year", "month or day", "name", "swapped subject", "numbers exchanged", "negation",
    "antonym", "unit",
)  # fmt: skip
"""A true sentence with one thing in it changed; the other kinds say something else altogether."""
AS_ASKED = ", as asked"
REPEATED = (*SMALL_CHANGES, "other word")
"""What a question may well say too, and a small model repeat."""
STORED = Path(verification.__file__).parent.with_name("support.json")


@dataclass(frozen=True, slots=True)
class Paragraph:
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Asked:
    """A question with its answer at ``[start, end)`` of a paragraph."""

    question: str
    paragraph: Paragraph
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Case:
    """A claim about a piece of evidence; ``kind`` is the rule that made it."""

    claim: str
    evidence: str
    title: str
    question: str
    kind: str
    true: bool

    def item(self) -> Evidence:
        document = DocumentRef("doc", "evaluation.txt", 1)
        return Evidence(1, document, 1, None, 0, len(self.evidence), self.evidence, self.title, 1.0)


@dataclass(slots=True)
class Outcome:
    """1 for each case that was let pass, by kind, and what a check took in milliseconds."""

    true: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    false: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    true_scores: list[float] = field(default_factory=list)
    false_scores: list[float] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    passed: list[Case] = field(default_factory=list)
    stopped: list[Case] = field(default_factory=list)

    def score(self, case: Case, support: float) -> None:
        """Keep the score of a true rewording or of a small change, for the trade-off between them."""
        if case.true and case.kind not in (*COPIES, *ANSWERS) and not case.kind.endswith(AS_ASKED):
            self.true_scores.append(support)
        elif case.kind in SMALL_CHANGES:
            self.false_scores.append(support)

    def recall_at(self, false_alarms: float) -> float:
        """Recall where just that share of these very true rewordings would be turned away."""
        threshold = quantile(self.true_scores, false_alarms)
        return mean([float(score < threshold) for score in self.false_scores])

    @property
    def false_alarms(self) -> float:
        """Share of true rewordings turned away, without copies (nobody gets those wrong) and answers to
        questions (what the question says besides often stands in no single sentence of the text)."""
        left_out = (*COPIES, *ANSWERS)
        return 1 - mean(
            [
                one
                for kind, all_ in self.true.items()
                if kind not in left_out and not kind.endswith(AS_ASKED)
                for one in all_
            ]
        )

    @property
    def recall(self) -> float:
        """Share of falsified sentences turned away, of those with one small change."""
        return 1 - mean([one for kind in SMALL_CHANGES for one in self.false[kind]])

    @property
    def recall_of_all(self) -> float:
        """The same with added and exchanged words, borrowed subjects and wrong answers."""
        return 1 - mean(
            [one for kind, all_ in self.false.items() if not kind.endswith(AS_ASKED) for one in all_]
        )

    @property
    def recall_as_asked(self) -> float:
        """Share turned away of those with one small change that the question says as well."""
        return 1 - mean([one for kind in REPEATED for one in self.false[kind + AS_ASKED]])

    @property
    def false_alarms_as_asked(self) -> float:
        """Share turned away of true rewordings whose words the question says as well."""
        return 1 - mean([one for kind, all_ in self.true.items() if kind.endswith(AS_ASKED) for one in all_])

    @property
    def precision(self) -> float:
        """Share of false ones among those turned away, had there been as many true as false ones."""
        return self.recall / (self.recall + self.false_alarms)


def cases(paragraphs: Sequence[Paragraph], asked: Sequence[Asked], sentences: int) -> Iterator[Case]:
    """Cases made of up to so many sentences, and of every question; the same each time."""
    rng = random.Random(_SEED)
    located = [(one, *span) for one in paragraphs for span in sentence_spans(one.text)]
    located = [one for one in located if _SHORTEST <= one[2] - one[1] <= _LONGEST]
    names: dict[str, list[str]] = defaultdict(list)
    nouns: dict[str, list[str]] = defaultdict(list)
    for paragraph in paragraphs:
        names[paragraph.title] += re.findall(r"(?<=[a-z,] )" + NAME, paragraph.text)
        nouns[paragraph.title] += re.findall(_NOUN, paragraph.text)
    for paragraph, start, end in rng.sample(located, min(sentences, len(located))):
        text = paragraph.text[start:end]
        some = [
            rng.sample(all_[paragraph.title], min(_KEPT, len(all_[paragraph.title])))
            for all_ in (names, nouns)
        ]
        yield from _of_sentence(Sentence(text, paragraph.title), Source(text, *some), rng)
    for paragraph in paragraphs:
        yield from _mixtures(paragraph)
    for question in asked:
        yield from _of_question(question, rng)


def as_asked(made: Sequence[Case]) -> Iterator[Case]:
    """The rewordings and small changes once more, each in answer to a question that says all of its words:
    "When is the museum open?" asks a small model to say that it is open."""
    for case in made:
        says_the_same = case.true and case.kind not in (*COPIES, *ANSWERS)
        if says_the_same or case.kind in REPEATED:
            yield replace(case, question=f"Is it true that {case.claim}?", kind=case.kind + AS_ASKED)


def _of_sentence(sentence: Sentence, source: Source, rng: random.Random) -> Iterator[Case]:
    true = reworded(sentence, rng)
    for kind, claim in true.items():
        yield Case(claim, sentence.text, sentence.title, "", kind, True)
    for kind, falsify in FALSIFICATIONS.items():
        base = sentence.text if rng.random() < _TRUE_SHARE else rng.choice(list(true.values()))
        changed = falsify(base, source, rng) or falsify(sentence.text, source, rng)
        if changed is not None and changed not in true.values():
            yield Case(changed, sentence.text, sentence.title, "", kind, False)


def _mixtures(paragraph: Paragraph) -> Iterator[Case]:
    spans = sentence_spans(paragraph.text)
    for (start, end), (second, last) in itertools.pairwise(spans):
        if made := mixed(paragraph.text[start:end], paragraph.text[second:last]):
            yield Case(made, paragraph.text[start:last], "", "", "mixed subject", False)


def _of_question(asked: Asked, rng: random.Random) -> Iterator[Case]:
    """The answer as a sentence and alone, and the same with another span of its kind from the same
    paragraph."""
    text, answer = asked.paragraph.text, asked.paragraph.text[asked.start : asked.end]
    span = next(
        (span for span in sentence_spans(text) if span[0] <= asked.start and asked.end <= span[1]), None
    )
    if span is None or span[1] - span[0] > _LONGEST or not _whole_words(text, asked.start, asked.end):
        return
    evidence = text[span[0] : span[1]]
    common = {"evidence": evidence, "title": asked.paragraph.title, "question": asked.question}
    yield Case(answer, kind="short answer", true=True, **common)
    said = answered(asked.question, answer)
    if said is None:
        return
    yield Case(said, kind="answer sentence", true=True, **common)
    pattern = (
        r"(?<![\d.,])\d[\d.,]*(?<![.,])" if answer[0].isdigit() else (NAME if answer[0].isupper() else None)
    )
    if pattern is None:
        return
    taken = set(re.findall(r"\w+", f"{answer} {asked.question}".lower()))
    for kind, where in (("other answer of the sentence", evidence), ("other answer of the paragraph", text)):
        others = [
            one
            for one in re.findall(r"(?<=[a-z,] )" + pattern, where)
            if not set(re.findall(r"\w+", one.lower())) & taken
        ]
        if kind.endswith("paragraph"):
            others = [one for one in others if one not in evidence]
        other = answered(asked.question, rng.choice(others)) if others else None
        if other is not None:
            yield Case(other, kind=kind, true=False, **common)


def _whole_words(text: str, start: int, end: int) -> bool:
    return not re.match(r"\w\w", text[max(0, start - 1) : start + 1]) and not re.match(
        r"\w\w", text[end - 1 : end + 1]
    )


def judge(made: Sequence[Case], likeness: Likeness | None) -> Outcome:
    outcome = Outcome()
    for case in made:
        item = case.item()
        began = time.process_time()
        check = verification.verify(case.claim, [1], [item], case.question, likeness)
        outcome.times.append((time.process_time() - began) * 1000)
        passes = check.verdict is not Verdict.UNSUPPORTED
        outcome.score(case, check.support)
        (outcome.true if case.true else outcome.false)[case.kind].append(float(passes))
        if passes != case.true:
            (outcome.passed if passes else outcome.stopped).append(case)
    return outcome


def fit(made: Sequence[Case], likeness: Likeness) -> Models:
    """Both models, fitted on the cases that no exact condition decides. Copies teach nothing and are left
    out."""
    rows: dict[bool, list[tuple[float, ...]]] = {True: [], False: []}
    refused = 0
    for case in made:
        claim, evidence = statement(case.claim), statement(case.evidence)
        if plain_form(case.claim) == plain_form(case.evidence):
            continue
        if broken(claim, evidence):
            refused += case.true
            continue
        asked = frozenset(stem(word) for word in words(case.question))
        rows[case.true].append(features(claim, evidence, statement(case.title), asked, likeness).values())
    plain = {truth: [row[:-1] for row in some] for truth, some in rows.items()}
    return Models(
        fitting.fit(plain[True], plain[False], refused), fitting.fit(rows[True], rows[False], refused)
    )


def encoder_likeness() -> Likeness:
    """The default encoder's cosines of words, each word embedded once."""
    embedder = default_embeddings(2)
    known: dict[str, NDArray[np.float32]] = {}

    def likeness(some: Sequence[str], others: Sequence[str]) -> Sequence[float]:
        missing = [word for word in dict.fromkeys([*some, *others]) if word not in known]
        if missing:
            known.update(zip(missing, embedder.encode(missing), strict=True))
        cosines = np.stack([known[word] for word in some]) @ np.stack([known[word] for word in others]).T
        return [float(one) for one in cosines.max(axis=1)]

    return likeness


def read_reading(folder: Path) -> tuple[list[Paragraph], list[Asked]]:
    rows = _lines(folder / "corpus.jsonl")
    by_id = {row["id"]: Paragraph(row["title"].replace("_", " "), row["text"]) for row in rows}
    asked = []
    for row in _lines(folder / "questions.jsonl"):
        answer, paragraph = row["answers"][0]["text"], by_id[row["document"]]
        start = paragraph.text.find(answer)
        if start >= 0:
            asked.append(Asked(row["question"], paragraph, start, start + len(answer)))
    return list(by_id.values()), asked


def read_paragraphs(file: Path, questions: Path | None) -> tuple[list[Paragraph], list[Asked]]:
    """Paragraphs (``article``, ``text``) and questions (the same, with ``question``, ``start`` and
    ``end``)."""
    paragraphs = [Paragraph(row["article"], row["text"]) for row in _lines(file)]
    asked = (
        []
        if questions is None
        else [
            Asked(row["question"], Paragraph(row["article"], row["text"]), row["start"], row["end"])
            for row in _lines(questions)
        ]
    )
    return paragraphs, asked


def main() -> None:
    arguments = _arguments()
    if arguments.fit:
        made = list(cases(*read_paragraphs(arguments.fit, arguments.questions), arguments.sentences))
        fitting.write(fit(made, encoder_likeness()), STORED)
        print(f"fitted on {len(made)} cases, written to {STORED}:\n{STORED.read_text()}")
        return
    if not arguments.data.is_dir():
        print(f"No data at {arguments.data}: name a folder with --data.")
        return
    made = list(cases(*read_reading(arguments.data), arguments.sentences))
    made += list(as_asked(made))
    outcome = judge(made, encoder_likeness() if arguments.likeness else None)
    if arguments.errors:
        for case in outcome.passed + outcome.stopped:
            print(f"{'stopped' if case.true else 'passed'} [{case.kind}] {case.claim}\n    {case.evidence}")
    print(write(_report(outcome, len(made)), arguments.reports).read_text())


def _report(outcome: Outcome, made: int) -> Report:
    figures = [
        at_least("falsified sentences caught, at 5 % false alarms", outcome.recall_at(0.05), 0.90),
        Figure("falsified sentences caught, at the shipped threshold", f"{outcome.recall:.3f}"),
        Figure("the same with added words, other words, wrong answers", f"{outcome.recall_of_all:.3f}"),
        Figure(
            "true rewordings turned away (false alarms)",
            f"{outcome.false_alarms:.3f}",
            "<= 0.05",
            outcome.false_alarms <= 0.05,
        ),
        at_least(
            "falsified sentences caught where the question says the same", outcome.recall_as_asked, 0.90
        ),
        Figure(
            "true rewordings turned away where the question says the same",
            f"{outcome.false_alarms_as_asked:.3f}",
        ),
        Figure("precision, as many true as false", f"{outcome.precision:.3f}"),
        Figure("one check, median (processor time)", f"{quantile(outcome.times, 0.5):.2f} ms"),
        Figure(
            "one check, 99th percentile (processor time)",
            f"{quantile(outcome.times, 0.99):.2f} ms",
            "< 10 ms",
            quantile(outcome.times, 0.99) < 10,
        ),
    ]
    figures += [
        Figure(f"caught: {kind}", f"{1 - mean(all_):.3f} of {len(all_)}")
        for kind, all_ in outcome.false.items()
    ]
    figures += [
        Figure(f"let pass: {kind}", f"{mean(all_):.3f} of {len(all_)}") for kind, all_ in outcome.true.items()
    ]
    notes = [
        f"{made} cases from encyclopedia sentences the score was not fitted on, reworded and falsified by "
        "rule.",
        "Verbatim copies do not count among the true rewordings, nor do answers to questions, which are made "
        "of the question and its answer: much of what the question says may stand in another sentence.",
    ]
    return Report("falsified", "Verification: falsified sentences", "make eval", figures, notes)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA)
    parser.add_argument("--reports", type=Path, default=REPORTS)
    parser.add_argument("--sentences", type=int, default=1000, help="at most so many sentences")
    parser.add_argument("--likeness", action="store_true", help="use the encoder's cosine as well")
    parser.add_argument("--errors", action="store_true", help="print what was judged wrongly")
    parser.add_argument("--fit", type=Path, help="fit the score on these paragraphs")
    parser.add_argument("--questions", type=Path, help="questions about them, with --fit")
    return parser.parse_args()


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


if __name__ == "__main__":
    main()
