"""What has to be tidied now and then while documents come and go."""

from __future__ import annotations

import time

from ingest import recovery
from rag.stores import document_catalog, log_damage
from rag.stores.blobs import BlobStore
from rag.stores.database import Database

_QUEUE_SECONDS = 30.0
_FILES_SECONDS = 600.0
_FILES_AT_LATEST_SECONDS = 3600.0
_ABANDONED_UPLOAD_SECONDS = 3600.0
_LARGEST_LOG_BYTES = 64 * 2**20


class Janitor:
    """Takes back jobs of silent workers every half minute; tidies files every ten, when there is time.

    Files can wait: listing them all costs more than they do. Not for ever: there may never be time.
    """

    def __init__(self, database: Database, blobs: BlobStore) -> None:
        self._database = database
        self._blobs = blobs
        self._queue_due = self._files_due = time.monotonic()

    def tend(self, *, idle: bool) -> None:
        """Do what is due. Cheap when nothing is."""
        now = time.monotonic()
        if now >= self._queue_due:
            self._queue_due = now + _QUEUE_SECONDS
            recovery.release_expired(self._database)
        overdue = now >= self._files_due + _FILES_AT_LATEST_SECONDS
        if overdue or (idle and now >= self._files_due):
            self._files_due = now + _FILES_SECONDS
            self.tidy_files()

    def tidy_files(self) -> None:
        """Remove files that no version refers to and uploads that never finished; trim the database's log."""
        with self._database.read() as tx:
            candidates = document_catalog.unreferenced(tx, self._blobs)
        # After a loss they may be all there is of what was lost; whoever keeps the library decides.
        if candidates and log_damage.noted(self._database.path) is None:
            with self._database.write() as tx:
                document_catalog.collect_blobs(tx, self._blobs, candidates)
        self._blobs.sweep_incoming(_ABANDONED_UPLOAD_SECONDS)
        self._database.truncate_log(_LARGEST_LOG_BYTES)
