"""``footnote docs``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from api.cli.connection import Connection
from api.cli.output import print_fields, print_json

_NAMED = ("id", "name", "collection", "source", "parent", "state", "media_type", "title", "sha256")


def list_all(service: Connection, collection: str | None, as_json: bool) -> None:
    if as_json:
        print_json(list(_all(service, collection)))
        return
    for document in _all(service, collection):
        pages = "" if document["pages"] is None else f"  {document['pages']} pages"
        place = document["source"] or document["name"]
        print(f"{document['id']}  {document['state']:<10}  {document['collection']}: {place}{pages}")


def show(service: Connection, document_id: str, as_json: bool) -> None:
    document = service.call("GET", f"/v1/documents/{document_id}")
    if as_json:
        print_json(document)
        return
    fields: dict[str, Any] = {name: document[name] for name in _NAMED}
    fields["size"] = f"{document['size']:,} bytes"
    fields["version"] = _version_in_words(document)
    fields["metadata"] = document["metadata"]
    fields["children"] = f"{document['children']:,}" if document["children"] else None
    fields["created"] = document["created_at"]
    fields["ready"] = document["ready_at"]
    fields |= quality_report(document)
    fields["near-duplicates"] = "\n".join(
        f"{one['document_id']}  {one['name']}  {one['similarity']:.0%} alike"
        for one in document["near_duplicates"]
    )
    fields["warnings"] = "\n".join(f"{one['code']}: {one['detail']}" for one in document["warnings"])
    if document["error"]:
        fields["error"] = f"{document['error']['code']}: {document['error']['detail']}"
    print_fields(fields)


def quality_report(document: Mapping[str, Any]) -> dict[str, str]:
    """What is known of how well it was read, in words; nothing before it was."""
    quality = document["quality"]
    if quality is None:
        return {}
    refined = document["refined"]
    report = {
        "text": f"{quality['characters']:,} characters, {quality['garbled']:.1%} of them garbled",
        "language": _language_in_words(quality["language"]),
        "tables": f"{quality['tables']:,}",
        "left out": f"{quality['furniture_blocks']:,} headers, footers and page numbers",
        "chunks": f"{quality['chunks']:,} with {quality['tokens']:,} tokens, "
        f"{quality['tokens_truncated']:,} of them truncated",
        "refined": f"{refined['done']:,} of {refined['total']:,} chunks",
        "found again": _share(quality["self_retrieval"], "of sampled passages, by their own words"),
    }
    if quality["pages"]:
        report["pages"] = (
            f"{quality['pages']:,}, {quality['pages_without_text']:,} of them without text, "
            f"{quality['pages_recognised']:,} read from their pictures"
        )
    return report


def versions(service: Connection, document_id: str, as_json: bool) -> None:
    found = service.call("GET", f"/v1/documents/{document_id}/versions")["data"]
    if as_json:
        print_json(found)
        return
    for one in found:
        live = "  searched" if one["live"] else ""
        failed = f"  {one['error']['code']}" if one["error"] else ""
        print(
            f"{one['version']:>4}  {one['status']:<10}  {one['state']:<10}  {one['created_at']}"
            f"  {one['size']:>12,} bytes  {one['name']}{live}{failed}"
        )


def delete(service: Connection, document_id: str, as_json: bool) -> None:
    service.call("DELETE", f"/v1/documents/{document_id}")
    if as_json:
        print_json({"deleted": document_id})
    else:
        print(f"Deleted {document_id}.")


def _version_in_words(document: Mapping[str, Any]) -> str:
    live = document["live_version"]
    if live == document["version"]:
        return f"{live}, which is searched"
    searched = "none is searched" if live is None else f"{live} is searched"
    return f"{document['version']}; {searched}"


def _language_in_words(language: Mapping[str, Any] | None) -> str:
    if language is None:
        return "too little text to tell"
    spoken = {True: "", False: "; the embedder does not speak it", None: ""}[language["spoken"]]
    return f"{language['code']} ({language['probability']:.0%}){spoken}"


def _share(share: float | None, of_what: str) -> str:
    return "not measured" if share is None else f"{share:.0%} {of_what}"


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
