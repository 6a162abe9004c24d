"""Lists and counts: everything in the documents that holds the words of a condition.

The keyword index says which passages hold all of the words, every one of them; they are read, and what
holds the words itself (a sentence, an item, a row of a table) is shown. So what is said is exact about
words. Whether other words say the same thing is not known, and then a count says "at least".
"""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass

from rag.generation.survey import PASSAGES_SHOWN, Survey, SurveyItem, evidence_of, spread
from rag.records import Coverage, DocumentRef, Notice, Passage, QuestionKind
from rag.retrieval.question_kind import DOCUMENT_NOUNS, ROW_NOUNS, SAYING, Asked
from rag.retrieval.units import Heading, Unit, cell_of, matching_rows, units_of
from rag.stores import scopes, surveys
from rag.stores.database import Database
from rag.stores.scopes import Scope
from rag.text.words import STOPWORDS, stem, stems, words

MOST_PASSAGES = 400
"""Passages read for one question: about 80,000 words."""
_BATCH = 50
_LONGEST_UNIT = 600
"""Characters: a longer sentence or row is evidence of a match, but not quoted whole."""
_ANY_DOCUMENT = frozenset("documents files sources texts pdfs document file source text pdf".split())
_LITERAL = re.compile(
    r"^(?:(?:that |which )?(?:are|is|were|was) )?(?:from|by|in|with|for|to|of|at|on|called|named)\b",
    re.IGNORECASE,
)
"""Conditions whose words can be expected to stand there: "from Chile", "mention cement"."""


@dataclass(frozen=True, slots=True)
class _Reading:
    """What was read: the units that hold the words, the documents that hold them only spread out."""

    rows: Sequence[Unit]
    said: Sequence[Unit]
    loose: frozenset[str]
    passages: Sequence[Passage]
    matching: int
    documents: int
    everything: bool
    by_column: bool


def survey(database: Database, asked: Asked, scope: Scope, limit: int, deadline: float) -> Survey | None:
    """The answer to a list or count question; None where words cannot tell it.

    Args:
        limit: footnotes.
        deadline: of ``time.monotonic``; what was read by then is what is answered from.
    """
    wanted = wanted_stems(asked)
    if not asked.checkable or not wanted:
        return None
    reading = _read(database, wanted, scope, deadline)
    units, are_rows = _counted(reading, asked)
    if not units:
        return None
    literal = is_literal(asked.condition) or (bool(are_rows) and reading.by_column)
    exact = reading.everything and not reading.loose and literal
    if are_rows is None:
        exact, are_rows = False, len(reading.rows) >= len(reading.said)
    shown = spread([unit.passage.document for unit in units], limit)
    many = len({unit.passage.document.id for unit in units}) > 1
    items = [_item(units[at], number, asked.unit, many) for number, at in enumerate(shown, start=1)]
    notes = _notes(exact, len(units), len(items))
    return Survey(
        items=items,
        coverage=Coverage(
            documents=len({passage.document.id for passage in reading.passages}),
            passages_seen=len(reading.passages),
            passages_matching=max(reading.matching, len(reading.passages)),
            documents_matching=reading.documents,
            complete=exact and len(items) == len(units),
        ),
        passages=[unit.passage for unit in units[:PASSAGES_SHOWN]],
        statement=_statement(asked, units, are_rows, exact),
        partial=not exact or len(items) < len(units),
        notes=notes,
    )


def wanted_stems(asked: Asked) -> frozenset[str]:
    """What a sentence has to hold: the words of the condition that are no mere "mentions"."""
    telling = [word for word in words(asked.condition) if word not in STOPWORDS | SAYING and word != "all"]
    if not telling and asked.kind is QuestionKind.LIST and asked.unit not in DOCUMENT_NOUNS | ROW_NOUNS:
        telling = [asked.unit]
    return frozenset(stem(word) for word in telling)


def is_literal(condition: str) -> bool:
    """Whether whoever meets the condition can be expected to say it in these words."""
    first = next((word for word in words(condition) if word not in ("that", "which", "who")), "")
    return first in SAYING or bool(_LITERAL.match(condition)) or len(stems(condition)) == 0


