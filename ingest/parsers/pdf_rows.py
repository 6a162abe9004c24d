"""Rows of a PDF page: what stands side by side, whether as one line of text or as cells of a table.

All distances are in multiples of the type size (em).
"""

from __future__ import annotations

import re
from dataclasses import replace

from ingest.parsers.pdf_page import Gap, Line, Run, hull

BULLET = re.compile(r"[•‣⁃▪▫◦●○■□◆➢✓]\s?|[–—*-] (?=\S)")
NUMBERED = re.compile(r"(?:\(?\d{1,3}[.)]|\([a-z]{1,4}\)|[a-z]\)|\[\d{1,3}\]) (?=\S)")

_CELL_GAP = 1.15  # em between the cells of a row; justified text stretches its spaces less
_OVERLAP = 0.4  # em by which a piece of a row may reach under the one before: a comma under a raised mark
_JOIN_GAP = 0.1  # em below which two pieces of a line belong to one word
_RAISED = 0.85  # of the size of its line, which a raised mark is smaller than
_MARK = re.compile(r"\d{1,3}|[*∗†‡§¶]")
_CLINGING = (".", ",", ";", ":", ")", "]")  # no space stands before these


def merge_rows(lines: list[Line]) -> list[Line]:
    """Join what PDFium split although it stands on one row: superscripts, formulas, table cells."""
    merged: list[Line] = []
    for line in lines:
        if merged and _same_row(merged[-1], line):
            merged[-1] = _join_row(merged[-1], line)
        else:
            merged.append(line)
    return merged


def _same_row(line: Line, other: Line) -> bool:
    if line.hyphenated or not (line.upright and other.upright) or line.furniture != other.furniture:
        return False
    if other.left < line.right - _OVERLAP * line.size:
        return False
    overlap = min(line.box[3], other.box[3]) - max(line.box[1], other.box[1])
    lower = min(line.box[3] - line.box[1], other.box[3] - other.box[1])
    return overlap > 0.5 * lower


def _join_row(line: Line, other: Line) -> Line:
    gap = other.left - line.right
    em = max(line.size, other.size)
    needed = _CELL_GAP if other.text.startswith(_CLINGING) else _JOIN_GAP
    leads_a_note = line.size < _RAISED * other.size and _MARK.fullmatch(line.text)
    text = line.text + " " if gap > needed * em or leads_a_note else line.text
    shift = len(text)
    larger = line if line.size >= other.size else other
    return replace(
        larger,
        text=text + other.text,
        runs=line.runs + tuple(Run(run.start + shift, run.place, run.length) for run in other.runs),
        gaps=(
            *line.gaps,
            Gap(len(line.text), shift, gap),
            *(Gap(each.end + shift, each.start + shift, each.width) for each in other.gaps),
        ),
        box=hull((line.box, other.box)),
        first_width=line.first_width,
        bold=line.bold and other.bold,
        hyphenated=other.hyphenated,
    )


def cells(line: Line) -> list[tuple[int, int]]:
    """``[start, end)`` of the parts of ``line.text`` that wide gaps set apart."""
    bounds = [0]
    for gap in line.gaps:
        if gap.width > _CELL_GAP * line.size:
            bounds += (gap.end, gap.start)
    bounds.append(len(line.text))
    return list(zip(bounds[::2], bounds[1::2], strict=True))


def table_lines(lines: list[Line]) -> list[bool]:
    """Which lines are rows of a table: two or more in succession that are set in cells.

    A heading with its number set apart is no row, nor is a pair of such lines: one of the rows must
    have three cells, or all of them a figure.
    """
    counts = [
        len(cells(line)) if line.gaps and line.upright and not line.furniture and not is_listed(line) else 1
        for line in lines
    ]
    rows = [False] * len(lines)
    start = 0
    while start < len(lines):
        end = start
        while end < len(lines) and counts[end] > 1:
            end += 1
        figures = all(has_digit(line) and not line.bold for line in lines[start + 1 : end])
        if end - start > 1 and (max(counts[start:end]) > 2 or figures):
            rows[start:end] = [True] * (end - start)
        start = max(end, start + 1)
    return rows


def has_digit(line: Line) -> bool:
    return any(char.isdigit() for char in line.text)


def is_listed(line: Line) -> bool:
    """Whether ``line`` begins as an item of a list does."""
    return bool(BULLET.match(line.text) or NUMBERED.match(line.text))
