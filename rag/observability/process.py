"""What each of Footnote's processes does first: log, refuse the network, and trace if that was asked for.

The service's settings reach its children as environment variables of the same names, since a child may
be started by a library or by another child.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rag.network_guard import Endpoint, NetworkGuard
from rag.observability import logs, tracing
from rag.observability.logs import LogFormat, LogLevel

LEVEL_VARIABLE = "FOOTNOTE_LOG_LEVEL"
FORMAT_VARIABLE = "FOOTNOTE_LOG_FORMAT"
TRACES_VARIABLE = "FOOTNOTE_TRACES"

_guard: NetworkGuard | None = None


@dataclass(frozen=True, slots=True)
class Observing:
    """How a process is observed. ``traces`` is the address of an OTLP collector, None for no traces."""

    level: LogLevel = LogLevel.INFO
    form: LogFormat = LogFormat.JSON
    traces: str | None = None

    @classmethod
    def of_environment(cls, environ: Mapping[str, str]) -> Observing:
        """As a parent set it up. Raises ``ValueError`` for a level or format that does not exist."""
        return cls(
            LogLevel(environ.get(LEVEL_VARIABLE) or LogLevel.INFO),
            LogFormat(environ.get(FORMAT_VARIABLE) or LogFormat.JSON),
            environ.get(TRACES_VARIABLE) or None,
        )

    def as_environment(self) -> dict[str, str]:
        return {
            LEVEL_VARIABLE: self.level.value,
            FORMAT_VARIABLE: self.form.value,
            TRACES_VARIABLE: self.traces or "",
        }


def enter(
    process: str,
    observing: Observing | None = None,
    *,
    may_trace: bool = True,
    relayed: bool = False,
    allowed: Sequence[Endpoint] = (),
) -> NetworkGuard:
    """Set up this process, for good; once, by its entry point. Children started later follow it.

    Args:
        process: its role: ``api``, ``worker``, ``generator`` or ``parser``.
        observing: by default what the environment says.
        may_trace: whether it sends traces itself, and so may connect to the collector.
        relayed: its lines are read by its parent, which writes them once more (``logs.relay``).
        allowed: what else it may connect to.

    Raises:
        BadRequest: ``tracing_not_installed``.
    """
    global _guard
    observing = observing or Observing.of_environment(os.environ)
    os.environ.update(observing.as_environment())
    logs.configure(process, observing.level, LogFormat.JSON if relayed else observing.form)
    traces = observing.traces if may_trace else None
    collector = [Endpoint.of_url(traces, TRACES_VARIABLE)] if traces else []
    _guard = NetworkGuard([*collector, *allowed])
    _guard.install()
    if traces:
        tracing.start(process, traces)
    return _guard


def guard() -> NetworkGuard | None:
    """The guard of this process; None where no entry point has set one up, as in tests."""
    return _guard
