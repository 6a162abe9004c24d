"""A response made of the events of an answer, whole or as typed events. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from api import sse
from api.openai import asking, filters, marks, naming
from api.openai.asking import Wishes
from api.openai.delivery import Delivery
from api.openai.errors import ParameterRefused
from api.openai.messages import Asked
from api.openai.response_schemas import (
    FileSearchCall,
    Incomplete,
    InputDetails,
    OutputDetails,
    OutputMessage,
    OutputText,
    Response,
    ResponseRequest,
    ResponseUsage,
    SearchResult,
    Tool,
)
from api.openai.schemas import Options, Spoken
from api.openai.scores import likeness
from rag.generation.asking import AnswerEvent, AskRequest, DoneEvent, RetrievalEvent, SentenceEvent
from rag.records import Answer, Passage

_REFUSED = (
    "tool_choice",
    "text",
    "background",
    "conversation",
    "prompt",
    "top_logprobs",
    "max_tool_calls",
)
_HARMLESS = {
    "tool_choice": ("auto", "required", "none", {"type": "file_search"}),
    "text": ({"format": {"type": "text"}}, {"format": {"type": "text"}, "verbosity": "medium"}),
    "top_logprobs": (0,),
}
_WHY = {
    "conversation": "Continue with previous_response_id; leave conversation out.",
    "background": "Answers take seconds; leave background out.",
    "text": "Answers are sentences with footnotes; leave text.format out.",
}
_RESULTS = "file_search_call.results"
_PASSED_OVER = ("file_search_call", "reasoning")


def spoken(request: ResponseRequest) -> list[Spoken]:
    """The input as messages. Raises ``ParameterRefused`` for items that are none."""
    told = [Spoken(role="system", content=request.instructions)] if request.instructions else []
    if isinstance(request.input, str):
        return [*told, Spoken(role="user", content=request.input)]
    for place, item in enumerate(request.input):
        if item.type in _PASSED_OVER:
            continue
        if item.type != "message" or item.role is None:
            raise ParameterRefused(
                f"input.{place}",
                "Only messages are read here; leave the other items out.",
                "unsupported_message",
            )
        told.append(Spoken(role=item.role, content=item.content))
    return told


def wishes(request: ResponseRequest) -> Wishes:
    """Raises ``ParameterRefused`` for what Footnote does not do."""
    asking.refuse({name: getattr(request, name) for name in _REFUSED}, _HARMLESS, _WHY)
    tool = _file_search(request.tools or ())
    return Wishes(
        model=request.model,
        temperature=request.temperature,
        top_p=request.top_p,
        seed=None,
        max_tokens=request.max_output_tokens,
        stops=(),
        store=request.store is not False,
        options=request.footnote or Options(),
        collections=tuple(tool.vector_store_ids) or None if tool else None,
        filter=filters.translated(tool.filters, "tools.0.filters") if tool else None,
    )


def _file_search(tools: Sequence[Tool]) -> Tool | None:
    for place, tool in enumerate(tools):
        if tool.type != "file_search":
            raise ParameterRefused(
                f"tools.{place}.type", f"Footnote has no tool {tool.type!r}; use file_search or none."
            )
    if len(tools) > 1:
        raise ParameterRefused("tools", "Name all vector stores in one file_search tool.")
    return tools[0] if tools else None


def of_receipt(answer: Answer, created: float, base_url: str) -> Response:
    """A response that was given before, as it is now."""
    message = OutputMessage(
        id=_message_id(answer.id),
        status="completed",
        content=[
            OutputText(text=answer.answer, annotations=marks.of_response(answer, answer.answer, base_url))
        ],
    )
    return Response(
        id=naming.response_id(answer.id),
        created_at=int(created),
        status="completed",
        model="footnote",
        output=[message],
        footnote=asking.footnote(answer, Asked(""), kept=True),
    )


class ResponseWriter:
    """Takes the events of an answer, in order; see ``ChatWriter``."""

    def __init__(
        self,
        request: ResponseRequest,
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
        self._tool = _file_search(request.tools or ())
        self._calls: list[FileSearchCall] = []
        self._number = 0

    def opening(self) -> Iterator[bytes]:
        started = {"response": self._response("in_progress").model_dump(mode="json")}
        yield self._event("response.created", started)
        yield self._event("response.in_progress", started)

    def written(self, event: AnswerEvent) -> Iterator[bytes]:
        """What follows from an event: nothing from drafts, which are not checked yet."""
        match event:
            case RetrievalEvent():
                yield from self._searched(event)
                yield from self._message_begins()
            case SentenceEvent():
                yield from self._text(self._delivery.take(event.written))
            case DoneEvent():
                yield from self._message_ends(event)

    def heard(self, event: AnswerEvent) -> None:
        """Take note of an event, where nothing is streamed."""
        if isinstance(event, RetrievalEvent):
            self._note_search(event.passages)
        elif isinstance(event, SentenceEvent):
            self._delivery.take(event.written)

    def whole(self, event: DoneEvent) -> Response:
        """The response, when the events before were ``heard``."""
        self._delivery.end(event.answer.answer)
        return self._finished(event)

    def _searched(self, event: RetrievalEvent) -> Iterator[bytes]:
        self._note_search(event.passages)
        for call in self._calls:
            begun = call.model_copy(update={"status": "in_progress", "results": None})
            where = {"output_index": 0, "item_id": call.id}
            yield self._event("response.output_item.added", {"output_index": 0, "item": begun})
            for state in ("in_progress", "searching", "completed"):
                yield self._event(f"response.file_search_call.{state}", where)
            yield self._event("response.output_item.done", {"output_index": 0, "item": call})

    def _note_search(self, passages: Sequence[Passage]) -> None:
        if self._tool is None:
            return
        shown = None
        if _RESULTS in (self._request.include or ()):
            least = self._tool.ranking_options.score_threshold if self._tool.ranking_options else 0.0
            found = [_result(one) for one in passages]
            shown = [one for one in found if one.score >= least][: self._tool.max_num_results]
        self._calls = [
            FileSearchCall(
                id=f"fs_{_suffix(self._question.answer_id)}",
                status="completed",
                queries=[self._asked.question],
                results=shown,
            )
        ]

    def _message_begins(self) -> Iterator[bytes]:
        yield self._event(
            "response.output_item.added", {"item": self._message("in_progress", [])}, message=True
        )
        part = OutputText(text="", annotations=[])
        yield self._event("response.content_part.added", {"part": part}, content=True)

    def _text(self, text: str) -> Iterator[bytes]:
        if text:
            said = {"delta": text, "logprobs": []}
            yield self._event("response.output_text.delta", said, content=True)

    def _message_ends(self, event: DoneEvent) -> Iterator[bytes]:
        yield from self._text(self._delivery.end(event.answer.answer))
        part = self._part(event)
        for place, one in enumerate(part.annotations):
            noted = {"annotation": one, "annotation_index": place}
            yield self._event("response.output_text.annotation.added", noted, content=True)
        text = {"text": part.text, "logprobs": []}
        yield self._event("response.output_text.done", text, content=True)
        yield self._event("response.content_part.done", {"part": part}, content=True)
        response = self._finished(event)
        yield self._event("response.output_item.done", {"item": response.output[-1]}, message=True)
        yield self._event(f"response.{response.status}", {"response": response})

    def _finished(self, event: DoneEvent) -> Response:
        cut = self._delivery.finish_reason == "length"
        message = self._message("incomplete" if cut else "completed", [self._part(event)])
        return self._response("incomplete" if cut else "completed").model_copy(
            update={
                "incomplete_details": Incomplete(reason="max_output_tokens") if cut else None,
                "output": [*self._calls, message],
                "usage": _usage(event),
                "footnote": asking.footnote(event.answer, self._asked, kept=self._question.keep),
            }
        )

    def _part(self, event: DoneEvent) -> OutputText:
        text = self._delivery.text
        return OutputText(text=text, annotations=marks.of_response(event.answer, text, self._base_url))

    def _message(self, status: Any, content: list[OutputText]) -> OutputMessage:
        return OutputMessage(id=_message_id(self._question.answer_id), status=status, content=content)

    def _response(self, status: Any) -> Response:
        asked = self._request
        return Response(
            id=naming.response_id(self._question.answer_id),
            created_at=self._created,
            status=status,
            instructions=asked.instructions,
            max_output_tokens=asked.max_output_tokens,
            metadata=asked.metadata or {},
            model=asked.model,
            output=[],
            previous_response_id=asked.previous_response_id,
            store=self._question.keep,
            temperature=asked.temperature,
            tools=[tool.model_dump(mode="json", exclude_none=True) for tool in asked.tools or ()],
            top_p=asked.top_p,
        )

    def _event(
        self, name: str, members: Mapping[str, Any], *, message: bool = False, content: bool = False
    ) -> bytes:
        """An event with its number. Those of the message say which item, those of its text which part."""
        data: dict[str, Any] = {"type": name, "sequence_number": self._number}
        self._number += 1
        if message or content:
            data["output_index"] = len(self._calls)
        if content:
            data |= {"item_id": _message_id(self._question.answer_id), "content_index": 0}
        for key, value in members.items():
            data[key] = value.model_dump(mode="json") if isinstance(value, BaseModel) else value
        return sse.event(name, data)


def _result(passage: Passage) -> SearchResult:
    return SearchResult(
        file_id=passage.document.id,
        filename=passage.document.name,
        score=likeness(passage),
        text=passage.text,
        attributes={},
    )


def _usage(event: DoneEvent) -> ResponseUsage:
    used = event.usage
    return ResponseUsage(
        input_tokens=used.prompt_tokens,
        input_tokens_details=InputDetails(cached_tokens=used.reused_tokens),
        output_tokens=used.completion_tokens,
        output_tokens_details=OutputDetails(),
        total_tokens=used.prompt_tokens + used.completion_tokens,
    )


def _message_id(answer_id: str) -> str:
    return f"msg_{_suffix(answer_id)}"


def _suffix(answer_id: str) -> str:
    return answer_id.partition("_")[2]
