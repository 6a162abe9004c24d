"""The client itself."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self

import httpx

from api.client.addressing import resolve
from api.client.aio.answers import AsyncAnswers, AsyncAnswerStream
from api.client.aio.documents import AsyncDocuments
from api.client.aio.jobs import AsyncJobs
from api.client.aio.library import AsyncCollections, AsyncConversations, AsyncKeys
from api.client.aio.wire import AsyncWire, given
from api.client.errors import TimedOut, Unavailable, Unreachable
from api.client.patience import DEFAULT_SECONDS
from api.client.records import Answer, AskMode, Readiness, SearchAnswer, SearchMode

_TIMEOUT = 600.0
_POLL_SECONDS = 0.2


class AsyncFootnote:
    """A Footnote service.

    Every method raises ``Refused`` (by what the caller can do: ``NotFound``, ``Busy`` …) or ``Unreachable``.
    What is refused with a time to come back (429, 503) is asked again then, within ``patience``.

    Args:
        url: by default ``FOOTNOTE_URL``, or ``http://127.0.0.1:8321``.
        key: by default ``FOOTNOTE_KEY``; needed only where the service has keys.
        patience: seconds that one call may wait for a busy service altogether; 0 never waits.
        timeout: seconds without any byte of an answer.
        transport: httpx's own way of reaching a service that listens nowhere.

    Raises ``ValueError`` for an address that is none.
    """

    def __init__(
        self,
        url: str | None = None,
        *,
        key: str | None = None,
        patience: float = DEFAULT_SECONDS,
        timeout: float = _TIMEOUT,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._wire = AsyncWire(resolve(url, key), patience, timeout, transport)
        self.url = self._wire.url
        self.jobs = AsyncJobs(self._wire)
        self.documents = AsyncDocuments(self._wire, self.jobs)
        self.answers = AsyncAnswers(self._wire)
        self.collections = AsyncCollections(self._wire)
        self.conversations = AsyncConversations(self._wire)
        self.keys = AsyncKeys(self._wire)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections."""
        await self._wire.aclose()

    async def ask(
        self,
        question: str,
        *,
        collections: Sequence[str] | None = None,
        filter: Mapping[str, Any] | None = None,
        mode: AskMode | None = None,
        max_citations: int | None = None,
        conversation: str | None = None,
        anew: bool = False,
    ) -> Answer:
        """Answer a question from the documents, or say that they do not hold the answer.

        Args:
            collections: where to look; everywhere by default.
            filter: conditions on documents, as docs/rest.md lists them.
            mode: ``quote`` never calls the model, ``answer`` returns what it wrote with verdicts.
            conversation: any name; questions under the same name may follow up each other.
            anew: not the answer that the same question got before.
        """
        body = _question(question, collections, filter, mode, max_citations, conversation)
        return await self._wire.post(Answer, "/v1/ask", json=body, headers=_headers(anew))

    def stream(
        self,
        question: str,
        *,
        collections: Sequence[str] | None = None,
        filter: Mapping[str, Any] | None = None,
        mode: AskMode | None = None,
        max_citations: int | None = None,
        conversation: str | None = None,
        anew: bool = False,
    ) -> AsyncAnswerStream:
        """The same as typed events while it is written. Nothing is sent before the first is read."""
        body = _question(question, collections, filter, mode, max_citations, conversation)
        return AsyncAnswerStream(self._wire, body, _headers(anew))

    async def search(
        self,
        query: str,
        *,
        k: int = 10,
        collections: Sequence[str] | None = None,
        filter: Mapping[str, Any] | None = None,
        mode: SearchMode | None = None,
    ) -> SearchAnswer:
        """The best ``k`` passages, best first, verbatim."""
        body = given({"query": query, "k": k, "collections": collections, "filter": filter, "mode": mode})
        return await self._wire.post(SearchAnswer, "/v1/search", json=body)

    async def ready(self) -> Readiness:
        """What each part is doing; ``ready`` is whether all of them work."""
        try:
            return await self._wire.get(Readiness, "/readyz")
        except Unavailable as error:
            if "parts" not in error.problem:
                raise
            return Readiness.model_validate({"ready": False, "parts": error.problem["parts"]})

    async def wait_until_ready(self, timeout: float = 240.0) -> None:
        """Wait for a service that is being started. Raises ``TimedOut``."""
        deadline = time.monotonic() + timeout
        while True:
            phase = "nothing answers"
            try:
                readiness = await self.ready()
                if readiness.ready:
                    return
                phase = ", ".join(f"{name}: {part.phase}" for name, part in readiness.parts.items())
            except Unreachable:
                pass
            if time.monotonic() > deadline:
                raise TimedOut(f"{self.url} is not ready ({phase}); look at the service's output.")
            await asyncio.sleep(_POLL_SECONDS)

    async def call(self, method: str, path: str, **options: Any) -> Any:
        """The JSON of any request, for what has no method here; options are those of httpx."""
        return await self._wire.call(method, path, **options)


def _headers(anew: bool) -> dict[str, str]:
    return {"Cache-Control": "no-cache"} if anew else {}


def _question(
    question: str,
    collections: Sequence[str] | None,
    filter: Mapping[str, Any] | None,
    mode: AskMode | None,
    max_citations: int | None,
    conversation: str | None,
) -> dict[str, Any]:
    return given(
        {
            "question": question,
            "collections": collections,
            "filter": filter,
            "mode": mode,
            "max_citations": max_citations,
            "conversation": conversation,
        }
    )
