"""Responses through the official client: file search, typed events, continuing, looking up, deleting."""

from __future__ import annotations

import asyncio
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI, OpenAI
from openai.types import VectorStore
from openai.types.responses import Response

from tests.api.openai.library import BY_WHOM, MANY, OPENED


def _tools(store: VectorStore, **more: Any) -> Any:
    return [{"type": "file_search", "vector_store_ids": [store.id], **more}]


def _ask(client: OpenAI, place: VectorStore, question: Any = OPENED, **more: Any) -> Response:
    made: Response = client.responses.create(
        **{"model": "footnote-quote", "input": question, "tools": _tools(place), **more}
    )
    return made


def _annotations(response: Response) -> list[Any]:
    message = response.output[-1]
    assert message.type == "message"
    content = message.content[0]
    assert content.type == "output_text"
    return content.annotations


def test_a_response_cites_the_file(client: OpenAI, store: VectorStore) -> None:
    made = _ask(client, store, include=["file_search_call.results"])
    assert made.status == "completed"
    assert "1911" in made.output_text
    call = made.output[0]
    assert call.type == "file_search_call"
    assert call.queries == [OPENED]
    assert call.results
    assert "1911" in (call.results[0].text or "")
    cited = _annotations(made)[0]
    assert (cited.type, cited.filename) == ("file_citation", "harbour.txt")
    assert made.output_text[cited.index] == "["
    assert made.output_text[cited.start_index : cited.end_index] == cited.quote


def test_the_events_are_those_that_clients_expect(client: OpenAI, store: VectorStore) -> None:
    events = list(client.responses.create(
        model="footnote-quote", input=OPENED, tools=_tools(store), stream=True
    ))  # fmt: skip
    names = [event.type for event in events]
    assert names[:2] == ["response.created", "response.in_progress"]
    assert names[-1] == "response.completed"
    expected = [
        "response.output_item.added",
        "response.file_search_call.in_progress",
        "response.file_search_call.searching",
        "response.file_search_call.completed",
        "response.output_item.done",
        "response.output_item.added",
        "response.content_part.added",
        "response.output_text.delta",
        "response.output_text.annotation.added",
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
    ]
    assert list(dict.fromkeys(names[2:-1])) == list(dict.fromkeys(expected))
    assert [event.sequence_number for event in events] == list(range(len(events)))
    deltas = "".join(event.delta for event in events if event.type == "response.output_text.delta")
    completed = events[-1]
    assert completed.type == "response.completed"
    assert completed.response.output_text == deltas
    created = events[0]
    assert created.type == "response.created"
    assert created.response.id == completed.response.id


def test_the_client_s_own_stream_helper_works(client: OpenAI, store: VectorStore) -> None:
    with client.responses.stream(
        model="footnote-quote", input=OPENED, tools=_tools(store)
    ) as stream:  # fmt: skip
        for _ in stream:
            pass
        final = stream.get_final_response()
    assert "1911" in final.output_text


def test_a_response_is_continued_through_its_receipt(client: OpenAI, store: VectorStore) -> None:
    first = _ask(client, store)
    second = _ask(client, store, BY_WHOM, previous_response_id=first.id)
    third = _ask(client, store, "And when?", previous_response_id=second.id)
    assert "Brandt" in second.output_text
    assert "reading room" in _footnote(second)["understood_as"]
    assert "reading room" in _footnote(third)["understood_as"]
    assert second.previous_response_id == first.id


def _footnote(response: Response) -> dict[str, Any]:
    found: dict[str, Any] = (response.model_extra or {})["footnote"]
    return found


def test_messages_may_be_given_instead(client: OpenAI, store: VectorStore) -> None:
    first = _ask(client, store)
    said: list[Any] = [{"role": "user", "content": OPENED}]
    said += [item.model_dump() for item in first.output]
    said += [{"role": "user", "content": [{"type": "input_text", "text": BY_WHOM}]}]
    assert "Brandt" in _ask(client, store, said, instructions="Be brief.").output_text


def test_a_response_is_looked_up_and_deleted(client: OpenAI, store: VectorStore) -> None:
    made = _ask(client, store)
    again = client.responses.retrieve(made.id)
    assert again.output_text == made.output_text
    assert [one.quote for one in _annotations(again)] == [one.quote for one in _annotations(made)]
    client.responses.delete(made.id)
    with pytest.raises(openai.APIStatusError) as gone:
        client.responses.retrieve(made.id)
    assert (gone.value.status_code, gone.value.code) == (410, "answer_deleted")
    with pytest.raises(openai.APIStatusError):
        _ask(client, store, BY_WHOM, previous_response_id=made.id)


def test_what_is_not_stored_cannot_be_continued(client: OpenAI, store: VectorStore) -> None:
    made = _ask(client, store, store=False)
    with pytest.raises(openai.NotFoundError):
        _ask(client, store, BY_WHOM, previous_response_id=made.id)


def test_no_more_room_is_incomplete(client: OpenAI, store: VectorStore) -> None:
    made = _ask(client, store, MANY, max_output_tokens=1)
    assert made.status == "incomplete"
    assert made.incomplete_details is not None
    assert made.incomplete_details.reason == "max_output_tokens"


@pytest.mark.parametrize(
    ("more", "param"),
    [
        ({"tools": [{"type": "web_search"}]}, "tools.0.type"),
        ({"background": True}, "background"),
        ({"conversation": "conv_1"}, "conversation"),
        ({"text": {"format": {"type": "json_object"}}}, "text"),
        ({"input": [{"type": "function_call_output", "call_id": "1", "output": "x"}]}, "input.0"),
    ],
)
def test_what_cannot_be_done_is_refused_by_name(
    client: OpenAI, store: VectorStore, more: dict[str, Any], param: str
) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        _ask(client, store, **{"question": more.pop("input", OPENED), **more})
    assert refused.value.param == param


def test_the_asynchronous_client_gets_the_same(base_url: str, store: VectorStore) -> None:
    async def ask() -> str:
        async with AsyncOpenAI(base_url=base_url, api_key="unused") as client:
            stream = await client.responses.create(
                model="footnote-quote", input=OPENED, tools=_tools(store), stream=True
            )
            return "".join([e.delta async for e in stream if e.type == "response.output_text.delta"])

    assert "1911" in asyncio.run(ask())
