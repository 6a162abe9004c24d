from __future__ import annotations

import pytest

from rag.errors import Conflict
from rag.records import JobState
from rag.stores import document_catalog, job_queue
from rag.stores.access import LOCAL
from rag.stores.job_queue import SMALL_BYTES, Job
from tests.rag.stores.library import Library

LARGE = SMALL_BYTES * 8


def _send(library: Library, uploader: str, name: str, size: int = 10) -> Job:
    content = f"{uploader} {name} ".encode()
    return library.accept(content + b"x" * size, name, uploader=uploader).job


def _take(library: Library) -> str | None:
    """Do the next job; the name of its document."""
    with library.database.write() as tx:
        job = job_queue.claim(tx, "worker")
        if job is None:
            return None
        job_queue.succeed(tx, job)
        return document_catalog.by_id(tx, job.document_id).name


def _order(library: Library) -> list[str]:
    """The names in the order in which they are claimed."""
    return list(iter(lambda: _take(library), None))


def test_whoever_sends_little_does_not_wait_for_whoever_sends_much(library: Library) -> None:
    for number in range(20):
        _send(library, "flood", f"flood-{number}")
    _send(library, "quiet", "quiet")
    assert _order(library).index("quiet") <= 2


def test_uploaders_take_turns(library: Library) -> None:
    for uploader in "abc":
        for number in range(4):
            _send(library, uploader, f"{uploader}{number}")
    order = [name[0] for name in _order(library)]
    assert all(set(order[at : at + 3]) == set("abc") for at in range(0, 12, 3))


def test_one_uploaders_small_documents_go_before_a_huge_one_and_keep_their_order(library: Library) -> None:
    _send(library, "a", "huge", LARGE)
    for number in range(5):
        _send(library, "a", f"small-{number}")
    assert _order(library) == [*(f"small-{number}" for number in range(5)), "huge"]


def test_a_huge_document_is_not_put_off_for_ever(library: Library) -> None:
    _send(library, "a", "huge", LARGE)
    for number in range(500):
        _send(library, "b", f"small-{number}", 1000)
        if _take(library) == "huge":
            return
    pytest.fail("500 small documents went before it")


def test_who_was_served_before_does_not_have_to_wait_for_it(library: Library) -> None:
    for number in range(10):
        _send(library, "a", f"a{number}")
    _order(library)
    for number in range(3):
        _send(library, "a", f"again-{number}")
        _send(library, "b", f"b{number}")
    order = _order(library)
    assert {order[0], order[1]} == {"again-0", "b0"}


def test_the_position_counts_those_before(library: Library) -> None:
    jobs = [_send(library, "a", str(number)) for number in range(3)]
    with library.database.write() as tx:
        assert [job_queue.position(tx, LOCAL, job) for job in jobs] == [0, 1, 2]
        assert job_queue.claim(tx, "worker") is not None
        assert [job_queue.position(tx, LOCAL, job_queue.get(tx, LOCAL, job.public_id)) for job in jobs] == [
            None,
            0,
            1,
        ]


def test_a_paused_queue_hands_nothing_out(library: Library) -> None:
    _send(library, "a", "one")
    with library.database.write() as tx:
        job_queue.pause(tx)
        assert job_queue.overview(tx, LOCAL).paused
        assert not job_queue.has_waiting(tx)
        assert job_queue.claim(tx, "worker") is None
        job_queue.resume(tx)
        assert job_queue.has_waiting(tx)
        assert job_queue.claim(tx, "worker") is not None
        overview = job_queue.overview(tx, LOCAL)
    assert (overview.paused, overview.jobs) == (False, {JobState.RUNNING: 1})
    assert overview.oldest_waiting_seconds is None


@pytest.mark.parametrize("end", ["failed", "cancelled"])
def test_what_failed_or_was_cancelled_can_be_tried_again(library: Library, end: str) -> None:
    _send(library, "a", "one")
    job = library.claim()
    with library.database.write() as tx:
        if end == "failed":
            job_queue.fail(tx, job, "corrupt", "It is damaged.")
        else:
            job_queue.cancel(tx, job)
        again = job_queue.retry(tx, job_queue.get(tx, LOCAL, job.public_id))
    assert (again.state, again.attempts, again.error_code, again.finished_at) == ("queued", 0, None, None)
    assert library.claim().public_id == job.public_id


def test_what_runs_or_is_out_of_date_is_not_tried_again(library: Library) -> None:
    _send(library, "a", "one")
    job = library.claim()
    with library.database.write() as tx, pytest.raises(Conflict) as caught:
        job_queue.retry(tx, job)
    assert caught.value.code == "job_not_retryable"
    with library.database.write() as tx:
        job_queue.fail(tx, job, "corrupt", "It is damaged.")
        job_queue.enqueue(tx, job.document_id, job.version_id)
        with pytest.raises(Conflict) as caught:
            job_queue.retry(tx, job_queue.get(tx, LOCAL, job.public_id))
    assert caught.value.code == "job_superseded"
