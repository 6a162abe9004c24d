"""How a job ends when it does not end well, always together with the state of the version it was to read."""

from __future__ import annotations

from rag.stores import document_catalog, job_queue
from rag.stores.database import Database, Tx
from rag.stores.job_queue import Job

_POISONED = "Reading this document ended the worker three times; it is not tried again. Upload a mended copy."


def reject(database: Database, job: Job, code: str, detail: str) -> None:
    """The document is at fault: no retry, and an older live version stays live. Raises ``LeaseLost``."""
    with database.write() as tx:
        job_queue.fail(tx, job, code, detail)
        document_catalog.fail(tx, job.version_id, code, detail)


def retry(database: Database, job: Job, code: str, detail: str) -> bool:
    """Something around the document failed. Returns whether it is tried again. Raises ``LeaseLost``."""
    with database.write() as tx:
        again = job_queue.retry_later(tx, job, code, detail)
        if again:
            document_catalog.requeue(tx, job.version_id)
        else:
            document_catalog.fail(tx, job.version_id, code, detail)
        return again


def give_back(database: Database, job: Job) -> None:
    """The worker has to stop: another takes the job, and the attempt is not held against the document.

    Raises ``LeaseLost``.
    """
    with database.write() as tx:
        job_queue.hand_back(tx, job)
        document_catalog.requeue(tx, job.version_id)


def hand_back(database: Database, worker_id: str) -> None:
    """Release what a worker that is known to be dead had claimed; what has killed too many is given up."""
    with database.write() as tx:
        held = job_queue.held_by(tx, worker_id)
        dead = {job.id for job in job_queue.release_worker(tx, worker_id)}
        for job in held:
            if job.id in dead:
                _give_up(tx, job)
            else:
                document_catalog.requeue(tx, job.version_id)


def release_expired(database: Database) -> None:
    """Have another worker take what one went silent over; give up what has silenced too many."""
    with database.write() as tx:
        waiting, dead = job_queue.release_expired(tx)
        for job in waiting:
            document_catalog.requeue(tx, job.version_id)
        for job in dead:
            _give_up(tx, job)


def _give_up(tx: Tx, job: Job) -> None:
    document_catalog.fail(tx, job.version_id, "worker_died", _POISONED)
