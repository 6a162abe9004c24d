"""The generation engine: many texts at once over one llama.cpp context, a batch a step.

Requests join and leave between steps (continuous batching, Yu et al. 2022, "Orca"). Each step computes the
next token of every text being written and, in the room that is left, a slice of the prompts being read, so
that nobody's stream stalls for somebody's long prompt. What a prompt has in common with the warmed prefix,
or with an earlier text of the same scope, is not computed again: sequences of the cache share its cells.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from rag.errors import FootnoteError, TooLarge, Unavailable
from rag.models import gguf
from rag.models.chat_formats import ChatFormat
from rag.models.generation import (
    EngineEvent,
    FinishedEvent,
    FinishReason,
    GenerationRequest,
    GeneratorSettings,
    ProgressEvent,
    PromptPart,
    TokenEvent,
    Usage,
)
from rag.models.llama_context import LlamaContext, OutOfCells
from rag.models.llama_model import LlamaModel
from rag.models.prompt_lookup import PromptLookup
from rag.models.scheduling import FairQueue, reading_order
from rag.models.writing import Vocabularies, Writing

Event = tuple[int, EngineEvent | FootnoteError]
"""The number of a request, and what there is to say of it."""

_SLICE_BESIDE = 64
"""Prompt tokens read in a step in which others write: about as long as eight tokens take."""
_GUESSES = 4
_GUESS_AMONG = 2
"""Guessing pays while the weights are read for few tokens anyway."""
_CELLS_BESIDE = 256
"""Cells of the cache for each text beyond the first; prompts and answers are a few hundred tokens."""


@dataclass(slots=True, eq=False)
class _Job:
    """A request on its way. ``ahead`` is the token that was chosen and is not in the cache yet."""

    number: int
    request: GenerationRequest
    prompt: list[int]
    room: int
    came: float
    writing: Writing
    lookup: PromptLookup | None = None
    began: float = 0.0
    read: float | None = None
    reused: int = 0
    ahead: int = -1
    cancelled: bool = False

    @property
    def scope(self) -> str | None:
        return self.request.cache_scope

    @property
    def cells(self) -> int:
        return len(self.prompt) + self.room + _GUESSES


@dataclass(slots=True, eq=False)
class _Slot:
    """A sequence of the cache: ``tokens`` are in it, the first ``shared`` of them in cells of ``warm``."""

    sequence: int
    tokens: list[int] = field(default_factory=list)
    shared: int = 0
    scope: str | None = None
    job: _Job | None = None
    used: int = 0

    @property
    def cells(self) -> int:
        """At most so many cells are its own, or will be."""
        return max(0, (self.job.cells if self.job else len(self.tokens)) - self.shared)


@dataclass(frozen=True, slots=True)
class _Turn:
    """A slot and its part of a batch: the logits of the last of ``tokens`` stand at ``place`` on."""

    slot: _Slot
    tokens: list[int]
    place: int


class Engine:
    """One model and one context, used by one thread.

    Args:
        path: a GGUF file.
        settings: see :class:`GeneratorSettings`.

    Raises:
        Unavailable: ``model_unusable``.
    """

    def __init__(self, path: Path, settings: GeneratorSettings) -> None:
        self.model = LlamaModel(path, cpu_kernels=settings.cpu_kernels)
        self.context = min(settings.context, self.model.trained_context)
        """Most tokens of one prompt and its answer together."""
        self._slice = settings.prefill_slice
        self._cache = LlamaContext(
            self.model,
            cells=self.context + _CELLS_BESIDE * (settings.parallel - 1),
            sequences=settings.parallel + 1,
            batch=settings.prefill_slice + settings.parallel * (1 + _GUESSES),
            threads=settings.threads,
        )
        self._vocabularies = Vocabularies(self.model)
        self._slots = [_Slot(sequence) for sequence in range(settings.parallel)]
        self._warm = _Slot(settings.parallel)
        self._queue: FairQueue[_Job] = FairQueue()
        self._passed_over: dict[int, int] = {}
        self._said: list[Event] = []
        self._steps = 0
        self._try_out()

    @property
    def chat_format(self) -> ChatFormat:
        return self.model.chat_format

    @property
    def busy(self) -> bool:
        """Whether a step would do anything."""
        return bool(self._said or self._queue or self._running())

    def warm(self, prefix: Sequence[PromptPart]) -> None:
        """Compute a prefix once and keep it for every later prompt that begins with it.

        Raises:
            TooLarge: ``prompt_too_long`` when it would leave no room for an answer.
        """
        tokens = self._tokenize(prefix)
        self._forget(self._warm)
        for slot in self._slots:
            slot.shared = 0  # what they hold of the former prefix is theirs alone now
        while not self._fits(len(tokens)) and self._forget_oldest():
            pass
        while rest := tokens[len(self._warm.tokens) :][: self._slice]:
            self._cache.begin()
            self._cache.add(self._warm.sequence, rest, len(self._warm.tokens), wanted=0)
            self._cache.compute()
            self._warm.tokens += rest

    def submit(self, number: int, request: GenerationRequest, waited: float = 0.0) -> None:
        """Take a request on, which has waited for so many seconds; ``number`` marks what is said of it.

        Raises:
            TooLarge: ``prompt_too_long``.
        """
        prompt = self._tokenize(request.prompt)
        room = min(request.max_tokens, self.context - len(prompt))
        writing = Writing(request, self.model, self._vocabularies)
        self._queue.put(_Job(number, request, prompt, room, time.perf_counter() - waited, writing))

    def cancel(self, number: int) -> None:
        """Have a request end before its next token. One that is not there has ended already."""
        for job in (*self._queue, *(slot.job for slot in self._running())):
            if job and job.number == number:
                job.cancelled = True

    def step(self) -> list[Event]:
        """Compute one batch. Returns what it came to; the last of each request is a :class:`FinishedEvent` or
        an error."""
        self._steps += 1
        self._end_cancelled()
        self._seat_waiting()
        if turns := self._fill():
            try:
                self._cache.compute()
            except OutOfCells:
                self._make_room()
            except Unavailable as error:
                self._fail_all(error)
            else:
                for turn in turns:
                    self._take(turn)
        said, self._said = self._said, []
        return said

    def _tokenize(self, parts: Sequence[PromptPart]) -> list[int]:
        least = self.model.at_least(parts)
        tokens = self.model.tokenize(parts) if least < self.context else []
        if not tokens or len(tokens) >= self.context:
            raise TooLarge(
                "prompt_too_long",
                f"The prompt takes {len(tokens) or f'at least {least}'} tokens and the model reads "
                f"{self.context - 1}; ask with less text.",
            )
        return tokens

    def _running(self) -> list[_Slot]:
        return [slot for slot in self._slots if slot.job]

    # Joining: a slot, what it can begin with, and enough cells.

    def _seat_waiting(self) -> None:
        while (job := self._queue.first()) and (slot := self._seat(job)):
            self._queue.take()
            slot.job, slot.scope = job, job.scope
            job.began, job.reused = time.perf_counter(), len(slot.tokens)
            if job.request.temperature == 0 and not self.model.recurrent:
                job.lookup = PromptLookup(job.prompt)
            self._say(job, ProgressEvent(len(slot.tokens), len(job.prompt)))

    def _seat(self, job: _Job) -> _Slot | None:
        """A free slot that holds the beginning of the job's prompt, as far as it is known; None if it has to
        wait for a slot or for cells."""
        free = sorted((slot for slot in self._slots if not slot.job), key=lambda slot: slot.used)
        if not free:
            return None
        donor, keep = self._beginning(job)
        own = donor in free and 2 * keep >= len(donor.tokens)  # else what it holds may serve again
        slot = donor if own else next((one for one in free if not one.tokens), free[0])
        shared = min(donor.shared, keep) if donor is not self._warm else keep
        while not self._fits(job.cells - shared, besides=slot) and self._forget_oldest(slot, donor):
            pass
        if not self._fits(job.cells - shared, besides=slot):
            if self._running():
                return None
            self._forget(self._warm)  # alone it does fit
            shared = 0
            if donor is self._warm:
                keep = 0
        self._begin_with(slot, donor, keep)
        slot.shared = shared if slot.tokens else 0
        return slot

    def _beginning(self, job: _Job) -> tuple[_Slot, int]:
        """The sequence that has most of the job's prompt at its beginning, and how much it may use of it: at
        least one token is always left to compute."""
        if self.model.recurrent:
            return self._warm, 0
        known = [self._warm] + [one for one in self._slots if one.scope == job.scope is not None]
        common = {one.sequence: _common(one.tokens, job.prompt) for one in known}
        best = max(known, key=lambda one: common[one.sequence])
        return best, min(common[best.sequence], len(job.prompt) - 1)

    def _begin_with(self, slot: _Slot, donor: _Slot, keep: int) -> None:
        beginning = donor.tokens[:keep]
        if slot is not donor and keep:
            self._cache.copy(donor.sequence, slot.sequence, keep)
        elif not self._cache.truncate(slot.sequence, keep):
            self._cache.truncate(slot.sequence, 0)
            beginning = []
        slot.tokens = beginning

    def _fits(self, cells: int, *, besides: _Slot | None = None) -> bool:
        held = sum(slot.cells for slot in self._slots if slot is not besides) + len(self._warm.tokens)
        return held + cells <= self._cache.cells

    def _forget_oldest(self, *keep: _Slot) -> bool:
        """Give up the text that nobody has continued for longest; False if there is none."""
        idle = [slot for slot in self._slots if not slot.job and slot.tokens and slot not in keep]
        if idle:
            self._forget(min(idle, key=lambda slot: slot.used))
        return bool(idle)

    def _forget(self, slot: _Slot) -> None:
        self._cache.truncate(slot.sequence, 0)
        slot.tokens, slot.shared, slot.scope = [], 0, None

    # A step: who gets which part of the batch, and what becomes of it.

    def _fill(self) -> list[_Turn]:
        running = self._running()
        self._cache.begin()
        turns = [self._write(slot, slot.job, len(running)) for slot in running if slot.job and slot.job.read]
        reading = {slot.sequence: slot for slot in running if slot.job and not slot.job.read}
        remaining = {
            key: len(slot.job.prompt) - len(slot.tokens) for key, slot in reading.items() if slot.job
        }
        budget = _SLICE_BESIDE if turns else self._slice
        for key in reading_order(remaining, self._passed_over, self._slice):
            size = min(budget, remaining[key])
            self._passed_over[key] = 0 if size else self._passed_over.get(key, 0) + 1
            if size:
                turns.append(self._read(reading[key], size))
                budget -= size
        return turns

    def _write(self, slot: _Slot, job: _Job, among: int) -> _Turn:
        tokens = [job.ahead]
        if job.lookup and among <= _GUESS_AMONG:
            tokens += job.lookup.guess(min(_GUESSES, job.room - len(job.writing.tokens) - 1))
        place = self._cache.add(slot.sequence, tokens, len(slot.tokens), wanted=len(tokens))
        return _Turn(slot, tokens, place)

    def _read(self, slot: _Slot, size: int) -> _Turn:
        assert slot.job
        at = len(slot.tokens)
        tokens = slot.job.prompt[at : at + size]
        ends = at + size == len(slot.job.prompt)
        return _Turn(slot, tokens, self._cache.add(slot.sequence, tokens, at, wanted=int(ends)))

    def _take(self, turn: _Turn) -> None:
        slot, job = turn.slot, turn.slot.job
        assert job
        if job.read is None:
            slot.tokens += turn.tokens
            self._say(job, ProgressEvent(len(slot.tokens), len(job.prompt)))
            if len(slot.tokens) == len(job.prompt):
                job.read = time.perf_counter()
                self._choose(slot, job, turn.place, [])
        else:
            slot.tokens.append(turn.tokens[0])
            self._choose(slot, job, turn.place, turn.tokens[1:])

    def _choose(self, slot: _Slot, job: _Job, place: int, guesses: list[int]) -> None:
        """Choose the next token from the logits at ``place`` and go on through the guesses as long as they
        are what is chosen."""
        texts: list[str] = []
        ended: FinishReason | None = None
        right = 0
        for number in range(1 + len(guesses)):
            text, ended = job.writing.advance(self._cache.logits(place + number))
            texts.append(text)
            if ended is None and len(job.writing.tokens) >= job.room:
                ended = FinishReason.LENGTH
            if ended is not None:
                break
            job.ahead = job.writing.tokens[-1]
            if job.lookup:
                job.lookup.add(job.ahead)
            if number == len(guesses) or guesses[number] != job.ahead:
                break
            slot.tokens.append(job.ahead)
            right += 1
        if guesses:
            self._cache.truncate(slot.sequence, len(slot.tokens))
            if job.lookup:
                job.lookup.learn(len(guesses), right)
        if text := "".join(texts):
            self._say(job, TokenEvent(text))
        if ended is not None:
            self._finish(slot, job, ended)

    # Leaving.

    def _finish(self, slot: _Slot, job: _Job, reason: FinishReason) -> None:
        if rest := job.writing.finish():
            self._say(job, TokenEvent(rest))
        now = time.perf_counter()
        read = now if job.read is None else job.read
        usage = Usage(len(job.prompt), len(job.writing.tokens), job.reused)
        timings = {"queue": job.began - job.came, "prefill": read - job.began, "decode": now - read}
        self._say(job, FinishedEvent(reason, usage, timings, job.writing.copied))
        self._leave(slot)

    def _leave(self, slot: _Slot) -> None:
        slot.job, slot.used = None, self._steps
        self._passed_over.pop(slot.sequence, None)
        if slot.scope is None:
            self._forget(slot)

    def _end_cancelled(self) -> None:
        for job in [job for job in self._queue if job.cancelled]:
            self._queue.remove(job)
            waited = {"queue": time.perf_counter() - job.came}
            self._say(job, FinishedEvent(FinishReason.CANCELLED, Usage(0, 0), waited))
        for slot in self._running():
            if slot.job and slot.job.cancelled:
                self._finish(slot, slot.job, FinishReason.CANCELLED)

    def _make_room(self) -> None:
        """llama.cpp found no cells although there should be some: give up what is idle, then the newest."""
        if self._forget_oldest():
            return
        newest = max(self._running(), key=lambda slot: slot.job.began if slot.job else 0.0)
        self._fail([newest], Unavailable("generator_failed", "The model ran out of memory; ask again."))
        self._forget(newest)

    def _fail_all(self, error: Unavailable) -> None:
        self._fail(self._running(), error)
        self._cache.clear()
        for slot in (*self._slots, self._warm):
            slot.tokens, slot.shared, slot.scope = [], 0, None

    def _fail(self, slots: Iterable[_Slot], error: Unavailable) -> None:
        for slot in slots:
            if slot.job:
                self._said.append((slot.job.number, error))
                self._leave(slot)

    def _say(self, job: _Job, event: EngineEvent) -> None:
        self._said.append((job.number, event))

    def _try_out(self) -> None:
        """Run both shapes of matrix product once, so that a CPU that cannot shows it now."""
        for at, size in ((0, 32), (32, 1)):
            self._cache.begin()
            place = self._cache.add(self._warm.sequence, [self.model.size - 1] * size, at, wanted=1)
            self._cache.compute()
        if not np.isfinite(self._cache.logits(place)).all():
            raise gguf.unusable("its output is not made of numbers")
        self._cache.clear()


def _common(first: Sequence[int], second: Sequence[int]) -> int:
    """Length of the common beginning."""
    size = min(len(first), len(second))
    return next((i for i in range(size) if first[i] != second[i]), size)
