"""The events of what was made before, as they came then. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rag.generation.asking import NOTHING_USED, RetrievalEvent, SentenceEvent
from rag.models.generation import CopiedSpan, EngineEvent, FinishedEvent, FinishReason, TokenEvent
from rag.records import Answer, Citation, Passage
from rag.stores.receipt import Draft

_MARKS = re.compile(r"(?: (?:\[\d+\])+)?")


def retrieval(answer: Answer) -> RetrievalEvent:
    """What there is to show before the sentences: places that the answer cites, or that it showed instead.
    The others that were found are not kept."""
    cited = [_passage(citation) for citation in answer.citations]
    return RetrievalEvent(answer.coverage, cited or answer.nearest)


def sentences(answer: Answer) -> Iterator[SentenceEvent]:
    """Each sentence with its citations; what is ``written`` by all of them is the answer."""
    cited = {citation.number: citation for citation in answer.citations}
    at = 0
    for sentence in answer.sentences:
        marks = _MARKS.match(answer.answer, sentence.end)
        end = marks.end() if marks else sentence.end
        used = tuple(cited[number] for number in sentence.citations if number in cited)
        yield SentenceEvent(sentence, used, answer.answer[at:end])
        at = end


def draft(kept: Draft) -> list[EngineEvent]:
    """A draft as a generator gives it."""
    copied = None if kept.copied is None else CopiedSpan(*kept.copied)
    return [TokenEvent(kept.text), FinishedEvent(FinishReason.STOP, NOTHING_USED, copied=copied)]


def _passage(citation: Citation) -> Passage:
    return Passage(
        chunk_id=0,  # of a quotation, which nobody looks up by its chunk
        document=citation.document,
        version_id=0,
        page=citation.page,
        start=citation.start,
        end=citation.end,
        text=citation.quote,
        context="",
        score=citation.score,
        headings=citation.headings,
        locator=citation.locator,
    )
