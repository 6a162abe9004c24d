"""Follow-ups: do they find what their standalone form finds, and is a new topic left alone?

``python -m tests.evals.follow_ups [--data FOLDER]`` searches the texts of ``follow_up_pairs`` and, where
FOLDER is there, the paragraphs of the reading set, whose second questions are made follow-ups by a script:
the name that two questions about a paragraph share becomes a pronoun.
"""

from __future__ import annotations

import argparse
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from rich.progress import Progress

from rag.evaluation.metrics import mean, success_at
from rag.evaluation.reports import Figure, Report, at_least, write
from rag.models.distillation import distil_if_missing
from rag.models.embeddings import embeddings_at
from rag.models.locations import default_models_folder
from rag.models.tokenizer import OffsetTokenizer
from rag.records import DocumentState
from rag.retrieval.follow_up import Exchange, standalone
from rag.retrieval.hybrid import SearchMode
from rag.text.sentences import sentence_spans
from tests.evals import reading
from tests.evals.follow_up_pairs import CONVERSATIONS, TEXTS, Conversation
from tests.evals.retrieval import Collection, Library

ROOT = Path(__file__).parents[2]
DEFAULT_DATA = ROOT.parent / "shared" / "evals" / "reading"
REPORTS = ROOT / "data" / "reports"

_NAME = re.compile(r"(?:[Tt]he )?[A-Z][\w'-]*[\w](?: (?:of (?:the )?)?[A-Z][\w'-]*\w)*")
_AUXILIARIES = frozenset("did does do was were is are has have had will would can could".split())
_NO_NAME = frozenset("who what when where why which how in on at the name".split())

Search = Callable[[str], Sequence[str]]


@dataclass(frozen=True, slots=True)
class Case:
    """A conversation, with its last question as rewritten."""

    conversation: Conversation
    rewritten: str

    @property
    def stands_alone(self) -> bool:
        return self.conversation.question == self.conversation.standalone


def rewrite(conversation: Conversation) -> Case:
    """As the service does it: each question is completed from those before, as they were completed."""
    earlier: list[Exchange] = []
    for question, answer in conversation.earlier:
        earlier.append(Exchange(standalone(question, earlier), answer))
    return Case(conversation, standalone(conversation.question, earlier))


def from_reading(folder: Path) -> Iterator[Conversation]:
    """One conversation a paragraph that has two questions with a name in common."""
    texts = {row["id"]: row["text"] for row in reading.read_corpus(folder)}
    asked: dict[str, list[reading.Question]] = {}
    for question in reading.read_questions(folder):
        asked.setdefault(question.document, []).append(question)
    for document, questions in asked.items():
        pairs = ((one, two) for one in questions for two in questions if one is not two)
        made = (_follow_up(one, two, texts[document]) for one, two in pairs)
        found = next((one for one in made if one is not None), None)
        if found is not None:
            yield found


def _follow_up(first: reading.Question, second: reading.Question, text: str) -> Conversation | None:
    """The second question with a pronoun for the name it shares with the first, where a pronoun can stand."""
    shared = [name for name in _names(second.text) if name in _names(first.text)]
    if not shared:
        return None
    name = max(shared, key=len)
    found = list(re.finditer(rf"(?:[Tt]he )?\b{re.escape(name)}\b(?P<own>['’]s?(?=\s))?", second.text))
    if len(found) != 1 or not _can_be_pronoun(second.text, found[0]):
        return None
    person = len(re.findall(r"\b(?:he|his|she|her)\b", text)) >= 2 and len(name.split()) <= 3
    said = ("he", "his") if person else ("they", "their") if name.endswith("s") else ("it", "its")
    start, end = found[0].span()
    question = second.text[:start] + said[bool(found[0]["own"])] + second.text[end:]
    answer = next((text[a:b] for a, b in sentence_spans(text) if first.answers[0] in text[a:b]), "")
    return Conversation(
        [(first.text, answer)], question[0].upper() + question[1:], second.text, second.document
    )


