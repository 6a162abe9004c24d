"""Asking again: the same question over what is there today, and what has changed since. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from rag.generation.asking import AskMode, AskRequest
from rag.generation.receipts import Shown
from rag.records import Citation, ModelIdentity, Notice, VersionStatus
from rag.stores.access import Access
from rag.stores.receipt import Receipt
from rag.stores.scopes import Scope

_Place = tuple[str, int, int]
_NAMED = 5


@dataclass(frozen=True, slots=True)
class KeptCitation:
    """The same place in the same document, under its number in either answer."""

    before: int
    after: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two answers to one question. ``added`` are footnote numbers of the second, ``removed`` of the first.

    ``reasons`` are differences between the two askings that may explain a difference between the answers.
    """

    same: bool
    kept: tuple[KeptCitation, ...]
    added: tuple[int, ...]
    removed: tuple[int, ...]
    reasons: tuple[Notice, ...]


def request_again(receipt: Receipt, access: Access) -> AskRequest:
    """The request that asks what the receipt's did, as it was understood and outside its conversation, of
    what the one who asks now may see."""
    asked = receipt.request
    return AskRequest(
        question=receipt.understood,
        scope=Scope(access, asked.collections, asked.filter),
        mode=AskMode(asked.mode),
        max_citations=asked.max_citations,
        survey_citations=asked.survey_citations,
        replay_of=receipt.id,
        anew=True,
    )


def compare(before: Shown, after: Shown) -> Comparison:
    """What became of an answer. Both are as they are now: what was deleted shows in ``before``."""
    old, new = _numbers(before.answer.citations), _numbers(after.answer.citations)
    return Comparison(
        same=before.answer.answer == after.answer.answer,
        kept=tuple(KeptCitation(number, new[place]) for place, number in old.items() if place in new),
        added=tuple(number for place, number in new.items() if place not in old),
        removed=tuple(number for place, number in old.items() if place not in new),
        reasons=tuple(_reasons(before, after)),
    )


def _numbers(citations: Iterable[Citation]) -> dict[_Place, int]:
    return {(one.document.id, one.start, one.end): one.number for one in citations}


def _reasons(before: Shown, after: Shown) -> Iterator[Notice]:
    old, new = before.receipt, after.receipt
    for status, what in (
        (VersionStatus.SUPERSEDED, "have a newer version"),
        (VersionStatus.DELETED, "were deleted"),
    ):
        found = {item.document.id for item in before.evidence if item.document.status is status}
        if found:
            yield Notice(f"document_{status.value}", f"Documents that were drawn on {what}: {_list(found)}.")
    if _evidence(before) != _evidence(after):
        yield Notice("evidence_changed", "Other passages were found, or in another order.")
    if old.model is not None and new.model is not None and old.model != new.model:
        yield Notice("model_changed", f"Written by {_name(old.model)} then, by {_name(new.model)} now.")
    if (old.model is None) != (new.model is None):
        when = "then" if old.model is None else "now"
        yield Notice("model_not_used", f"The language model had no part in the answer {when}.")
    if old.environment.spaces != new.environment.spaces:
        yield Notice("embedder_changed", "Meaning is compared by another model.")
    if old.environment.software != new.environment.software:
        software = f"{old.environment.software} then, {new.environment.software} now"
        yield Notice("software_changed", f"Footnote {software}.")
    changed = _changed(old, new)
    if changed:
        yield Notice("settings_changed", f"Other values of {_list(changed)}.")
    if old.prompt_sha256 and new.prompt_sha256 and old.prompt_sha256 != new.prompt_sha256:
        yield Notice("prompt_changed", "The language model was sent another text.")


def _evidence(shown: Shown) -> list[tuple[str, int, int, int]]:
    return [(item.document.id, item.document.version, item.start, item.end) for item in shown.evidence]


def _changed(old: Receipt, new: Receipt) -> set[str]:
    then, now = old.environment.settings, new.environment.settings
    return {name for name in then.keys() | now.keys() if then.get(name) != now.get(name)}


def _name(model: ModelIdentity) -> str:
    return f"{model.name} ({model.sha256[:12]})" if model.sha256 else model.name


def _list(names: Collection[str]) -> str:
    shown = sorted(names)[:_NAMED]
    more = len(names) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")
