"""Cutting a document into chunks that an embedder reads whole: nothing is truncated, nothing is lost.

The text is tokenized once to weigh it. Sections are divided at the best break near an even share
(block before sentence before word), then each chunk is counted exactly as it will be embedded.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from functools import lru_cache
from itertools import accumulate, islice

from ingest.canonical import collapse
from ingest.measured_text import MeasuredText, Tokenizer
from ingest.outline import Passage, Section, Setting, sections
from ingest.parsers.tables import CELL_SEPARATOR
from rag.records import BlockKind, Chunk, PageKind, ParsedDocument, Span
from rag.text.forms import search_form, spoken
from rag.text.sentences import sentence_spans

CONTEXT_TOKENS = 48
"""Most tokens that title and heading path take of a chunk; a table's header row may take as many again."""

_FEWEST_TOKENS = 32
_COUNTED_AT_ONCE = 512
"""Chunks whose tokens are counted together, on all cores; what is held for it is a few megabytes."""
_LONGEST_TITLE = 300

_TINY_TOKENS = 40
"""A section of less is too little to be found alone, so the next one joins it."""


_FIGURE = re.compile(r"[\W\d_]*")
_YEAR = re.compile(r"(?:19|20)\d\d")

_Piece = tuple[int, int, Setting]


class Break(IntEnum):
    """What lies before a unit of text; the higher, the better a place to cut."""

    GLUED = 0
    WORD = 1
    SENTENCE = 2
    ITEM = 3
    BLOCK = 4
    HEADING = 5


@dataclass(frozen=True, slots=True)
class _Unit:
    """The smallest piece that packing moves: a sentence, a row, a line, a part of one too long."""

    start: int
    end: int
    weight: int
    before: Break
    setting: Setting


def split(
    parsed: ParsedDocument,
    tokenizer: Tokenizer,
    *,
    title: str,
    max_tokens: int = 256,
    target_tokens: int = 200,
    overlap: int = 0,
) -> list[Chunk]:
    """The chunks of a document in text order, each at most ``max_tokens`` as embedded.

    Every character that is neither white space nor page furniture is in exactly one chunk, or in two
    neighbours where ``overlap`` (tokens, whole sentences) is asked for. Furniture inside a chunk is
    omitted from what it says. Time is linear in the text, whatever it holds.
    """
    if max_tokens < _FEWEST_TOKENS:
        raise ValueError(f"max_tokens is {max_tokens}; it has to be {_FEWEST_TOKENS} or more")
    if not 0 <= overlap <= target_tokens // 4:
        raise ValueError(f"overlap is {overlap}; it has to be at most a quarter of target_tokens")
    splitter = _Splitter(
        parsed, tokenizer, collapse(title[:_LONGEST_TITLE]), max_tokens, target_tokens, overlap
    )
    has_numbers = parsed.page_kind is not PageKind.LINES
    page_starts = [page.start for page in parsed.pages] if has_numbers else []
    packed = (piece for group in splitter.grouped(sections(parsed)) for piece in splitter.packed(group))
    chunks = splitter.fitted(packed)
    return [
        replace(chunk, page=max(1, bisect_right(page_starts, chunk.start)) if page_starts else None)
        for chunk in chunks
    ]


def embedding_text(context: str, body: str) -> str:
    """What is embedded for a chunk that says ``body``.

    The figures of a table's rows are left out: nobody asks for a figure by its digits, and a vector that is
    mostly digits lies near every table and near no question. Their labels and headers remain.
    """
    said = without_figures(body)
    return search_form(f"{context}\n{said}" if context else said)


def without_figures(body: str) -> str:
    """``body`` with the rows of its tables reduced to the cells that are more than a figure.

    A row of nothing but figures stays as it is: it is all there is.
    """
    if CELL_SEPARATOR not in body:
        return body
    return "\n".join(_labels(line) if CELL_SEPARATOR in line else line for line in body.split("\n"))


def _labels(row: str) -> str:
    cells = row.split(CELL_SEPARATOR)
    kept = [cell for cell in cells if not _FIGURE.fullmatch(cell) or _YEAR.fullmatch(cell)]
    return CELL_SEPARATOR.join(kept) or row


