"""``footnote watch``: keep the service in step with a folder until interrupted."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

from api.cli.adding import uploader
from api.cli.connection import Connection
from api.cli.folders.folder import Folder
from api.cli.folders.following import Follower
from api.cli.folders.keeping import Keeper
from api.cli.folders.outcome import Outcome
from api.cli.folders.remote import Remote
from api.file_lock import FileLock, Held
from rag.errors import Conflict

_POLL_SECONDS = 2.0
_TICK_MS = 500


@dataclass(frozen=True, slots=True)
class Options:
    """As of ``footnote add``; ``poll`` looks every two seconds instead of waiting to be told.

    ``as_json`` prints each event as a JSON object on a line of its own.
    """

    collection: str = "default"
    ignore: Sequence[str] = ()
    name: str | None = None
    poll: bool = False
    as_json: bool = False


Say = Callable[[str, str], None]
"""Hears of each event and what it is about."""


def watch(service: Connection, path: Path, options: Options) -> int:
    """Follow the folder until SIGINT or SIGTERM; returns the exit status.

    Raises ``Conflict`` (``folder_watched``) when that is being done already.
    """
    folder = Folder(
        path, url=service.url, collection=options.collection, name=options.name, patterns=options.ignore
    )
    lock = _locked(folder)
    tell: Say = say_as_json if options.as_json else say
    ended = _ended_by_signal()
    try:
        with Follower(service, partial(_job_ended, tell), patience=None) as follower:
            keeper = Keeper(folder, Remote(service, options.collection, uploader()), follower.follow, tell)
            tell("following", f"{folder.root} as {folder.prefix} (Ctrl-C ends)")
            _follow(keeper, _ticks(folder, options.poll, tell), ended)
    except KeyboardInterrupt:
        tell("stopped", f"{folder.root}")
    finally:
        lock.release()
    return 0


def say(event: str, about: str) -> None:
    """One line for one event, with the time of day."""
    shown = about.encode(errors="replace").decode()
    print(f"{time.strftime('%H:%M:%S')}  {event:<9}  {shown}", flush=True)


def say_as_json(event: str, about: str) -> None:
    shown = about.encode(errors="replace").decode()
    line = {"time": datetime.now(UTC).isoformat(), "event": event, "about": shown}
    print(json.dumps(line, ensure_ascii=False), flush=True)


def _locked(folder: Folder) -> FileLock:
    try:
        return FileLock(folder.lock_path).acquire()
    except Held as held:
        raise Conflict(
            "folder_watched",
            f"Process {held.holder} follows {folder.root} for this collection already; end that one first.",
        ) from None


def _ended_by_signal() -> threading.Event:
    """From now on SIGINT and SIGTERM set the event and interrupt what is being done.

    An interrupt is an exception, and whatever code it comes up in may lose it.
    """
    ended = threading.Event()

    def end(_number: int, _frame: FrameType | None) -> None:
        ended.set()
        raise KeyboardInterrupt

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    return ended


def _follow(keeper: Keeper, ticks: Iterable[bool], ended: threading.Event) -> None:
    again_at: float | None = 0.0
    for changed in ticks:
        if ended.is_set():
            raise KeyboardInterrupt
        if changed or (again_at is not None and time.monotonic() >= again_at):
            again_at = keeper.step(time.monotonic())


def _ticks(folder: Folder, poll: bool, tell: Say) -> Iterator[bool]:
    """For ever and at least every two seconds: whether something may have changed in the folder."""
    while not poll:
        yield True
        try:
            yield from _told(folder)
        except OSError as error:
            # The limit of the system on watched folders, or a file system that cannot tell.
            tell("polling", f"the system does not tell of changes here ({error}); looking every two seconds")
            poll = True
    waiting = threading.Event()
    while True:
        yield True
        waiting.wait(_POLL_SECONDS)


def _told(folder: Folder) -> Iterator[bool]:
    """As long as the folder is the same one; a folder that is replaced has to be watched anew."""
    import watchfiles

    def interesting(_change: watchfiles.Change, path: str) -> bool:
        return folder.concerns(Path(path))

    identity = _identity(folder.root)
    while identity is None:
        time.sleep(_POLL_SECONDS)
        yield False
        identity = _identity(folder.root)
    changes = watchfiles.watch(
        folder.root,
        watch_filter=interesting,
        debounce=200,
        step=50,
        rust_timeout=_TICK_MS,
        yield_on_timeout=True,
        ignore_permission_denied=True,
    )
    for told in changes:
        yield bool(told)
        if _identity(folder.root) != identity:
            return


def _identity(root: Path) -> tuple[int, int] | None:
    with suppress(OSError):
        status = os.stat(root)
        return status.st_dev, status.st_ino
    return None


def _job_ended(tell: Say, result: Outcome, _job: Any) -> None:
    if not result.ended:
        return
    if result.error is not None:
        tell("failed", f"{result.file}: {result.error}")
    else:
        warnings = f" (warnings: {', '.join(result.warnings)})" if result.warnings else ""
        tell(result.state or "ready", result.file + warnings)