def _read(database: Database, wanted: frozenset[str], scope: Scope, deadline: float) -> _Reading:
    rows: list[Unit] = []
    said: list[Unit] = []
    passages: list[Passage] = []
    holders: dict[str, bool] = {}
    headings: dict[int, list[Heading]] = {}
    with database.read() as tx:
        inside = scopes.resolve(tx, scope)
        holding = surveys.holding_all(tx, sorted(wanted), inside, MOST_PASSAGES)
        for at in range(0, len(holding.chunk_ids), _BATCH):
            if time.monotonic() > deadline:
                break
            for passage in surveys.read(tx, holding.chunk_ids[at : at + _BATCH]):
                version = passage.version_id
                if version not in headings:
                    headings[version] = [Heading(*row) for row in surveys.headings_within(tx, version)]
                found = [unit for unit in units_of(passage, headings[version]) if unit.holds(wanted)]
                rows += [unit for unit in found if unit.is_row]
                said += [unit for unit in found if not unit.is_row]
                holders[passage.document.id] = holders.get(passage.document.id, False) or bool(found)
                passages.append(passage)
    matched, by_column = matching_rows(rows, wanted)
    return _Reading(
        rows=matched,
        said=said,
        loose=frozenset(document for document, proven in holders.items() if not proven),
        passages=passages,
        matching=len(holding.chunk_ids),
        documents=holding.documents,
        everything=holding.all and len(passages) == len(holding.chunk_ids),
        by_column=by_column,
    )


def _counted(reading: _Reading, asked: Asked) -> tuple[Sequence[Unit], bool | None]:
    """What the noun of the question stands for, and whether these are rows (None: cannot be told).

    Documents where it says so or names a kind of document, rows of tables where those match.
    """
    if asked.unit in ROW_NOUNS:
        return reading.rows, True
    if asked.unit in _ANY_DOCUMENT:
        return _one_a_document([*reading.rows, *reading.said]), False
    if asked.unit in DOCUMENT_NOUNS and not reading.rows:
        return _of_the_kind(_one_a_document(reading.said), asked.unit), False
    if reading.rows and not reading.said:
        return _of_the_table(reading.rows, asked.unit), True
    if asked.kind is QuestionKind.COUNT:
        # Sentences are not things: "twelve of the members are from Chile" is one sentence and says twelve.
        return (reading.rows, None) if reading.rows else ((), None)
    return sorted([*reading.rows, *_distinct(reading.said)], key=lambda unit: unit.passage.chunk_id), False


def _one_a_document(units: Sequence[Unit]) -> list[Unit]:
    first: dict[str, Unit] = {}
    for unit in units:
        first.setdefault(unit.passage.document.id, unit)
    return list(first.values())


def _of_the_kind(units: Sequence[Unit], noun: str) -> Sequence[Unit]:
    """Of documents some of which are called by the noun ("invoice-07.txt"), those."""
    called = [unit for unit in units if stem(noun) in stems(_spaced(unit.passage.document))]
    return called or units


def _of_the_table(rows: Sequence[Unit], noun: str) -> Sequence[Unit]:
    """Of rows of several documents, those of tables that are called by the noun, if any is."""
    called = [row for row in rows if _is_table_of(row, noun)]
    return called or rows


def _is_table_of(row: Unit, noun: str) -> bool:
    names = " ".join([_spaced(row.passage.document), row.passage.context, *row.cells])
    return stem(noun) in stems(names)


def _spaced(document: DocumentRef) -> str:
    return re.sub(r"[\d_.-]+", " ", document.name)


def _distinct(units: Sequence[Unit]) -> list[Unit]:
    """Without what says the same words again."""
    return list({(tuple(words(unit.text)) or unit.text): unit for unit in reversed(units)}.values())[::-1]


def _item(unit: Unit, number: int, noun: str, many: bool) -> SurveyItem:
    evidence = evidence_of(unit, number)
    group = unit.passage.document.name if many else ""
    cell = cell_of(unit, noun)
    return SurveyItem(evidence, unit.text if cell is None else unit.text[cell[0] : cell[1]], group)


def _statement(asked: Asked, units: Sequence[Unit], are_rows: bool, exact: bool) -> str:
    """Says what was counted and how it was told, and nothing that was not."""
    if asked.kind is not QuestionKind.COUNT:
        return ""
    counted = asked.unit
    if are_rows and not all(_is_table_of(unit, asked.unit) for unit in units):
        counted = "rows"
    condition = f" match \u201c{asked.condition}\u201d" if asked.condition else " were found"
    return f"{'' if exact else 'At least '}{len(units)} {counted}{condition}."


def _notes(exact: bool, found: int, shown: int) -> tuple[Notice, ...]:
    notes = []
    if not exact:
        detail = "This was told by the words of the question: there may be more that says it in other words."
        notes.append(Notice("may_be_incomplete", detail))
    if shown < found:
        notes.append(Notice("not_all_cited", f"{shown} of {found} are shown with a footnote."))
    return tuple(notes)
