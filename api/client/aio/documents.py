"""Documents: add, look at, change, delete."""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import AsyncIterator, Mapping
from typing import Any

from api.client.aio.jobs import AsyncJobs
from api.client.aio.wire import AsyncWire, Upload, given, parsed
from api.client.records import Accepted, Document, DocumentStateName, Page, Patched, TextRange, Version
from api.client.uploading import Content, OnProgress, name_of


class AsyncDocuments:
    """``client.documents``."""

    def __init__(self, wire: AsyncWire, jobs: AsyncJobs) -> None:
        self._wire = wire
        self._jobs = jobs

    async def add(
        self,
        content: Content,
        *,
        name: str | None = None,
        collection: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        source: str | None = None,
        uploader: str | None = None,
        idempotency_key: str | None = None,
        wait: bool = True,
        on_progress: OnProgress | None = None,
    ) -> Document:
        """Send a document and, unless ``wait`` is false, wait until it can be searched.

        Args:
            name: needed for bytes; by default the file's own.
            source: its path in the folder it is taken from; the same source again is a new version.
            uploader: whose turn it counts for.
            idempotency_key: makes the upload safe to repeat by yourself too. Within this call it is anyway.

        Raises ``JobFailed``, ``Refused``, ``Unreachable``, ``OSError``.
        """
        accepted = await self.upload(
            content,
            name=name,
            collection=collection,
            metadata=metadata,
            source=source,
            uploader=uploader,
            idempotency_key=idempotency_key,
            on_progress=on_progress,
        )
        if not wait:
            return accepted.document
        await self._jobs.wait(accepted.job.id)
        return await self.get(accepted.document.id)

    async def upload(
        self,
        content: Content,
        *,
        name: str | None = None,
        collection: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        source: str | None = None,
        uploader: str | None = None,
        idempotency_key: str | None = None,
        on_progress: OnProgress | None = None,
    ) -> Accepted:
        """Send a document; returns when it is stored for good, with the job that reads it."""
        fields = given({"collection": collection, "source": source, "metadata": _json(metadata)})
        accepted = await self._wire.call(
            "POST",
            "/v1/documents",
            upload=Upload(name_of(content, name), content, on_progress),
            data=fields,
            headers=_headers(uploader, idempotency_key),
        )
        return parsed(Accepted, accepted)

    async def replace(
        self,
        document_id: str,
        content: Content,
        *,
        name: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        uploader: str | None = None,
        idempotency_key: str | None = None,
        on_progress: OnProgress | None = None,
    ) -> Accepted:
        """Send a new version; the old one is searched until the new one is ready."""
        accepted = await self._wire.call(
            "PUT",
            f"/v1/documents/{document_id}",
            upload=Upload(name_of(content, name), content, on_progress),
            data=given({"metadata": _json(metadata)}),
            headers=_headers(uploader, idempotency_key),
        )
        return parsed(Accepted, accepted)

    async def get(self, document_id: str) -> Document:
        """One document, with its quality report and what resembles it."""
        return await self._wire.get(Document, f"/v1/documents/{document_id}")

    def list(
        self,
        *,
        collection: str | None = None,
        state: DocumentStateName | None = None,
        name: str | None = None,
        source_prefix: str | None = None,
        parent: str | None = None,
        sha256: str | None = None,
    ) -> AsyncIterator[Document]:
        """Documents, newest first, however many; ``name`` is contained in theirs."""
        return self._wire.pages(
            Document,
            "/v1/documents",
            collection=collection,
            state=state,
            name=name,
            source_prefix=source_prefix,
            parent=parent,
            sha256=sha256,
        )

    def versions(self, document_id: str) -> AsyncIterator[Version]:
        """Its versions, newest first."""
        return self._wire.pages(Version, f"/v1/documents/{document_id}/versions")

    async def update(
        self,
        document_id: str,
        *,
        name: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        source: str | None = None,
    ) -> Patched:
        """Change what is said of it. A new name makes a new version, read by the ``job`` that is returned."""
        change = given({"name": name, "metadata": metadata, "source": source})
        return parsed(Patched, await self._wire.call("PATCH", f"/v1/documents/{document_id}", json=change))

    async def delete(self, document_id: str) -> None:
        """Delete it for good, with its text, versions and file."""
        await self._wire.call("DELETE", f"/v1/documents/{document_id}")

    async def text(
        self, document_id: str, *, start: int = 0, end: int | None = None, version: int | None = None
    ) -> TextRange:
        """Characters ``[start, end)`` of its canonical text, in code points."""
        path = f"/v1/documents/{document_id}/text"
        return await self._wire.get(TextRange, path, start=start, end=end, version=version)

    async def page(self, document_id: str, page: int, *, version: int | None = None) -> Page:
        """A page's text and the boxes of its words; pages count from 1."""
        return await self._wire.get(Page, f"/v1/documents/{document_id}/pages/{page}", version=version)

    async def picture(
        self, document_id: str, page: int, *, scale: float | None = None, version: int | None = None
    ) -> bytes:
        """A page as PNG; ``scale`` in pixels per point."""
        path = f"/v1/documents/{document_id}/pages/{page}.png"
        params = given({"scale": scale, "version": version})
        return (await self._wire.send("GET", path, params=params)).content

    async def file(self, document_id: str, *, version: int | None = None) -> bytes:
        """The original file, byte for byte."""
        path = f"/v1/documents/{document_id}/file"
        return (await self._wire.send("GET", path, params=given({"version": version}))).content

    async def save(
        self, document_id: str, path: str | os.PathLike[str], *, version: int | None = None
    ) -> None:
        """Write the original file to ``path``."""
        content = await self.file(document_id, version=version)
        with open(path, "wb") as file:
            file.write(content)


def _headers(uploader: str | None, idempotency_key: str | None) -> dict[str, str]:
    """With a key of its own an upload whose connection broke is sent again and done once."""
    return {"Footnote-Uploader": uploader or "", "Idempotency-Key": idempotency_key or uuid.uuid4().hex}


def _json(metadata: Mapping[str, Any] | None) -> str | None:
    return None if metadata is None else json.dumps(metadata, allow_nan=False)
