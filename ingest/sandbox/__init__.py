"""Runs parsers where they can do no harm: each document in a child process with hard limits.

No parser of hostile files is trusted: PDFium aborts or loops on some inputs, and a few kilobytes can
unpack to gigabytes. A child gets the file as a read-only descriptor, an all but empty environment, no
network, and limits on memory and processor time before it reads a byte; it answers on a pipe whose
length is bounded. Whatever becomes of it becomes a typed error of the document.

=================  ============================================================================
``documents``      what a caller uses: ``ParseServer`` and ``Sandbox``
``launching``      how a child comes to be, and its end
``conversation``   what a child says, read within bounds
``server``         the process that forks children, for ``ParseServer``
``child``          what a child does
``confinement``    what it gives up first
=================  ============================================================================

The functions here do the same in a process started for it, for callers with few documents.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ingest.parsers.limits import ParseLimits
from ingest.sandbox.conversation import OnProgress
from ingest.sandbox.documents import ParseServer, Sandbox
from ingest.sandbox.launching import FreshProcess
from rag.records import ParsedDocument

__all__ = ["OnProgress", "ParseServer", "Sandbox", "members", "parse_file", "render_page"]


def parse_file(
    path: Path, name: str, limits: ParseLimits | None = None, on_progress: OnProgress | None = None
) -> ParsedDocument:
    """As :meth:`Sandbox.parse_file`."""
    return Sandbox(FreshProcess()).parse_file(path, name, limits, on_progress)


def render_page(path: Path, page: int, scale: float = 2.0, limits: ParseLimits | None = None) -> bytes:
    """As :meth:`Sandbox.render_page`."""
    return Sandbox(FreshProcess()).render_page(path, page, scale, limits)


def members(
    path: Path, name: str, limits: ParseLimits | None = None
) -> Iterator[tuple[str, Iterator[bytes]]]:
    """As :meth:`Sandbox.members`."""
    return Sandbox(FreshProcess()).members(path, name, limits)
