"""``footnote ask`` and ``footnote search``."""

from __future__ import annotations

from typing import Any

from api.cli.connection import Connection
from api.cli.output import footnote, marks, passage, print_json

NOT_IN_DOCUMENTS = 3


def ask(service: Connection, question: str, collections: list[str] | None, mode: str, as_json: bool) -> int:
    """Print the answer, sentence by sentence as it is checked; returns the exit status."""
    body: dict[str, Any] = {"question": question, "mode": mode}
    if collections:
        body["collections"] = collections
    if as_json:
        answer = service.call("POST", "/v1/ask", json=body)
        print_json(answer)
    else:
        answer = _print_as_it_comes(service, body)
    return NOT_IN_DOCUMENTS if answer["status"] == "not_in_documents" else 0


def search(service: Connection, query: str, collections: list[str] | None, k: int, as_json: bool) -> None:
    body: dict[str, Any] = {"query": query, "k": k}
    if collections:
        body["collections"] = collections
    found = service.call("POST", "/v1/search", json=body)
    if as_json:
        print_json(found)
        return
    for hit in found["hits"]:
        print(passage(hit))
    if not found["hits"]:
        print("Nothing found.")


def _print_as_it_comes(service: Connection, body: dict[str, Any]) -> dict[str, Any]:
    answer: dict[str, Any] = {}
    group = ""
    for name, data in service.stream("/v1/ask", {**body, "stream": True}):
        if name == "sentence":
            sentence = data["sentence"]
            doubt = "" if sentence["verdict"] != "unsupported" else " (not supported by the documents)"
            if sentence["group"] != group:
                group = sentence["group"]
                if group:
                    print(f"{group}:")
            print(f"{sentence['text']} {marks(sentence['citations'])}{doubt}".rstrip(), flush=True)
        elif name == "done":
            answer = data
    if answer["status"] == "not_in_documents":
        print("Not in these documents.")
        if answer["nearest"]:
            print("\nThe nearest passages:")
        for hit in answer["nearest"]:
            print(passage(hit))
    else:
        print()
        for citation in answer["citations"]:
            print(footnote(citation))
    for conflict in answer["conflicts"]:
        said = ", ".join(
            f"{value} {marks([number])}"
            for number, value in zip(conflict["citations"], conflict["values"], strict=True)
        )
        print(f"The sources disagree about {conflict['about']}: {said}")
    for note in answer["notes"]:
        print(f"Note: {note['detail']}")
    return answer
