"""What a model reads: answers and passages as text, with citations it can follow. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from mcp_types import CallToolResult, ContentBlock, ResourceLink, TextContent
from pydantic import BaseModel

from api.client.records import Answer, Citation, Document, DocumentRef, Hit, SearchAnswer

_DOUBT = {"unsupported": " (not supported by the documents)"}
TEXT_TYPE = "text/plain"


def document_uri(document_id: str) -> str:
    return f"footnote://documents/{document_id}"


def passage_uri(document: DocumentRef, start: int, end: int) -> str:
    """Names the version: what it leads to stays what was cited."""
    return f"footnote://documents/{document.id}/versions/{document.version}/text/{start}/{end}"


def answer_result(answer: Answer) -> CallToolResult:
    if answer.status == "not_in_documents":
        lines = ["Not in these documents. Say so; do not answer from memory."]
        if answer.nearest:
            lines.append("\nThe nearest passages, which do not hold the answer:")
            lines += [_passage(hit) for hit in answer.nearest]
        return result("\n".join(lines), answer, [_link(hit) for hit in answer.nearest])
    lines = []
    group = ""
    for sentence in answer.sentences:
        if sentence.group != group:
            group = sentence.group
            lines.append(f"{group}:")
        numbers = "".join(f"[{number}]" for number in sentence.citations)
        lines.append(f"{sentence.text} {numbers}{_DOUBT.get(sentence.verdict, '')}".rstrip())
    lines.append("\nSources:")
    lines += [f"[{one.number}] {_place(one)}: “{one.quote}”" for one in answer.citations]
    for conflict in answer.conflicts:
        said = ", ".join(
            f"{value} [{number}]" for number, value in zip(conflict.citations, conflict.values, strict=True)
        )
        lines.append(f"The sources disagree about {conflict.about}: {said}")
    lines += [f"Note: {note.detail}" for note in answer.notes]
    return result("\n".join(lines), answer, [_link(one) for one in answer.citations])


def search_result(found: SearchAnswer) -> CallToolResult:
    text = "\n\n".join(_passage(hit) for hit in found.hits) or "Nothing found."
    return result(text, found, [_link(hit) for hit in found.hits])


def documents_text(documents: Sequence[Document]) -> str:
    lines = [
        f"{one.id}  {one.state.value:<10}  {one.collection}: {one.source or one.name}"
        + (f", {one.pages} pages" if one.pages else "")
        for one in documents
    ]
    return "\n".join(lines) or "There are no documents."


def result(text: str, structured: BaseModel, links: Sequence[ResourceLink] = ()) -> CallToolResult:
    content: list[ContentBlock] = [TextContent(text=text), *links]
    return CallToolResult(content=content, structured_content=structured.model_dump(mode="json"))


def document_link(document: Document) -> ResourceLink:
    return ResourceLink(
        name=document.name, title=document.title, uri=document_uri(document.id), mime_type=TEXT_TYPE
    )


def _link(place: Hit | Citation) -> ResourceLink:
    return ResourceLink(
        name=_place(place),
        uri=passage_uri(place.document, place.start, place.end),
        mime_type=TEXT_TYPE,
    )


def _passage(hit: Hit) -> str:
    place = f"{hit.document.id}, version {hit.document.version}, characters {hit.start}-{hit.end}"
    return f"{_place(hit)} ({place})\n{hit.text}"


def _place(place: Hit | Citation) -> str:
    return place.document.name + (f", {place.locator}" if place.locator else "")
