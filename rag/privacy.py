"""Keeps langchain-core's tracing client from sending anything, whatever the environment says.

langchain-core 1.7 asks langsmith on every call whether to trace. Langsmith looks, in this order, at a
context variable, at a running trace, at a process-wide switch, and at last at variables named
``LANGSMITH_*`` and ``LANGCHAIN_*``. We set the switch and take the variables away: the switch covers
variables set later, taking them away covers child processes and libraries that look for themselves.
"""

from __future__ import annotations

import os

from langsmith import configure, utils

_PREFIXES = ("LANGSMITH_", "LANGCHAIN_")


def disable_tracing() -> None:
    """Turn tracing off for this process and its children. Call before anything else runs.

    ``LANGCHAIN_*`` variables go as well as ``LANGSMITH_*``; langchain-core even raises on some old ones.
    """
    for name in [name for name in os.environ if name.startswith(_PREFIXES)]:
        del os.environ[name]
    utils.get_env_var.cache_clear()  # type: ignore[attr-defined]  # hidden by its overloads
    configure(enabled=False)


def is_tracing_enabled() -> bool:
    """Whether langchain-core would send anything, as langsmith itself decides it."""
    return utils.tracing_is_enabled() is not False
