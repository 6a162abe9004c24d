"""Receipts: an answer is stored before it is delivered, so that it can be shown, checked and asked again.

What a receipt says of a document is a place in it. The text is read back from the stored version, which
never changes; that of the answer itself is copied, and blanked when a document it rests on is deleted.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import structlog

from rag.errors import StorageFailed
from rag.generation.citations import citation_at, place_of
from rag.models.generation import PromptPart
from rag.records import Answer, Citation, DocumentRef, Evidence, Notice, Passage, VersionStatus
from rag.stores import answers, texts
from rag.stores.database import Tx
from rag.stores.receipt import (
    NOT_REUSED,
    Environment,
    Receipt,
    ReceiptSpan,
    RequestSettings,
    Reuse,
    SpanRole,
)
from rag.stores.receipt_writer import ReceiptWriter
from rag.stores.scopes import Scope

_log = structlog.get_logger(__name__)

_NOT_KEPT = Environment("", (), {})
_LOST = Notice(
    "answer_not_kept",
    "The disk is full or failing: this answer was not kept and cannot be looked up later. Free some space.",
)
_FRESHEST_LAST = (VersionStatus.DELETED, VersionStatus.SUPERSEDED, VersionStatus.CURRENT)


@dataclass(frozen=True, slots=True)
class Asked:
    """A question with all that was said about it; ``standalone`` is how it was understood."""

    question: str
    standalone: str
    scope: Scope
    mode: str
    max_citations: int
    survey_citations: int
    conversation: str | None = None
    replay_of: str | None = None


@dataclass(frozen=True, slots=True)
class ShownEvidence:
    """A piece of the evidence, read back. ``citation`` is the footnote it became, if it did.

    ``text`` is empty once its document is deleted. ``intact``: the text has the SHA-256 it had when it
    was offered; None where nothing is left to compare.
    """

    document: DocumentRef
    start: int
    end: int
    text: str
    score: float
    citation: int | None
    sha256: str | None
    intact: bool | None


@dataclass(frozen=True, slots=True)
class Shown:
    """A receipt with everything read back, as it is at this moment.

    ``freshness`` is that of the least fresh document it cites; an answer that cites none is current.
    """

    receipt: Receipt
    answer: Answer
    evidence: tuple[ShownEvidence, ...]
    freshness: VersionStatus


class ReceiptKeeper:
    """Makes receipts of answers and has them written, each with its turn of a conversation.

    Args:
        environment: what else makes the answers. None stores no receipts; conversations are remembered
            all the same.
    """

    def __init__(self, writer: ReceiptWriter, environment: Environment | None = None) -> None:
        self._writer = writer
        self._environment = environment

    def keep(
        self,
        asked: Asked,
        answer: Answer,
        evidence: Sequence[Evidence],
        prompts: Sequence[Sequence[PromptPart]],
        reuse: Reuse = NOT_REUSED,
    ) -> Answer:
        """Store what is about to be delivered; it is on the disk when this returns.

        Where the disk is full or failing, asking goes on all the same: then the answer says of itself that it
        was not kept.

        Args:
            evidence: all that was offered, cited or not.
            prompts: what the model was sent, in order; none where it was not called.
            reuse: how a later question finds it.

        Returns the answer to deliver. Raises ``Busy``: then nothing was stored, and it must not be delivered.
        """
        environment = self._environment or _NOT_KEPT
        receipt = _receipt(asked, answer, evidence, prompt_sha256(prompts), environment)
        return self._store(replace(receipt, reuse=reuse), answer)

    def keep_again(self, asked: Asked, answer: Answer, earlier: Receipt) -> Answer:
        """As ``keep``, of an answer that is ``earlier``'s once more: it rests on the same places."""
        receipt = _receipt(asked, answer, (), earlier.prompt_sha256, earlier.environment)
        return self._store(replace(receipt, spans=earlier.spans), answer)

    def _store(self, receipt: Receipt, answer: Answer) -> Answer:
        try:
            if self._environment is None:
                self._writer.remember(receipt)
            else:
                self._writer.write(receipt)
        except StorageFailed as error:
            _log.warning("answer_not_kept", code=error.code)
            return replace(answer, notes=(*answer.notes, _LOST))
        return answer

    @property
    def environment(self) -> Environment | None:
        """What it writes into receipts; None where it stores none."""
        return self._environment

    def settle(self) -> None:
        """Have everything in the database that was kept so far. Raises ``Busy`` or ``StorageFailed``."""
        self._writer.settle()


def prompt_sha256(prompts: Sequence[Sequence[PromptPart]]) -> str | None:
    """The SHA-256 of prompts as sent: of each part whether it is trusted, its length and its text."""
    if not prompts:
        return None
    digest = hashlib.sha256()
    for prompt in prompts:
        digest.update(b"prompt\n")
        for part in prompt:
            text = part.text.encode()
            digest.update(f"{int(part.trusted)} {len(text)}\n".encode())
            digest.update(text)
    return digest.hexdigest()


