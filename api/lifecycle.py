"""How the service ends: nothing new after the first signal, bounded time for what runs, at once at the next.

After SIGTERM (or Ctrl-C, or the loss of the terminal) the service keeps answering at its address until what
it had begun is finished or has been handed back, so that callers hear ``shutting_down`` instead of a refused
connection, and whoever asks ``/readyz`` learns it first. Nothing that was acknowledged depends on an orderly
end.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from types import FrameType

import structlog
import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from api import problems
from api.admission import shutting_down

_log = structlog.get_logger(__name__)

_ALWAYS = frozenset({"/livez", "/readyz", "/metrics"})
_CLOSING_SECONDS = 25.0
"""For children and files once no request runs any more; it takes less than one where nothing hangs."""
SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class Lifecycle:
    """Whether the service is ending, and how many requests it still works on."""

    def __init__(self) -> None:
        self.ending = False
        self.running = 0
        self.closed = False
        """Whether everything that was to be closed has been."""
        self._received = 0

    def on_signal(self, number: int, _frame: FrameType | None) -> None:
        """A handler for ``SIGNALS``. The second signal ends the process here and now.

        Children notice by the closed connections or the kernel's own signal; claimed jobs are taken up
        again at the next start.
        """
        self.ending = True
        self._received += 1
        if self._received > 1:
            os._exit(128 + number)

    def limit(self, seconds: float) -> None:
        """Have the process end within ``seconds``, whatever hangs: a thread in native code, a disk."""
        threading.Thread(target=self._end_after, args=(seconds,), name="last-resort", daemon=True).start()

    def _end_after(self, seconds: float) -> None:
        time.sleep(seconds)
        os._exit(0 if self.closed else 1)

    def install(self) -> None:
        """Listen to signals. A closed terminal that was to be ignored (``nohup``) stays ignored."""
        for number in SIGNALS:
            if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self.on_signal)


class Draining:
    """Counts the requests under way and refuses new ones once the service is ending. Pure ASGI."""

    def __init__(self, app: ASGIApp, life: Lifecycle) -> None:
        self._app = app
        self._life = life

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in _ALWAYS:
            await self._app(scope, receive, send)
            return
        if self._life.ending:
            refusal = shutting_down()
            answer = problems.response(503, refusal.code, refusal.detail, scope["footnote.request_id"])
            answer.headers["Connection"] = "close"
            await answer(scope, receive, send)
            return
        self._life.running += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._life.running -= 1


class Server(uvicorn.Server):
    """uvicorn's server, ending as this module says.

    Args:
        life: whose signals are listened to.
        seconds: for what runs when the first signal comes.
        on_ending: called on the loop when it has come.
        on_overdue: called on the loop when the time is over; ends what still runs.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        life: Lifecycle,
        seconds: float,
        on_ending: Callable[[], None],
        on_overdue: Callable[[], None],
    ) -> None:
        super().__init__(config)
        self._life = life
        self._seconds = seconds
        self._on_ending = on_ending
        self._on_overdue = on_overdue
        self._deadline: float | None = None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """uvicorn's own handler of signals. It would close the address first and ask nobody else."""
        self._life.on_signal(sig, frame)

    async def on_tick(self, counter: int) -> bool:
        """uvicorn asks ten times a second whether to end."""
        if await super().on_tick(counter):
            return True
        if not self._life.ending:
            return False
        if self._deadline is None:
            self._deadline = time.monotonic() + self._seconds
            _log.info("ending", running=self._life.running)
            self._life.limit(self._seconds + _CLOSING_SECONDS)
            self._on_ending()
            return False  # one more round, in which those who were sent away hear of it
        if self._life.running == 0:
            return True
        if time.monotonic() < self._deadline:
            return False
        _log.warning("ending_with_requests_running", running=self._life.running)
        self._on_overdue()
        return True
