"""Chat completions through the official client: whole, streamed, synchronous, asynchronous, refused."""

from __future__ import annotations

import asyncio
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI, OpenAI
from openai.types import VectorStore
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from tests.api.openai.library import BY_WHOM, MANY, OPENED, UNKNOWN

MODEL = "footnote:harbour"


def _ask(client: OpenAI, question: str = OPENED, **more: Any) -> ChatCompletion:
    messages: Any = more.pop("messages", [{"role": "user", "content": question}])
    made: ChatCompletion = client.chat.completions.create(
        **{"model": MODEL, "messages": messages, "temperature": 0, **more}
    )
    return made


def _stream(client: OpenAI, **more: Any) -> list[ChatCompletionChunk]:
    messages: Any = [{"role": "user", "content": OPENED}]
    return list(
        client.chat.completions.create(**{"model": MODEL, "messages": messages, "stream": True, **more})
    )


def _extra(of: Any, name: str) -> Any:
    """A member that the client's own types do not have."""
    return of.model_extra[name]


def test_an_answer_has_footnotes_that_can_be_looked_up(
    client: OpenAI, store: VectorStore, running: Any
) -> None:
    made = _ask(client)
    (choice,) = made.choices
    text = choice.message.content
    assert text is not None
    assert (choice.finish_reason, choice.message.role) == ("stop", "assistant")
    assert "1911" in text
    files = [one for one in choice.message.annotations or [] if _type(one) == "file_citation"]
    links = [one for one in choice.message.annotations or [] if _type(one) == "url_citation"]
    assert len(files) == len(links) > 0
    sentences = {one["text"] for one in _extra(made, "footnote")["sentences"]}
    with running.client() as http:
        for link, file in zip(links, files, strict=True):
            cited = _extra(file, "file_citation")
            assert cited["filename"] == "harbour.txt"
            assert text[cited["start_index"] : cited["end_index"]] in sentences
            assert text[cited["index"]] == "["
            assert http.get(link.url_citation.url).json()["text"] == cited["quote"]
            assert (link.url_citation.start_index, link.url_citation.end_index) == (
                cited["start_index"],
                cited["end_index"],
            )


def _type(annotation: Any) -> str:
    return str(annotation.type)


def test_every_sentence_has_a_verdict_and_the_answer_a_receipt(
    client: OpenAI, store: VectorStore, running: Any
) -> None:
    footnote = _extra(_ask(client), "footnote")
    assert {one["verdict"] for one in footnote["sentences"]} <= {"verbatim", "supported", "unsupported"}
    with running.client() as http:
        kept = http.get(f"/v1/answers/{footnote['receipt']}").json()
    assert (kept["id"], kept["answer"]) == (footnote["id"], footnote["answer"])


def test_what_is_not_stored_has_no_receipt(client: OpenAI, store: VectorStore, running: Any) -> None:
    footnote = _extra(_ask(client, store=False), "footnote")
    assert footnote["receipt"] is None
    with running.client() as http:
        assert http.get(f"/v1/answers/{footnote['id']}").status_code == 404


def test_a_stream_adds_up_to_the_whole(client: OpenAI, store: VectorStore) -> None:
    whole = _ask(client, model="footnote-quote:harbour")
    chunks = _stream(client, model="footnote-quote:harbour")
    deltas = [chunk.choices[0].delta for chunk in chunks]
    assert deltas[0].role == "assistant"
    text = "".join(delta.content or "" for delta in deltas)
    assert text == whole.choices[0].message.content
    assert [chunk.choices[0].finish_reason for chunk in chunks][-1] == "stop"
    assert {chunk.id for chunk in chunks} == {chunks[0].id}
    (annotated,) = [delta for delta in deltas if "annotations" in (delta.model_extra or {})]
    assert [one["type"] for one in _extra(annotated, "annotations")] == [
        _type(one) for one in whole.choices[0].message.annotations or []
    ]
    assert _extra(chunks[-1], "footnote")["answer"] == text


def test_usage_comes_last_where_it_is_asked_for(client: OpenAI, store: VectorStore) -> None:
    *others, last = _stream(client, stream_options={"include_usage": True})
    assert last.choices == []
    assert last.usage is not None
    assert last.usage.total_tokens == last.usage.prompt_tokens + last.usage.completion_tokens
    assert all(chunk.usage is None for chunk in others)
    assert all(chunk.usage is None for chunk in _stream(client))


def test_quoting_takes_no_tokens(client: OpenAI, store: VectorStore) -> None:
    made = _ask(client, model="footnote-quote:harbour")
    assert made.usage is not None
    assert made.usage.total_tokens == 0
    assert _extra(made, "footnote")["model"] is None


def test_what_is_not_there_is_said_plainly(client: OpenAI, store: VectorStore) -> None:
    made = _ask(client, UNKNOWN)
    assert made.choices[0].message.content == "Not in these documents."
    assert made.choices[0].message.annotations == []
    assert _extra(made, "footnote")["status"] == "not_in_documents"
    assert _extra(made, "footnote")["nearest"]


def test_a_follow_up_is_understood_from_the_messages(client: OpenAI, store: VectorStore) -> None:
    first = _ask(client)
    messages = [
        {"role": "system", "content": "You are a pirate."},
        {"role": "user", "content": OPENED},
        {"role": "assistant", "content": first.choices[0].message.content},
        {"role": "user", "content": [{"type": "text", "text": BY_WHOM}]},
    ]
    footnote = _extra(_ask(client, messages=messages), "footnote")
    assert "reading room" in footnote["understood_as"]
    assert "Brandt" in footnote["answer"]
    assert "instructions_not_used" in {note["code"] for note in footnote["notes"]}


