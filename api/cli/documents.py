"""``footnote docs``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from api.cli.connection import Connection
from api.cli.output import print_json


def list_all(service: Connection, collection: str | None, as_json: bool) -> None:
    if as_json:
        print_json(list(_all(service, collection)))
        return
    for document in _all(service, collection):
        pages = "" if document["pages"] is None else f"  {document['pages']} pages"
        print(
            f"{document['id']}  {document['state']:<10}  {document['collection']}/{document['name']}{pages}"
        )


def show(service: Connection, document_id: str, as_json: bool) -> None:
    document = service.call("GET", f"/v1/documents/{document_id}")
    if as_json:
        print_json(document)
        return
    for name, value in document.items():
        if value not in (None, [], {}):
            print(f"{name:<20}{value}")


def delete(service: Connection, document_id: str, as_json: bool) -> None:
    service.call("DELETE", f"/v1/documents/{document_id}")
    if as_json:
        print_json({"deleted": document_id})
    else:
        print(f"Deleted {document_id}.")


def _all(service: Connection, collection: str | None) -> Iterator[Any]:
    parameters: dict[str, Any] = {"limit": 200}
    if collection is not None:
        parameters["collection"] = collection
    while True:
        page = service.call("GET", "/v1/documents", params=parameters)
        yield from page["data"]
        if page["next_cursor"] is None:
            return
        parameters["cursor"] = page["next_cursor"]
