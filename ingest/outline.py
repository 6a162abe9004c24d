"""A document as a list of sections: what stands under which headings, table rows with their header."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ingest.canonical import collapse
from rag.records import Block, BlockKind, ParsedDocument

_LONGEST_HEADING = 300
"""Characters of a heading that are looked at when it is named in a context."""
_ASKS = "?？؟"


@dataclass(frozen=True, slots=True)
class Setting:
    """What a reader has to know to understand a piece of text standing alone.

    ``headings`` lead to it, outermost first; ``header`` is the header row of its table, if it has one.
    """

    headings: tuple[str, ...] = ()
    header: str = ""


@dataclass(frozen=True, slots=True)
class Passage:
    """A block, without white space at its ends, and its setting.

    A heading is set under its ancestors, not under itself. ``glued`` says that it means little
    without the block before it: the first block under a heading, the first row under a header, what follows
    a question and may answer it.
    """

    kind: BlockKind
    start: int
    end: int
    setting: Setting
    glued: bool


@dataclass(frozen=True, slots=True)
class Section:
    """A heading (``level`` 1-6) and what follows it up to the next; ``level`` 0 stands under none."""

    level: int
    passages: tuple[Passage, ...]

    @property
    def is_bare(self) -> bool:
        """Whether there is nothing under the heading."""
        return self.level > 0 and len(self.passages) == 1


def sections(parsed: ParsedDocument) -> Iterator[Section]:
    """The sections in text order. Together they hold every character that is not white space, except what
    the pages carry besides their content (``FURNITURE``)."""
    level, passages = 0, list[Passage]()
    path: list[tuple[int, str]] = []
    header = ""
    previous: Block | None = None
    over_furniture = False
    for block in _without_gaps(parsed.text, parsed.blocks):
        if block.kind is BlockKind.FURNITURE:
            over_furniture = True
            continue
        if block.kind is BlockKind.HEADING:
            if passages:
                yield Section(level, tuple(passages))
            level, passages = block.level, []
            path = [outer for outer in path if outer[0] < level]
        if block.header or not _continues_table(parsed.text, previous, block, over_furniture):
            header = ""
        glued = previous is not None and (
            previous.kind is BlockKind.HEADING
            or (previous.header and header != "")
            or parsed.text[previous.end - 1] in _ASKS
        )
        setting = Setting(tuple(name for _, name in path), header)
        passages.append(Passage(block.kind, block.start, block.end, setting, glued))
        if block.kind is BlockKind.HEADING:
            path.append((level, _one_line(parsed.text, block)))
        if block.header:
            header = _one_line(parsed.text, block)
        previous, over_furniture = block, False
    if passages:
        yield Section(level, tuple(passages))


def _continues_table(text: str, previous: Block | None, block: Block, over_furniture: bool) -> bool:
    """Rows of one table stand on consecutive lines; a blank line begins another table. Where only the foot
    of a page and the head of the next one lie between, it is the same table."""
    if previous is None or not previous.kind is block.kind is BlockKind.TABLE_ROW:
        return False
    return over_furniture or text.count("\n", previous.end, block.start) < 2


def _without_gaps(text: str, blocks: Sequence[Block]) -> Iterator[Block]:
    """The blocks, trimmed, with a paragraph for any text that no block covers."""
    reached = 0
    for block in blocks:
        yield from _trimmed(text, Block(BlockKind.PARAGRAPH, reached, block.start))
        yield from _trimmed(text, block)
        reached = block.end
    yield from _trimmed(text, Block(BlockKind.PARAGRAPH, reached, len(text)))


def _trimmed(text: str, block: Block) -> Iterator[Block]:
    piece = text[block.start : block.end]
    start = block.start + len(piece) - len(piece.lstrip())
    end = block.start + len(piece.rstrip())
    if start < end:
        yield Block(block.kind, start, end, level=block.level, header=block.header)


def _one_line(text: str, block: Block) -> str:
    return collapse(text[block.start : min(block.end, block.start + _LONGEST_HEADING)])