def test_an_answer_ends_with_a_sentence_when_there_is_no_more_room(
    client: OpenAI, store: VectorStore
) -> None:
    whole = _ask(client, MANY, model="footnote-quote:harbour")
    assert len(_extra(whole, "footnote")["sentences"]) > 1
    short = _ask(client, MANY, model="footnote-quote:harbour", max_completion_tokens=1)
    text, longer = short.choices[0].message.content, whole.choices[0].message.content
    assert short.choices[0].finish_reason == "length"
    assert text
    assert longer
    assert longer.startswith(text)
    assert len(text) < len(longer)
    cited = [_extra(one, "file_citation") for one in (short.choices[0].message.annotations or [])[1::2]]
    assert all(one["index"] < len(text) for one in cited)


def test_a_stop_string_ends_an_answer(client: OpenAI, store: VectorStore) -> None:
    made = _ask(client, model="footnote-quote:harbour", stop=["1911", "nothing"])
    text = made.choices[0].message.content
    assert text is not None
    assert text.endswith("3 May ")
    streamed = _stream(client, model="footnote-quote:harbour", stop="1911")
    assert "".join(chunk.choices[0].delta.content or "" for chunk in streamed) == text


@pytest.mark.parametrize(
    ("param", "value"),
    [
        ("n", 2),
        ("tools", [{"type": "function", "function": {"name": "f", "parameters": {}}}]),
        ("logprobs", True),
        ("modalities", ["text", "audio"]),
        ("response_format", {"type": "json_object"}),
        ("logit_bias", {"50256": -100}),
        ("tool_choice", "required"),
    ],
)
def test_what_cannot_be_done_is_refused_by_name(client: OpenAI, param: str, value: Any) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        _ask(client, **{param: value})
    assert (refused.value.param, refused.value.code) == (param, "unsupported_parameter")
    assert refused.value.type == "invalid_request_error"


def test_what_asks_for_nothing_is_not_refused(client: OpenAI, store: VectorStore) -> None:
    harmless: dict[str, Any] = {
        "n": 1,
        "tools": [],
        "logprobs": False,
        "response_format": {"type": "text"},
        "user": "u",
        "seed": -1,
        "top_p": 0,
        "frequency_penalty": 0.5,
        "metadata": {"a": "b"},
        "service_tier": "auto",
        "extra_body": {"nobody_knows": {"this": 1}},
    }
    assert _ask(client, model="footnote-quote:harbour", **harmless).choices[0].message.content


@pytest.mark.parametrize(
    ("messages", "code"),
    [
        ([{"role": "user", "content": [{"type": "image_url"}]}], "unsupported_content"),
        ([{"role": "user", "content": "x"}, {"role": "assistant", "content": "y"}], "unsupported_message"),
        ([{"role": "tool", "content": "x", "tool_call_id": "1"}], "unsupported_message"),
        ([{"role": "user", "content": "  "}], "unsupported_message"),
        ([{"role": "wizard", "content": "x"}], "invalid_request"),
    ],
)  # fmt: skip
def test_messages_that_make_no_question_are_refused(
    client: OpenAI, messages: list[dict[str, Any]], code: str
) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        _ask(client, messages=messages)
    assert refused.value.code == code
    assert str(refused.value.param).startswith("messages")


def test_a_model_or_collection_that_is_not_there_is_not_found(client: OpenAI) -> None:
    for model, code in (("gpt-4o", "model_not_found"), ("footnote:nowhere", "collection_not_found")):
        for stream in (False, True):
            with pytest.raises(openai.NotFoundError) as missing:
                _ask(client, model=model, stream=stream)
            assert missing.value.code == code


def test_a_collection_may_be_chosen_in_the_body(client: OpenAI, store: VectorStore) -> None:
    chosen = {"footnote": {"collections": ["harbour"], "max_citations": 1}}
    made = _ask(client, model="footnote-quote", extra_body=chosen)
    assert len(_extra(made, "footnote")["citations"]) == 1
    with pytest.raises(openai.BadRequestError) as refused:
        _ask(client, model="footnote:default", extra_body=chosen)
    assert refused.value.param == "model"


def test_the_asynchronous_client_gets_the_same(base_url: str, store: VectorStore) -> None:
    async def ask() -> tuple[str, str]:
        async with AsyncOpenAI(base_url=base_url, api_key="unused") as client:
            messages: Any = [{"role": "user", "content": OPENED}]
            whole = await client.chat.completions.create(model="footnote-quote:harbour", messages=messages)
            stream = await client.chat.completions.create(
                model="footnote-quote:harbour", messages=messages, stream=True
            )
            parts = [chunk.choices[0].delta.content or "" async for chunk in stream]
            return whole.choices[0].message.content or "", "".join(parts)

    whole, streamed = asyncio.run(ask())
    assert whole == streamed
    assert "1911" in whole


def test_the_client_s_own_stream_helper_works(client: OpenAI, store: VectorStore) -> None:
    messages: Any = [{"role": "user", "content": OPENED}]
    with client.chat.completions.stream(model="footnote-quote:harbour", messages=messages) as stream:
        said = "".join(event.delta for event in stream if event.type == "content.delta")
        final = stream.get_final_completion()
    assert final.choices[0].message.content == said
    assert "1911" in said
