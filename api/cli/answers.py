"""``footnote answers``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from api.cli.connection import Connection
from api.cli.output import footnote, on_one_line, passage, print_fields, print_json

_PAGE = 200
_SHOWN = 72
_DELETED = "a document that was deleted"


def list_all(
    service: Connection, conversation: str | None, document: str | None, limit: int, as_json: bool
) -> None:
    wanted = {"conversation": conversation, "document": document}
    chosen = {name: value for name, value in wanted.items() if value is not None}
    found = list(islice(_all(service, chosen), limit))
    if as_json:
        print_json(found)
        return
    for answer in found:
        question = on_one_line(answer["question"])
        shortened = question if len(question) <= _SHOWN else question[: _SHOWN - 1] + "…"
        print(f"{answer['id']}  {answer['status']:<16}  {answer['freshness']:<10}  {shortened}")


def show(service: Connection, answer_id: str, as_json: bool) -> None:
    receipt = service.call("GET", f"/v1/answers/{answer_id}")
    if as_json:
        print_json(receipt)
        return
    _print_answer(receipt)
    print()
    print_fields(_fields(receipt))


def replay(service: Connection, answer_id: str, as_json: bool) -> None:
    replayed = service.call("POST", f"/v1/answers/{answer_id}/replay")
    if as_json:
        print_json(replayed)
        return
    if replayed["same"]:
        print("The same answer.")
    else:
        print("Then:\n")
        _print_answer(replayed["original"])
        print("\nNow:\n")
    _print_answer(replayed["replay"])
    citations = replayed["citations"]
    print()
    print_fields(
        {
            "replay": replayed["replay"]["id"],
            "citations": f"{len(citations['kept'])} kept, {len(citations['added'])} added, "
            f"{len(citations['removed'])} removed",
            "reasons": "\n".join(f"{one['code']}: {one['detail']}" for one in replayed["reasons"]),
        }
    )


def delete(service: Connection, answer_id: str, as_json: bool) -> None:
    service.call("DELETE", f"/v1/answers/{answer_id}")
    if as_json:
        print_json({"deleted": answer_id})
    else:
        print(f"Deleted {answer_id}.")


def _print_answer(receipt: Mapping[str, Any]) -> None:
    print(receipt["answer"].strip())
    cited: Sequence[Mapping[str, Any]] = receipt["citations"]
    if cited:
        print()
    for citation in cited:
        print(f"[{citation['number']}] {_DELETED}" if _is_deleted(citation) else footnote(citation))
    for hit in receipt["nearest"]:
        print(_DELETED if _is_deleted(hit) else passage(hit))


def _is_deleted(place: Mapping[str, Any]) -> bool:
    return bool(place["document"]["status"] == "deleted")


def _fields(receipt: Mapping[str, Any]) -> dict[str, Any]:
    model, environment = receipt["model"], receipt["environment"]
    return {
        "id": receipt["id"],
        "question": receipt["question"],
        "understood as": receipt["understood_as"],
        "status": receipt["status"],
        "notes": "\n".join(one["detail"] or one["code"] for one in receipt["notes"]),
        "freshness": receipt["freshness"],
        "given": receipt["created_at"],
        "conversation": receipt["conversation"],
        "replay of": receipt["replay_of"],
        "asked for": _pairs(receipt["request"]),
        "evidence": f"{len(receipt['evidence'])} offered, {len(receipt['citations'])} cited",
        "model": "not used" if model is None else f"{model['name']}, SHA-256 {model['sha256']}",
        "prompt": receipt["prompt_sha256"],
        "settings": _pairs(environment["settings"]),
        "software": environment["software"],
        "timings": _pairs(receipt["timings"]),
    }


def _pairs(members: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in members.items() if value is not None)


def _all(service: Connection, chosen: Mapping[str, str]) -> Iterator[Any]:
    parameters: dict[str, Any] = {"limit": _PAGE, **chosen}
    while True:
        page = service.call("GET", "/v1/answers", params=parameters)
        yield from page["data"]
        if page["next_cursor"] is None:
            return
        parameters["cursor"] = page["next_cursor"]
