"""Keeping a folder and the service in step: look, believe, plan, do, and again whenever something changed.

Every step looks at the whole folder instead of trusting what was reported of it: reports get lost, and
the hashes of unchanged files are known.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from api.cli.connection import Refused, Unreachable
from api.cli.folders import outcome as actions
from api.cli.folders.folder import Folder, View
from api.cli.folders.outcome import Outcome, grouped
from api.cli.folders.patience import Belief, Patience
from api.cli.folders.planning import Action, ActionKind, RemoteFile, plan
from api.cli.folders.remote import Remote
from api.cli.folders.scanning import Scan
from api.cli.folders.sending import Sender
from rag.errors import BadRequest

_LONGEST_PAUSE = 30.0
_AWAY_SECONDS = 2.0

Say = Callable[[str, str], None]
"""Tells people of an event: its name, and what it is about."""


class Keeper:
    """One folder followed over time.

    What the service has is asked once and kept up to date with what is sent; after trouble it is asked
    again. ``follow`` is given every outcome whose job goes on.
    """

    def __init__(self, folder: Folder, remote: Remote, follow: Callable[[Outcome], None], say: Say) -> None:
        self._folder = folder
        self._remote = remote
        self._follow = follow
        self._say = say
        self._sender = Sender(remote, delete=True)
        self._patience = Patience()
        self._there: dict[str, RemoteFile] | None = None
        self._refused: dict[str, str] = {}
        self._skips: dict[str, str] = {}
        self._said: str | None = None
        self._pause = 0.5
        self._overtaken = False
        """Whether somebody else changed the same documents, so that they must be asked for again."""

    def step(self, now: float) -> float | None:
        """Do what there is to do; returns when to look again at the latest, None: when something happens.

        Raises ``Refused`` for a refusal that will not pass.
        """
        try:
            scan = self._folder.scan()
        except (OSError, BadRequest) as error:
            self._once(f"the folder cannot be read ({error}); nothing is changed until it can")
            return now + _AWAY_SECONDS
        try:
            again_at = self._keep(scan, now)
        except (Unreachable, Refused) as error:
            if isinstance(error, Refused) and not (error.passing or error.status >= 500):
                raise
            return now + self._trouble(error)
        self._pause = 0.5
        return again_at

    def _keep(self, scan: Scan, now: float) -> float | None:
        if self._there is None:
            there = self._remote.files(self._folder.prefix)
            self._folder.check_name(bool(there))
            self._there = {file.source: file for file in there}
            self._recovered()
        belief = self._patience.look({file.source: file.stat for file in scan.files}, self._there.keys(), now)
        settled = [file for file in scan.files if file.source not in belief.unsettled]
        view = self._folder.view(Scan(settled, scan.skipped))
        self._tell_skips(view)
        todo = self._todo(view, belief, empty=not scan.files)
        hashes = {file.source: file.sha256 for file in view.files}
        for result in self._sender.carry_out(todo, view.paths, hashes):
            self._done(result, hashes)
        if todo:
            self._folder.remember(view)
        if self._overtaken:
            self._there, self._overtaken = None, False
            return now + _AWAY_SECONDS
        return belief.again_at

    def _todo(self, view: View, belief: Belief, empty: bool) -> Sequence[Action]:
        assert self._there is not None
        hashes = {file.source: file.sha256 for file in view.files}
        wanted = [
            action
            for action in plan(view.files, list(self._there.values()), {*view.unknown, *belief.unsettled})
            if action.kind is not ActionKind.UNCHANGED
            and not (action.kind is ActionKind.GONE and action.source in belief.missing)
            and self._refused.get(action.source) != hashes.get(action.source, "")
        ]
        if empty and self._there:
            # An unmounted disk looks like this. Whoever means it has a command for it.
            self._once(
                "the folder is empty, so nothing is deleted; `footnote add --delete` does that if it is meant"
            )
            return []
        self._recovered()
        return wanted

    def _done(self, result: Outcome, hashes: dict[str, str]) -> None:
        """Enter an outcome into what the service has, and tell of it."""
        assert self._there is not None
        if result.action == actions.DELETED:
            self._there.pop(result.file, None)
            self._say("deleted", result.file)
            return
        if result.action == actions.MOVED and result.error is not None:
            self._overtaken = True
            self._say("failed", f"{result.before} is now {result.file}: {result.error}")
            return
        if result.before is not None:
            self._there.pop(result.before, None)
        if result.error is not None or result.action == actions.SKIPPED:
            self._refused[result.file] = hashes[result.file]
            self._say("failed", f"{result.file}: {result.error or result.reason}")
            return
        assert result.document_id is not None
        # The hash is the service's: a file that changed while it was sent is found changed the next time.
        self._there[result.file] = RemoteFile(
            result.file, result.sha256 or hashes[result.file], result.document_id
        )
        moved = f"{result.before} is now {result.file}"
        self._say(result.action.replace("_", " "), moved if result.before else result.file)
        if not result.ended and result.job_id is not None:
            self._follow(result)

    def _tell_skips(self, view: View) -> None:
        now = {one.source: one.reason for one in view.skipped}
        for line in grouped(one for one in now.items() if self._skips.get(one[0]) != one[1]):
            self._say("skipped", line)
        self._skips = now

    def _trouble(self, error: Exception) -> float:
        """Seconds to wait; what the service has must be asked again, something may have got through."""
        self._there = None
        reason = str(error) if isinstance(error, Refused) else "the service does not answer"
        self._once(f"{reason}; trying again until it does")
        self._pause = min(_LONGEST_PAUSE, self._pause * 2)
        return self._pause

    def _once(self, trouble: str) -> None:
        if trouble != self._said:
            self._say("waiting", trouble)
        self._said = trouble

    def _recovered(self) -> None:
        if self._said is not None:
            self._say("resumed", self._folder.prefix)
        self._said = None
