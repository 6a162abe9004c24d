"""Talking to the service, and saying clearly why it did not work."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import typer

from api.settings import KEY_VARIABLE, load
from rag.errors import FootnoteError

ENDED = ("succeeded", "failed", "dead", "cancelled")
"""The states in which a job changes no more."""

_POLL_SECONDS = 0.05
_TIMEOUT = httpx.Timeout(600.0, connect=5.0)
_PASSING = (408, 429, 503)


class Refused(Exception):
    """The service answered with a problem document."""

    def __init__(self, problem: dict[str, Any]) -> None:
        super().__init__(f"{problem.get('code', 'error')}: {problem.get('detail', 'no detail')}")
        self.problem = problem
        self.code = str(problem.get("code", "error"))
        self.status = int(problem.get("status") or 0)
        self.passing = self.status in _PASSING
        """Whether the same request may succeed later."""


class Connection:
    """The service at ``url``; may be shared by threads.

    Every method raises ``Refused`` for an answer that is not a success. ``transport`` is httpx's own way
    of reaching a service that listens nowhere; ``key`` is sent with every request.
    """

    def __init__(
        self, url: str, transport: httpx.BaseTransport | None = None, key: str | None = None
    ) -> None:
        self.url = url
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        # No proxy from the environment: the service is on this machine.
        self._client = httpx.Client(
            base_url=url, timeout=_TIMEOUT, trust_env=False, transport=transport, headers=headers
        )

    def call(self, method: str, path: str, **options: Any) -> Any:
        """The JSON of the answer, None when it has no content."""
        answer = self._client.request(method, path, **options)
        _check(answer)
        return answer.json() if answer.content else None

    def stream(self, path: str, body: dict[str, Any]) -> Iterator[tuple[str, Any]]:
        """The name and data of each server-sent event; raises ``Refused`` for an ``error`` event."""
        with self._client.stream("POST", path, json=body) as answer:
            if answer.is_error:
                answer.read()
            _check(answer)
            name = ""
            for line in answer.iter_lines():
                if line.startswith("event: "):
                    name = line.removeprefix("event: ")
                elif line.startswith("data: "):
                    data = json.loads(line.removeprefix("data: "))
                    if name == "error":
                        raise Refused(data)
                    yield name, data

    def follow(self, job_id: str) -> Any:
        """Wait for a job to end; returns it."""
        while True:
            job = self.call("GET", f"/v1/jobs/{job_id}")
            if job["state"] in ENDED:
                return job
            time.sleep(_POLL_SECONDS)

    def close(self) -> None:
        self._client.close()


@contextmanager
def connected(url: str | None) -> Iterator[Connection]:
    """A connection; what goes wrong on it is printed in one line and ends the program with status 1."""
    try:
        address = url or _configured_address()
    except FootnoteError as error:
        fail(error.detail)
    connection = Connection(address, key=os.environ.get(KEY_VARIABLE))
    try:
        yield connection
    except httpx.ConnectError:
        fail(f"Nothing answers at {address}. Start the service with: footnote serve")
    except httpx.HTTPError as error:
        fail(f"The connection to {address} failed ({type(error).__name__}); see the service's output.")
    except Refused as error:
        fail(str(error))
    except FootnoteError as error:
        fail(error.detail)
    finally:
        connection.close()


def fail(message: str) -> Any:
    print(f"footnote: {message}", file=sys.stderr)
    raise typer.Exit(1)


def _configured_address() -> str:
    settings = load(os.environ)
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"http://{host}:{settings.port}"


def _check(answer: httpx.Response) -> None:
    if answer.is_success:
        return
    try:
        problem = answer.json()
    except ValueError:
        problem = None
    raise Refused(
        problem
        if isinstance(problem, dict)
        else {
            "code": "not_footnote",
            "detail": f"status {answer.status_code}; is this address a Footnote service?",
            "status": answer.status_code,
        }
    )
