"""What the service has of a folder, and the requests that change it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from api.cli.connection import Connection, Refused
from api.cli.folders.planning import RemoteFile
from api.client.errors import Interrupted

_PAGE = 200
_PAUSES = (0.5, 1.0, 2.0, 4.0)
"""Seconds to wait when the service is busy for the moment, before each further attempt."""

T = TypeVar("T")


class Remote:
    """The documents of one collection, by the places they come from.

    Args:
        uploader: whose turn uploads count for; the service's own idea when None.
    """

    def __init__(self, service: Connection, collection: str, uploader: str | None = None) -> None:
        self._service = service
        self._collection = collection
        self._headers = {} if uploader is None else {"Footnote-Uploader": uploader}

    def files(self, prefix: str) -> list[RemoteFile]:
        """What lies under ``prefix``. What was taken out of an archive or a message goes with that."""
        return [
            RemoteFile(
                one["source"],
                one["sha256"],
                one["id"],
                one["state"],
                None if one["error"] is None else f"{one['error']['code']}: {one['error']['detail']}",
            )
            for one in self._documents(prefix)
            if one["parent"] is None and one["source"] is not None
        ]

    def upload(self, path: Path, source: str | None) -> dict[str, Any]:
        """Send a file: a new document, or a new version of the one that ``source`` stands for.

        Returns ``{document, job, duplicate}``. Raises ``Refused``, ``OSError``, ``Unreachable``.
        """
        data = {"collection": self._collection} | ({} if source is None else {"source": source})

        def send() -> dict[str, Any]:
            with path.open("rb") as content:
                accepted: dict[str, Any] = self._service.call(
                    "POST",
                    "/v1/documents",
                    files={"file": (path.name, content)},
                    data=data,
                    headers=self._headers,
                )
                return accepted

        return patiently(send)

    def move(self, document_id: str, source: str) -> dict[str, Any]:
        """Say where a document lies now. Returns ``{document, job}``; a new name makes a new version."""
        change = {"source": source, "name": source.rpartition("/")[2]}
        moved: dict[str, Any] = patiently(
            lambda: self._service.call("PATCH", f"/v1/documents/{document_id}", json=change)
        )
        return moved

    def delete(self, document_id: str) -> None:
        """Remove a document; that somebody else did so before is as good."""
        try:
            patiently(lambda: self._service.call("DELETE", f"/v1/documents/{document_id}"))
        except Refused as error:
            if error.code not in ("document_not_found", "document_deleted"):
                raise

    def _documents(self, prefix: str) -> Iterator[dict[str, Any]]:
        parameters: dict[str, Any] = {
            "collection": self._collection,
            "source_prefix": prefix,
            "limit": _PAGE,
        }
        while True:
            try:
                page = self._service.call("GET", "/v1/documents", params=parameters)
            except Refused as error:
                if error.code == "collection_not_found":
                    return
                raise
            yield from page["data"]
            if page["next_cursor"] is None:
                return
            parameters["cursor"] = page["next_cursor"]


def patiently(request: Callable[[], T]) -> T:
    """The request's answer, asked again a few times while the service is too busy to give one."""
    for pause in _PAUSES:
        try:
            return request()
        except Refused as error:
            if not error.passing:
                raise
            time.sleep(pause)
        except Interrupted:
            # A connection that was kept open and closed on the other side just then.
            time.sleep(pause)
    return request()
