from __future__ import annotations

import os
import time

import pytest

from ingest.janitor import Janitor
from ingest.worker import claim
from rag.records import DocumentState
from rag.stores import job_queue
from rag.stores.job_queue import MAX_ATTEMPTS
from tests.ingest.workplace import Workplace


def test_files_that_nobody_needs_go_and_the_others_stay(workplace: Workplace) -> None:
    kept = workplace.accept(b"referred to").document.newest.sha256
    orphan = workplace.blobs.put([b"never committed"], limit=100).sha256
    abandoned = workplace.blobs.root / ".incoming" / "abandoned"
    abandoned.write_bytes(b"half an upload")
    for path in (workplace.blobs.path(kept), workplace.blobs.path(orphan), abandoned):
        os.utime(path, (0, 0))
    young = workplace.blobs.put([b"about to be committed"], limit=100).sha256
    janitor = Janitor(workplace.database, workplace.blobs)
    janitor.tend(idle=False)
    assert set(workplace.blobs) == {kept, orphan, young}, "files can wait while there is work"
    janitor.tend(idle=True)
    assert set(workplace.blobs) == {kept, young}
    assert not abandoned.exists()


def test_files_do_not_wait_for_ever(workplace: Workplace, monkeypatch: pytest.MonkeyPatch) -> None:
    orphan = workplace.blobs.put([b"never committed"], limit=100).sha256
    os.utime(workplace.blobs.path(orphan), (0, 0))
    janitor = Janitor(workplace.database, workplace.blobs)
    began = time.monotonic()
    for hours, left in ((0.9, [orphan]), (1.1, [])):
        monkeypatch.setattr(time, "monotonic", lambda hours=hours: began + 3600 * hours)
        janitor.tend(idle=False)
        assert list(workplace.blobs) == left


def test_dead_jobs_are_buried_even_while_there_is_work(
    workplace: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    accepted = workplace.accept(b"x")
    monkeypatch.setattr(job_queue, "LEASE_SECONDS", -1.0)
    for _ in range(MAX_ATTEMPTS):
        claim(workplace.database, "worker")
    Janitor(workplace.database, workplace.blobs).tend(idle=False)
    version = workplace.version(accepted)
    assert (version.state, version.error_code) == (DocumentState.FAILED, "worker_died")


def test_nothing_is_done_twice_in_a_row(workplace: Workplace) -> None:
    janitor = Janitor(workplace.database, workplace.blobs)
    janitor.tend(idle=True)
    orphan = workplace.blobs.put([b"never committed"], limit=100).sha256
    os.utime(workplace.blobs.path(orphan), (0, 0))
    janitor.tend(idle=True)
    assert list(workplace.blobs) == [orphan]
    janitor.tidy_files()
    assert list(workplace.blobs) == []
