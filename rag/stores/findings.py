"""What a check of the stores finds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

REPAIR = "`footnote fsck --repair` mends it"
RESTORE = "restore a backup (`footnote restore FILE --data FOLDER`)"
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that does not fit: ``count`` things, some of them named.

    ``repair`` says what to do; ``repairable`` that ``consistency.repair`` does it."""

    code: str
    detail: str
    count: int
    repairable: bool
    repair: str


@dataclass(slots=True)
class Report:
    """What was looked at, and what was found."""

    documents: int = 0
    chunks: int = 0
    files: int = 0
    findings: list[Finding] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        return not self.findings

    def add(self, code: str, what: str, found: Iterable[object], repair: str = REPAIR) -> None:
        every = list(found)
        if every:
            shown = ", ".join(map(str, every[:_SHOWN])) + (" …" if len(every) > _SHOWN else "")
            self.findings.append(Finding(code, f"{what}: {shown}", len(every), repair == REPAIR, repair))