def _can_be_pronoun(question: str, name: re.Match[str]) -> bool:
    """After an auxiliary, or after a preposition at the end of a clause."""
    before = question[: name.start()].lower().split()[-1:]
    after = question[name.end() :].split()[:1]
    if before and before[0] in _AUXILIARIES:
        return not after or not after[0][0].isupper()
    return bool(before and before[0] in ("of", "in", "by", "to", "at") and (not after or after[0] in "?"))


def _names(question: str) -> list[str]:
    found = [match[0].removeprefix("The ").removeprefix("the ") for match in _NAME.finditer(question)]
    return [
        name for name in found if name.lower() not in _NO_NAME and name.split()[0].lower() not in _NO_NAME
    ]


def main() -> None:
    arguments = _arguments()
    figures: list[Figure] = []
    notes = []
    teacher = embeddings_at(None, None)
    student = distil_if_missing(arguments.models, teacher)
    sets = [("by hand", CONVERSATIONS, Collection("by hand", [(n, n, t) for n, t in TEXTS.items()], []))]
    if arguments.data.is_dir():
        corpus = [(row["id"], row["id"], row["text"]) for row in reading.read_corpus(arguments.data)]
        sets.append(("reading", list(from_reading(arguments.data)), Collection("reading", corpus, [])))
    with Progress() as progress:
        for name, conversations, collection in sets:
            cases = [rewrite(conversation) for conversation in conversations]
            with tempfile.TemporaryDirectory() as folder:
                library = Library(Path(folder), teacher, student, DocumentState.REFINED)
                library.add(collection, OffsetTokenizer(teacher.folder), teacher.max_tokens, progress.track)
                search = partial(library.ranked, mode=SearchMode.HYBRID)
                figures += _retrieval(name, cases, search)
                library.close()
            if name == "by hand":
                figures += _decisions(cases)
            notes.append(
                f"{name}: {len(cases)} conversations, {sum(case.stands_alone for case in cases)} of which "
                "go on with a question that stands alone."
            )
            if arguments.verbose:
                _print(cases)
    report = Report("follow-ups", "Follow-ups in a conversation", "make eval", figures, notes)
    print(write(report, arguments.reports).read_text())


def _retrieval(name: str, cases: Sequence[Case], search: Search) -> list[Figure]:
    """Of the questions that point back: where their document is, asked in three ways."""
    pointing = [case for case in cases if not case.stands_alone]
    asked = {
        "as asked": [case.conversation.question for case in pointing],
        "rewritten": [case.rewritten for case in pointing],
        "standalone": [case.conversation.standalone for case in pointing],
    }
    gold = [{case.conversation.document} for case in pointing]
    figures = []
    shares: dict[str, tuple[float, float]] = {}
    for way, questions in asked.items():
        found = [search(question) for question in questions]
        first, five = (
            mean([success_at(ranked, right, k) for ranked, right in zip(found, gold, strict=True)])
            for k in (1, 5)
        )
        shares[way] = first, five
        figures.append(Figure(f"{name}, {way}: R@1 / R@5", f"{first:.3f} / {five:.3f}"))
    kept = [shares["rewritten"][at] / shares["standalone"][at] for at in (0, 1)]
    return [
        *figures,
        at_least(f"{name}: R@1 kept of the standalone form", kept[0], 0.95),
        at_least(f"{name}: R@5 kept of the standalone form", kept[1], 0.97),
    ]


def _decisions(cases: Iterable[Case]) -> list[Figure]:
    every = list(cases)
    alone = [float(case.rewritten == case.conversation.question) for case in every if case.stands_alone]
    pointing = [
        float(case.rewritten != case.conversation.question) for case in every if not case.stands_alone
    ]
    return [
        at_least("by hand: questions that stand alone left as they are", mean(alone), 1.0),
        at_least("by hand: questions that point back rewritten", mean(pointing), 0.95),
    ]


def _print(cases: Iterable[Case]) -> None:
    for case in cases:
        mark = "=" if case.stands_alone else " "
        print(f"{mark} {case.conversation.question} -> {case.rewritten}   [{case.conversation.standalone}]")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA)
    parser.add_argument("--reports", type=Path, default=REPORTS)
    parser.add_argument("--models", type=Path, default=default_models_folder())
    parser.add_argument("--verbose", action="store_true", help="print every rewriting")
    return parser.parse_args()


if __name__ == "__main__":
    main()
