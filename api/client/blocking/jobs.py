# Made by scripts/make_client.py from api/client/aio/jobs.py; change that one.
"""Jobs: how far the reading of documents is, and waiting for its end."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from api.client.blocking.wire import Wire, parsed
from api.client.errors import JobFailed, TimedOut
from api.client.records import ENDED, Job, JobStateName, Queue

OnJob = Callable[[Job], None]

_FIRST_PAUSE = 0.05
_SLOWER = 1.3
_LONGEST_PAUSE = 0.5
"""Small documents are read within a tenth of a second, large ones in minutes."""


class Jobs:
    """``client.jobs``."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def get(self, job_id: str) -> Job:
        return self._wire.get(Job, f"/v1/jobs/{job_id}")

    def list(self, *, state: JobStateName | None = None) -> Iterator[Job]:
        """Jobs, newest first, however many."""
        return self._wire.pages(Job, "/v1/jobs", state=state)

    def wait(self, job_id: str, *, on_progress: OnJob | None = None, timeout: float | None = None) -> Job:
        """Wait for a job to end well.

        Args:
            on_progress: hears of the job whenever it changes, and at its end.
            timeout: seconds; None waits for as long as it takes.

        Raises ``JobFailed``, ``TimedOut`` (the job goes on), ``Refused``, ``Unreachable``.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        pause, told = _FIRST_PAUSE, None
        while True:
            job = self.get(job_id)
            if on_progress is not None and job != told:
                on_progress(job)
                told = job
            if job.state in ENDED:
                break
            if deadline is not None and time.monotonic() + pause > deadline:
                raise TimedOut(f"{job_id} is still {job.state.value}; it goes on, ask for it again later.")
            time.sleep(pause)
            pause = min(pause * _SLOWER, _LONGEST_PAUSE)
        if job.state != "succeeded":
            raise JobFailed(job)
        return job

    def cancel(self, job_id: str) -> Job:
        """Stop reading; the document stays, as failed."""
        return parsed(Job, self._wire.call("DELETE", f"/v1/jobs/{job_id}"))

    def retry(self, job_id: str) -> Job:
        """Queue a job that failed, died or was cancelled once more."""
        return self._wire.post(Job, f"/v1/jobs/{job_id}/retry")

    def queue(self) -> Queue:
        """How many jobs are in each state."""
        return self._wire.get(Queue, "/v1/queue")

    def pause(self) -> Queue:
        """Begin no further job."""
        return self._wire.post(Queue, "/v1/queue/pause")

    def resume(self) -> Queue:
        """Begin jobs again."""
        return self._wire.post(Queue, "/v1/queue/resume")
