from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ingest import pipeline, progress, recovery
from ingest.parsers.limits import ParseLimits
from ingest.pipeline import Embedder, Interrupted, Tools
from ingest.sandbox import OnProgress, Sandbox
from ingest.sandbox.launching import ForkServer
from ingest.splitting import embedding_text
from ingest.worker import claim
from rag.errors import DocumentRejected, StorageFailed, Unavailable, Unsupported
from rag.models.static_embeddings import StaticEmbeddings
from rag.records import Block, BlockKind, DocumentState, JobState, Notice, Page, ParsedDocument
from rag.stores import (
    chunk_store,
    document_catalog,
    job_queue,
    keyword_index,
    scopes,
)
from rag.stores.access import LOCAL
from rag.stores.database import Tx
from rag.stores.job_queue import MAX_ATTEMPTS, Job
from rag.stores.scopes import Scope
from tests.ingest.workplace import Workplace, claimed, parsed

TEXT = "Ducks swim on the river. " * 8


def test_a_text_file_becomes_searchable(
    workplace: Workplace, tools: Callable[..., Tools], student: StaticEmbeddings
) -> None:
    accepted = workplace.accept(("The heron stands still.\n\n" + 8 * TEXT).encode(), "river_notes.txt")
    job = claimed(workplace)
    assert workplace.version(accepted).state is DocumentState.PROCESSING
    pipeline.run(job, tools())
    assert workplace.job(accepted).state is JobState.SUCCEEDED
    version = workplace.version(accepted)
    assert version.state is DocumentState.READY
    assert version.chunks > 1
    assert (workplace.job(accepted).chunks_done, workplace.job(accepted).chunks_total) == (
        version.chunks,
        version.chunks,
    )
    with workplace.database.read() as tx:
        found = keyword_index.search(
            tx, keyword_index.match_expression(["heron"]), 5, scopes.resolve(tx, Scope(LOCAL))
        )
        passage = chunk_store.passages(tx, {found[0][0]: (1.0, {})})[0]
        space = chunk_store.open_space(tx, student.space_id, student.dimension)
        ids, stored = chunk_store.vectors_between(tx, space, 1, version.chunks)
        passages = {
            one.chunk_id: one for one in chunk_store.passages(tx, dict.fromkeys(ids.tolist(), (0, {})))
        }
    assert passage.text.startswith("The heron stands still.")
    assert passage.context.startswith("river notes")
    again = student.encode([embedding_text(passages[i].context, passages[i].text) for i in ids.tolist()])
    assert np.abs(np.sum(stored * again, axis=1) - 1).max() < 1e-4, "each vector is that of its own chunk"


def test_a_pdf_is_read_with_its_pages(
    workplace: Workplace, tools: Callable[..., Tools], shared: Path
) -> None:
    path = shared / "fixtures" / "pdflatex-4-pages.pdf"
    accepted = workplace.accept(path.read_bytes(), path.name)
    pipeline.run(claimed(workplace), tools())
    job, version = workplace.job(accepted), workplace.version(accepted)
    assert (job.state, version.state, version.page_count) == (JobState.SUCCEEDED, DocumentState.READY, 4)
    with workplace.database.read() as tx:
        every = range(1, version.chunks + 1)
        pages = {passage.page for passage in chunk_store.passages(tx, {one: (1.0, {}) for one in every})}
    assert pages == {1, 2, 3, 4}


def test_progress_is_told_while_it_is_made(workplace: Workplace, tools: Callable[..., Tools]) -> None:
    accepted = workplace.accept(b"x")
    seen: list[Job] = []

    def parse(_path: Path, _name: str, _limits: ParseLimits, on_progress: OnProgress) -> ParsedDocument:
        on_progress(3, 7)
        seen.append(workplace.wait(accepted, lambda job: job.pages_done == 3))
        return parsed(TEXT)

    class Watched:
        def __init__(self, inner: Embedder) -> None:
            self.space_id, self.dimension = inner.space_id, inner.dimension
            self._inner = inner

        def encode(self, texts: list[str]) -> object:
            seen.append(workplace.wait(accepted, lambda job: job.stage == "embedding"))
            return self._inner.encode(texts)

    made = tools(parse)
    pipeline.run(claimed(workplace), tools(parse, student=Watched(made.student)))
    parsing, embedding = seen
    assert (parsing.stage, parsing.pages_done, parsing.pages_total) == ("parsing", 3, 7)
    assert embedding.chunks_total == workplace.version(accepted).chunks
    done = workplace.job(accepted)
    assert (done.stage, done.pages_done, done.state) == ("done", 3, JobState.SUCCEEDED)