class _Splitter:
    def __init__(
        self,
        parsed: ParsedDocument,
        tokenizer: Tokenizer,
        title: str,
        max_tokens: int,
        target: int,
        overlap: int,
    ) -> None:
        self._text = parsed.text
        self._furniture = [
            Span(block.start, block.end) for block in parsed.blocks if block.kind is BlockKind.FURNITURE
        ]
        self._measured = MeasuredText(parsed.text, tokenizer)
        self._tokenizer = tokenizer
        self._title = title
        self._room = max_tokens - tokenizer.special_tokens
        self._context_cap = min(CONTEXT_TOKENS, self._room // 4)
        self._surest_room = self._room - 2 * self._context_cap
        # Two units fit whatever their context is, so that a heading is never left alone.
        self._largest_unit = self._surest_room // 2
        self._target = min(target, self._room)
        self._overlap = overlap
        self._context = lru_cache(maxsize=256)(self._write_context)

    def grouped(self, all_sections: Iterator[Section]) -> Iterator[list[_Unit]]:
        """The units of sections that are packed together: mostly one, but tiny ones join the next."""
        group: list[_Unit] = []
        weight, ends_bare, level = 0, False, 0
        for section in all_sections:
            units = [unit for passage in section.passages for unit in self._units(passage)]
            added = sum(unit.weight for unit in units)
            joins_parent = ends_bare and section.level > level
            tiny = _TINY_TOKENS if section.level <= 2 else self._target // 2
            if group and not joins_parent and (weight >= tiny or weight + added > self._target):
                yield group
                group, weight = [], 0
            group += units
            weight += added
            ends_bare, level = section.is_bare, section.level
        if group:
            yield group

    def packed(self, units: Sequence[_Unit]) -> Iterator[_Piece]:
        """``[start, end)`` and setting of the chunks made of ``units``, of about even weight."""
        sums = [0, *accumulate(unit.weight for unit in units)]
        first = 0
        while first < len(units):
            limit = self._room - self._context(units[first].setting)[1]
            after = self._cut(units, sums, first, limit)
            yield units[first].start, units[after - 1].end, units[first].setting
            first = after if after == len(units) else self._with_overlap(sums, first, after)

    def fitted(self, packed: Iterable[_Piece]) -> list[Chunk]:
        """The chunks, in text order, with contexts and exact token counts, halved until they fit.

        Weights are exact where cuts fall between words. A cut inside a word can make more tokens of
        its parts, so that only this count can be relied upon.
        """
        chunks: list[Chunk] = []
        for some in _batched(packed, _COUNTED_AT_ONCE):
            pending = list(some)
            while pending:
                drafts = [self._draft(*piece) for piece in pending]
                counts = self._tokenizer.counts([said for _, said in drafts])
                halves: list[_Piece] = []
                for (chunk, _), tokens, (start, end, setting) in zip(drafts, counts, pending, strict=True):
                    if tokens <= self._room or end - start == 1:
                        chunks.append(replace(chunk, tokens=tokens + self._tokenizer.special_tokens))
                        continue
                    middle = self._measured.cut_before(start, (start + end) // 2)
                    for half in ((start, middle), (middle, end)):
                        halves += [(*piece, setting) for piece in self._measured.trimmed(*half)]
                pending = [piece for piece in halves if self._says_something(*piece[:2])]
        return sorted(chunks, key=lambda chunk: (chunk.start, chunk.end))

    def _draft(self, start: int, end: int, setting: Setting) -> tuple[Chunk, str]:
        """A chunk that is not counted yet, and what is embedded for it."""
        context, _ = self._context(setting)
        omitted = self._furniture_in(start, end)
        chunk = Chunk(start, end, context, 0, omitted=omitted, headings=setting.headings)
        return chunk, embedding_text(context, spoken(self._text, chunk))

    def _says_something(self, start: int, end: int) -> bool:
        """False for the end of a cut that fell into furniture."""
        return bool(
            spoken(self._text, Chunk(start, end, "", 0, omitted=self._furniture_in(start, end))).strip()
        )

    def _furniture_in(self, start: int, end: int) -> tuple[Span, ...]:
        first = bisect_right(self._furniture, start, key=lambda span: span.end)
        last = bisect_left(self._furniture, end, key=lambda span: span.start)
        return tuple(Span(max(start, span.start), min(end, span.end)) for span in self._furniture[first:last])

    def _cut(self, units: Sequence[_Unit], sums: Sequence[int], first: int, limit: int) -> int:
        """Index of the unit before which the chunk beginning with ``first`` ends."""
        rest = sums[-1] - sums[first]
        goal = -(-rest // -(-rest // self._target))
        most = min(limit, goal + goal // 4)
        if rest <= most:
            return len(units)
        last = bisect_right(sums, sums[first] + most) - 1
        least = bisect_right(sums, sums[first] + goal * 3 // 5)
        candidates = range(max(first + 1, least), last + 1)
        if not candidates:
            return max(first + 1, bisect_right(sums, sums[first] + limit) - 1)
        return max(candidates, key=lambda at: (units[at].before, -abs(sums[at] - sums[first] - goal)))

    def _with_overlap(self, sums: Sequence[int], first: int, after: int) -> int:
        """Index of the unit the next chunk begins with, going back over whole units from ``after``.

        The unit at ``after`` must fit as well, or the next chunk would say nothing new.
        """
        least = max(sums[after] - self._overlap, sums[after + 1] - self._surest_room)
        begin = after
        while begin - 1 > first and sums[begin - 1] >= least:
            begin -= 1
        return begin

    def _units(self, passage: Passage) -> Iterator[_Unit]:
        before = _break_before(passage)
        for start, end in self._sentences(passage):
            for piece_start, piece_end in self._measured.pieces(start, end, self._largest_unit):
                weight = self._measured.weight(piece_start, piece_end)
                yield _Unit(piece_start, piece_end, weight, before, passage.setting)
                before = Break.WORD
            before = Break.ITEM if passage.kind is BlockKind.CODE else Break.SENTENCE

    def _sentences(self, passage: Passage) -> Iterator[tuple[int, int]]:
        if passage.kind in (BlockKind.TABLE_ROW, BlockKind.HEADING):
            yield passage.start, passage.end
        elif passage.kind is BlockKind.CODE:
            yield from self._lines(passage.start, passage.end)
        else:
            for start, end in sentence_spans(self._text[passage.start : passage.end]):
                yield passage.start + start, passage.start + end

    def _lines(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        while start < end:
            line_end = self._text.find("\n", start, end)
            line_end = end if line_end < 0 else line_end
            yield from self._measured.trimmed(start, line_end)
            start = line_end + 1

    def _write_context(self, setting: Setting) -> tuple[str, int]:
        """The context and its tokens: as much of title and headings as fits, the deepest first."""
        parts = [self._title] if self._title else []
        parts += [name for name in setting.headings if name and name not in parts]
        kept = ""
        for part in reversed(parts):
            longer = f"{part} > {kept}" if kept else self._clipped(part)
            if self._tokenizer.count(longer) > self._context_cap:
                break
            kept = longer
        lines = [line for line in (kept, self._clipped(setting.header)) if line]
        context = "\n".join(lines)
        return context, self._tokenizer.count(context)

    def _clipped(self, line: str) -> str:
        spans = self._tokenizer.offsets(line)
        if len(spans) <= self._context_cap:
            return line
        clipped = line[: spans[self._context_cap][0]]
        clipped = clipped.rpartition(" ")[0] or clipped
        return clipped if self._tokenizer.count(clipped) <= self._context_cap else ""


def _break_before(passage: Passage) -> Break:
    if passage.glued:
        return Break.GLUED
    if passage.kind is BlockKind.HEADING:
        return Break.HEADING
    if passage.kind in (BlockKind.LIST_ITEM, BlockKind.TABLE_ROW):
        return Break.ITEM
    return Break.BLOCK


def _batched(pieces: Iterable[_Piece], size: int) -> Iterator[list[_Piece]]:
    iterator = iter(pieces)
    while batch := list(islice(iterator, size)):
        yield batch
