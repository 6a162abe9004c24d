"""Whether and when a request is sent once more. Pure; who asks does the waiting."""

from __future__ import annotations

from dataclasses import dataclass, field

from api.client.errors import Busy, ClientError, Interrupted

DEFAULT_SECONDS = 60.0
"""How long a call waits altogether for a service that says when it will have a place."""

_BROKEN_PAUSES = (0.0, 0.5, 2.0)
"""Before a request is repeated whose connection broke: the first is often one that was closed while idle."""


@dataclass(slots=True)
class Patience:
    """Of one call.

    Args:
        seconds: how long all waiting together may take; 0 never asks again.
        repeatable: whether sending the request twice does nothing twice: it reads, or has an idempotency key.
    """

    seconds: float
    repeatable: bool
    _waited: float = field(default=0.0, init=False)
    _broken: int = field(default=0, init=False)

    def pause_after(self, error: ClientError) -> float | None:
        """Seconds to wait before asking again; None when the error is to be raised.

        What was refused with a time to come back was not begun, so anything may be sent again then.
        """
        pause = self._wanted(error)
        if pause is None or self._waited + pause > self.seconds:
            return None
        self._waited += pause
        return pause

    def _wanted(self, error: ClientError) -> float | None:
        if isinstance(error, Busy) and error.retry_after is not None:
            return error.retry_after
        if isinstance(error, Interrupted) and self.repeatable and self.seconds > 0:
            self._broken += 1
            return _BROKEN_PAUSES[self._broken - 1] if self._broken <= len(_BROKEN_PAUSES) else None
        return None
