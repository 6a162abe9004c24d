"""Jobs: how far the reading of documents is, and waiting for its end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable

from api.client.aio.wire import AsyncWire, parsed
from api.client.errors import JobFailed, TimedOut
from api.client.records import ENDED, Job, JobStateName, Queue

OnJob = Callable[[Job], None]

_FIRST_PAUSE = 0.05
_SLOWER = 1.3
_LONGEST_PAUSE = 0.5
"""Small documents are read within a tenth of a second, large ones in minutes."""


class AsyncJobs:
    """``client.jobs``."""

    def __init__(self, wire: AsyncWire) -> None:
        self._wire = wire

    async def get(self, job_id: str) -> Job:
        return await self._wire.get(Job, f"/v1/jobs/{job_id}")

    def list(self, *, state: JobStateName | None = None) -> AsyncIterator[Job]:
        """Jobs, newest first, however many."""
        return self._wire.pages(Job, "/v1/jobs", state=state)

    async def wait(
        self, job_id: str, *, on_progress: OnJob | None = None, timeout: float | None = None
    ) -> Job:
        """Wait for a job to end well.

        Args:
            on_progress: hears of the job whenever it changes, and at its end.
            timeout: seconds; None waits for as long as it takes.

        Raises ``JobFailed``, ``TimedOut`` (the job goes on), ``Refused``, ``Unreachable``.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        pause, told = _FIRST_PAUSE, None
        while True:
            job = await self.get(job_id)
            if on_progress is not None and job != told:
                on_progress(job)
                told = job
            if job.state in ENDED:
                break
            if deadline is not None and time.monotonic() + pause > deadline:
                raise TimedOut(f"{job_id} is still {job.state.value}; it goes on, ask for it again later.")
            await asyncio.sleep(pause)
            pause = min(pause * _SLOWER, _LONGEST_PAUSE)
        if job.state != "succeeded":
            raise JobFailed(job)
        return job

    async def cancel(self, job_id: str) -> Job:
        """Stop reading; the document stays, as failed."""
        return parsed(Job, await self._wire.call("DELETE", f"/v1/jobs/{job_id}"))

    async def retry(self, job_id: str) -> Job:
        """Queue a job that failed, died or was cancelled once more."""
        return await self._wire.post(Job, f"/v1/jobs/{job_id}/retry")

    async def queue(self) -> Queue:
        """How many jobs are in each state."""
        return await self._wire.get(Queue, "/v1/queue")

    async def pause(self) -> Queue:
        """Begin no further job."""
        return await self._wire.post(Queue, "/v1/queue/pause")

    async def resume(self) -> Queue:
        """Begin jobs again."""
        return await self._wire.post(Queue, "/v1/queue/resume")
