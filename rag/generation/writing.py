"""An answer being put together: sentences that hold, their footnotes, and what there is to be told of it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from rag.generation.asking import NOTHING_USED, AskMode, SentenceEvent
from rag.generation.citations import AnswerText, Footnotes
from rag.generation.drafts import DraftSentence
from rag.generation.survey import Survey
from rag.generation.verification import Likeness, addresses, verify
from rag.models import generation
from rag.observability import tracing
from rag.records import Cached, Citation, Evidence, Verdict
from rag.stores.receipt import NOT_REUSED, Draft, Reuse

_WORTH_QUOTING = 0.05
"""Share of the best evidence's score below which a sentence is not quoted beside it: on 623 development
questions that drops 127 of 1,246 further quotations and no answer; 0.1 would drop 211 and three answers."""
_SURE = 0.8
"""Score from which on the best evidence is rarely wrong."""
_WORTH_QUOTING_BESIDE_THE_SURE = 0.5
"""The same share beside evidence that is sure. Of 207 such answers it leaves out 82 of 272 further quotations
that 0.25 would add, and one answer; 0.65 would leave out 129 and three."""
_NEARLY_BEST = 0.9
"""Share of the best evidence's score that makes other evidence as good a ground for an answer.

With evidence in front of it that answers the question, a small model may still write a true sentence
about something else. Of its supported sentences, those that rest on the best evidence held the answer
in 12 of 14 development questions, the others in 1 of 5.
"""


class Writing:
    """An answer being put together: its text, its footnotes, and what the model was sent for it."""

    def __init__(self, text: AnswerText, footnotes: Footnotes, likeness: Likeness) -> None:
        self.text = text
        self.footnotes = footnotes
        self._likeness = likeness
        self.prompts: list[Sequence[generation.PromptPart]] = []
        self.usage = NOTHING_USED
        self.is_makeshift = False
        """Whether the model should have had a part in it and could not."""
        self.cached: Cached | None = None
        self.draft_key: str | None = None
        self._text = ""
        self._draft: Draft | None = None
        self._answered_in_short: set[int] = set()
        """Evidence of which a few words have been given, and not yet the sentence they stand in."""

    @property
    def has_draft(self) -> bool:
        """Whether a model wrote something for it, now or before."""
        return bool(self.prompts) or self.cached is not None

    def take(self, event: generation.EngineEvent) -> None:
        """Keep in mind what the generator says."""
        match event:
            case generation.TokenEvent():
                self._text += event.text
            case generation.FinishedEvent():
                self.usage = event.usage
                copied = event.copied
                whole = event.finish_reason is not generation.FinishReason.CANCELLED
                span = None if copied is None else (copied.source, copied.start, copied.end)
                self._draft = Draft(self._text, span) if whole else None

    def reuse(self) -> Reuse:
        """How its draft is found again, if it was written now: an earlier answer's is found there."""
        if self.draft_key is None or self._draft is None or self.cached is not None:
            return NOT_REUSED
        return Reuse(draft_key=self.draft_key, draft=self._draft)

    def drafted(
        self,
        sentences: Sequence[DraftSentence],
        question: str,
        evidence: Sequence[Evidence],
        mode: AskMode,
    ) -> Iterator[SentenceEvent]:
        """Deliver drafted sentences that hold; in ``ANSWER`` also those that do not, marked as such.

        ``AUTO`` passes over a sentence that rests on lesser evidence or speaks of something else: the
        best evidence is quoted instead.
        """
        for draft in sentences:
            with tracing.span("verification") as span:
                check = verify(draft.text, draft.claims, evidence, question, self._likeness)
                span.set({"footnote.verdict": check.verdict.value})
            used = [item for item in evidence if item.number in check.citations]
            if mode is not AskMode.ANSWER and not all(
                item.score >= _NEARLY_BEST * evidence[0].score and addresses(draft.text, item, question)
                for item in used
            ):
                continue
            cited = [citation for n in check.citations if (citation := self.footnotes.cite(n)) is not None]
            verdict = check.verdict if cited else Verdict.UNSUPPORTED
            if verdict is not Verdict.UNSUPPORTED or mode is AskMode.ANSWER:
                self._answered_in_short.update(check.citations if draft.phrase else ())
                yield self._deliver(draft.text, verdict, check.support, cited)

    def quote(self, evidence: Sequence[Evidence], *, everything: bool) -> Iterator[SentenceEvent]:
        """Deliver evidence word for word: all of weight that is not cited yet, or only the best."""
        sure = bool(evidence) and evidence[0].score >= _SURE
        share = _WORTH_QUOTING_BESIDE_THE_SURE if sure else _WORTH_QUOTING
        for item in evidence if everything else evidence[:1]:
            weighs = item.score >= share * evidence[0].score
            unsaid = item.number in self._answered_in_short or not self.footnotes.is_cited(item.number)
            if weighs and unsaid:
                citation = self.footnotes.cite(item.number)
                if citation is not None:
                    yield self._deliver(item.text, Verdict.VERBATIM, 1.0, [citation], apart=True)

    def surveyed(self, survey: Survey) -> Iterator[SentenceEvent]:
        """Deliver a survey: its statement, which rests on all of it, then item by item."""
        cited = [(item, self.footnotes.cite(item.evidence.number)) for item in survey.items]
        held = [(item, citation) for item, citation in cited if citation is not None]
        if survey.statement and len(held) == len(cited):
            yield self._deliver(survey.statement, Verdict.SUPPORTED, 1.0, [citation for _, citation in held])
        for item, citation in held:
            verdict = Verdict.VERBATIM if item.whole else Verdict.SUPPORTED
            before = len(self.text.text)
            said = self.text.add(item.text, verdict, 1.0, [citation.number], group=item.group, item=True)
            yield SentenceEvent(said, (citation,), self.text.text[before:])

    def _deliver(
        self,
        text: str,
        verdict: Verdict,
        support: float,
        cited: Sequence[Citation],
        *,
        apart: bool = False,
    ) -> SentenceEvent:
        before = len(self.text.text)
        numbers = [citation.number for citation in cited]
        said = self.text.add(text, verdict, support, numbers, apart=apart)
        return SentenceEvent(said, tuple(cited), self.text.text[before:])


class Clock:
    """Milliseconds since the question came, by the name of what was done then."""

    def __init__(self) -> None:
        self._began = self._last = time.perf_counter()
        self.timings: dict[str, float] = {}

    def mark(self, name: str, *, once: bool = False) -> None:
        """Durations since the last mark; ``first_token_ms`` counts from the beginning, as a reader does."""
        if once and name in self.timings:
            return
        now = time.perf_counter()
        since = self._began if once else self._last
        self.timings[name] = round((now - since) * 1000, 1)
        self._last = now

    def total(self) -> dict[str, float]:
        return self.timings | {"total_ms": round((time.perf_counter() - self._began) * 1000, 1)}
