"""The figures of an evaluation. Each is a value per question: so all have a size, an interval and pairs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from rag.evaluation import intervals
from rag.evaluation.intervals import Interval
from rag.evaluation.metrics import mean, quantile
from rag.evaluation.runs import Outcome, Question, Reply, Run

Value = Callable[[Question, Outcome], float | None]
"""What a question contributes; None: it does not count for this figure."""


class Kind(StrEnum):
    """How values become one figure: shares are means of 0 and 1."""

    SHARE = "share"
    MEAN = "mean"
    MEDIAN_MS = "median_ms"
    TAIL_MS = "tail_ms"


@dataclass(frozen=True, slots=True)
class Measure:
    """``guarded`` figures are those a change of settings must not worsen."""

    key: str
    group: str
    name: str
    value: Value
    kind: Kind = Kind.SHARE
    higher_is_better: bool = True
    guarded: bool = False


@dataclass(frozen=True, slots=True)
class Figure:
    """A measure over ``n`` questions with its 95 % interval; NaN without questions."""

    measure: Measure
    n: int
    value: float
    interval: Interval


def _rank(get: Callable[[Outcome], int | None], k: int) -> Value:
    return lambda _, outcome: float((rank := get(outcome)) is not None and rank <= k)


def _reciprocal(get: Callable[[Outcome], int | None]) -> Value:
    return lambda _, outcome: 1.0 / rank if (rank := get(outcome)) is not None else 0.0


def _quoted(judge: Callable[[Reply], float]) -> Value:
    return lambda _, outcome: float(judge(outcome.quoted))


def _drafted(judge: Callable[[Reply], float]) -> Value:
    return lambda _, outcome: None if outcome.drafted is None else float(judge(outcome.drafted))


def _removed(judge: Callable[[Reply], float]) -> Value:
    return lambda question, outcome: None if question.elsewhere else float(judge(outcome.removed))


def _intact(_: Question, outcome: Outcome) -> float | None:
    replies = [reply for reply in (outcome.quoted, outcome.removed, outcome.drafted) if reply is not None]
    cited = sum(reply.citations for reply in replies)
    return float(not any(reply.false_quotes for reply in replies)) if cited else None


def _grounded(_: Question, outcome: Outcome) -> float | None:
    reply = outcome.drafted
    return None if reply is None or reply.refused else float(not reply.uncited)


def _time(get: Callable[[Outcome], Reply | None], name: str) -> Value:
    return lambda _, outcome: reply.timings.get(name) if (reply := get(outcome)) is not None else None


def _document(outcome: Outcome) -> int | None:
    return outcome.document_rank


def _passage(outcome: Outcome) -> int | None:
    return outcome.passage_rank


RETRIEVAL, EVIDENCE, ABSTENTION, WRITING, TIMES = (
    "Retrieval",
    "Evidence and citations",
    "Refusing",
    "With the language model",
    "Latency",
)

MEASURES: Sequence[Measure] = (
    Measure("document_at_1", RETRIEVAL, "document first (R@1)", _rank(_document, 1), guarded=True),
    Measure("document_at_5", RETRIEVAL, "document in five (R@5)", _rank(_document, 5)),
    Measure("document_mrr", RETRIEVAL, "document, MRR", _reciprocal(_document), Kind.MEAN),
    Measure("passage_at_1", RETRIEVAL, "passage first (R@1)", _rank(_passage, 1)),
    Measure("passage_at_5", RETRIEVAL, "passage in five (R@5)", _rank(_passage, 5), guarded=True),
    Measure("passage_mrr", RETRIEVAL, "passage, MRR", _reciprocal(_passage), Kind.MEAN),
    Measure(
        "cited_1", EVIDENCE, "first citation holds the answer", _quoted(lambda r: r.first_holds), guarded=True
    ),
    Measure(
        "cited_3", EVIDENCE, "one of three citations holds it", _quoted(lambda r: r.any_holds), guarded=True
    ),
    Measure("intact", EVIDENCE, "every quote is the stored text", _intact, guarded=True),
    Measure(
        "false_refusals",
        ABSTENTION,
        "refused with its document",
        _quoted(lambda r: r.refused),
        higher_is_better=False,
        guarded=True,
    ),
    Measure(
        "removed_refused",
        ABSTENTION,
        "refused without its document",
        _removed(lambda r: r.refused),
        guarded=True,
    ),
    Measure("drafted_cited", WRITING, "with the model, a citation holds it", _drafted(lambda r: r.any_holds)),
    Measure("drafted_holds", WRITING, "with the model, its text holds it", _drafted(lambda r: r.text_holds)),
    Measure("drafted_grounded", WRITING, "with the model, all is cited", _grounded),
    Measure(
        "search_ms", TIMES, "search, median", lambda _, o: o.search_ms, Kind.MEDIAN_MS, higher_is_better=False
    ),
    Measure(
        "quoted_ms",
        TIMES,
        "answer by quotation, median",
        _time(lambda o: o.quoted, "total_ms"),
        Kind.MEDIAN_MS,
        higher_is_better=False,
    ),
    Measure(
        "quoted_p95_ms",
        TIMES,
        "answer by quotation, 95th percentile",
        _time(lambda o: o.quoted, "total_ms"),
        Kind.TAIL_MS,
        higher_is_better=False,
    ),
    Measure(
        "first_token_ms",
        TIMES,
        "first token of the model, median",
        _time(lambda o: o.drafted, "first_token_ms"),
        Kind.MEDIAN_MS,
        higher_is_better=False,
    ),
    Measure(
        "drafted_ms",
        TIMES,
        "answer with the model, median",
        _time(lambda o: o.drafted, "total_ms"),
        Kind.MEDIAN_MS,
        higher_is_better=False,
    ),
)

Which = Callable[[Question], bool]


def everything(_: Question) -> bool:
    return True


def held_out(question: Question) -> bool:
    return question.held_out


def development(question: Question) -> bool:
    return not question.held_out


def confirmed(question: Question) -> bool:
    return question.confirmed


def values(measure: Measure, run: Run, which: Which = everything) -> dict[str, float]:
    """The value of every question that counts, by its id."""
    questions = {question.id: question for question in run.questions}
    found = {}
    for outcome in run.outcomes:
        question = questions[outcome.question]
        if which(question) and (value := measure.value(question, outcome)) is not None:
            found[question.id] = value
    return found


def figure(measure: Measure, run: Run, which: Which = everything) -> Figure:
    counted = list(values(measure, run, which).values())
    match measure.kind:
        case Kind.SHARE:
            value, interval = mean(counted), intervals.wilson(round(sum(counted)), len(counted))
        case Kind.MEAN:
            value, interval = mean(counted), intervals.of_mean(counted)
        case Kind.MEDIAN_MS:
            value, interval = quantile(counted, 0.5), intervals.of_quantile(counted, 0.5)
        case Kind.TAIL_MS:
            value, interval = quantile(counted, 0.95), intervals.of_quantile(counted, 0.95)
    return Figure(measure, len(counted), value, interval)


def verdicts(run: Run) -> dict[str, int]:
    """Delivered sentences by verdict, over the answers in which the model took part."""
    total: dict[str, int] = {}
    for outcome in run.outcomes:
        for verdict, count in (outcome.drafted.verdicts if outcome.drafted else {}).items():
            total[verdict] = total.get(verdict, 0) + count
    return total


def citations(run: Run) -> tuple[int, int]:
    """How many citations were compared with the stored text, and how many were not the same."""
    replies = [
        reply
        for outcome in run.outcomes
        for reply in (outcome.quoted, outcome.removed, outcome.drafted)
        if reply is not None
    ]
    return sum(reply.citations for reply in replies), sum(reply.false_quotes for reply in replies)
