"""The pure parts: how much is delivered, what a conversation asks, what a filter means."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from pydantic import TypeAdapter

from api.openai import filters, messages, naming
from api.openai.delivery import Delivery
from api.openai.errors import ParameterRefused
from api.openai.schemas import Spoken
from rag.errors import NotFound

PIECES = ["One of two. [1]", " Two of two. [2]"]


def _words(text: str) -> int:
    return len(text.split())


@pytest.mark.parametrize(
    ("stops", "most", "text", "reason"),
    [
        ([], None, "One of two. [1] Two of two. [2]", "stop"),
        ([], 8, "One of two. [1] Two of two. [2]", "stop"),
        ([], 7, "One of two. [1]", "length"),
        ([], 1, "One of two. [1]", "length"),
        (["two"], None, "One of ", "stop"),
        (["[1] Two"], None, "One of two. ", "stop"),  # begins in one piece and ends in the next
        (["nowhere", "Two"], 100, "One of two. [1] ", "stop"),
        (["[1]"], 1, "One of two. ", "stop"),
    ],
)
def test_delivery(stops: list[str], most: int | None, text: str, reason: str) -> None:
    delivery = Delivery(stops, most, _words)
    said = [delivery.take(piece) for piece in PIECES]
    said.append(delivery.end("".join(PIECES)))
    assert ("".join(said), delivery.text, delivery.finish_reason) == (text, text, reason)


def test_delivery_does_not_depend_on_where_pieces_end() -> None:
    answer = "".join(PIECES)
    for at, other in itertools.combinations(range(len(answer)), 2):
        delivery = Delivery(["two. [2"], None, _words)
        said = [delivery.take(piece) for piece in (answer[:at], answer[at:other], answer[other:])]
        assert "".join([*said, delivery.end(answer)]) == "One of two. [1] Two of "


def test_a_refusal_is_delivered_at_the_end() -> None:
    delivery = Delivery([], 1, _words)
    assert delivery.end("Not in these documents.") == "Not in these documents."


def _spoken(*said: tuple[str, Any]) -> list[Spoken]:
    return [Spoken.model_validate({"role": role, "content": content}) for role, content in said]


def test_a_conversation_is_a_question_with_exchanges() -> None:
    asked = messages.asked(_spoken(
        ("system", "Be brief."),
        ("user", "Who opened the library?"),
        ("assistant", "Ottilie Brandt. [1]"),
        ("assistant", "In 1911."),
        ("user", [{"type": "text", "text": "When was"}, {"type": "text", "text": "she born?"}]),
    ))  # fmt: skip
    assert asked.question == "When was\nshe born?"
    assert [(one.question, one.answer) for one in asked.history] == [
        ("Who opened the library?", "Ottilie Brandt. [1] In 1911.")
    ]
    assert [note.code for note in asked.notes] == ["instructions_not_used"]


def _filter(value: dict[str, Any]) -> Any:
    adapter: TypeAdapter[Any] = TypeAdapter(filters.Filters)
    return filters.translated(adapter.validate_python(value), "filters")


def test_filters_say_the_same_in_our_words() -> None:
    year = {"type": "gte", "key": "year", "value": 1900}
    name = {"type": "in", "key": "filename", "value": ["a", "b"]}
    assert _filter(year) == {"metadata.year": {"$gte": 1900}}
    both = {"type": "and", "filters": [year, {"type": "and", "filters": [name, {**year, "type": "lt"}]}]}
    assert _filter(both) == {"metadata.year": {"$gte": 1900, "$lt": 1900}, "name": {"$in": ["a", "b"]}}
    either = {"type": "or", "filters": [name, {"type": "eq", "key": "filename", "value": "c"}]}
    assert _filter(either) == {"name": {"$in": ["a", "b", "c"]}}


@pytest.mark.parametrize(
    "value",
    [
        {"type": "or", "filters": [{"type": "gt", "key": "a", "value": 1}]},
        {"type": "or", "filters": [{"type": "eq", "key": k, "value": 1} for k in "ab"]},
        {"type": "and", "filters": [{"type": "eq", "key": "a", "value": v} for v in (1, 2)]},
        {"type": "or", "filters": [{"type": "in", "key": "a", "value": list(range(501))}] * 2},
    ],
)
def test_filters_that_ours_cannot_say_are_refused(value: dict[str, Any]) -> None:
    with pytest.raises(ParameterRefused) as refused:
        _filter(value)
    assert refused.value.param == "filters"


def test_names_go_back_and_forth() -> None:
    assert naming.answer_id(naming.response_id("ans_abc")) == "ans_abc"
    assert naming.chosen("footnote-quote:a:b").collection == "a:b"
    for unknown in ("gpt-4o", "footnote:", "footnote-", ""):
        with pytest.raises(NotFound):
            naming.chosen(unknown)