def test_fast_progress_is_put_together(workplace: Workplace, monkeypatch: pytest.MonkeyPatch) -> None:
    workplace.accept(b"x")
    job = claimed(workplace)
    reports: list[dict[str, object]] = []
    report = job_queue.report

    def counted(tx: Tx, job: Job, **fields: object) -> None:
        reports.append(fields)
        report(tx, job, **fields)

    monkeypatch.setattr(job_queue, "report", counted)
    monkeypatch.setattr(progress, "SPACING_SECONDS", 3600.0)
    with progress.Progress(workplace.database, job, lambda: None) as telling:
        for page in range(1000):
            telling.tell(pages_done=page)
    assert len(reports) <= 1


def test_a_silent_stage_keeps_its_lease(
    workplace: Workplace, tools: Callable[..., Tools], monkeypatch: pytest.MonkeyPatch
) -> None:
    accepted = workplace.accept(b"x")
    monkeypatch.setattr(progress, "BEAT_SECONDS", 0.02)
    monkeypatch.setattr(progress, "SPACING_SECONDS", 0.0)
    monkeypatch.setattr(job_queue, "LEASE_SECONDS", 0.5)

    def silent(*_arguments: object) -> ParsedDocument:
        pause = threading.Event()
        for _ in range(12):
            pause.wait(0.1)
            assert claim(workplace.database, "thief") is None
        return parsed(TEXT)

    pipeline.run(claimed(workplace), tools(silent))
    assert workplace.job(accepted).state is JobState.SUCCEEDED
    assert workplace.job(accepted).attempts == 1


def test_pages_that_are_pictures_need_text_recognition(
    workplace: Workplace, tools: Callable[..., Tools]
) -> None:
    accepted = workplace.accept(b"scan")
    pages = (Page(1, 0, 0), Page(2, 1, 1))
    scan = parsed("\n", media_type="application/pdf", pages=pages, page_count=2, pages_without_text=(1, 2))
    pipeline.run(claimed(workplace), tools(scan))
    job, version = workplace.job(accepted), workplace.version(accepted)
    assert (job.state, version.state, version.chunks) == (JobState.SUCCEEDED, DocumentState.NEEDS_OCR, 0)
    assert [notice.code for notice in job.notices] == ["needs_ocr"]
    assert version.notices == job.notices
    assert version.pages_without_text == [1, 2]


def test_a_document_without_any_text_is_refused(workplace: Workplace, tools: Callable[..., Tools]) -> None:
    accepted = workplace.accept(b"empty")
    pipeline.run(claimed(workplace), tools(parsed(" \n ")))
    assert (workplace.job(accepted).state, workplace.job(accepted).error_code) == (JobState.FAILED, "no_text")
    assert workplace.version(accepted).state is DocumentState.FAILED


@pytest.mark.parametrize(
    "error",
    [DocumentRejected("encrypted", "Remove the password."), Unsupported("unsupported_type", "Send text.")],
)
def test_a_rejected_document_fails_at_once_and_the_older_version_stays(
    workplace: Workplace, tools: Callable[..., Tools], error: DocumentRejected
) -> None:
    first = workplace.accept(b"first")
    pipeline.run(claimed(workplace), tools(parsed(TEXT)))
    second = workplace.accept(b"second", replacing=first)
    pipeline.run(claimed(workplace), tools(error))
    job, version = workplace.job(second), workplace.version(second)
    assert (job.state, job.error_code, job.error_detail) == (JobState.FAILED, error.code, error.detail)
    assert (version.state, version.error_code) == (DocumentState.FAILED, error.code)
    assert workplace.document(first).live_version == 1


