"""JSON and JSON Lines as text: "key: value" lines, records as rows, top-level keys as headings.

Values stand as they are written, numbers digit for digit. Every line carries the path that leads to its
value, so that it can be understood without what surrounds it. What turns out not to be JSON is read as
plain text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import PurePath
from typing import TypeAlias

from ingest.canonical import CanonicalText, clean, collapse
from ingest.encodings import decode
from ingest.parsers import Progress, plain
from ingest.parsers.limits import ParseLimits
from ingest.parsers.tables import CELL_SEPARATOR
from ingest.sniffing import JSON, JSONL
from rag.errors import DocumentRejected
from rag.records import BlockKind, PageKind, ParsedDocument

_LINE_END = re.compile(r"\r\n?|\n")  # others may stand in the strings of a record
_ROW_FIELDS = 40
_LONG_VALUE = 400  # characters from which a value is running text rather than a cell
_LIST_LENGTH = 300  # characters to which short values of an array stand on one line
_LONGEST_PATH = 200


class _Object(tuple[tuple[str, "_Value"], ...]):
    """The members of an object in order, those with the same name included."""

    __slots__ = ()


_Value: TypeAlias = "_Object | list[_Value] | str | bool | None"
_Field = tuple[str, str]


def parse(data: bytes, name: str, limits: ParseLimits, progress: Progress) -> ParsedDocument:
    """One value as sections, several (one a line) as rows with their line numbers."""
    text, _ = decode(data)
    builder = CanonicalText(limits)
    title = PurePath(name).stem
    lines = _LINE_END.split(text)
    try:
        value = _load(text)
    except ValueError:
        rows = _write_lines(lines, builder)
        if rows is None:
            return plain.parse(data, name, limits, progress)
        builder.close_page(rows=rows)
        return builder.finish(JSONL, title=title, page_kind=PageKind.LINES)
    _write_document(value, builder)
    return builder.finish(JSON, title=title)


def _load(text: str) -> _Value:
    """Raises ValueError for what is no JSON, DocumentRejected for what nests too deeply to be read."""
    try:
        value: _Value = json.loads(
            text, object_pairs_hook=_Object, parse_int=str, parse_float=str, parse_constant=str
        )
    except RecursionError as error:
        raise DocumentRejected(
            "limit_exceeded", "The JSON nests too deeply; flatten it and send it again."
        ) from error
    return value


def _write_lines(lines: Iterable[str], builder: CanonicalText) -> list[tuple[int, int]] | None:
    """Write one record a line; where each begins and its line number, or None if the first is no JSON."""
    rows: list[tuple[int, int]] = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            fields = list(_fields(_load(line)))
        except ValueError:
            if not rows:
                return None
            fields = [("", line)]  # one broken record does not cost the others
        start = _write_record(fields, builder)
        if start is not None:
            rows.append((start, number))
    return rows or None


def _write_document(value: _Value, builder: CanonicalText) -> None:
    if not isinstance(value, _Object):
        _write_section(value, builder)
        return
    for key, item in value:
        if isinstance(item, (_Object, list)):
            builder.add_block(BlockKind.HEADING, collapse(key), level=1)
            _write_section(item, builder)
        else:
            _write_line((key, _scalar(item)), builder)


def _write_section(value: _Value, builder: CanonicalText) -> None:
    """What stands under a top-level key: records as rows, other things as lines."""
    if isinstance(value, list):
        _write_array(value, builder)
    elif isinstance(value, _Object):
        for key, item in value:
            if isinstance(item, list) and any(isinstance(element, _Object) for element in item):
                builder.add_block(BlockKind.HEADING, collapse(key), level=2)
                _write_array(item, builder)
            else:
                for field in _fields(item, key):
                    _write_line(field, builder)
    else:
        builder.add_block(BlockKind.PARAGRAPH, _scalar(value))


def _write_array(elements: list[_Value], builder: CanonicalText) -> None:
    for number, element in enumerate(elements):
        if isinstance(element, (_Object, list)):
            fields = list(islice(_fields(element), _ROW_FIELDS + 1))
            if len(fields) <= _ROW_FIELDS:
                _write_record(fields, builder)
            else:
                for field in _fields(element, f"[{number}]"):
                    _write_line(field, builder)
        else:
            builder.add_block(BlockKind.LIST_ITEM, f"- {_scalar(element)}")


def _write_record(fields: list[_Field], builder: CanonicalText) -> int | None:
    """Write a row, or for a record with running text in it a paragraph a field; returns where it begins."""
    if any(len(text) > _LONG_VALUE for _, text in fields):
        written = [builder.add_block(BlockKind.PARAGRAPH, _labelled(*field)) for field in fields]
    else:
        cells = [collapse(_labelled(*field)) for field in fields]
        written = [builder.add_block(BlockKind.TABLE_ROW, CELL_SEPARATOR.join(cells))]
    return next((span.start for span in written if span is not None), None)


def _write_line(field: _Field, builder: CanonicalText) -> None:
    kind = BlockKind.PARAGRAPH if len(field[1]) > _LONG_VALUE else BlockKind.LIST_ITEM
    builder.add_block(kind, _labelled(*field))


def _labelled(path: str, text: str) -> str:
    return f"{path}: {text}" if path else text


def _fields(value: _Value, path: str = "") -> Iterator[_Field]:
    """Every scalar of ``value`` with the path to it; short arrays of scalars as one.

    The walk has a stack of its own, and paths are built as they are needed and only up to a length: a
    hostile document nests long names deeply.
    """
    stack = [iter([(path, value)])]
    while stack:
        found = next(stack[-1], None)
        if found is None:
            stack.pop()
            continue
        path, item = found
        if isinstance(item, _Object) and item:
            stack.append(_members(path, item))
        elif isinstance(item, list) and item:
            together = _joined(item)
            if together is None:
                stack.append(_elements(path, item))
            else:
                yield path, together
        else:
            yield path, _scalar(item)


def _members(path: str, value: _Object) -> Iterator[tuple[str, _Value]]:
    for key, item in value:
        yield (f"{path}.{key}" if path else key)[-_LONGEST_PATH:], item


def _elements(path: str, items: list[_Value]) -> Iterator[tuple[str, _Value]]:
    for number, item in enumerate(items):
        yield f"{path}[{number}]"[-_LONGEST_PATH:], item


def _joined(items: list[_Value]) -> str | None:
    """Short scalars on one line; None for anything else."""
    length = 0
    for item in items:
        if isinstance(item, (_Object, list)):
            return None
        length += len(_scalar(item)) + 2
        if length > _LIST_LENGTH:
            return None
    return ", ".join(map(_scalar, items))


def _scalar(value: _Value) -> str:
    """A value without members as JSON writes it, strings without their marks."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, (_Object, list)):
        return "{}" if isinstance(value, _Object) else "[]"
    return {None: "null", True: "true", False: "false"}[value]
