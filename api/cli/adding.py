"""``footnote add``: bring files and whole folders into step with the service, and follow their jobs."""

from __future__ import annotations

import getpass
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from api.cli.bars import Bars
from api.cli.connection import Connection
from api.cli.folders import outcome as actions
from api.cli.folders.folder import Folder
from api.cli.folders.following import Follower
from api.cli.folders.outcome import Outcome, grouped
from api.cli.folders.planning import ActionKind, plan
from api.cli.folders.remote import Remote
from api.cli.folders.sending import Sender
from api.cli.output import print_json
from rag.errors import Conflict

_PATIENCE_SECONDS = 30.0
_TO_DO = (ActionKind.ADDED, ActionKind.CHANGED, ActionKind.MOVED)


@dataclass(frozen=True, slots=True)
class Options:
    """How to add. ``name`` stands for a folder's own name in its sources; see ``docs/cli.md``."""

    collection: str = "default"
    ignore: Sequence[str] = ()
    name: str | None = None
    delete: bool = False
    wait: bool = True
    as_json: bool = False


@dataclass(slots=True)
class _Run:
    """One run of the command: what it works with and what has come of it."""

    service: Connection
    options: Options
    bars: Bars
    follower: Follower
    remote: Remote
    outcomes: list[Outcome] = field(default_factory=list)

    def take(self, result: Outcome) -> None:
        """An outcome of sending: report it, and follow its job if it has one to wait for."""
        self.outcomes.append(result)
        if self.options.wait and not result.ended and result.job_id is not None:
            self.bars.sent(result)
            self.follower.follow(result)
        elif result.action not in (actions.UNCHANGED, actions.GONE, actions.DELETED):
            self.bars.end(result)


def add(service: Connection, paths: Sequence[Path], options: Options) -> int:
    """Do it all; returns the exit status, 1 if anything could not be read or nothing was there."""
    folders = _folders(service.url, [path for path in paths if path.is_dir()], options)
    with ExitStack() as stack:
        bars = stack.enter_context(Bars())
        follower = stack.enter_context(
            Follower(service, lambda result, job: _tell(bars, result, job), _PATIENCE_SECONDS)
        )
        remote = Remote(service, options.collection, uploader())
        run = _Run(service, options, bars, follower, remote)
        for folder in folders:
            _add_folder(run, folder)
        files = [path for path in paths if not path.is_dir()]
        bars.expect(len(files), sum(path.stat().st_size for path in files if path.exists()))
        for result in Sender(remote, on_start=bars.show).send(files):
            run.take(result)
        follower.wait()
    _report(run.outcomes, options.as_json)
    return int(not run.outcomes or any(one.error is not None for one in run.outcomes))


def _folders(url: str, paths: Sequence[Path], options: Options) -> list[Folder]:
    """Raises ``Conflict`` (``folder_name_taken``) when two of them would share their documents' places."""
    by_name: dict[str, Folder] = {}
    for path in paths:
        folder = Folder(
            path, url=url, collection=options.collection, name=options.name, patterns=options.ignore
        )
        other = by_name.setdefault(folder.name, folder)
        if other.root != folder.root:
            raise Conflict(
                "folder_name_taken",
                f"{other.root} and {folder.root} would both be {folder.prefix}; add one with --as.",
            )
    return list(by_name.values())


def uploader() -> str | None:
    """Whose turn uploads count for: the user's name, when it fits into a header."""
    try:
        name = getpass.getuser()
    except (OSError, KeyError, ImportError):  # no such user in the system's list
        return None
    return name[:64] if name.isascii() and name.isprintable() and name.strip() == name and name else None


def _add_folder(run: _Run, folder: Folder) -> None:
    looked = 0

    def on_file() -> None:
        nonlocal looked
        looked += 1
        run.bars.looked_at(looked)

    try:
        view = folder.view(folder.scan(), on_file)
    except OSError as error:
        run.outcomes.append(skipped(folder.name, error.strerror or type(error).__name__, unreadable=True))
        return
    there = run.remote.files(folder.prefix)
    folder.check_name(bool(there))
    todo = plan(view.files, there, view.unknown)
    work = [action for action in todo if action.kind in _TO_DO]
    run.bars.expect(len(work), sum(action.size for action in work))
    sender = Sender(run.remote, delete=run.options.delete, on_start=run.bars.show)
    failed = {one.document_id: one.error for one in there if one.state == "failed"}
    for result in sender.carry_out(todo, view.paths, {file.source: file.sha256 for file in view.files}):
        if result.action == actions.UNCHANGED:
            result.error = failed.get(result.document_id or "")
        run.take(result)
    run.outcomes += [skipped(one.source, one.reason, one.unreadable) for one in view.skipped]
    folder.remember(view)


def skipped(source: str, reason: str, unreadable: bool) -> Outcome:
    """The outcome for what is not taken from a folder."""
    return Outcome(
        source, actions.SKIPPED, reason=None if unreadable else reason, error=reason if unreadable else None
    )


def _tell(bars: Bars, result: Outcome, job: Mapping[str, Any]) -> None:
    if result.ended:
        bars.end(result)
    else:
        bars.show(result, job)


def _report(outcomes: Sequence[Outcome], as_json: bool) -> None:
    if as_json:
        print_json([one.as_json() for one in outcomes])
        return
    for one in outcomes:
        if one.error is not None or one.action not in (actions.UNCHANGED, actions.SKIPPED):
            print(f"{one.document_id or '-'}  {one.file}  {one.line()}")
    skips = [(one.file, one.reason or "") for one in outcomes if one.action == actions.SKIPPED]
    for line in grouped((file, reason) for file, reason in skips if reason):
        print(f"Skipped {line}")
    print(_summary(outcomes) if outcomes else "There are no files there.")


def _summary(outcomes: Sequence[Outcome]) -> str:
    counted = Counter("failed" if one.error is not None else one.action for one in outcomes)
    words = {actions.THERE_ALREADY: "there already"}
    return ", ".join(f"{count:,} {words.get(name, name)}" for name, count in counted.most_common()) + "."
