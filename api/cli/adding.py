"""``footnote add``: upload files and follow their jobs, a few at a time."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from api.cli.connection import ENDED, Connection, Refused
from api.cli.output import print_json

_IN_FLIGHT = 8
_POLL_SECONDS = 0.2


@dataclass(slots=True)
class Added:
    """What became of one file."""

    file: str
    document_id: str | None = None
    state: str = "uploading"
    duplicate: bool = False
    error: str | None = None


@dataclass(slots=True)
class _Pending:
    added: Added
    job_id: str
    bar: TaskID


def add(service: Connection, paths: Sequence[Path], collection: str, as_json: bool) -> int:
    """Upload all files; returns the exit status, 1 if any could not be read."""
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(24),
        TextColumn("{task.fields[stage]}"),
        TimeElapsedColumn(),
    )
    results: list[Added] = []
    with Progress(*columns, console=console, disable=not console.is_terminal) as bars:
        pending: list[_Pending] = []
        for file in _files(paths):
            while len(pending) >= _IN_FLIGHT:
                pending = _follow(service, pending, bars)
            started = _upload(service, file, collection, bars)
            results.append(started[0])
            if started[1] is not None:
                pending.append(started[1])
        while pending:
            pending = _follow(service, pending, bars)
    _report(results, as_json)
    return int(not results or any(one.error is not None for one in results))


def _files(paths: Iterable[Path]) -> Iterator[Path]:
    """Files as named, and those below folders, in name order, hidden ones left out."""
    for path in paths:
        if path.is_dir():
            yield from (
                below
                for below in sorted(path.rglob("*"))
                if below.is_file() and not any(part.startswith(".") for part in below.relative_to(path).parts)
            )
        else:
            yield path


def _upload(
    service: Connection, file: Path, collection: str, bars: Progress
) -> tuple[Added, _Pending | None]:
    added = Added(str(file))
    bar = bars.add_task(file.name[:40], total=None, stage="uploading")
    try:
        with file.open("rb") as content:
            accepted = service.call(
                "POST", "/v1/documents", files={"file": (file.name, content)}, data={"collection": collection}
            )
    except (Refused, OSError) as error:
        added.state, added.error = "refused", str(error)
        bars.update(bar, stage="refused", total=1)
        return added, None
    added.document_id, added.duplicate = accepted["document"]["id"], accepted["duplicate"]
    return added, _Pending(added, accepted["job"]["id"], bar)


def _follow(service: Connection, pending: Sequence[_Pending], bars: Progress) -> list[_Pending]:
    """One look at each job; returns those that go on."""
    going_on = []
    for one in pending:
        try:
            job = service.call("GET", f"/v1/jobs/{one.job_id}")
        except Refused as error:  # the document was deleted meanwhile
            one.added.state, one.added.error = "gone", str(error)
            continue
        _show(job, one.bar, bars)
        if job["state"] not in ENDED:
            going_on.append(one)
            continue
        document = service.call("GET", f"/v1/documents/{one.added.document_id}")
        one.added.state = document["state"]
        if job["state"] != "succeeded":
            reason = job["error"] or {"code": job["state"], "detail": "The job was stopped."}
            one.added.error = f"{reason['code']}: {reason['detail']}"
    if going_on:
        time.sleep(_POLL_SECONDS)
    return going_on


def _show(job: dict[str, Any], bar: TaskID, bars: Progress) -> None:
    counted = job["chunks"] if job["chunks"]["total"] else job["pages"]
    total = counted["total"] or (1 if job["state"] in ENDED else None)
    done = total if job["state"] in ENDED else counted["done"]
    bars.update(bar, stage=job["stage"], total=total, completed=done)


def _report(results: Sequence[Added], as_json: bool) -> None:
    if as_json:
        print_json([asdict(one) for one in results])
        return
    for one in results:
        outcome = one.error or one.state + (" (was there already)" if one.duplicate else "")
        print(f"{one.document_id or '-'}  {one.file}  {outcome}")
    if not results:
        print("There are no files there.")
