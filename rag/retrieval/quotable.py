"""The sentences of a passage that are worth quoting, and what each is understood with."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from rag.records import Passage
from rag.text import items
from rag.text.orders import gives_orders
from rag.text.sentences import CELLS, sentence_spans
from rag.text.words import words

LONGEST = 600
"""Code points; a longer run without a sentence end (a table, a list of names) is cut at white space."""
_LONGEST_PAIR = 400
"""Code points of a sentence and the one before it that are quoted together for it to be understood."""
_HEADING_WORDS = 10
_RUN_IN_WORDS = 4
_PAGE_MARK = re.compile(r"(?:page|seite|p\.)?\s*\d{1,4}(?:\s*(?:/|of|von)\s*\d{1,4})?", re.IGNORECASE)
_CHAPTER = re.compile(r"\d{1,3}(?:(?:\.\d{1,3})+[.)]?|[.)])\s+(?=[^\W\d_])")
_BULLET = re.compile(r"[-*•–◦▪]\s")
_ADDRESS = re.compile(r"[<(]?(?:https?://|www\.)\S+|[<(]?\S+@\S+")
_POINTS_BACK = re.compile(
    r"[\"'“‘(]*(?:it|its|he|his|she|her|they|their|this|these|those|that|such|both|the latter|the former)\b",
    re.IGNORECASE,
)
"""How a sentence begins that is about what the one before it named."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """``passage.text[start:end]``. ``asked`` is where the question before it begins, if it follows one: the
    answers of help pages, interviews and forms say little without."""

    passage: Passage
    start: int
    end: int
    asked: int | None = None

    @property
    def text(self) -> str:
        return self.passage.text[self.start : self.end]

    @property
    def question(self) -> str:
        """What is asked before it; empty where nothing is."""
        return "" if self.asked is None else self.passage.text[self.asked : self.start].rstrip()


def sentences(passages: Sequence[Passage]) -> list[Sentence]:
    """Those worth quoting, in order; where there are none, all that the passages say."""
    worth = [sentence for passage in passages for sentence in _quotable(passage)]
    return worth or [one for passage in passages for one in _whatever(passage)]


def understood(located: Sequence[Sentence], at: int) -> str:
    """The sentence as a reader understands it: with the question it answers; one that points back together
    with the one before it."""
    sentence = located[at]
    text, first = sentence.passage.text, sentence.start
    if sentence.asked is not None:
        first = sentence.asked
    elif at and _POINTS_BACK.match(text, first) and located[at - 1].passage is sentence.passage:
        first = located[at - 1].start
    return text[first : sentence.end]


def quoted_range(sentence: Sentence) -> tuple[int, int]:
    """From where to where in its passage's text it is quoted: with the question it answers, with the sentence
    before when that is what "it" stands for, and with what it announces."""
    first = sentence.asked
    if first is None and _POINTS_BACK.match(sentence.passage.text, sentence.start):
        first = _antecedent(sentence)
    if first is None or sentence.end - first > _LONGEST_PAIR:
        first = sentence.start
    return first, _announced_until(sentence, first)


def _announced_until(sentence: Sentence, first: int) -> int:
    """Where what a sentence announces by its colon ends: the items of a list, as far as they go with it, or
    else the next sentence. Orders are not carried along."""
    text, end = sentence.passage.text, sentence.end
    if text[end - 1] != ":":
        return end
    in_list = False
    for start, stop in _spans(sentence.passage):
        if start < end:
            continue
        is_item = bool(items.MARK.match(text, start))
        goes_on = is_item or (in_list and "\n" not in text[end:start])
        if end > sentence.end and not goes_on:
            break
        if stop - first > LONGEST or gives_orders(text[start:stop]):
            break
        in_list, end = in_list or is_item, stop
    return end


def _antecedent(sentence: Sentence) -> int | None:
    """Where the sentence begins that stands right before this one, on the same line."""
    text = sentence.passage.text
    spans = ((one.start, one.end) for one in _quotable(sentence.passage) if one.end <= sentence.start)
    before = max(spans, default=None)
    if before is None or text[before[1] : sentence.start].strip(" "):
        return None
    return max(before[0], text.rfind("\n", before[0], before[1]) + 1)


def _quotable(passage: Passage) -> list[Sentence]:
    """The sentences worth quoting: no headings, heads of tables and questions (they name an answer, they are
    none), no bare numbers and addresses, none endless, nothing that the page carries besides its content.
    Headings where there is nothing else."""
    text = passage.text
    titles = set(re.split(r" > |\n", passage.context))
    kept: list[Sentence] = []
    headings: list[Sentence] = []
    asked: int | None = None
    for start, end in _with_run_in_headings(passage):
        said = text[start:end]
        if _is_question(said):
            asked = start
        elif asked is None and _says_nothing(said):
            continue
        elif (
            said in titles
            or _names_columns(text, start, end)
            or (_is_heading(text, start, end) and not (headings and _is_under(headings[-1], start)))
        ):
            headings.append(Sentence(passage, start, end))
        else:
            pieces = _cut(text, start, end)
            kept += [Sentence(passage, *piece, asked if piece is pieces[0] else None) for piece in pieces]
            asked = None
    return kept or headings


def _with_run_in_headings(passage: Passage) -> list[tuple[int, int]]:
    """The sentences of a passage, "3. Rent." as one with the sentence after it on its line."""
    spans: list[tuple[int, int]] = []
    runs_in = False
    for start, end in _spans(passage):
        spans.append((spans.pop()[0] if runs_in else start, end))
        runs_in = _runs_in(passage.text, start, end)
    return spans


def _runs_in(text: str, start: int, end: int) -> bool:
    chapter = _CHAPTER.match(text, start, end)
    short = chapter is not None and len(words(text[chapter.end() : end])) <= _RUN_IN_WORDS
    return short and text[end - 1] == "." and text[end : end + 2].lstrip(" ")[:1].isalnum()


def _whatever(passage: Passage) -> list[Sentence]:
    """All that a passage says, for when nothing is worth quoting."""
    pieces = [piece for span in _spans(passage) for piece in _cut(passage.text, *span)]
    return [Sentence(passage, *piece) for piece in pieces]


def _spans(passage: Passage) -> list[tuple[int, int]]:
    omitted = passage.relative_omissions()
    return [
        (start, end)
        for start, end in sentence_spans(passage.text)
        if not any(span.start < end and start < span.end for span in omitted)
    ]


def _is_question(sentence: str) -> bool:
    return sentence.rstrip("\"'”’)]»*_ ")[-1:] in ("?", "？", "؟")


def _says_nothing(sentence: str) -> bool:
    """A number or an address by itself: it does not say of what."""
    return not any(c.isalpha() for c in sentence) or bool(_ADDRESS.fullmatch(sentence))


def _is_heading(text: str, start: int, end: int) -> bool:
    """Whether ``text[start:end]`` is short and without an end. Items of a list are not, but the number of a
    chapter is no item's: it stands alone."""
    sentence = text[start:end]
    if len(words(sentence)) > _HEADING_WORDS:
        return False
    if _ends_with_page_mark(sentence):
        return True
    finished = sentence.rstrip("\"'”’)]")[-1:] in tuple(".!?:;。！？…")
    chapter = _CHAPTER.match(sentence)
    if finished or _BULLET.match(sentence) or (chapter and not _stands_alone(text, start, end)):
        return False
    return not any(c in sentence[chapter.end() if chapter else 0 :] for c in "|\t0123456789")


