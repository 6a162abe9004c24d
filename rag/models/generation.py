"""What is asked of a generator and what it answers: plain values."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from rag.errors import BadRequest

MAX_NEW_TOKENS = 8192
MAX_CITATIONS = 999
MAX_STOPS = 16
MAX_COPIED_CHARACTERS = 100_000


@dataclass(frozen=True, slots=True)
class PromptPart:
    """A piece of a prompt.

    ``trusted`` parts are our own template and may contain the model's control tokens; everything
    people or documents wrote is untrusted and can only ever become ordinary tokens.
    """

    text: str
    trusted: bool = False


@dataclass(frozen=True, slots=True)
class GenerationRequest:
    """One generation.

    Attributes:
        prompt: the parts in order; see :func:`rag.models.chat_formats.render`.
        max_tokens: at most this many new tokens, 1 to 8192.
        temperature: 0 takes the most probable token each time; up to 2.
        top_p: nucleus sampling (Holtzman et al. 2020), 0 < top_p <= 1.
        min_p: drop tokens less probable than ``min_p`` times the best one, 0 to 1.
        seed: makes sampling repeatable; None draws one.
        repeat_penalty: divides the logits of recent tokens (Keskar et al. 2019), 1 is off, up to 2.
        stop: generation ends before any of these strings; they are never part of the text.
        citations: the footnote numbers the text may cite as ``[n]``. None leaves brackets alone,
            an empty tuple forbids them.
        copy_from: texts, best first. Whatever is generated is then one run of whole words from one of
            them, and the last event says which; ``citations`` has no effect. None writes freely.
        cache_scope: requests with the same scope may reuse each other's computed prompt; None
            shares nothing but the warmed prefix. Use one scope per caller, never across callers.

    Raises:
        BadRequest: ``bad_generation_request`` when a value is out of range.
    """

    prompt: tuple[PromptPart, ...]
    max_tokens: int = 256
    temperature: float = 0.0
    top_p: float = 1.0
    min_p: float = 0.0
    seed: int | None = None
    repeat_penalty: float = 1.0
    stop: tuple[str, ...] = ()
    citations: tuple[int, ...] | None = None
    cache_scope: str | None = None
    copy_from: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        bounds = (
            ("prompt", any(part.text for part in self.prompt)),
            ("max_tokens", 1 <= self.max_tokens <= MAX_NEW_TOKENS),
            ("temperature", 0.0 <= self.temperature <= 2.0),
            ("top_p", 0.0 < self.top_p <= 1.0),
            ("min_p", 0.0 <= self.min_p <= 1.0),
            ("repeat_penalty", 1.0 <= self.repeat_penalty <= 2.0),
            ("seed", self.seed is None or 0 <= self.seed < 2**63),
            ("stop", len(self.stop) <= MAX_STOPS and all(0 < len(text) <= 100 for text in self.stop)),
            ("copy_from", self.copy_from is None or self._can_copy(self.copy_from)),
            ("citations", all(1 <= number <= MAX_CITATIONS for number in self.citations or ())),
        )
        for name, fits in bounds:
            if not fits:
                raise BadRequest(
                    "bad_generation_request", f"The value of {name} is out of range; change it and ask again."
                )

    @staticmethod
    def _can_copy(sources: tuple[str, ...]) -> bool:
        return any(map(str.strip, sources)) and sum(map(len, sources)) <= MAX_COPIED_CHARACTERS


class FinishReason(StrEnum):
    STOP = "stop"
    LENGTH = "length"
    REPETITION = "repetition"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Usage:
    """Token counts; ``reused_tokens`` of the prompt were in the cache and cost nothing."""

    prompt_tokens: int
    completion_tokens: int
    reused_tokens: int = 0


@dataclass(frozen=True, slots=True)
class TokenEvent:
    """New text; may hold several tokens, never half a character nor part of a stop string."""

    text: str


@dataclass(frozen=True, slots=True)
class CopiedSpan:
    """``copy_from[source][start:end]``, in code points."""

    source: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class FinishedEvent:
    """The last event. ``timings`` are seconds: ``queue``, ``prefill``, ``decode``.

    ``copied`` is what was copied, without half a word at its end, if the request said ``copy_from`` and
    at least a word came of it.
    """

    finish_reason: FinishReason
    usage: Usage
    timings: dict[str, float] = field(default_factory=dict)
    copied: CopiedSpan | None = None


@dataclass(frozen=True, slots=True)
class ProgressEvent:
    """``done`` of ``total`` prompt tokens have been read; shows that a long prefill is alive."""

    done: int
    total: int


GenerationEvent = TokenEvent | FinishedEvent
EngineEvent = GenerationEvent | ProgressEvent


@dataclass(frozen=True, slots=True)
class GeneratorSettings:
    """How the model is run.

    Attributes:
        context: most tokens of prompt and answer together; capped at what the model was trained for.
        threads: CPU threads; leave one core to retrieval where there are more than two.
        prefill_slice: prompt tokens read between two looks at the cancel flag while nobody writes. What is
            new in a prompt with three passages, 120 to 160 tokens, fits into one: a second, small slice
            costs nearly as much as a full one.
        parallel: how many texts are written at once.
        cpu_kernels: let llama.cpp rearrange weights for this CPU's own matrix instructions. Some
            virtual machines announce instructions they do not have; the parent then turns this off.
    """

    context: int = 4096
    threads: int = 2
    prefill_slice: int = 256
    parallel: int = 8
    cpu_kernels: bool = True


class GeneratorState(StrEnum):
    STARTING = "starting"
    READY = "ready"
    RESTARTING = "restarting"
    FAILED = "failed"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class GeneratorStatus:
    """``reason`` says why it is restarting or has failed, for people; empty otherwise."""

    state: GeneratorState
    reason: str = ""
