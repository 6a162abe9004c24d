"""What chat and responses have in common: who asks, of which documents, and how long the answer may be."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from api import representations
from api.openai import naming
from api.openai.delivery import Delivery
from api.openai.errors import ParameterRefused
from api.openai.messages import Asked
from api.openai.schemas import FootnoteAnswer, Options
from rag.generation.asking import AskRequest
from rag.generation.sampling import Sampling
from rag.records import Answer
from rag.stores.access import Access
from rag.stores.scopes import Scope

_SMALLEST_TOP_P = 1e-6
"""OpenAI allows 0, which means the likeliest token; Footnote's generator wants a little more than nothing."""
_LARGEST_SEED = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a request says besides its question. ``collections`` and ``filter`` come from its tools."""

    model: str
    temperature: float | None
    top_p: float | None
    seed: int | None
    max_tokens: int | None
    stops: tuple[str, ...]
    store: bool
    options: Options
    collections: tuple[str, ...] | None = None
    filter: Mapping[str, Any] | None = None

    def delivery(self, count: Callable[[str], int]) -> Delivery:
        return Delivery(self.stops, self.max_tokens, count)


def question(asked: Asked, wishes: Wishes, access: Access, max_citations: int, most: int) -> AskRequest:
    """The question for the answerer.

    Args:
        max_citations: of an answer from one passage, where the request does not say.
        most: of one that needs many.

    Raises ``NotFound`` (``model_not_found``), ``ParameterRefused`` for two different choices of collections.
    """
    choice = naming.chosen(wishes.model)
    options = wishes.options
    named = [
        tuple(names)
        for names in (wishes.collections, options.collections, choice.collection and (choice.collection,))
        if names
    ]
    if len(set(named)) > 1:
        raise ParameterRefused(
            "model", "Collections are named in two places; name them with the model or in the request."
        )
    return AskRequest(
        question=asked.question,
        scope=Scope(
            access,
            collections=named[0] if named else None,
            filter=_joined(wishes.filter, options.filter),
        ),
        mode=choice.mode,
        max_citations=options.max_citations or max_citations,
        survey_citations=options.max_citations or most,
        conversation=options.conversation,
        history=asked.history,
        sampling=Sampling(
            temperature=wishes.temperature,
            top_p=None if wishes.top_p is None else max(_SMALLEST_TOP_P, wishes.top_p),
            seed=None if wishes.seed is None else wishes.seed & _LARGEST_SEED,
            max_tokens=wishes.max_tokens,
        ),
        keep=wishes.store,
    )


def footnote(answer: Answer, asked: Asked, *, kept: bool) -> FootnoteAnswer:
    """The whole answer, with what the asker should know about how it was asked."""
    told = replace(answer, notes=(*answer.notes, *asked.notes))
    shown = representations.answer(told).model_dump()
    return FootnoteAnswer(**shown, receipt=answer.id if kept else None)


def refuse(given: Mapping[str, Any], harmless: Mapping[str, Sequence[Any]], why: Mapping[str, str]) -> None:
    """Raises ``ParameterRefused`` for a member that asks for something.

    Args:
        given: the members that are refused, with their values.
        harmless: values by which a member asks for nothing, besides none and what is empty.
        why: what to tell about a member; there is a sentence for all others.
    """
    for param, value in given.items():
        if value is None or value is False or value in ([], {}, "") or _among(value, harmless.get(param, ())):
            continue
        raise ParameterRefused(param, why.get(param, f"{param} is not supported; leave it out."))


def _among(value: Any, values: Iterable[Any]) -> bool:
    return any(type(value) is type(one) and value == one for one in values)


def _joined(one: Mapping[str, Any] | None, other: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    if not one or not other:
        return one or other
    if one.keys() & other.keys():
        raise ParameterRefused(
            "footnote.filter", "The same attribute is filtered in two places; use one of them."
        )
    return {**one, **other}
