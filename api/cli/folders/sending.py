"""Carrying a plan out: requests to the service, several at once where the order does not matter."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from itertools import groupby
from pathlib import Path

from api.cli.connection import Refused
from api.cli.folders import outcome
from api.cli.folders.outcome import Outcome
from api.cli.folders.planning import Action, ActionKind
from api.cli.folders.remote import Remote

AT_ONCE = 6
"""Uploads on their way at the same time: enough to keep a service on this machine busy."""

_NOT_TAKEN = frozenset({"unsupported_type", "empty_file", "file_too_large", "body_too_large"})
_THIS_FILE = _NOT_TAKEN | {"encrypted", "corrupt", "bad_file_name", "bad_source", "limit_exceeded"}
"""Refusals that say something about this file; any other would meet the next one, too."""

_OVERTAKEN = frozenset({"document_not_found", "document_deleted", "source_taken"})
"""Somebody else changed the same documents meanwhile; the next run sees how they stand."""

_PHASES = {ActionKind.MOVED: 0, ActionKind.CHANGED: 1, ActionKind.ADDED: 1}
_LAST = 2


class Sender:
    """Does what a plan says.

    Args:
        delete: remove the documents whose files are gone.
        on_start: hears of each file when it is begun with, from another thread.
    """

    def __init__(
        self,
        remote: Remote,
        *,
        delete: bool = False,
        on_start: Callable[[Outcome], None] | None = None,
    ) -> None:
        self._remote = remote
        self._delete = delete
        self._on_start = on_start

    def carry_out(
        self, plan: Sequence[Action], paths: Mapping[str, Path], hashes: Mapping[str, str]
    ) -> Iterator[Outcome]:
        """The outcomes of a folder's plan as they come. Raises ``Refused`` and ``Unreachable`` for what
        is no fault of a single file."""
        pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="send")
        try:
            # Moves first, so that nothing is sent to a place where another document is expected;
            # removals last, so that whatever fails before leaves everything searchable.
            for _, phase in groupby(plan, key=lambda action: _PHASES.get(action.kind, _LAST)):
                begun = [
                    pool.submit(self._do, action, paths.get(action.source), hashes.get(action.source))
                    for action in phase
                ]
                yield from _as_they_come(begun)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)

    def send(self, files: Sequence[Path]) -> Iterator[Outcome]:
        """The outcomes of files that are sent for themselves, in no folder."""
        pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="send")
        try:
            yield from _as_they_come([pool.submit(self._upload_alone, file) for file in files])
        finally:
            pool.shutdown(wait=False, cancel_futures=True)

    def _do(self, action: Action, path: Path | None, sha256: str | None) -> Outcome:
        result = Outcome(
            action.source,
            action.kind.value,
            action.size,
            action.document_id,
            sha256=sha256,
            before=action.before,
        )
        match action.kind:
            case ActionKind.MOVED:
                self._move(result)
            case ActionKind.CHANGED | ActionKind.ADDED:
                assert path is not None
                self._transfer(result, path, action.source)
            case ActionKind.GONE if self._delete:
                assert action.document_id is not None
                self._remote.delete(action.document_id)
                result.action = outcome.DELETED
        return result

    def _move(self, result: Outcome) -> None:
        assert result.document_id is not None
        try:
            result.accepted(self._remote.move(result.document_id, result.file))
        except Refused as error:
            if error.code not in _OVERTAKEN:
                raise
            result.error = str(error)

    def _upload_alone(self, path: Path) -> Outcome:
        result = Outcome(str(path), outcome.ADDED)
        self._transfer(result, path, None)
        if result.action == outcome.SKIPPED:  # it was asked for by name
            result.action, result.error, result.reason = outcome.ADDED, result.reason, None
            result.state = "refused"
        return result

    def _transfer(self, result: Outcome, path: Path, source: str | None) -> None:
        result.state = "uploading"
        try:
            result.size = path.stat().st_size
            if self._on_start is not None:
                self._on_start(result)
            result.accepted(self._remote.upload(path, source))
        except OSError as error:  # it went away meanwhile, or may not be read
            result.state, result.error = "refused", error.strerror or type(error).__name__
        except Refused as error:
            if error.code not in _THIS_FILE:
                raise
            result.state = "refused"
            if error.code in _NOT_TAKEN:
                result.action, result.reason = outcome.SKIPPED, str(error)
            else:
                result.error = str(error)


def _as_they_come(begun: Sequence[Future[Outcome]]) -> Iterator[Outcome]:
    for done in as_completed(begun):
        yield done.result()