def _is_under(heading: Sentence, start: int) -> bool:
    """Whether what begins there with a small letter is what stands under a heading that does not: a command
    does, and a heading rarely."""
    text = heading.passage.text
    return not (text[heading.end : start].strip() or text[heading.start].islower()) and text[start].islower()


def _names_columns(text: str, start: int, end: int) -> bool:
    """Whether it is the head of a table, whose rows repeat it: "Item | Price" before "Item: bread"."""
    names = text[start:end].split(CELLS)
    row = text[end + 1 :].partition("\n")[0] if text[end : end + 1] == "\n" else ""
    return len(names) > 1 and any(row.startswith(f"{name}: ") for name in names)


def _stands_alone(text: str, start: int, end: int) -> bool:
    """Whether it is a paragraph of its own, between others that are not numbered."""
    before, after = text[:start].rstrip(" "), text[end:].lstrip(" ")
    opens = not before or before.endswith("\n\n")
    closes = not after or after.startswith("\n\n")
    paragraph_before = before.rstrip().rpartition("\n\n")[2]
    return opens and closes and not _CHAPTER.match(paragraph_before) and not _CHAPTER.match(after.lstrip())


def _ends_with_page_mark(sentence: str) -> bool:
    """A running header or footer: "Annual report - page 3", "12"."""
    return bool(_PAGE_MARK.fullmatch(re.split(r"\s[-–—|·]\s", sentence.strip())[-1]))


def _cut(text: str, start: int, end: int) -> list[tuple[int, int]]:
    pieces = []
    while end - start > LONGEST:
        space = text.rfind(" ", start + LONGEST // 2, start + LONGEST)
        cut = space if space > 0 else start + LONGEST
        pieces.append((start, cut))
        start = cut + 1 if space > 0 else cut
    pieces.append((start, end))
    return pieces
