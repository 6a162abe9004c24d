"""Run in processes of their own: the environment is read once and then remembered."""

from __future__ import annotations

import subprocess
import sys

import pytest

_PROGRAM = """
import os, socket, time
calls = []
def refuse(*args, **kwargs):
    calls.append(args)
    raise OSError("no network")
socket.socket.connect = refuse
socket.getaddrinfo = refuse
if {disable}:
    from rag.privacy import disable_tracing
    disable_tracing()
os.environ.update({late})
from langchain_core.language_models import FakeListChatModel
from langchain_core.tracers.context import _tracing_v2_is_enabled
import threading
seen = []
def ask():
    FakeListChatModel(responses=["yes"]).invoke("hello")
    seen.append(bool(_tracing_v2_is_enabled()))
ask()
thread = threading.Thread(target=ask)
thread.start()
thread.join()
deadline = time.monotonic() + {patience}
while not calls and time.monotonic() < deadline:
    time.sleep(0.05)
print(seen, bool(calls), flush=True)
os._exit(0)
"""


def _run(environment: dict[str, str], *, disable: bool = True, late: dict[str, str] | None = None) -> str:
    program = _PROGRAM.format(disable=disable, late=late or {}, patience=0.5 if disable else 20)
    done = subprocess.run(
        [sys.executable, "-I", "-c", program],
        env={"PATH": "/usr/bin:/bin", **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.stdout.strip() or done.stderr


TRACING = {
    "LANGSMITH_TRACING": "true",
    "LANGSMITH_TRACING_V2": "true",
    "LANGCHAIN_TRACING_V2": "true",
    "LANGSMITH_API_KEY": "key",
    "LANGSMITH_ENDPOINT": "http://127.0.0.1:9",
}
FORMER = {"LANGCHAIN_TRACING": "true"}
"""langchain-core raises on this one instead of tracing."""


@pytest.mark.parametrize("environment", [TRACING, FORMER])
def test_tracing_stays_off_in_every_thread(environment: dict[str, str]) -> None:
    assert _run(environment) == "[False, False] False"


def test_tracing_stays_off_when_switched_on_later() -> None:
    assert _run({}, late=TRACING) == "[False, False] False"


def test_it_would_be_on_without_us() -> None:
    """Shows that the tests above can fail."""
    assert _run(TRACING, disable=False) == "[True, True] True"
