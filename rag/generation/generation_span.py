"""The span of one generation: what the model's process reports of it, and nothing of what it wrote."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rag.models.generation import FinishedEvent, GenerationEvent
from rag.observability import tracing


@contextmanager
def generation_span() -> Iterator[Callable[[GenerationEvent], None]]:
    """Around a generation; the yielded function is to be called with each of its events.

    It is not the current span inside: a stream is read from between two events, and what happens there,
    verification for instance, stands beside it.
    """
    span = tracing.begin("generation")

    def measured(event: GenerationEvent) -> None:
        if isinstance(event, FinishedEvent):
            span.set(
                {
                    "footnote.prompt_tokens": event.usage.prompt_tokens,
                    "footnote.reused_tokens": event.usage.reused_tokens,
                    "footnote.completion_tokens": event.usage.completion_tokens,
                    "footnote.queue_seconds": event.timings.get("queue"),
                    "footnote.prefill_seconds": event.timings.get("prefill"),
                    "footnote.decode_seconds": event.timings.get("decode"),
                    "footnote.finish_reason": event.finish_reason.value,
                }
            )

    try:
        yield measured
    except BaseException as error:
        # A reader that has heard enough closes the stream: that is no failure.
        if not isinstance(error, GeneratorExit):
            span.fail(tracing.kind_of(error))
        raise
    finally:
        span.end()
