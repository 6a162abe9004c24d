"""``footnote bench``: how fast the running service is, for whoever asks it from here."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import islice

from api.cli.connection import Connection
from api.cli.output import print_fields, print_json
from api.client.records import SentenceDelivered, TokenWritten
from rag.errors import NotFound

_WORDS = 8
_LEAST_CHARS = 60
_DOCUMENTS = 20


@dataclass(frozen=True, slots=True)
class Times:
    """Milliseconds unless said otherwise; None where nothing was measured. p50 is the median."""

    searches: int
    search_p50: float
    search_p95: float
    questions: int
    first_token_p50: float | None
    first_sentence_p50: float | None
    answer_p50: float | None
    tokens_per_second: float | None
    """Of the model while it drafts; about, since a token may come in several pieces."""


def bench(
    service: Connection, collections: tuple[str, ...], searches: int, questions: int, as_json: bool
) -> None:
    """Raises ``NotFound`` (``nothing_to_measure``) where there is no text to ask about."""
    queries = _queries(service, collections, max(searches, questions))
    service.search(queries[0], k=10, collections=collections or None)  # the first one may load something
    _tell(f"{searches} searches")
    found = [_timed_search(service, query, collections) for query in _cycled(queries, searches)]
    asked = []
    for number, query in enumerate(_cycled(queries, questions), start=1):
        _tell(f"question {number} of {questions}")
        asked.append(_timed_answer(service, f"What is said about this: {query}?", collections))
    times = _times(found, asked)
    if as_json:
        print_json(asdict(times))
    else:
        print_fields(_fields(times))


@dataclass(frozen=True, slots=True)
class _Asked:
    first_token: float | None
    first_sentence: float | None
    whole: float
    tokens: int
    drafting: float


def _timed_search(service: Connection, query: str, collections: tuple[str, ...]) -> float:
    began = time.perf_counter()
    service.search(query, k=10, collections=collections or None)
    return _since(began)


def _timed_answer(service: Connection, question: str, collections: tuple[str, ...]) -> _Asked:
    began = time.perf_counter()
    tokens = []
    first_sentence = None
    with service.stream(question, collections=collections or None) as events:
        for event in events:
            if isinstance(event, TokenWritten):
                tokens.append(_since(began))
            elif isinstance(event, SentenceDelivered) and first_sentence is None:
                first_sentence = _since(began)
    whole = _since(began)
    answer = events.answer
    if answer is not None:  # nobody asked this for its answer
        service.answers.delete(answer.id)
    drafting = tokens[-1] - tokens[0] if len(tokens) > 1 else 0.0
    return _Asked(tokens[0] if tokens else None, first_sentence, whole, len(tokens), drafting)


def _times(found: Sequence[float], asked: Sequence[_Asked]) -> Times:
    drafted = [one for one in asked if one.drafting > 0]
    seconds = sum(one.drafting for one in drafted) / 1000
    tokens = sum(one.tokens - 1 for one in drafted)
    return Times(
        searches=len(found),
        search_p50=_quantile(found, 0.5),
        search_p95=_quantile(found, 0.95),
        questions=len(asked),
        first_token_p50=_median([one.first_token for one in asked]),
        first_sentence_p50=_median([one.first_sentence for one in asked]),
        answer_p50=_median([one.whole for one in asked]),
        tokens_per_second=tokens / seconds if seconds else None,
    )


def _fields(times: Times) -> dict[str, str | None]:
    return {
        f"search, median of {times.searches}": _ms(times.search_p50),
        "search, 95 in 100": _ms(times.search_p95),
        "first token": _ms(times.first_token_p50),
        "first checked sentence": _ms(times.first_sentence_p50),
        f"whole answer, median of {times.questions}": _ms(times.answer_p50),
        "tokens a second": None if times.tokens_per_second is None else f"{times.tokens_per_second:.0f}",
    }


def _queries(service: Connection, collections: tuple[str, ...], wanted: int) -> list[str]:
    """A few words from each of many places, so that no search is answered from the last one's leavings."""
    found: list[str] = []
    for text in islice(_texts(service, collections), wanted):
        words = text.split()
        start = len(words) // 3
        found.append(" ".join(words[start : start + _WORDS]))
    if not found:
        raise NotFound("nothing_to_measure", "There are no documents with text here; add some first.")
    return found


def _texts(service: Connection, collections: tuple[str, ...]) -> Iterator[str]:
    for name in collections or (None,):
        for document in islice(service.documents.list(collection=name), _DOCUMENTS):
            if document.live_version is None or not document.characters:
                continue
            hits = service.search(
                document.title or document.name, k=10, filter={"document_id": document.id}
            ).hits
            yield from (hit.text for hit in hits if len(hit.text) >= _LEAST_CHARS)


def _cycled(queries: Sequence[str], count: int) -> list[str]:
    return [queries[number % len(queries)] for number in range(count)]


def _median(values: Sequence[float | None]) -> float | None:
    measured = [value for value in values if value is not None]
    return _quantile(measured, 0.5) if measured else None


def _quantile(values: Sequence[float], share: float) -> float:
    """The nearest rank."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def _ms(value: float | None) -> str | None:
    return None if value is None else f"{value:,.1f} ms"


def _since(began: float) -> float:
    return (time.perf_counter() - began) * 1000


def _tell(phase: str) -> None:
    if sys.stderr.isatty():
        print(f"footnote: {phase}", file=sys.stderr, flush=True)
