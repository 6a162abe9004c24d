"""Footnotes as annotations of a message. Indices count code points of the message's text.

``start_index`` and ``end_index`` are those of the sentence that rests on the source, ``index`` is where the
footnote mark stands. The address is that of the quotation itself, to be compared with the quote.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from rag.records import Answer, AnswerSentence, Citation


class UrlCitation(BaseModel):
    start_index: int
    end_index: int
    title: str
    url: str


class FileCitation(BaseModel):
    """``quote`` is verbatim from that version of the file; ``locator`` says in words where it stands."""

    file_id: str
    filename: str
    index: int
    start_index: int
    end_index: int
    quote: str
    version: int
    page: int | None
    locator: str
    url: str


class UrlAnnotation(BaseModel):
    type: Literal["url_citation"] = "url_citation"
    url_citation: UrlCitation


class FileAnnotation(BaseModel):
    type: Literal["file_citation"] = "file_citation"
    file_citation: FileCitation


class FlatFileAnnotation(FileCitation):
    """As ``/v1/responses`` has it."""

    type: Literal["file_citation"] = "file_citation"


ChatAnnotation = Annotated[UrlAnnotation | FileAnnotation, Field(discriminator="type")]


@dataclass(frozen=True, slots=True)
class _Mark:
    sentence: AnswerSentence
    citation: Citation
    index: int


def of_chat(answer: Answer, text: str, base_url: str) -> list[ChatAnnotation]:
    """Two for each footnote mark in ``text``, which is the answer's or a beginning of it: the form that
    OpenAI's own messages have, and the one that names the file."""
    found: list[ChatAnnotation] = []
    for mark in _marks(answer, text):
        cited = _file_citation(mark, base_url)
        named = f"{cited.filename}, {cited.locator}" if cited.locator else cited.filename
        found.append(
            UrlAnnotation(
                url_citation=UrlCitation(
                    start_index=cited.start_index, end_index=cited.end_index, title=named, url=cited.url
                )
            )
        )
        found.append(FileAnnotation(file_citation=cited))
    return found


def of_response(answer: Answer, text: str, base_url: str) -> list[FlatFileAnnotation]:
    """One for each footnote mark in ``text``."""
    return [
        FlatFileAnnotation(**_file_citation(mark, base_url).model_dump()) for mark in _marks(answer, text)
    ]


def _marks(answer: Answer, text: str) -> Iterator[_Mark]:
    """The footnote marks that are delivered. They follow their sentence after one space."""
    citations = {citation.number: citation for citation in answer.citations}
    for sentence in answer.sentences:
        at = sentence.end + 1
        for number in sentence.citations:
            mark = f"[{number}]"
            if text.startswith(mark, at) and number in citations:
                yield _Mark(sentence, citations[number], at)
            at += len(mark)


def _file_citation(mark: _Mark, base_url: str) -> FileCitation:
    cited = mark.citation
    where = f"start={cited.start}&end={cited.end}&version={cited.document.version}"
    return FileCitation(
        file_id=cited.document.id,
        filename=cited.document.name,
        index=mark.index,
        start_index=mark.sentence.start,
        end_index=mark.sentence.end,
        quote=cited.quote,
        version=cited.document.version,
        page=cited.page,
        locator=cited.locator,
        url=f"{base_url.rstrip('/')}/v1/documents/{cited.document.id}/text?{where}",
    )