def test_a_damaged_pdf_is_rejected_by_the_real_parser(
    workplace: Workplace, tools: Callable[..., Tools], shared: Path
) -> None:
    whole = (shared / "fixtures" / "pdflatex-4-pages.pdf").read_bytes()
    accepted = workplace.accept(whole[: len(whole) // 2], "half.pdf")
    pipeline.run(claimed(workplace), tools())
    assert workplace.job(accepted).state is JobState.FAILED
    assert workplace.version(accepted).error_code == workplace.job(accepted).error_code


def test_a_file_that_is_gone_fails_its_document(workplace: Workplace, tools: Callable[..., Tools]) -> None:
    accepted = workplace.accept(b"lost")
    workplace.blobs.open_path(accepted.document.newest.sha256).unlink()
    pipeline.run(claimed(workplace), tools())
    assert workplace.version(accepted).error_code == "blob_missing"


@pytest.mark.parametrize(
    ("error", "code"),
    [(Unavailable("model_unusable", "Install it."), "model_unusable"), (MemoryError(), "ingest_failed")],
)
def test_other_trouble_is_tried_again_and_then_given_up(
    workplace: Workplace, tools: Callable[..., Tools], error: Exception, code: str
) -> None:
    accepted = workplace.accept(b"x")
    for attempt in range(1, MAX_ATTEMPTS + 1):
        pipeline.run(claimed(workplace), tools(error))
        job, version = workplace.job(accepted), workplace.version(accepted)
        assert job.error_code == code
        if attempt < MAX_ATTEMPTS:
            assert (job.state, version.state) == (JobState.QUEUED, DocumentState.QUEUED)
            workplace.skip_pauses()
    assert (job.state, version.state, version.error_code) == (JobState.DEAD, DocumentState.FAILED, code)


def test_a_document_survives_a_parser_that_does_not_start(
    workplace: Workplace, tools: Callable[..., Tools]
) -> None:
    server = ForkServer(["-I", "-c", "raise SystemExit(1)"])
    accepted = workplace.accept(TEXT.encode())
    for _ in range(MAX_ATTEMPTS):
        assert workplace.job(accepted).state is JobState.QUEUED
        workplace.skip_pauses()
        pipeline.run(claimed(workplace), tools(reader=Sandbox(server)))
    server.stop()
    job, version = workplace.job(accepted), workplace.version(accepted)
    assert (job.state, job.error_code, version.error_code) == (JobState.DEAD, *2 * ["parser_unavailable"])
    with workplace.database.write() as tx:  # the machine was mended, and somebody asks for it
        job_queue.retry(tx, job)
        document_catalog.requeue(tx, job.version_id)
    pipeline.run(claimed(workplace), tools())
    assert workplace.version(accepted).state is DocumentState.READY


def test_no_document_is_blamed_for_a_full_disk(workplace: Workplace, tools: Callable[..., Tools]) -> None:
    accepted = workplace.accept(b"x")
    for _ in range(MAX_ATTEMPTS + 1):
        with pytest.raises(StorageFailed):
            pipeline.run(claimed(workplace), tools(StorageFailed("disk_full", "Free some space.")))
    job = workplace.job(accepted)
    assert (job.state, job.attempts) == (JobState.QUEUED, 0)
    pipeline.run(claimed(workplace), tools(parsed(TEXT)))
    assert workplace.version(accepted).state is DocumentState.READY


def test_a_file_that_the_disk_has_changed_fails_its_document(
    workplace: Workplace, tools: Callable[..., Tools]
) -> None:
    accepted = workplace.accept(b"sound")
    workplace.blobs.open_path(accepted.document.newest.sha256).write_bytes(b"found")
    pipeline.run(claimed(workplace), tools(parsed(TEXT)))
    assert workplace.version(accepted).error_code == "blob_corrupt"


def test_vectors_that_are_no_use_publish_nothing(
    workplace: Workplace, tools: Callable[..., Tools], student: StaticEmbeddings
) -> None:
    class Broken:
        space_id, dimension = "broken", student.dimension

        def encode(self, texts: list[str]) -> object:
            return np.full((len(texts), student.dimension), np.nan, dtype=np.float32)

    accepted = workplace.accept(b"x")
    pipeline.run(claimed(workplace), tools(parsed(TEXT), student=Broken()))
    assert (workplace.job(accepted).state, workplace.job(accepted).error_code) == (
        JobState.QUEUED,
        "bad_embedding",
    )
    assert workplace.publications() == 0


def test_a_cancelled_job_stops_and_leaves_nothing(
    workplace: Workplace, tools: Callable[..., Tools], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "SPACING_SECONDS", 0.0)
    accepted = workplace.accept(b"x")
    lost = threading.Event()
    pages = 0

    def endless(_path: Path, _name: str, _limits: ParseLimits, on_progress: OnProgress) -> ParsedDocument:
        nonlocal pages
        with workplace.database.write() as tx:
            job_queue.cancel(tx, workplace.job(accepted))
            document_catalog.fail(tx, accepted.job.version_id, "job_cancelled", "Cancelled.")
        while True:
            pages += 1
            on_progress(pages, 10**9)
            lost.wait(0.01)

    pipeline.run(claimed(workplace), tools(endless, on_lost=lost.set))
    assert lost.is_set()
    assert workplace.job(accepted).state is JobState.CANCELLED
    assert workplace.version(accepted).error_code == "job_cancelled"
    assert workplace.publications() == 0


def test_a_deleted_document_does_not_come_back(workplace: Workplace, tools: Callable[..., Tools]) -> None:
    accepted = workplace.accept(b"x")

    def delete(*_arguments: object) -> ParsedDocument:
        with workplace.database.write() as tx:
            document_catalog.remove(tx, document_catalog.get(tx, LOCAL, accepted.document.public_id))
        return parsed(TEXT)

    pipeline.run(claimed(workplace), tools(delete))
    with workplace.database.read() as tx:
        assert document_catalog.page_of(tx, LOCAL, limit=9) == ([], None)
    assert workplace.publications() == 0


def test_of_two_workers_with_one_job_only_the_lease_holder_publishes(
    workplace: Workplace, tools: Callable[..., Tools], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_queue, "LEASE_SECONDS", -1.0)
    accepted = workplace.accept(b"x")
    slow, fast = claimed(workplace, "slow"), claimed(workplace, "fast")
    assert slow.id == fast.id
    pipeline.run(slow, tools(parsed(TEXT)))
    assert workplace.publications() == 0
    assert workplace.job(accepted).state is JobState.RUNNING, "still the other's"
    pipeline.run(fast, tools(parsed(TEXT)))
    pipeline.run(slow, tools(DocumentRejected("corrupt", "Too late to say so.")))
    assert workplace.publications() == 1
    assert workplace.version(accepted).state is DocumentState.READY


def test_an_older_version_that_comes_last_does_not_go_live(
    workplace: Workplace, tools: Callable[..., Tools]
) -> None:
    first = workplace.accept(b"first")
    slow = claimed(workplace, "slow")
    second = workplace.accept(b"second", replacing=first)
    pipeline.run(claimed(workplace, "fast"), tools(parsed("The newer text.")))
    pipeline.run(slow, tools(parsed(TEXT)))
    assert workplace.document(first).live_version == 2
    assert workplace.version(second).chunks == 1
    assert (workplace.job(first).state, workplace.version(first).chunks) == (JobState.SUCCEEDED, 0)


def test_an_interrupted_job_is_given_back_without_blame(
    workplace: Workplace, tools: Callable[..., Tools]
) -> None:
    accepted = workplace.accept(b"x")
    stop = threading.Event()
    stop.set()
    pipeline.run(claimed(workplace), tools(Interrupted()))
    pipeline.run(claimed(workplace), tools(parsed(TEXT), stop=stop))
    job = workplace.job(accepted)
    assert (job.state, job.attempts, workplace.version(accepted).state) == (
        JobState.QUEUED,
        0,
        DocumentState.QUEUED,
    )
    pipeline.run(claimed(workplace), tools(parsed(TEXT)))
    assert workplace.version(accepted).state is DocumentState.READY


def test_a_publication_that_fails_half_way_leaves_nothing(
    workplace: Workplace, tools: Callable[..., Tools], monkeypatch: pytest.MonkeyPatch
) -> None:
    accepted = workplace.accept(b"x")
    insert_chunks = chunk_store._insert_chunks

    def failing(*arguments: object) -> None:
        insert_chunks(*arguments)  # type: ignore[arg-type]
        raise StorageFailed("disk_full", "Free some space.")

    monkeypatch.setattr(chunk_store, "_insert_chunks", failing)
    with pytest.raises(StorageFailed):
        pipeline.run(claimed(workplace), tools(parsed(TEXT)))
    assert workplace.publications() == 0
    assert workplace.version(accepted).chunks == 0
    assert workplace.job(accepted).state is JobState.QUEUED
    monkeypatch.undo()
    workplace.skip_pauses()
    pipeline.run(claimed(workplace), tools(parsed(TEXT)))
    assert workplace.version(accepted).state is DocumentState.READY


def test_the_title_is_the_document_s_own_or_its_file_name(
    workplace: Workplace, tools: Callable[..., Tools]
) -> None:
    for own, name, expected in (
        ("Its own title", "x.pdf", "Its own title"),
        (None, "annual_report.2020.pdf", "annual report.2020"),
        (None, "folder/\u202enotes\n.txt", "\u202enotes"),
    ):
        accepted = workplace.accept(name.encode(), name)
        block = Block(BlockKind.PARAGRAPH, 0, len(TEXT))
        pipeline.run(claimed(workplace), tools(parsed(TEXT, title=own, blocks=(block,))))
        with workplace.database.read() as tx:
            newest = {one.context for one in chunk_store.passages(tx, {i: (1.0, {}) for i in range(1, 99)})
                      if one.document.id == accepted.document.public_id}  # fmt: skip
        assert newest == {expected}


def test_what_a_dead_worker_held_is_handed_back_or_given_up(workplace: Workplace) -> None:
    accepted = workplace.accept(b"x")
    for attempt in range(1, MAX_ATTEMPTS + 1):
        claimed(workplace, f"worker-{attempt}")
        recovery.hand_back(workplace.database, "another worker")
        assert workplace.job(accepted).state is JobState.RUNNING
        recovery.hand_back(workplace.database, f"worker-{attempt}")
        if attempt < MAX_ATTEMPTS:
            assert workplace.version(accepted).state is DocumentState.QUEUED
            workplace.skip_pauses()
    version = workplace.version(accepted)
    assert (workplace.job(accepted).state, version.state) == (JobState.DEAD, DocumentState.FAILED)
    assert version.error_code == "worker_died"


def test_what_hung_to_the_end_of_its_last_lease_is_given_up(
    workplace: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    accepted = workplace.accept(b"x")
    monkeypatch.setattr(job_queue, "LEASE_SECONDS", -1.0)
    for _ in range(MAX_ATTEMPTS):
        claimed(workplace)
    assert claim(workplace.database, "worker") is None
    recovery.release_expired(workplace.database)
    assert workplace.job(accepted).state is JobState.DEAD
    assert workplace.version(accepted).error_code == "worker_died"


def test_warnings_of_the_parser_reach_job_and_version(
    workplace: Workplace, tools: Callable[..., Tools]
) -> None:
    accepted = workplace.accept(b"x")
    notice = Notice("pages_unreadable", "Page 2 could not be read.")
    pipeline.run(claimed(workplace), tools(parsed(TEXT, warnings=(notice,))))
    assert workplace.job(accepted).notices == workplace.version(accepted).notices == [notice]
