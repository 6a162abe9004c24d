"""The values that travel through Footnote. Immutable, no behaviour beyond what follows from their fields.

All offsets are counted in Unicode code points of a document version's canonical text, half open:
``text[start:end]``. Pages count from 1. Boxes are ``(x0, y0, x1, y1)`` in points on the page as it is
displayed, origin bottom left: turned by /Rotate and cut to its crop box, so that they lie where they belong
on a picture of the page, scaled, without knowing anything else about it.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import overload

import numpy as np
from numpy.typing import NDArray

Box = tuple[float, float, float, float]


class BlockKind(StrEnum):
    HEADING = "heading"
    PARAGRAPH = "paragraph"
    LIST_ITEM = "list_item"
    TABLE_ROW = "table_row"
    CODE = "code"
    FURNITURE = "furniture"
    """What a page carries besides its content: running headers and footers, page numbers."""


class PageKind(StrEnum):
    """What a document is divided into, and so how a reader finds a place in it again.

    ``PAGE`` "page 3", ``SLIDE`` "slide 3", ``SHEET`` "sheet Prices, rows 4-9", ``LINES`` "lines 4-9" of a
    file that is not divided at all (its one page is never mentioned).
    """

    PAGE = "page"
    SLIDE = "slide"
    SHEET = "sheet"
    LINES = "lines"


@dataclass(frozen=True, slots=True)
class Span:
    """``[start, end)`` of a canonical text."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Block:
    """A structural unit of a document; blocks are in text order and do not overlap.

    ``level`` is 1-6 for headings and 0 otherwise. A table's first row has ``header=True`` when the
    format marks it so.
    """

    kind: BlockKind
    start: int
    end: int
    level: int = 0
    header: bool = False


@dataclass(frozen=True, slots=True)
class Word:
    """Where the characters ``[start, end)`` stand on a page."""

    start: int
    end: int
    box: Box


class WordTable(Sequence[Word]):
    """The words of a page in text order, without overlap, as one table: a page has a thousand.

    ``rows`` is a read-only (n, 6) array: start, end and the box in ``SCALE``-ths of a point. Reads as a
    sequence of :class:`Word`.
    """

    SCALE = 20  # far finer than a screen shows
    COLUMNS = 6

    __slots__ = ("rows",)

    def __init__(self, rows: NDArray[np.int32]) -> None:
        self.rows = rows.view()
        self.rows.flags.writeable = False

    @classmethod
    def of(cls, words: Iterable[Word]) -> WordTable:
        """``words`` as a table; a table comes back as it is."""
        if isinstance(words, WordTable):
            return words
        numbers = [(word.start, word.end, *(round(edge * cls.SCALE) for edge in word.box)) for word in words]
        return cls(np.array(numbers, dtype=np.int32).reshape(-1, cls.COLUMNS))

    def between(self, start: int, end: int) -> WordTable:
        """The words that overlap ``[start, end)``."""
        first = np.searchsorted(self.rows[:, 1], start, side="right")
        return WordTable(self.rows[first : np.searchsorted(self.rows[:, 0], end)])

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Word]:
        return map(self._word, self.rows.tolist())

    @overload
    def __getitem__(self, index: int) -> Word: ...
    @overload
    def __getitem__(self, index: slice) -> WordTable: ...
    def __getitem__(self, index: int | slice) -> Word | WordTable:
        found = self.rows[index]
        return WordTable(found) if isinstance(index, slice) else self._word(found.tolist())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, WordTable) and np.array_equal(self.rows, other.rows)

    def __hash__(self) -> int:
        return hash(self.rows.tobytes())

    def __repr__(self) -> str:
        return f"WordTable.of({list(self)!r})"

    @classmethod
    def _word(cls, numbers: list[int]) -> Word:
        start, end, x0, y0, x1, y1 = numbers
        return Word(start, end, (x0 / cls.SCALE, y0 / cls.SCALE, x1 / cls.SCALE, y1 / cls.SCALE))


NO_WORDS = WordTable.of(())


