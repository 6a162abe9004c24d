"""``footnote fsck``: hold what is stored against itself, and mend what can be mended."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from api.cli.output import print_json
from api.folder_lock import FolderLock
from api.settings import Settings, load
from rag.errors import Conflict, FootnoteError, NotFound
from rag.stores import consistency, log_damage, schema
from rag.stores.blobs import BlobStore
from rag.stores.consistency import Report
from rag.stores.database import Database

_MOMENT_SECONDS = 1.0


def fsck(overrides: Mapping[str, Any], repair: bool, read_files: bool, as_json: bool) -> int:
    """Check a data folder; returns the exit status, 0 when everything fits together, else 1."""
    try:
        settings = load(os.environ, overrides)
        if not settings.database_path.exists():
            raise NotFound("no_library", f"There is no library in {settings.data}; name one with --data.")
        report = _checked(settings, repair, read_files)
    except FootnoteError as error:
        print(f"footnote: {error.detail}", file=sys.stderr)
        return 1
    if as_json:
        print_json(asdict(report))
    else:
        _print(report)
    return int(not report.clean)


def _checked(settings: Settings, repair: bool, read_files: bool) -> Report:
    """Raises ``Conflict`` (``data_folder_in_use``) when a service that runs would have to be repaired."""
    lock = FolderLock(settings.data)
    try:
        lock.acquire()
    except Conflict:
        if repair:
            raise
        return _checked_while_running(settings, read_files)
    try:
        log_damage.look(settings.database_path)
        database, blobs = _opened(settings)
        try:
            schema.upgrade(database)
            if repair:
                consistency.repair(database, blobs, settings.indexes_path)
            return consistency.check(database, blobs, settings.indexes_path, read_files=read_files)
        finally:
            database.close()
    finally:
        lock.release()


def _checked_while_running(settings: Settings, read_files: bool) -> Report:
    """Files and indexes change beside the snapshot that is read of the database: what does not fit for
    that reason fits a moment later, and only what is found twice is told."""
    database, blobs = _opened(settings)
    try:
        report = consistency.check(database, blobs, settings.indexes_path, read_files=read_files)
        if not report.clean:
            time.sleep(_MOMENT_SECONDS)
            report = consistency.check(database, blobs, settings.indexes_path, read_files=read_files)
        return report
    finally:
        database.close()


def _opened(settings: Settings) -> tuple[Database, BlobStore]:
    return Database(settings.database_path), BlobStore(settings.blobs_path)


def _print(report: Report) -> None:
    for finding in report.findings:
        print(f"{finding.code}: {finding.count:,}. {finding.detail} ({finding.repair})")
    looked = f"{report.documents:,} documents, {report.chunks:,} passages, {report.files:,} files"
    print(f"{looked}: " + ("everything fits together." if report.clean else "see above."))
