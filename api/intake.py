"""How a file comes in: kind looked at, bytes durable, then one transaction; only then is it acknowledged."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

from ingest.sniffing import sniff
from rag.stores import acceptance, collections, document_catalog
from rag.stores.acceptance import Accepted, IdempotencyKey
from rag.stores.access import Access
from rag.stores.blobs import Blob, BlobStore
from rag.stores.database import Database

_PART = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Upload:
    """A file as received, and what its uploader may see. ``metadata`` is None when the request had none;
    ``name`` is fit for display.

    ``source`` is its path in the folder it is taken from, ``uploader`` whose turn it counts for.
    """

    access: Access
    file: BinaryIO
    name: str
    metadata: Mapping[str, Any] | None
    idempotency_key: str | None
    source: str | None = None
    uploader: str | None = None


def add_document(
    database: Database, blobs: BlobStore, upload: Upload, collection_name: str, limit: int
) -> Accepted:
    """Store a new document. Blocks until it is durable.

    Raises ``NotFound`` for the collection, ``Unsupported`` or ``DocumentRejected`` for the file,
    ``TooLarge``, ``Conflict`` for a reused key, ``StorageFailed``, ``ServerBusy``.
    """
    with database.read() as tx:
        collections.get(tx, upload.access, collection_name)
    blob = _store(blobs, upload, limit)
    key = _key(upload, "add", collection_name, blob)
    with database.write() as tx:
        blobs.require([blob])
        collection = collections.get(tx, upload.access, collection_name)
        return acceptance.accept(
            tx,
            blob,
            upload.name,
            collection,
            upload.metadata or {},
            key,
            source=upload.source,
            uploader=upload.uploader,
        )


def add_version(
    database: Database, blobs: BlobStore, upload: Upload, document_id: str, limit: int
) -> Accepted:
    """Store a new version of a document; the old one is searched until the new one is ready."""
    with database.read() as tx:
        document_catalog.get(tx, upload.access, document_id)
    blob = _store(blobs, upload, limit)
    key = _key(upload, "replace", document_id, blob)
    with database.write() as tx:
        blobs.require([blob])
        document = document_catalog.get(tx, upload.access, document_id)
        if upload.metadata is not None:
            document_catalog.set_metadata(tx, document, upload.metadata)
        return acceptance.accept_version(tx, document, blob, upload.name, key, uploader=upload.uploader)


def _store(blobs: BlobStore, upload: Upload, limit: int) -> Blob:
    sniff(upload.file, upload.name)
    upload.file.seek(0)
    return blobs.put(_parts(upload.file), limit)


def _parts(file: BinaryIO) -> Iterator[bytes]:
    while part := file.read(_PART):
        yield part


def _key(upload: Upload, action: str, target: str, blob: Blob) -> IdempotencyKey | None:
    if upload.idempotency_key is None:
        return None
    request = [action, target, upload.name, upload.metadata, upload.source, blob.sha256]
    return IdempotencyKey(
        upload.access.tenant,
        upload.idempotency_key,
        hashlib.sha256(json.dumps(request, sort_keys=True).encode()).hexdigest(),
    )