@dataclass(frozen=True, slots=True)
class Page:
    """``[start, end)`` of the text that stands on page ``number``.

    ``width`` and ``height`` are in points as displayed, 0 where the format has no page geometry. ``words``
    is empty where positions are unknown. ``label`` is the page's own name: a sheet's, or the number
    printed on a page where that is another. ``rows`` are pairs of offset and number, ascending: where
    a sheet's rows or a file's lines begin, counted from 1 as the program that made it counts them.
    """

    number: int
    start: int
    end: int
    width: float = 0.0
    height: float = 0.0
    words: WordTable = NO_WORDS
    label: str = ""
    rows: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Notice:
    """Something a reader of the document should know, for example pages that could not be read."""

    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class Member:
    """A document inside a document: a file in an archive, an attachment of a message.

    ``name`` is as the container has it and may be a path. Its bytes are asked for later, by its place
    among the members.
    """

    name: str
    size: int


@dataclass(frozen=True, slots=True)
class ParsedDocument:
    """What a parser makes of a file: one canonical text and its structure.

    Invariants (checked by ``ingest.canonical.check``): the text holds no ``\\r``, no control
    characters besides ``\\n`` and ``\\t`` and no lone surrogates; blocks and pages lie inside it in
    order. ``media_type`` is what the content turned out to be. Formats without pages have no pages.
    """

    text: str
    media_type: str
    title: str | None = None
    pages: tuple[Page, ...] = ()
    blocks: tuple[Block, ...] = ()
    warnings: tuple[Notice, ...] = ()
    page_count: int = 0
    pages_without_text: tuple[int, ...] = ()
    page_kind: PageKind = PageKind.PAGE
    members: tuple[Member, ...] = ()
    pages_recognised: tuple[int, ...] = ()
    """Pages whose text was read from their picture (OCR)."""

    def pages_touching(self, start: int, end: int) -> tuple[Page, ...]:
        """The pages on which some of ``[start, end)`` stands, in order."""
        first = bisect_right(self.pages, start, key=lambda page: page.end)
        last = bisect_left(self.pages, end, key=lambda page: page.start)
        return self.pages[first:last]


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of a document version as it is embedded and searched.

    ``context`` (title and heading path) is prefixed to ``text[start:end]`` for embedding and
    searching and never shown as a quotation. ``tokens`` counts prefix, text and special tokens.
    ``omitted`` are the parts of it, as offsets of the whole text, that are neither embedded nor searched
    nor offered as evidence: page furniture between two halves of a paragraph. ``headings`` lead to it,
    outermost first.
    """

    start: int
    end: int
    context: str
    tokens: int
    page: int | None = None
    omitted: tuple[Span, ...] = ()
    headings: tuple[str, ...] = ()


class DocumentState(StrEnum):
    QUEUED = "queued"
    PROCESSING = "processing"
    READY = "ready"
    REFINED = "refined"
    NEEDS_OCR = "needs_ocr"
    FAILED = "failed"


class JobState(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    DEAD = "dead"
    CANCELLED = "cancelled"

    @property
    def finished(self) -> bool:
        return self not in (JobState.QUEUED, JobState.RUNNING)


class VersionStatus(StrEnum):
    CURRENT = "current"
    SUPERSEDED = "superseded"
    """A newer version has been sent, whether or not it can be searched yet."""
    DELETED = "deleted"
    """Its document is gone for good; only what was kept of an answer still names it."""


@dataclass(frozen=True, slots=True)
class DocumentRef:
    """What a citation says about its document: enough to fetch the very text it was taken from."""

    id: str
    name: str
    version: int
    status: VersionStatus = VersionStatus.CURRENT


@dataclass(frozen=True, slots=True)
class Passage:
    """A chunk found by a search, with its text as stored and its scores.

    ``scores`` holds the single rankings (``dense``: cosine, ``lexical``: BM25, higher is better);
    ``score`` is the fused one, comparable only within one search. ``omitted`` is as in ``Chunk``;
    ``locator`` says in words where it stands ("sheet Prices, rows 4-9").
    """

    chunk_id: int
    document: DocumentRef
    version_id: int
    page: int | None
    start: int
    end: int
    text: str
    context: str
    score: float
    scores: Mapping[str, float] = field(default_factory=dict)
    omitted: tuple[Span, ...] = ()
    headings: tuple[str, ...] = ()
    locator: str = ""

    def relative_omissions(self) -> list[Span]:
        """``omitted`` as offsets of ``text``."""
        return [Span(span.start - self.start, span.end - self.start) for span in self.omitted]


@dataclass(frozen=True, slots=True)
class Evidence:
    """A sentence offered to the generator and to the reader, verbatim from a document.

    ``number`` is the footnote number it may be cited by (from 1), ``score`` its probability-like
    strength in 0..1. ``pointed`` are its words that a reader takes for the answer, "" where none read it.
    """

    number: int
    document: DocumentRef
    version_id: int
    page: int | None
    start: int
    end: int
    text: str
    context: str
    score: float
    pointed: str = ""


@dataclass(frozen=True, slots=True)
class Citation:
    """A checked footnote: ``quote`` is ``text[start:end]`` of the document version's canonical text.

    ``locator`` says in words where that is, ``headings`` what it stands under, outermost first.
    """

    number: int
    document: DocumentRef
    page: int | None
    start: int
    end: int
    quote: str
    score: float
    boxes: tuple[Box, ...] | None = None
    locator: str = ""
    headings: tuple[str, ...] = ()


class Verdict(StrEnum):
    VERBATIM = "verbatim"
    SUPPORTED = "supported"
    UNSUPPORTED = "unsupported"


class AnswerStatus(StrEnum):
    ANSWERED = "answered"
    PARTIAL = "partial"
    NOT_IN_DOCUMENTS = "not_in_documents"


class QuestionKind(StrEnum):
    """What a question needs to be answered: one place, or many.

    ``LOOKUP`` one passage is enough, ``LIST`` every item that matches, ``COUNT`` how many there are,
    ``COMPARISON`` something about each of several things, ``SUMMARY`` the gist of whole documents.
    """

    LOOKUP = "lookup"
    LIST = "list"
    COUNT = "count"
    COMPARISON = "comparison"
    SUMMARY = "summary"


@dataclass(frozen=True, slots=True)
class Conflict:
    """Citations that cannot all be right: they say different things of the same matter.

    ``about`` is in words what they differ in, ``values`` what each says, in the order of ``citations``
    (footnote numbers).
    """

    about: str
    citations: tuple[int, ...]
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AnswerSentence:
    """One delivered sentence: ``answer[start:end]`` without its footnote marks, with its verdict.

    ``group`` names what it is said of, where an answer speaks of several: a document, a compared thing.
    """

    text: str
    start: int
    end: int
    verdict: Verdict
    support: float
    citations: tuple[int, ...]
    group: str = ""


@dataclass(frozen=True, slots=True)
class Coverage:
    """What a search looked at: documents among the hits, passages returned, passages that matched.

    The rest is known for answers that need more than one passage: how many documents match, how many of
    the sections of what was summarised are spoken for, and whether nothing that matches was left out.
    """

    documents: int
    passages_seen: int
    passages_matching: int
    documents_matching: int | None = None
    sections_seen: int | None = None
    sections_total: int | None = None
    complete: bool | None = None


@dataclass(frozen=True, slots=True)
class ModelIdentity:
    """Which weights wrote or embedded something.

    ``sha256`` is of the weights file; empty where another server has it, whose host then stands in ``name``.
    """

    name: str
    sha256: str


class CachedPart(StrEnum):
    """How much of an answer was made before: ``ANSWER`` all of it, ``DRAFT`` what the model wrote (searched
    and checked anew)."""

    ANSWER = "answer"
    DRAFT = "draft"


@dataclass(frozen=True, slots=True)
class Cached:
    """The earlier answer, by its id and time (seconds since 1970), of which something was used again."""

    answer: str
    created_at: float
    part: CachedPart


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer as delivered. ``nearest`` is filled only for ``not_in_documents``.

    ``answerability`` is the calibrated likelihood (0..1) that the evidence holds the answer. ``notes`` say
    what the reader should know, such as what was not found; ``understood_as`` is the question as it was
    searched for, None where that is how it was asked. ``cached`` says what of it was made before.
    """

    id: str
    status: AnswerStatus
    answer: str
    sentences: tuple[AnswerSentence, ...]
    citations: tuple[Citation, ...]
    coverage: Coverage
    timings: Mapping[str, float]
    model: ModelIdentity | None
    nearest: tuple[Passage, ...] = ()
    kind: QuestionKind = QuestionKind.LOOKUP
    conflicts: tuple[Conflict, ...] = ()
    answerability: float = 0.0
    notes: tuple[Notice, ...] = ()
    understood_as: str | None = None
    cached: Cached | None = None
