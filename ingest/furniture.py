"""Running heads and feet and page numbers: what stands at the edge of page after page.

It is not what a document says, so it is neither searched nor quoted as evidence; it stays in the text.
Recognised by repetition alone, from pages and blocks, so that it serves every format. A parser that knows
where on the page a line stands does better and marks its own (``ingest.parsers.pdf_margins``), by the
same measure.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from rag.records import Block, BlockKind, PageKind, ParsedDocument

DEPTH = 3
"""How many lines from the edge of a page inwards are looked at."""

LONGEST = 160
"""Characters of the longest line that is taken for furniture."""

LARGEST_SHARE = 0.3
"""Of the text. Where more than that repeats, pages are forms and what repeats is part of what they say."""

_FEWEST = 3  # pages a line must be on
_DENSITY = 0.5  # and which share of the pages, or of those with odd or even numbers
_NUMBER = re.compile(r"\d+")
_ROMAN = re.compile(r"(?=[ivxlc])(?:xc|xl|l?x{0,3})(?:ix|iv|v?i{0,3})")
_ROMAN_DIGITS = {"i": 1, "v": 5, "x": 10, "l": 50, "c": 100}
_LONGEST_NUMBER = 9
_COUNTER = re.compile(
    r"[^\w#]*(?:(?:page|p|seite|s|slide|folie|página|pagina|pág|strona|sida|side|sivu)\b)?[^\w#]*#"
    r"(?:\s*(?:/|of|von|de|di|z|av|af|van)\s*#)?[^\w#]*"
)
_FEWEST_WORDS = 3
_PLAIN = (BlockKind.PARAGRAPH, BlockKind.HEADING, BlockKind.LIST_ITEM)


@dataclass(frozen=True, slots=True)
class EdgeLine:
    """A line at an edge of a page: ``page`` from 0, ``place`` the edge, ``exact`` if no number may vary."""

    page: int
    place: Hashable
    text: str
    exact: bool = False


def recurring(lines: Sequence[EdgeLine], pages: int, *, in_margins: bool = False) -> list[bool]:
    """Which of ``lines`` recur over the ``pages`` of their document, near enough.

    Numbers may differ if they count pages. ``in_margins`` says that the lines are known to stand apart
    from the text: then it is enough if a line is on half the pages between its first and its last, as the
    head of a chapter is, and a single word may come with a page number.
    """
    groups = defaultdict[tuple[Hashable, str, bool], list[int]](list)
    numbers: list[tuple[int | str, ...]] = []
    for index, line in enumerate(lines):
        pattern, found = _pattern(line.text)
        numbers.append(found)
        groups[line.place, line.text.casefold() if line.exact else pattern, line.exact].append(index)
    verdict = [False] * len(lines)
    for (_, pattern, exact), members in groups.items():
        if len(members) < _FEWEST:
            continue
        counting = [] if exact else _counting([(lines[at].page, numbers[at]) for at in members])
        if any(counting) and not in_margins and not _may_count(pattern):
            counting = [False] * len(counting)
        same = defaultdict[tuple[object, ...], list[int]](list)
        for at in members:
            same[_signature(lines[at].page, numbers[at], counting)].append(at)
        for alike in same.values():
            if _is_dense({lines[at].page for at in alike}, pages, in_margins):
                for at in alike:
                    verdict[at] = True
    return verdict


def mark_furniture(parsed: ParsedDocument) -> ParsedDocument:
    """``parsed`` with its furniture in blocks of that kind; the text stays as it is.

    Blocks of several lines are divided where only some are furniture. Documents of fewer than three pages
    have none; titles of slides, table rows and code are never taken for it.
    """
    if len(parsed.pages) < _FEWEST or parsed.page_kind not in (PageKind.PAGE, PageKind.SLIDE):
        return parsed
    edges = list(_edges(parsed))
    recurs = recurring([edge.line for edge in edges], len(parsed.pages))
    marked = _outermost(edges, recurs)
    size = sum(end - start for start, end in marked)
    if not marked or size > LARGEST_SHARE * len(parsed.text):
        return parsed
    return replace(parsed, blocks=tuple(_divided(parsed, marked)))


def outer_run(flags: Iterable[bool]) -> int:
    """How many of ``flags`` are set before the first that is not."""
    count = 0
    for flag in flags:
        if not flag:
            break
        count += 1
    return count


@dataclass(frozen=True, slots=True)
class _Edge:
    """A line of a block: ``[start, end)`` of the text."""

    line: EdgeLine
    start: int
    end: int


def _edges(parsed: ParsedDocument) -> Iterator[_Edge]:
    first = 0
    for index, page in enumerate(parsed.pages):
        while first < len(parsed.blocks) and parsed.blocks[first].start < page.start:
            first += 1
        last = first
        while last < len(parsed.blocks) and parsed.blocks[last].end <= page.end:
            last += 1
        blocks = [block for block in parsed.blocks[first:last] if block.kind is not BlockKind.FURNITURE]
        # A block that goes on across the page end is text, and so is what stands beside it.
        is_cut = last < len(parsed.blocks) and parsed.blocks[last].start < page.end
        yield from _edge(parsed, index, "top", blocks, forwards=True)
        if not is_cut:
            yield from _edge(parsed, index, "bottom", blocks, forwards=False)
        first = last


def _edge(
    parsed: ParsedDocument, page: int, place: str, blocks: list[Block], *, forwards: bool
) -> Iterator[_Edge]:
    """The outermost lines of a page, from the edge inwards, up to the first that cannot be furniture."""
    count = 0
    for block in blocks if forwards else reversed(blocks):
        is_title = parsed.page_kind is PageKind.SLIDE and block.kind is BlockKind.HEADING
        if block.kind not in _PLAIN or is_title:
            return
        lines = list(_lines(parsed.text, block))
        for start, end in lines if forwards else reversed(lines):
            if count == DEPTH or end - start > LONGEST:
                return
            count += 1
            exact = block.kind is BlockKind.HEADING
            yield _Edge(EdgeLine(page, place, parsed.text[start:end], exact), start, end)


def _lines(text: str, block: Block) -> Iterator[tuple[int, int]]:
    """``[start, end)`` of the lines of a block, those without text left out."""
    start = block.start
    while start < block.end:
        stop = text.find("\n", start, block.end)
        end = block.end if stop < 0 else stop
        if not text[start:end].isspace() and start < end:
            yield start, end
        start = end + 1


def _outermost(edges: list[_Edge], recurs: list[bool]) -> set[tuple[int, int]]:
    """The recurring lines with nothing but recurring lines between them and the edge."""
    sides = defaultdict[tuple[int, Hashable], list[int]](list)
    for index, edge in enumerate(edges):
        sides[edge.line.page, edge.line.place].append(index)
    marked = set[tuple[int, int]]()
    for indices in sides.values():
        count = outer_run(recurs[index] for index in indices)
        marked.update((edges[index].start, edges[index].end) for index in indices[:count])
    return marked


def _divided(parsed: ParsedDocument, marked: set[tuple[int, int]]) -> Iterator[Block]:
    """The blocks, each with the marked lines at its ends as blocks of their own."""
    starts, ends = {start for start, _ in marked}, {end for _, end in marked}
    for block in parsed.blocks:
        if block.kind not in _PLAIN or not (block.start in starts or block.end in ends):
            yield block
            continue
        lines = list(_lines(parsed.text, block))
        head = outer_run(line in marked for line in lines)
        foot = len(lines) if head == len(lines) else len(lines) - outer_run(x in marked for x in lines[::-1])
        for start, end in lines[:head]:
            yield Block(BlockKind.FURNITURE, start, end)
        if head < foot:
            yield replace(block, start=lines[head][0], end=lines[foot - 1][1])
        for start, end in lines[foot:]:
            yield Block(BlockKind.FURNITURE, start, end)


def _pattern(text: str) -> tuple[str, tuple[int | str, ...]]:
    """``text`` with ``#`` for every number, and the numbers; a Roman numeral standing alone is one."""
    folded = " ".join(text.casefold().replace("#", "\N{MUSIC SHARP SIGN}").split())
    alone = folded.strip(" -–—.·|[]()")
    if alone and _ROMAN.fullmatch(alone):
        return "#", (_roman(alone),)
    found = _NUMBER.findall(folded)
    return _NUMBER.sub("#", folded), tuple(
        int(number) if len(number) <= _LONGEST_NUMBER else number for number in found
    )


