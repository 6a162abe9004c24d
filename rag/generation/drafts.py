"""Reading a draft as it is written: whole sentences with the footnote numbers they claim."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from rag.models.generation import EngineEvent, FinishedEvent, TokenEvent
from rag.records import Evidence
from rag.text.sentences import sentence_spans

_MARKS = re.compile(r"(?:\s*\[\d{1,3}\])+")
_NUMBER = re.compile(r"\[(\d{1,3})\]")
_NUMBER_OF_ITEM = re.compile(r"\(?\d{1,3}[.)]")
_OPEN_MARK = re.compile(r"\s*\[\d{0,3}$")
_MARKS_AFTER_END = re.compile(r"([.!?…][\"'”’»)]*)((?:\s*\[\d{1,3}\])+)")

# Small models announce an answer before they give it; the announcement says nothing.
_LEAD_IN = re.compile(
    r"^(?:so,? |therefore,? )?the (?:correct |original |short )?answer"
    r"(?: to (?:this|the|your) question)? is:?\s*",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class DraftSentence:
    """A sentence without its marks, and the numbers the generator claims for it.

    ``phrase`` is true of a short answer that is no sentence: it wants the sentence it comes from beside it.
    """

    text: str
    claims: tuple[int, ...]
    phrase: bool = False


class DraftReader:
    """Feed it text as it comes; it gives each sentence once, when it is complete."""

    def __init__(self) -> None:
        self._text = ""
        self._given = 0

    def take(self, event: EngineEvent) -> list[DraftSentence]:
        """The sentences completed by an event of the generator."""
        match event:
            case TokenEvent():
                return self.feed(event.text)
            case FinishedEvent():
                return self.finish()
        return []

    def feed(self, text: str) -> list[DraftSentence]:
        """The sentences completed by ``text``. The last one is held back: a mark may still follow it."""
        self._text += text
        return self._new(_sentences(_OPEN_MARK.sub("", self._text))[:-1])

    def finish(self) -> list[DraftSentence]:
        """What is left at the end."""
        return self._new(_sentences(self._text))

    def _new(self, complete: list[DraftSentence]) -> list[DraftSentence]:
        fresh = complete[self._given :]
        self._given = max(self._given, len(complete))
        return fresh


class CopyReader:
    """Reads a generation that may only copy from ``evidence``: its one sentence is known at its end."""

    def __init__(self, evidence: Sequence[Evidence]) -> None:
        self._evidence = evidence

    def take(self, event: EngineEvent) -> list[DraftSentence]:
        """The copied words as they stand in the evidence, claimed for the evidence they come from."""
        if not isinstance(event, FinishedEvent) or event.copied is None:
            return []
        item = self._evidence[event.copied.source]
        return [DraftSentence(item.text[event.copied.start : event.copied.end], (item.number,), phrase=True)]


def _sentences(draft: str) -> list[DraftSentence]:
    # A mark behind the full stop belongs to the sentence before it: "… 1996. [1]" as "… 1996 [1]."
    settled = _MARKS_AFTER_END.sub(r"\2\1", draft)
    found = []
    spans = sentence_spans(settled)
    for start, end in spans:
        marked = settled[start:end]
        text = _LEAD_IN.sub("", _MARKS.sub("", marked).strip())
        claims = tuple(dict.fromkeys(int(number) for number in _NUMBER.findall(marked)))
        if _NUMBER_OF_ITEM.fullmatch(text) and end < spans[-1][1]:
            continue  # of a list or a clause; by itself it may be the answer
        if any(character.isalnum() for character in text):
            found.append(DraftSentence(text, claims))
        elif found:
            found[-1] = DraftSentence(found[-1].text, tuple(dict.fromkeys(found[-1].claims + claims)))
    return found
