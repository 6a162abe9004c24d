"""``python -m tests.rag.stores.stuck_backup DATABASE BLOBS TARGET``: a backup that stops halfway."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from rag.stores import backup_writing
from rag.stores.blobs import BlobStore


def _stop(phase: str, done: int, total: int) -> None:
    if phase == "files":
        print("stuck", flush=True)
        time.sleep(600)


if __name__ == "__main__":
    database, blobs, target = map(Path, sys.argv[1:])
    backup_writing.write(target, database, [], BlobStore(blobs), {}, "test", _stop)
