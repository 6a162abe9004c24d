"""What an evaluation asks of the service, always within the same collections."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from api.cli.connection import Connection, Refused

_TRIES = 5
_PAUSE_SECONDS = 1.0
CITATIONS = 3
_ANEW = {"Cache-Control": "no-cache"}  # what is measured is answering, not remembering


class Asking:
    """Search and answers of ``service`` within ``collections`` (none: all). Waits while it is busy."""

    def __init__(self, service: Connection, collections: Sequence[str]) -> None:
        self.service = service
        self._scope = {"collections": list(collections)} if collections else {}

    def search(self, query: str, k: int, filter_: Mapping[str, Any] | None = None) -> Any:
        return self._post("/v1/search", {"query": query, "k": k}, filter_)

    def ask(self, question: str, filter_: Mapping[str, Any] | None = None, mode: str = "quote") -> Any:
        body = {"question": question, "mode": mode, "max_citations": CITATIONS}
        return self._post("/v1/ask", body, filter_)

    def forget(self, answer: Mapping[str, Any]) -> None:
        """Delete the receipt of an answer: nobody asked these questions, and there are hundreds."""
        with suppress(Refused):
            self.service.call("DELETE", f"/v1/answers/{answer['id']}")

    def stored(self, citation: Mapping[str, Any]) -> str:
        """The text that stands where a citation says it was taken from."""
        document = citation["document"]
        place = {"start": citation["start"], "end": citation["end"], "version": document["version"]}
        return str(self.service.call("GET", f"/v1/documents/{document['id']}/text", params=place)["text"])

    def _post(self, path: str, body: dict[str, Any], filter_: Mapping[str, Any] | None) -> Any:
        wanted = body | self._scope | ({"filter": filter_} if filter_ else {})
        for left in reversed(range(_TRIES)):
            try:
                return self.service.call("POST", path, json=wanted, headers=_ANEW)
            except Refused as refused:
                if not refused.passing or not left:
                    raise
                time.sleep(_PAUSE_SECONDS)
        raise AssertionError("the last try returns or raises")
