"""What a call can end with: each class says what the caller can do, each refusal carries a stable ``code``.

::

    ClientError
    ├── Unreachable             start the service, or name another address
    │   └── Interrupted         the connection broke under way: the request may have been carried out
    ├── TimedOut                wait longer, or look again later: the job itself goes on
    ├── JobFailed               mend the document, or retry the job: ``job`` says what was wrong
    └── Refused                 the service said no, as a problem document (docs/errors.md)
        ├── BadRequest          change the request
        ├── NotFound            name something that exists
        │   └── Gone            it did exist, and was deleted
        ├── Conflict            look at the present state, then decide
        ├── Unauthenticated     send a key
        ├── Forbidden           use a key that may do this
        ├── DocumentRejected    replace the document: trying again gives the same answer
        └── Unavailable         try again later, the request itself was fine
            └── Busy            after ``retry_after`` seconds
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx

from api.schemas import Job

_MOST_RETRY_AFTER = 86_400.0


class ClientError(Exception):
    """Base of everything the client raises on purpose."""


class Unreachable(ClientError):
    """Nothing answers at ``url``."""

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(
            f"Nothing answers at {url} ({reason}). Start the service with: footnote serve, "
            "or name another address."
        )
        self.url = url


class Interrupted(Unreachable):
    """The connection broke, or nothing came in time. Look whether the request was carried out."""

    def __init__(self, url: str, reason: str) -> None:
        ClientError.__init__(
            self, f"The connection to {url} failed ({reason}); see the service's output and try again."
        )
        self.url = url


class TimedOut(ClientError):
    """What was waited for had not ended in time; it goes on all the same."""


class JobFailed(ClientError):
    """The document of ``job`` was not read; ``code`` says why, as in docs/errors.md."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.code = job.error.code if job.error else f"job_{job.state}"
        self.detail = job.error.detail if job.error else f"The job is {job.state}; retry it."
        super().__init__(f"{self.code}: {self.detail}")


class Refused(ClientError):
    """The service answered with a problem document (RFC 9457), kept in ``problem``.

    Attributes:
        code: stable, lower_snake_case.
        detail: for people; ends with what to do next.
        status: of HTTP.
        request_id: under which the service's log has the request; empty if it did not say.
        retry_after: seconds after which the service expects to have a place, where it said so.
        errors: with ``invalid_request``, what is wrong where.
    """

    def __init__(self, problem: Mapping[str, Any], retry_after: float | None = None) -> None:
        self.problem = dict(problem)
        self.code = str(problem.get("code", "error"))
        self.detail = str(problem.get("detail", "no detail"))
        self.status = int(problem.get("status") or 0)
        self.request_id = str(problem.get("request_id", ""))
        self.retry_after = retry_after
        self.errors: list[dict[str, str]] = list(problem.get("errors") or ())
        super().__init__(f"{self.code}: {self.detail}")

    @property
    def passing(self) -> bool:
        """Whether the same request may succeed later."""
        return self.status in (408, 429, 503)


class BadRequest(Refused):
    """The request cannot be carried out as it stands; change it."""


class NotFound(Refused):
    """No such thing for this caller."""


class Gone(NotFound):
    """It was there and has been deleted for good."""


class Conflict(Refused):
    """The present state does not allow it."""


class Unauthenticated(Refused):
    """A key is missing, or opens nothing."""


class Forbidden(Refused):
    """The key does not go far enough."""


class DocumentRejected(Refused):
    """The document itself cannot be read. Permanent."""


class Unavailable(Refused):
    """The service, or a part of it, cannot work right now."""


class Busy(Unavailable):
    """Too much is asked at once; ``retry_after`` says when to come back."""


_CLASS_OF: Mapping[int, type[Refused]] = {
    400: BadRequest,
    401: Unauthenticated,
    403: Forbidden,
    404: NotFound,
    405: BadRequest,
    408: Unavailable,
    409: Conflict,
    410: Gone,
    413: BadRequest,
    415: DocumentRejected,
    422: DocumentRejected,
    429: Busy,
    431: BadRequest,
    500: Unavailable,
    503: Unavailable,
    507: Unavailable,
}


def refusal(problem: Mapping[str, Any], retry_after: float | None = None) -> Refused:
    """The error for a problem document."""
    status, code = int(problem.get("status") or 0), problem.get("code")
    if code == "invalid_request":
        return BadRequest(problem)
    if status == 503 and retry_after is not None:
        return Busy(problem, retry_after)
    return _CLASS_OF.get(status, Refused)(problem, retry_after)


def refusal_of(answer: httpx.Response) -> Refused:
    """The error for an answer that is no success and whose body was read."""
    try:
        problem = answer.json()
    except ValueError:
        problem = None
    if not isinstance(problem, dict) or "code" not in problem:
        problem = {
            "code": "not_footnote",
            "detail": f"status {answer.status_code}; is this address a Footnote service?",
            "status": answer.status_code,
            "request_id": answer.headers.get("x-request-id", ""),
        }
    return refusal(problem, _seconds(answer.headers.get("retry-after")))


def broken(url: str, error: httpx.TransportError) -> Unreachable:
    """The error for a connection that was not made, or did not hold."""
    reason = type(error).__name__
    if isinstance(error, (httpx.ConnectError, httpx.ConnectTimeout, httpx.UnsupportedProtocol)):
        return Unreachable(url, reason)
    return Interrupted(url, reason)


def _seconds(header: str | None) -> float | None:
    """Of ``Retry-After`` in seconds, the only form that Footnote sends."""
    if header is None or not header.isascii() or not header.isdigit():
        return None
    return min(float(header), _MOST_RETRY_AFTER)
