"""A chat completion made of the events of an answer, whole or chunk by chunk. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from api import sse
from api.openai import asking, marks, naming
from api.openai.asking import Wishes
from api.openai.chat_schemas import (
    ChatChoice,
    ChatChunk,
    ChatCompletion,
    ChatDelta,
    ChatMessage,
    ChatRequest,
    ChatUsage,
    ChunkChoice,
)
from api.openai.delivery import Delivery
from api.openai.messages import Asked
from api.openai.schemas import FootnoteAnswer, Options
from rag.generation.asking import AnswerEvent, AskRequest, DoneEvent, SentenceEvent

_REFUSED = (
    "n",
    "tools",
    "tool_choice",
    "functions",
    "function_call",
    "logprobs",
    "top_logprobs",
    "logit_bias",
    "modalities",
    "audio",
    "response_format",
    "prediction",
    "web_search_options",
)
_HARMLESS = {
    "n": (1,),
    "tool_choice": ("none", "auto"),
    "function_call": ("none", "auto"),
    "modalities": (["text"],),
    "response_format": ({"type": "text"},),
    "top_logprobs": (0,),
}
_WHY = {
    "n": "There is one answer to a question here; leave n out, or set it to 1.",
    "tools": "Footnote calls no tools; leave tools out. It always searches the documents.",
    "logprobs": "Sentences have a verdict and a support instead of log probabilities; leave logprobs out.",
    "response_format": "Answers are sentences with footnotes; leave response_format out.",
}


def wishes(request: ChatRequest) -> Wishes:
    """Raises ``ParameterRefused`` for what Footnote does not do."""
    asking.refuse({name: getattr(request, name) for name in _REFUSED}, _HARMLESS, _WHY)
    stop = request.stop or ()
    return Wishes(
        model=request.model,
        temperature=request.temperature,
        top_p=request.top_p,
        seed=request.seed,
        max_tokens=request.max_completion_tokens or request.max_tokens,
        stops=(stop,) if isinstance(stop, str) else tuple(stop),
        store=request.store is not False,
        options=request.footnote or Options(),
    )


class ChatWriter:
    """Takes the events of an answer, in order.

    Args:
        asked: the conversation, ``question`` what was made of it.
        base_url: where this service is, for addresses of sources.
        created: seconds since the epoch.
    """

    def __init__(
        self,
        request: ChatRequest,
        asked: Asked,
        question: AskRequest,
        delivery: Delivery,
        base_url: str,
        created: int,
    ) -> None:
        self._request = request
        self._asked = asked
        self._question = question
        self._delivery = delivery
        self._base_url = base_url
        self._created = created
        self._usage = request.stream_options is not None and request.stream_options.include_usage

    def opening(self) -> Iterator[bytes]:
        """The first event."""
        yield sse.data(self._chunk(ChatDelta(role="assistant", content="")))

    def written(self, event: AnswerEvent) -> Iterator[bytes]:
        """What follows from an event: nothing from drafts, which are not checked yet."""
        for chunk in self._chunks(event):
            yield sse.data(chunk)
        if isinstance(event, DoneEvent):
            yield sse.END

    def _chunks(self, event: AnswerEvent) -> Iterator[dict[str, object]]:
        if isinstance(event, SentenceEvent):
            yield from self._text(self._delivery.take(event.written))
        elif isinstance(event, DoneEvent):
            yield from self._text(self._delivery.end(event.answer.answer))
            marked = marks.of_chat(event.answer, self._delivery.text, self._base_url)
            if marked:
                yield self._chunk(ChatDelta(annotations=marked))
            yield self._chunk(ChatDelta(), finish=True, footnote=self._footnote(event))
            if self._usage:
                yield ChatChunk(**self._head(), choices=[], usage=_usage(event)).sent(with_usage=True)

    def heard(self, event: AnswerEvent) -> None:
        """Take note of an event, where nothing is streamed."""
        if isinstance(event, SentenceEvent):
            self._delivery.take(event.written)

    def whole(self, event: DoneEvent) -> ChatCompletion:
        """The completion, when the events before were ``heard``."""
        self._delivery.end(event.answer.answer)
        text = self._delivery.text
        message = ChatMessage(content=text, annotations=marks.of_chat(event.answer, text, self._base_url))
        return ChatCompletion(
            **self._head(),
            choices=[ChatChoice(message=message, finish_reason=self._delivery.finish_reason)],
            usage=_usage(event),
            footnote=self._footnote(event),
        )

    def _text(self, text: str) -> Iterator[dict[str, object]]:
        if text:
            yield self._chunk(ChatDelta(content=text))

    def _chunk(
        self, delta: ChatDelta, *, finish: bool = False, footnote: FootnoteAnswer | None = None
    ) -> dict[str, object]:
        reason = self._delivery.finish_reason if finish else None
        choice = ChunkChoice(delta=delta, finish_reason=reason)
        return ChatChunk(**self._head(), choices=[choice], footnote=footnote).sent(with_usage=self._usage)

    def _head(self) -> dict[str, Any]:
        name = naming.completion_id(self._question.answer_id)
        return {"id": name, "created": self._created, "model": self._request.model}

    def _footnote(self, event: DoneEvent) -> FootnoteAnswer:
        return asking.footnote(event.answer, self._asked, kept=self._question.keep)


def _usage(event: DoneEvent) -> ChatUsage:
    used = event.usage
    return ChatUsage(
        prompt_tokens=used.prompt_tokens,
        completion_tokens=used.completion_tokens,
        total_tokens=used.prompt_tokens + used.completion_tokens,
    )
