"""What a check says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from rag.errors import FootnoteError


class Level(StrEnum):
    """``WARN``: it works, but not as well as it could or not for long. ``FAIL``: it does not work."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Check:
    """``found`` is a short statement; ``mend`` says what to do about it, and is empty when all is well."""

    name: str
    level: Level
    found: str
    mend: str = ""


def ok(name: str, found: str) -> Check:
    return Check(name, Level.OK, found)


def warn(name: str, found: str, mend: str) -> Check:
    return Check(name, Level.WARN, found, mend)


def fail(name: str, found: str, mend: str) -> Check:
    return Check(name, Level.FAIL, found, mend)


def each(name: str, look: Callable[[], Iterator[Check]]) -> Iterator[Check]:
    """What ``look`` finds; whatever stops it is found as well, so that the other checks are still made."""
    try:
        yield from look()
    except FootnoteError as error:
        yield fail(name, error.code, error.detail)
    except OSError as error:
        yield fail(name, error.strerror or type(error).__name__, "Mend what the system complains of.")
    except ImportError as error:
        yield fail(
            name, f"{error.name} cannot be loaded", "Install Footnote's dependencies again: `make setup`."
        )
