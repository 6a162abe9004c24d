"""How far the start is, part by part. Ready means tried: a real embedding, a real generated token."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

PartState = Literal["starting", "ready", "failed"]


@dataclass(frozen=True, slots=True)
class PartStatus:
    """``phase`` says for people what is being done, or what is wrong."""

    state: PartState
    phase: str


class Readiness:
    """Thread safe; every part is ``starting`` until it is reported otherwise."""

    def __init__(self, *parts: str) -> None:
        self._changed = threading.Condition()
        self._parts = {part: PartStatus("starting", "waiting to start") for part in parts}

    def report(self, part: str, state: PartState, phase: str) -> None:
        with self._changed:
            self._parts[part] = PartStatus(state, phase)
            self._changed.notify_all()

    def snapshot(self) -> Mapping[str, PartStatus]:
        with self._changed:
            return dict(self._parts)

    @property
    def ready(self) -> bool:
        return all(part.state == "ready" for part in self.snapshot().values())
