"""What a parsing child may use more of, once a page has to be read from its picture.

Recognition needs more memory, time and a process (see ``ingest.sandbox.confinement``): too much to give
to every document, so the soft limits are raised page by page, and the parent is told to wait longer.
"""

from __future__ import annotations

import resource
from collections.abc import Callable
from contextvars import ContextVar, Token
from dataclasses import dataclass
from typing import Protocol

Announce = Callable[[int], None]


class RecognitionLimits(Protocol):
    """The part of ``ingest.parsers.limits.ParseLimits`` that concerns recognition; parsers import this."""

    @property
    def cpu_seconds(self) -> int: ...

    @property
    def ocr_memory_bytes(self) -> int: ...

    @property
    def ocr_seconds_per_page(self) -> int: ...

    @property
    def max_ocr_pages(self) -> int: ...


@dataclass
class _Allowance:
    limits: RecognitionLimits
    announce: Announce
    pages: int = 0


_granted: ContextVar[_Allowance | None] = ContextVar("ocr_allowance", default=None)


def grant(limits: RecognitionLimits, announce: Announce) -> Token[_Allowance | None]:
    """Let the parser at hand recognise pages within ``limits``; ``announce(page)`` comes before each."""
    return _granted.set(_Allowance(limits, announce))


def begin_page(page: int) -> bool:
    """Get ready to recognise ``page``. False if there have been enough of them.

    Where nothing was granted (a parser at work outside the sandbox) nothing is raised or counted.
    """
    allowance = _granted.get()
    if allowance is None:
        return True
    limits = allowance.limits
    if allowance.pages >= limits.max_ocr_pages:
        return False
    if allowance.pages == 0:
        _raise_soft(resource.RLIMIT_AS, limits.ocr_memory_bytes)
        _raise_soft(resource.RLIMIT_NPROC, resource.RLIM_INFINITY)
    allowance.pages += 1
    _raise_soft(resource.RLIMIT_CPU, limits.cpu_seconds + allowance.pages * limits.ocr_seconds_per_page)
    allowance.announce(page)
    return True


def _raise_soft(which: int, wanted: int) -> None:
    """Set the soft limit to ``wanted``, as far as the hard one goes."""
    _, hard = resource.getrlimit(which)
    if hard != resource.RLIM_INFINITY:
        wanted = hard if wanted == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(which, (wanted, hard))
