"""The local model as a langchain-core chat model, for anyone's LangChain code."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LangSmithParams
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from pydantic import ConfigDict

from rag.errors import BadRequest
from rag.models.chat_formats import Message, Role, render
from rag.models.generation import FinishedEvent, FinishReason, GenerationEvent, GenerationRequest
from rag.models.generator import Generator

_ROLES: dict[str, Role] = {"system": "system", "human": "user", "ai": "assistant"}

_FINISH = {FinishReason.LENGTH: "length", FinishReason.CANCELLED: "cancelled"}
"""langchain's words; everything else is an ordinary ``stop``."""


class LocalChatModel(BaseChatModel):
    """Chat over a :class:`Generator`. Text only: no tools, no structured output, no pictures.

    ``max_tokens``, ``temperature``, ``top_p``, ``seed``, ``repeat_penalty`` and ``stop`` may be given here
    or with each call; ``citations`` with each call.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    generator: Generator
    model: str = ""
    """Name reported with answers; the model file's own by default. There is only one model to choose."""
    max_tokens: int = 256
    temperature: float = 0.0
    top_p: float = 1.0
    seed: int | None = None
    repeat_penalty: float = 1.0
    stop: list[str] | None = None

    @property
    def _llm_type(self) -> str:
        return "footnote-local"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {"model": self.model or self.generator.name, **self._sampling({})}

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> LangSmithParams:
        params = super()._get_ls_params(stop=stop or self.stop, **kwargs)
        params["ls_provider"] = "footnote"
        params["ls_model_name"] = kwargs.get("model") or self.model or self.generator.name
        return params

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        with self.generator.generate(self._request(messages, stop, kwargs)) as events:
            text, event = _collect(events)
        message = AIMessage(
            content=text,
            usage_metadata=_usage(event),
            response_metadata=self._metadata(event, kwargs),
        )
        return ChatResult(generations=[ChatGeneration(message=message)])

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        with self.generator.generate(self._request(messages, stop, kwargs)) as events:
            for event in events:
                if isinstance(event, FinishedEvent):
                    last = AIMessageChunk(
                        content="",
                        usage_metadata=_usage(event),
                        response_metadata=self._metadata(event, kwargs),
                        chunk_position="last",
                    )
                    yield ChatGenerationChunk(message=last)
                    return
                chunk = ChatGenerationChunk(message=AIMessageChunk(content=event.text))
                if run_manager:
                    run_manager.on_llm_new_token(event.text, chunk=chunk)
                yield chunk

    def _request(
        self, messages: Sequence[BaseMessage], stop: list[str] | None, kwargs: dict[str, Any]
    ) -> GenerationRequest:
        fmt = self.generator.chat_format
        citations = kwargs.get("citations")
        return GenerationRequest(
            prompt=tuple(render([_turn(message) for message in messages], fmt)),
            stop=(*fmt.stop, *(stop or self.stop or ())),
            citations=None if citations is None else tuple(citations),
            **self._sampling(kwargs),
        )

    def _sampling(self, kwargs: dict[str, Any]) -> dict[str, Any]:
        names = ("max_tokens", "temperature", "top_p", "seed", "repeat_penalty")
        return {name: kwargs[name] if kwargs.get(name) is not None else getattr(self, name) for name in names}

    def _metadata(self, event: FinishedEvent, kwargs: dict[str, Any]) -> dict[str, Any]:
        return {
            "model_name": self.model or self.generator.name,
            "model_provider": "footnote",
            "finish_reason": _FINISH.get(event.finish_reason, "stop"),
            "timings": event.timings,
        }


def _collect(events: Iterable[GenerationEvent]) -> tuple[str, FinishedEvent]:
    parts: list[str] = []
    for event in events:
        if isinstance(event, FinishedEvent):
            return "".join(parts), event
        parts.append(event.text)
    raise AssertionError("a generation ends with a finished event or an error")


def _turn(message: BaseMessage) -> Message:
    role = _ROLES.get(message.type.removesuffix("MessageChunk").lower())
    if role is None:
        raise BadRequest(
            "unsupported_message",
            f"The local model knows system, human and ai messages, not {message.type!r}; leave it out.",
        )
    if isinstance(message.content, list) and any(_kind(block) != "text" for block in message.content):
        raise BadRequest("unsupported_content", "The local model reads text only; leave out everything else.")
    return Message(role, str(message.text))


def _kind(block: str | dict[str, Any]) -> str:
    return "text" if isinstance(block, str) else str(block.get("type"))


def _usage(event: FinishedEvent) -> UsageMetadata:
    usage = event.usage
    return UsageMetadata(
        input_tokens=usage.prompt_tokens,
        output_tokens=usage.completion_tokens,
        total_tokens=usage.prompt_tokens + usage.completion_tokens,
        input_token_details={"cache_read": usage.reused_tokens},
    )