def _roman(numeral: str) -> int:
    values = [_ROMAN_DIGITS[char] for char in numeral]
    return sum(
        -value if any(value < later for later in values[at + 1 : at + 2]) else value
        for at, value in enumerate(values)
    )


def _counting(members: list[tuple[int, tuple[int | str, ...]]]) -> list[bool]:
    """For each number of a pattern, whether it goes up with the pages rather than stay the same."""
    decisions = []
    for slot in range(len(members[0][1])):
        values = [(page, numbers[slot]) for page, numbers in members]
        same = Counter(value for _, value in values).most_common(1)[0][1]
        steps = Counter(value - page for page, value in values if isinstance(value, int))
        decisions.append(bool(steps) and steps.most_common(1)[0][1] > same)
    return decisions


def _signature(page: int, numbers: tuple[int | str, ...], counting: list[bool]) -> tuple[object, ...]:
    """What the numbers of a line have in common with those of its like on other pages."""
    return tuple(
        number - page if counts and isinstance(number, int) else number
        for number, counts in zip(numbers, counting, strict=False)
    )


def _may_count(pattern: str) -> bool:
    """Whether a line with such a number is a page number; "Lesson 3" at the top of a page is a title."""
    return bool(_COUNTER.fullmatch(pattern)) or len(pattern.replace("#", " ").split()) >= _FEWEST_WORDS


def _is_dense(found: set[int], pages: int, in_margins: bool) -> bool:
    first, last = (min(found), max(found)) if in_margins else (0, pages - 1)
    parity = {page % 2 for page in found}
    possible = sum(page % 2 in parity for page in range(first, last + 1))
    return len(found) >= max(_FEWEST, _DENSITY * possible)