def show(tx: Tx, receipt: Receipt) -> Shown:
    """The answer as it was delivered, every quotation read back from the version it was taken from."""
    found = answers.sources(tx, [receipt])
    spans = [(span, found[span.document, span.version]) for span in receipt.spans]
    citations = [_citation(tx, span, source) for span, source in spans if span.citation is not None]
    return Shown(
        receipt=receipt,
        answer=Answer(
            id=receipt.id,
            status=receipt.status,
            answer=receipt.answer,
            sentences=receipt.sentences,
            citations=tuple(sorted(citations, key=lambda citation: citation.number)),
            coverage=receipt.coverage,
            timings=receipt.timings,
            model=receipt.model,
            nearest=tuple(
                _passage(tx, span, source) for span, source in spans if span.role is SpanRole.NEAREST
            ),
            kind=receipt.kind,
            conflicts=receipt.conflicts,
            answerability=receipt.answerability,
            notes=receipt.notes,
            understood_as=receipt.standalone,
            cached=receipt.cached,
        ),
        evidence=tuple(
            _evidence(tx, span, source) for span, source in spans if span.role is SpanRole.EVIDENCE
        ),
        freshness=freshness(receipt, found),
    )


def freshness(receipt: Receipt, found: answers.Sources) -> VersionStatus:
    """That of the least fresh version among the citations."""
    cited = {
        found[span.document, span.version].document.status
        for span in receipt.spans
        if span.citation is not None
    }
    return next((status for status in _FRESHEST_LAST if status in cited), VersionStatus.CURRENT)


def _receipt(
    asked: Asked,
    answer: Answer,
    evidence: Sequence[Evidence],
    prompt: str | None,
    environment: Environment,
) -> Receipt:
    return Receipt(
        id=answer.id,
        owner=asked.scope.access.owner,
        created_at=time.time(),
        question=asked.question,
        standalone=_rewritten(asked),
        conversation=asked.conversation,
        replay_of=asked.replay_of,
        request=_settings(asked),
        environment=environment,
        status=answer.status,
        kind=answer.kind,
        answerability=answer.answerability,
        answer=answer.answer,
        sentences=answer.sentences,
        conflicts=answer.conflicts,
        notes=answer.notes,
        coverage=answer.coverage,
        timings=answer.timings,
        model=answer.model,
        prompt_sha256=prompt,
        spans=(*_evidence_spans(evidence, answer.citations), *map(_nearest_span, answer.nearest)),
        cached=answer.cached,
    )


def _rewritten(asked: Asked) -> str | None:
    return None if asked.standalone == asked.question else asked.standalone


def _settings(asked: Asked) -> RequestSettings:
    return RequestSettings(
        collections=asked.scope.collections,
        filter=asked.scope.filter,
        mode=asked.mode,
        max_citations=asked.max_citations,
        survey_citations=asked.survey_citations,
    )


def _evidence_spans(evidence: Iterable[Evidence], citations: Iterable[Citation]) -> list[ReceiptSpan]:
    """The evidence with the footnotes it became; a footnote to something else is evidence as well."""
    cited = {_place(citation): citation for citation in citations}
    spans = []
    for item in evidence:
        citation = cited.pop(_place(item), None)
        number = None if citation is None else citation.number
        spans.append(_span(item, item.text, number))
    return spans + [_span(left, left.quote, left.number) for left in cited.values()]


def _place(item: Evidence | Citation) -> tuple[str, int, int, int]:
    return item.document.id, item.document.version, item.start, item.end


def _span(item: Evidence | Citation, text: str, citation: int | None) -> ReceiptSpan:
    return ReceiptSpan(
        role=SpanRole.EVIDENCE,
        document=item.document.id,
        version=item.document.version,
        start=item.start,
        end=item.end,
        score=item.score,
        sha256=_sha256(text),
        citation=citation,
    )


def _nearest_span(passage: Passage) -> ReceiptSpan:
    return ReceiptSpan(
        role=SpanRole.NEAREST,
        document=passage.document.id,
        version=passage.document.version,
        start=passage.start,
        end=passage.end,
        score=passage.score,
        sha256=_sha256(passage.text),
        scores=dict(passage.scores),
    )


def _citation(tx: Tx, span: ReceiptSpan, source: answers.Source) -> Citation:
    assert span.citation is not None
    where = (span.start, span.end)
    if source.version_id is None:
        return Citation(span.citation, source.document, None, *where, quote="", score=round(span.score, 3))
    quote = texts.read_text(tx, source.version_id, *where)
    place = place_of(tx, source.version_id, *where)
    return citation_at(place, span.citation, source.document, where, quote, span.score)


def _evidence(tx: Tx, span: ReceiptSpan, source: answers.Source) -> ShownEvidence:
    text = ""
    intact = None
    if source.version_id is not None:
        text = texts.read_text(tx, source.version_id, span.start, span.end)
        intact = _sha256(text) == span.sha256
    return ShownEvidence(
        source.document, span.start, span.end, text, span.score, span.citation, span.sha256, intact
    )


def _passage(tx: Tx, span: ReceiptSpan, source: answers.Source) -> Passage:
    shown = Passage(
        chunk_id=0,  # its chunk may be gone; nobody looks it up again
        document=source.document,
        version_id=source.version_id or 0,
        page=None,
        start=span.start,
        end=span.end,
        text="",
        context="",
        score=span.score,
        scores=span.scores,
    )
    if source.version_id is None:
        return shown
    # A chunk may begin with a heading, which then stands above its sentences but not above itself.
    chunk = answers.chunk_place(tx, source.version_id, span)
    place = chunk or place_of(tx, source.version_id, span.start, span.end)
    return replace(
        shown,
        page=place.page,
        text=texts.read_text(tx, source.version_id, span.start, span.end),
        locator=place.locator,
        headings=place.headings,
    )


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
