"""What became of one file, from the moment it is looked at until it can be searched."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from api.cli.connection import ENDED

ADDED, CHANGED, MOVED, THERE_ALREADY = "added", "changed", "moved", "there_already"
UNCHANGED, GONE, DELETED, SKIPPED = "unchanged", "gone", "deleted", "skipped"


_NAMED = 3


@dataclass(slots=True, eq=False)
class Outcome:
    """``action`` is one of the names above. ``state`` is the document's, or where the file is on its way.

    ``error`` is ``code: detail`` of why it cannot be searched, ``reason`` why it was skipped, ``before``
    where a moved file was.
    """

    file: str
    action: str
    size: int = 0
    document_id: str | None = None
    job_id: str | None = None
    state: str | None = None
    sha256: str | None = None
    before: str | None = None
    reason: str | None = None
    error: str | None = None
    warnings: Sequence[str] = ()

    def accepted(self, answer: Mapping[str, Any]) -> None:
        """The service has taken it: ``{document, job, duplicate}``, or ``{document, job}`` of a move."""
        document, job = answer["document"], answer["job"]
        self.document_id, self.sha256, self.state = document["id"], document["sha256"], document["state"]
        if answer.get("duplicate") and self.action == ADDED:
            self.action = THERE_ALREADY
        if job is not None:
            self.job_id = job["id"]
            self.told(job)

    def told(self, job: Mapping[str, Any]) -> None:
        """What its job says now."""
        if job["state"] not in ENDED:
            self.state = "queued" if job["state"] == "queued" else "processing"
            return
        self.warnings = [warning["code"] for warning in job["warnings"]]
        if job["state"] == "succeeded":
            self.state = "ready" if job["chunks"]["done"] else self.state
            return
        reason = job["error"] or {"code": f"job_{job['state']}", "detail": "The job was stopped."}
        self.state, self.error = "failed", f"{reason['code']}: {reason['detail']}"

    @property
    def ended(self) -> bool:
        """Whether nothing more is going to happen to it."""
        return self.state not in ("uploading", "queued", "processing")

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    def line(self) -> str:
        """In words: what was done and how it stands."""
        if self.error is not None:
            return f"{self.action}, failed: {self.error}" if self.document_id else f"failed: {self.error}"
        words = {
            MOVED: f"moved from {self.before}",
            THERE_ALREADY: "was there already",
            GONE: "gone from the folder, kept (--delete removes it)",
            SKIPPED: f"skipped: {self.reason}",
        }.get(self.action, self.action)
        if self.action in (ADDED, CHANGED, MOVED, THERE_ALREADY) and self.state:
            words += f", {self.state.replace('_', ' ')}"
        return words + (f" (warnings: {', '.join(self.warnings)})" if self.warnings else "")


def grouped(skipped: Iterable[tuple[str, str]]) -> Iterator[str]:
    """One line for each reason, naming the first of the files it holds for; from pairs of file and reason."""
    by_reason: dict[str, list[str]] = defaultdict(list)
    for file, reason in skipped:
        by_reason[reason].append(file)
    for reason, files in by_reason.items():
        more = f" and {len(files) - _NAMED:,} more" if len(files) > _NAMED else ""
        yield f"{', '.join(files[:_NAMED])}{more}: {reason}"
