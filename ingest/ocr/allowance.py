"""What a parsing child may use more of, once a page has to be read from its picture.

The recognition itself runs in another process (``ingest.ocr.remote``), with limits of its own. Here
remains the time to draw the pages: too much to give to every document, so the soft limit is raised page
by page, and the parent is told to wait longer.
"""

from __future__ import annotations

import resource
from collections.abc import Callable
from contextvars import ContextVar, Token
from dataclasses import dataclass
from typing import Protocol

from ingest.ocr.engine import Engine

DRAWING_SECONDS = 5
"""Of processor time, more for each page that is drawn to be recognised."""

Announce = Callable[[int], None]


class RecognitionLimits(Protocol):
    """The part of ``ingest.parsers.limits.ParseLimits`` that concerns recognition; parsers import this."""

    @property
    def cpu_seconds(self) -> int: ...

    @property
    def max_ocr_pages(self) -> int: ...


@dataclass
class _Allowance:
    limits: RecognitionLimits
    announce: Announce
    engine: Engine | None
    pages: int = 0


_granted: ContextVar[_Allowance | None] = ContextVar("ocr_allowance", default=None)


def grant(limits: RecognitionLimits, announce: Announce, engine: Engine | None) -> Token[_Allowance | None]:
    """Let the parser at hand recognise pages with ``engine`` within ``limits``; nothing without one.

    ``announce(page)`` comes before each page.
    """
    return _granted.set(_Allowance(limits, announce, engine))


def engine(otherwise: Callable[[], Engine | None]) -> Engine | None:
    """The engine that was granted; for a parser at work outside the sandbox, what ``otherwise`` gives."""
    allowance = _granted.get()
    return otherwise() if allowance is None else allowance.engine


def begin_page(page: int) -> bool:
    """Get ready to recognise ``page``. False if there have been enough of them.

    Where nothing was granted (a parser at work outside the sandbox) nothing is raised or counted.
    """
    allowance = _granted.get()
    if allowance is None:
        return True
    limits = allowance.limits
    if allowance.engine is None or allowance.pages >= limits.max_ocr_pages:
        return False
    allowance.pages += 1
    _raise_soft(resource.RLIMIT_CPU, limits.cpu_seconds + allowance.pages * DRAWING_SECONDS)
    allowance.announce(page)
    return True


def _raise_soft(which: int, wanted: int) -> None:
    """Set the soft limit to ``wanted``, as far as the hard one goes."""
    _, hard = resource.getrlimit(which)
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    resource.setrlimit(which, (wanted, hard))
