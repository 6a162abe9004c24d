from __future__ import annotations

import threading
import time

import pytest
from sqlalchemy import update

from rag.errors import Conflict, NotFound
from rag.records import JobState, Notice
from rag.stores import job_queue
from rag.stores.access import LOCAL
from rag.stores.job_queue import MAX_ATTEMPTS, Job, LeaseLost
from rag.stores.tables import jobs
from tests.rag.stores.library import Library


def _claim(library: Library, worker: str = "worker") -> Job | None:
    with library.database.write() as tx:
        return job_queue.claim(tx, worker)


def _stored(library: Library, job: Job) -> Job:
    with library.database.read() as tx:
        return job_queue.get(tx, LOCAL, job.public_id)


def _expire_lease(library: Library, job: Job) -> None:
    with library.database.write() as tx:
        tx.execute(update(jobs).where(jobs.c.id == job.id).values(lease_until=0.0))


def _skip_pause(library: Library, job: Job) -> None:
    with library.database.write() as tx:
        tx.execute(update(jobs).where(jobs.c.id == job.id).values(run_at=0.0))


def test_jobs_are_claimed_oldest_first_and_once(library: Library) -> None:
    accepted = [library.accept(content.encode()) for content in ("one", "two")]
    with library.database.read() as tx:
        assert job_queue.has_waiting(tx)
    claimed = [_claim(library), _claim(library), _claim(library)]
    assert [job and job.public_id for job in claimed] == [one.job.public_id for one in accepted] + [None]
    with library.database.read() as tx:
        assert not job_queue.has_waiting(tx)


