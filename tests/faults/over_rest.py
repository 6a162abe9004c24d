"""A running service as its clients see it: for the oracle, and for clients that make trouble."""

from __future__ import annotations

import time
from typing import Any

import httpx

PATIENCE_SECONDS = 60.0
_POLL_SECONDS = 0.03
_GONE = (404, 410)


class Unexpected(Exception):
    """The service answered what it must never answer."""


class Client:
    """One client. Raises ``httpx.TransportError`` when the service dies meanwhile."""

    def __init__(self, http: httpx.Client) -> None:
        self._http = http

    def upload(self, text: str, key: str) -> httpx.Response:
        """A new document. The same ``key`` is the same request, however often it is made."""
        return self._http.post("/v1/documents", headers={"Idempotency-Key": key}, files=_file(text))

    def replace(self, document_id: str, text: str, key: str) -> httpx.Response:
        headers = {"Idempotency-Key": key}
        return self._http.put(f"/v1/documents/{document_id}", headers=headers, files=_file(text))

    def delete(self, document_id: str) -> httpx.Response:
        return self._http.delete(f"/v1/documents/{document_id}")

    def ask(self, question: str) -> httpx.Response:
        return self._http.post("/v1/ask", json={"question": question, "mode": "quote"})

    def answer(self, answer_id: str) -> httpx.Response:
        return self._http.get(f"/v1/answers/{answer_id}")

    def search(self, query: str, k: int = 5) -> httpx.Response:
        return self._http.post("/v1/search", json={"query": query, "k": k})

    def file(self, document_id: str) -> bytes | None:
        answer = self._http.get(f"/v1/documents/{document_id}/file")
        return None if answer.status_code in _GONE else _good(answer).content

    def text(self, document_id: str) -> str | None:
        answer = self._http.get(f"/v1/documents/{document_id}/text")
        return None if answer.status_code in _GONE else str(_good(answer).json()["text"])

    def found(self, word: str) -> list[str]:
        hits = _good(self.search(word)).json()["hits"]
        return [hit["document"]["id"] for hit in hits if word in hit["text"]]

    def wait_until_idle(self) -> None:
        """Wait until no job waits or runs. Raises ``Unexpected`` when that takes too long."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            counts: dict[str, Any] = _good(self._http.get("/v1/queue")).json()
            if not _waiting(counts):
                return
            time.sleep(_POLL_SECONDS)
        raise Unexpected("jobs are still waiting or running after a minute")


def _waiting(overview: dict[str, Any]) -> int:
    states = overview.get("jobs", overview)
    return int(states.get("queued", 0)) + int(states.get("running", 0))


def _file(text: str) -> dict[str, tuple[str, bytes]]:
    return {"file": (f"{text.split(maxsplit=1)[0]}.txt", text.encode())}


def _good(answer: httpx.Response) -> httpx.Response:
    if answer.status_code != 200:
        raise Unexpected(
            f"{answer.request.method} {answer.request.url.path}: {answer.status_code} {answer.text}"
        )
    return answer
