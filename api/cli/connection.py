"""The command line's way to the service: the Python client, and saying clearly why something did not work."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

import httpx
import typer

from api.client.addressing import KEY_VARIABLE, URL_VARIABLE
from api.client.blocking.footnote import Footnote
from api.client.errors import Busy, ClientError, Refused, Unauthenticated, Unreachable
from api.client.records import ENDED
from api.settings import load
from rag.errors import FootnoteError

__all__ = ["ENDED", "Connection", "Refused", "Unreachable", "connected", "fail"]

FAILED = 1
_POLL_SECONDS = 0.05
_PATIENCE_SECONDS = 30.0


class Connection(Footnote):
    """The service at ``url``, may be shared by threads. Only ``key`` is sent, not that of the environment.

    ``transport`` is httpx's own way of reaching a service that listens nowhere. It never asks again by
    itself unless it is given ``patience``: programs that measure want to see every refusal.
    """

    def __init__(
        self,
        url: str,
        transport: httpx.BaseTransport | None = None,
        key: str | None = None,
        patience: float = 0.0,
    ) -> None:
        super().__init__(url, key=key or "", transport=transport, patience=patience)

    def follow(self, job_id: str) -> Any:
        """Wait for a job to end, well or not; returns it as JSON."""
        while True:
            job = self.call("GET", f"/v1/jobs/{job_id}")
            if job["state"] in ENDED:
                return job
            time.sleep(_POLL_SECONDS)


@contextmanager
def connected(url: str | None, key: str | None = None) -> Iterator[Connection]:
    """A connection; what goes wrong on it is printed in one line and ends the program with status 1."""
    try:
        connection = Connection(
            address_of(url), key=key or os.environ.get(KEY_VARIABLE), patience=_PATIENCE_SECONDS
        )
    except FootnoteError as error:
        fail(error.detail)
    except ValueError as error:
        fail(f"{error}.")
    try:
        yield connection
    except ClientError as error:
        fail(explained(error))
    except FootnoteError as error:
        fail(error.detail)
    finally:
        connection.close()


def explained(error: ClientError) -> str:
    """What went wrong and what to do, as far as a command line can do something about it."""
    if isinstance(error, Unauthenticated):
        return f"{error} Give it with --key or in {KEY_VARIABLE}."
    if isinstance(error, Busy) and error.retry_after is not None:
        return f"{error} (The service has a place in about {error.retry_after:.0f} s.)"
    return str(error)


def fail(message: str) -> NoReturn:
    print(f"footnote: {message}", file=sys.stderr)
    raise typer.Exit(FAILED)


def address_of(url: str | None) -> str:
    """What was given, or ``FOOTNOTE_URL``, or where ``footnote serve`` listens with these settings.

    Raises ``BadRequest`` (``bad_settings``).
    """
    return url or os.environ.get(URL_VARIABLE) or _configured_address()


def _configured_address() -> str:
    settings = load(os.environ)
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"http://{host}:{settings.port}"
