"""``footnote jobs``: what is being read, what waits, what failed, and doing something about it."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from api.cli.connection import Connection, Refused
from api.cli.output import print_fields, print_json

_PAGE = 200


def list_all(service: Connection, state: str | None, limit: int, as_json: bool) -> None:
    """The newest jobs, and on a line of its own how the queue stands."""
    jobs = list(islice(_all(service, state), limit))
    if as_json:
        print_json(jobs)
        return
    for job in jobs:
        told = job["error"]["code"] if job["error"] else progress(job)
        print(f"{job['id']}  {job['state']:<10} {job['document_id']}  {told}".rstrip())
    print(_overview(service.call("GET", "/v1/queue")))


def show(service: Connection, job_id: str, as_json: bool) -> None:
    job = service.call("GET", f"/v1/jobs/{job_id}")
    if as_json:
        print_json(job)
        return
    fields = {name: job[name] for name in ("id", "document_id", "version", "state", "attempts", "uploader")}
    fields["progress"] = progress(job)
    if job["position"] is not None:
        fields["position"] = f"{job['position']:,} before it"
    fields |= {name: job[name] for name in ("created_at", "started_at", "finished_at")}
    fields["warnings"] = "\n".join(f"{one['code']}: {one['detail']}" for one in job["warnings"])
    if job["error"]:
        fields["error"] = f"{job['error']['code']}: {job['error']['detail']}"
    print_fields(fields)


def retry(service: Connection, job_ids: Sequence[str], all_dead: bool, as_json: bool) -> int:
    """Queue jobs once more; returns the exit status, 1 if any of them could not be."""
    wanted = [*job_ids, *(job["id"] for job in _all(service, "dead"))] if all_dead else list(job_ids)
    return _each(service, wanted, "POST", "/retry", as_json)


def cancel(service: Connection, job_ids: Sequence[str], as_json: bool) -> int:
    """Stop jobs; returns the exit status, 1 if any of them could not be."""
    return _each(service, list(job_ids), "DELETE", "", as_json)


def pause(service: Connection, as_json: bool) -> None:
    _tell_queue(service.call("POST", "/v1/queue/pause"), as_json)


def resume(service: Connection, as_json: bool) -> None:
    _tell_queue(service.call("POST", "/v1/queue/resume"), as_json)


def progress(job: Mapping[str, Any]) -> str:
    """``embedding, 120 of 480 chunks, 52.1 a second, about 7 s left``."""
    words = [job["stage"]]
    for unit in ("chunks", "pages"):
        counted = job[unit]
        if counted["total"]:
            words.append(f"{counted['done']:,} of {counted['total']:,} {unit}")
            break
    rate = job["rate"]["chunks_per_second"] or job["rate"]["pages_per_second"]
    if rate:
        words.append(f"{rate:,.1f} a second")
    if job["eta_seconds"] is not None:
        words.append(f"about {job['eta_seconds']:,.0f} s left")
    return ", ".join(words)


def _each(service: Connection, wanted: Sequence[str], method: str, action: str, as_json: bool) -> int:
    done, failed = [], False
    for job_id in wanted:
        try:
            job = service.call(method, f"/v1/jobs/{job_id}{action}")
        except Refused as error:
            print(f"footnote: {job_id}: {error}", file=sys.stderr)
            failed = True
            continue
        done.append(job)
        if not as_json:
            print(f"{job['id']}  {job['state']}")
    if as_json:
        print_json(done)
    elif not wanted:
        print("There are no such jobs.")
    return int(failed)


def _tell_queue(queue: Mapping[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(queue)
    else:
        print(_overview(queue))


def _overview(queue: Mapping[str, Any]) -> str:
    counts = ", ".join(f"{count:,} {state}" for state, count in queue["jobs"].items() if count) or "no jobs"
    oldest = queue["oldest_waiting_seconds"]
    since = "" if oldest is None else f"; the oldest has waited {oldest:,.0f} s"
    paused = "The queue is paused (`footnote jobs resume` goes on): " if queue["paused"] else "The queue: "
    return f"{paused}{counts}{since}."


def _all(service: Connection, state: str | None) -> Iterator[dict[str, Any]]:
    parameters: dict[str, Any] = {"limit": _PAGE} | ({} if state is None else {"state": state})
    while True:
        page = service.call("GET", "/v1/jobs", params=parameters)
        yield from page["data"]
        if page["next_cursor"] is None:
            return
        parameters["cursor"] = page["next_cursor"]
