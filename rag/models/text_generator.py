"""What Footnote wants of whoever writes: a model in a process of its own, or another server's model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from rag.models.chat_formats import ChatFormat
from rag.models.generation import GenerationRequest, GeneratorStatus, PromptPart
from rag.models.pending import CancellationTimes, Generation
from rag.models.tally import Tally
from rag.records import ModelIdentity


class TextGenerator(Protocol):
    """Takes requests from any thread. ``Generator`` and ``RemoteGenerator`` are the two there are."""

    @property
    def tally(self) -> Tally: ...

    @property
    def status(self) -> GeneratorStatus: ...

    @property
    def load(self) -> int:
        """How many requests run or wait."""

    @property
    def cancellations(self) -> CancellationTimes: ...

    @property
    def pid(self) -> int | None:
        """Of a process of this machine that belongs to the service; None where there is none."""

    @property
    def chat_format(self) -> ChatFormat:
        """How prompts are to be laid out. Waits until the generator is ready."""

    @property
    def identity(self) -> ModelIdentity: ...

    def wait_ready(self, timeout: float | None = None) -> None:
        """Return once it has computed something; None waits for as long as that makes sense.

        Raises:
            Unavailable: it did not within ``timeout`` seconds, or never will; the code says why.
        """

    def generate(self, request: GenerationRequest) -> Generation:
        """Begin a text; iterate over the result for its events.

        Raises:
            Busy: too many wait already.
            TooLarge: ``prompt_too_long``; it may as well come from the iteration.
            Unavailable: it is not to be had.
        """

    def warm(self, prefix: Sequence[PromptPart]) -> None:
        """Say how all prompts begin, for those who can make use of it."""

    def close(self) -> None:
        """End everything; whatever runs gets ``shutting_down``."""
