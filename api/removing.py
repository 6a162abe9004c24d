"""Deleting documents, whichever way that is asked for."""

from __future__ import annotations

from collections.abc import Sequence

from api.assembly import Service
from rag.stores import document_catalog
from rag.stores.access import Access


def remove_document(service: Service, access: Access, document_id: str) -> None:
    """Remove a document for good: from every search at once, with its text, versions and file.

    Raises ``NotFound`` (``document_not_found``) or ``Gone`` (``document_deleted``).
    """

    def remove() -> Sequence[str]:
        with service.database.write() as tx:
            return document_catalog.remove(tx, document_catalog.get(tx, access, document_id))

    hashes = service.reserve.spend(remove)
    service.reserve.spend(service.receipts.settle)  # an answer that waits to be stored may quote it
    with service.database.write() as tx:
        document_catalog.collect_blobs(tx, service.blobs, hashes)
    service.pictures.forget(hashes)