def test_many_workers_never_claim_the_same_job(library: Library) -> None:
    for number in range(40):
        library.accept(str(number).encode())
    claimed: list[int] = []

    def work(name: str) -> None:
        while (job := _claim(library, name)) is not None:
            claimed.append(job.id)

    threads = [threading.Thread(target=work, args=(f"worker-{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(claimed) == list(range(1, 41))


def test_progress_is_stored(library: Library) -> None:
    library.accept(b"footnote")
    job = library.claim()
    with library.database.write() as tx:
        job_queue.report(tx, job, stage="embedding", chunks_done=3, chunks_total=9)
    stored = _stored(library, job)
    assert (stored.stage, stored.chunks_done, stored.chunks_total) == ("embedding", 3, 9)


def test_a_finished_job_says_what_there_is_to_know(library: Library) -> None:
    library.accept(b"footnote")
    job = library.claim()
    with library.database.write() as tx:
        job_queue.succeed(tx, job, notices=[{"code": "needs_ocr", "detail": "Pictures."}])
    stored = _stored(library, job)
    assert stored.state is JobState.SUCCEEDED
    assert stored.state.finished
    assert stored.notices == [Notice("needs_ocr", "Pictures.")]
    assert stored.finished_at is not None


def test_a_worker_that_slept_through_its_lease_is_fenced_off(library: Library) -> None:
    library.accept(b"footnote")
    slept = library.claim("slow")
    _expire_lease(library, slept)
    successor = library.claim("fast")
    assert successor.id == slept.id
    for write in (
        lambda tx: job_queue.report(tx, slept, stage="embedding"),
        lambda tx: job_queue.succeed(tx, slept),
        lambda tx: job_queue.fail(tx, slept, "corrupt", "Damaged."),
        lambda tx: job_queue.retry_later(tx, slept, "disk_full", "Full."),
        lambda tx: job_queue.hand_back(tx, slept),
    ):
        with pytest.raises(LeaseLost), library.database.write() as tx:
            write(tx)
    assert _stored(library, successor) == successor, "untouched"


def test_even_under_its_own_name_a_worker_cannot_finish_an_earlier_attempt(library: Library) -> None:
    library.accept(b"footnote")
    earlier = library.claim("worker")
    _expire_lease(library, earlier)
    later = library.claim("worker")
    with pytest.raises(LeaseLost), library.database.write() as tx:
        job_queue.succeed(tx, earlier)
    with library.database.write() as tx:
        job_queue.succeed(tx, later)


def test_a_lease_that_is_renewed_is_kept(library: Library) -> None:
    library.accept(b"footnote")
    job = library.claim()
    _expire_lease(library, job)
    with library.database.write() as tx:
        job_queue.report(tx, job)
    assert _claim(library, "other") is None


def test_a_job_is_tried_so_often_and_no_more(library: Library) -> None:
    library.accept(b"footnote")
    for attempt in range(1, MAX_ATTEMPTS + 1):
        job = library.claim()
        assert job.attempts == attempt
        with library.database.write() as tx:
            again = job_queue.retry_later(tx, job, "disk_full", "The disk is full.")
        assert again == (attempt < MAX_ATTEMPTS)
        if again:
            assert _claim(library) is None, "it pauses first"
            _skip_pause(library, job)
    stored = _stored(library, job)
    assert (stored.state, stored.error_code) == (JobState.DEAD, "disk_full")
    assert _claim(library) is None


def test_handing_back_costs_no_attempt_and_no_time(library: Library) -> None:
    library.accept(b"footnote")
    for _ in range(MAX_ATTEMPTS + 1):
        job = library.claim()
        with library.database.write() as tx:
            job_queue.hand_back(tx, job)
    assert library.claim().attempts == 1


def test_a_dead_worker_s_jobs_are_released(library: Library) -> None:
    library.accept(b"one")
    library.accept(b"two")
    poisoned, other = library.claim("dead"), library.claim("alive")
    with library.database.write() as tx:
        assert [job.id for job in job_queue.held_by(tx, "dead")] == [poisoned.id]
        assert job_queue.release_worker(tx, "dead") == []
    assert _stored(library, poisoned).state is JobState.QUEUED
    assert _stored(library, other).state is JobState.RUNNING


def test_a_job_that_takes_every_worker_down_is_given_up(library: Library) -> None:
    library.accept(b"footnote")
    dead: list[Job] = []
    for attempt in range(MAX_ATTEMPTS):
        job = library.claim(f"worker-{attempt}")
        with library.database.write() as tx:
            dead += job_queue.release_worker(tx, f"worker-{attempt}")
        _skip_pause(library, job)
    assert [job.id for job in dead] == [1]
    assert _claim(library) is None
    stored = _stored(library, job)
    assert (stored.state, stored.error_code) == (JobState.DEAD, "worker_died")


def test_what_ran_out_of_its_lease_waits_again_until_it_was_the_last(library: Library) -> None:
    library.accept(b"footnote")
    for attempt in range(1, MAX_ATTEMPTS + 1):
        job = library.claim()
        with library.database.write() as tx:
            assert job_queue.release_expired(tx) == ([], []), "its lease still runs"
        _expire_lease(library, job)
        with library.database.write() as tx:
            waiting, dead = job_queue.release_expired(tx)
        last = attempt == MAX_ATTEMPTS
        assert [one.id for one in (dead if last else waiting)] == [job.id]
        assert (_stored(library, job).state, _stored(library, job).error_code) == (
            JobState.DEAD if last else JobState.QUEUED,
            "worker_died",
        )
        _skip_pause(library, job)
    assert _claim(library) is None


def test_of_those_that_ran_out_none_is_forgotten_while_others_wait(library: Library) -> None:
    library.accept(b"one")
    silent = library.claim("silent")
    library.accept(b"two")
    _expire_lease(library, silent)
    claimed = [_claim(library), _claim(library)]
    assert {job.id for job in claimed if job is not None} == {1, 2}


@pytest.mark.parametrize("running", [False, True])
def test_a_cancelled_job_is_nobody_s(library: Library, running: bool) -> None:
    job = library.accept(b"footnote").job
    if running:
        job = library.claim()
    with library.database.write() as tx:
        job_queue.cancel(tx, job)
    assert _stored(library, job).state is JobState.CANCELLED
    assert _claim(library) is None
    with pytest.raises(LeaseLost), library.database.write() as tx:
        job_queue.report(tx, job)
    with pytest.raises(Conflict) as caught, library.database.write() as tx:
        job_queue.cancel(tx, job)
    assert caught.value.code == "job_finished"


@pytest.mark.parametrize("years", [10, -10])
def test_no_job_waits_for_a_clock_that_was_set(
    library: Library, monkeypatch: pytest.MonkeyPatch, years: int
) -> None:
    """One waits for its turn, one for its pause to end, one for the worker that died over it."""
    accepted = [library.accept(content.encode()) for content in ("one", "two", "three")]
    first, second = _claim(library), _claim(library)
    assert first is not None
    assert second is not None
    with library.database.write() as tx:
        assert job_queue.retry_later(tx, second, "ingest_failed", "Again.")
    later = time.time() + years * 365 * 86400
    monkeypatch.setattr(time, "time", lambda: later)
    with library.database.write() as tx:
        job_queue.release_expired(tx)
    monkeypatch.setattr(time, "time", lambda: later + 3)
    claimed = [_claim(library) for _ in accepted]
    assert {job.public_id for job in claimed if job} == {one.job.public_id for one in accepted}


def test_a_clock_that_is_set_right_takes_no_job_from_who_works(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    library.accept(b"one")
    assert _claim(library) is not None
    now = time.time()
    for step in (-5.0, 5.0):
        monkeypatch.setattr(time, "time", lambda step=step: now + step)
        assert _claim(library, "another") is None


def test_jobs_go_with_their_document(library: Library) -> None:
    accepted = library.accept(b"footnote")
    library.remove(accepted.document)
    with library.database.read() as tx, pytest.raises(NotFound) as caught:
        job_queue.get(tx, LOCAL, accepted.job.public_id)
    assert caught.value.code == "job_not_found"


def test_jobs_are_counted_and_listed(library: Library) -> None:
    for content in (b"one", b"two", b"three"):
        library.accept(content)
    library.claim()
    with library.database.read() as tx:
        assert job_queue.counts_by_state(tx) == {"queued": 2, "running": 1}
        first, cursor = job_queue.page_of(tx, LOCAL, limit=2)
        second, end = job_queue.page_of(tx, LOCAL, limit=2, after=cursor)
        running, _ = job_queue.page_of(tx, LOCAL, limit=9, state=JobState.RUNNING)
    assert [job.id for job in [*first, *second]] == [3, 2, 1]
    assert end is None
    assert [job.id for job in running] == [1]
