"""CSV and TSV: records as the rows a spreadsheet would show, each with the names of its columns.

Read record by record, so that memory is that of the text. A file that does not hold together as a table
(its lines have no common number of fields, or a quotation never ends) is read as plain text.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterator
from io import BytesIO
from itertools import islice

from ingest.canonical import CanonicalText
from ingest.encodings import decode
from ingest.parsers import Progress
from ingest.parsers.limits import ParseLimits
from ingest.parsers.paragraphs import write_paragraphs
from ingest.parsers.sheet_rows import SheetRows
from ingest.sniffing import sniff
from rag.records import PageKind, ParsedDocument

_DELIMITERS = ",;\t|"
_SAMPLE_RECORDS = 200
_LIKE_SHARE = 0.7  # of the records must have as many fields as most: titles and notes may stand about
_MOST_FIELDS = 16_384
_FEWEST_COLUMNS = 2
_DECLARED = re.compile(r"sep=([,;\t|])\r?\n", re.IGNORECASE)  # for Excel, which does not show it


class _NoTable(Exception):
    """The file has no fields in common between its lines."""


def parse(data: bytes, name: str, limits: ParseLimits, progress: Progress) -> ParsedDocument:
    """One page without a name whose rows are the records, counted with those that are blank."""
    media_type = sniff(BytesIO(data), name)
    text, _ = decode(data)
    title = name.rpartition("/")[2].rpartition(".")[0].replace("_", " ")
    try:
        builder = CanonicalText(limits)
        _write_table(text, builder)
        return builder.finish(media_type, title=title, page_kind=PageKind.SHEET)
    except (_NoTable, csv.Error):  # csv.Error: a field of more than 128 KiB, mostly an open quotation
        builder = CanonicalText(limits)
        write_paragraphs(text, builder)
        return builder.finish(media_type, title=title)


def _write_table(text: str, builder: CanonicalText) -> None:
    declared = _DECLARED.match(text)
    start = declared.end() if declared else 0
    delimiter = declared.group(1) if declared else choose_delimiter(text)
    if delimiter is None:
        raise _NoTable
    rows = SheetRows(builder, fewest_columns=_FEWEST_COLUMNS, one_table=True)
    for number, record in enumerate(_records(text, start, delimiter), start=1):
        if len(record) > _MOST_FIELDS:
            raise _NoTable
        rows.add(number, record)
    rows.end_table()
    builder.close_page(rows=rows.places)


def choose_delimiter(text: str) -> str | None:
    """What separates the fields of ``text``: a comma, semicolon, tab or bar; None where nothing does.

    Each is tried on the first records with quotations respected. The one wins whose records agree on a
    number of fields, the more of them and then the more fields the better. Lines in which none of the
    four occurs are a table of one column.
    """
    scores = []
    for delimiter in _DELIMITERS:
        try:
            sample = islice(_records(text, 0, delimiter), _SAMPLE_RECORDS)
            counts = [len(record) for record in sample if record]
        except csv.Error:
            continue
        fields, alike = max(Counter(counts).items(), key=lambda item: (item[1], item[0]), default=(0, 0))
        if fields > 1 and alike >= _LIKE_SHARE * len(counts):
            scores.append((alike / len(counts), fields, delimiter))
    if scores:
        return max(scores, key=lambda score: score[:2])[2]
    lines = islice(_lines(text, 0), _SAMPLE_RECORDS)
    return None if any(delimiter in line for line in lines for delimiter in _DELIMITERS) else ","


def _records(text: str, start: int, delimiter: str) -> Iterator[list[str]]:
    return csv.reader(_lines(text, start), delimiter=delimiter, skipinitialspace=True)


def _lines(text: str, start: int) -> Iterator[str]:
    """The lines of ``text`` from ``start`` with their ends, ``\\r`` alone being one too, one at a time."""
    lone_returns = "\n" not in text
    end = "\r" if lone_returns else "\n"
    while start < len(text):
        after = text.find(end, start) + 1 or len(text)
        line = text[start:after]
        # The csv module takes a return within a line for the end of a record it was not told of.
        yield f"{line[:-1]}\n" if lone_returns and line.endswith("\r") else line
        start = after
