"""The error tree: each class says what the caller can do, each instance carries a stable ``code``.

::

    FootnoteError
    ├── BadRequest          change the request
    │   ├── TooLarge        send less
    │   └── Unsupported     send another kind of file
    ├── NotFound            name something that exists
    │   └── Gone            … it did exist, and was deleted
    ├── Conflict            look at the present state, then decide
    ├── Unauthenticated     say who you are
    ├── Forbidden           ask somebody who may
    ├── DocumentRejected    mend or replace the document: trying again gives the same answer
    └── Unavailable         try again later, the request itself was fine
        ├── Busy            … after ``retry_after`` seconds
        │   └── ServerBusy  … and it is not this caller alone who asks too much
        └── StorageFailed   … once somebody has mended or freed the disk

Codes are part of the API: they are listed in ``docs/errors.md`` and never change their meaning.
Nothing below the API knows about HTTP; ``api/problems.py`` maps these classes to status codes.
"""

from __future__ import annotations


class FootnoteError(Exception):
    """Base of everything Footnote raises on purpose.

    Attributes:
        code: stable, lower_snake_case, for programs.
        detail: one or two sentences for people, ending with what to do next.
    """

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail


class BadRequest(FootnoteError):
    """The request cannot be carried out as it stands; change it."""


class TooLarge(BadRequest):
    """A limit on size was passed; send less."""


class Unsupported(BadRequest):
    """This kind of content is not handled; send another kind."""


class NotFound(FootnoteError):
    """No such thing for this caller."""


class Gone(NotFound):
    """It was there and has been deleted for good."""


class Conflict(FootnoteError):
    """The present state does not allow it."""


class Unauthenticated(FootnoteError):
    """Nobody is known by what the caller showed."""


class Forbidden(FootnoteError):
    """The caller is known and may not do this."""


class DocumentRejected(FootnoteError):
    """The document itself cannot be read (encrypted, damaged, a bomb …). Permanent: no retry helps."""


class Unavailable(FootnoteError):
    """A part of the service cannot work right now; the same request may succeed later."""


class Busy(Unavailable):
    """Too much is asked at once.

    Attributes:
        retry_after: seconds after which a place is likely to be free.
    """

    def __init__(self, code: str, detail: str, retry_after: float) -> None:
        super().__init__(code, detail)
        self.retry_after = retry_after


class ServerBusy(Busy):
    """Everybody together asks too much: the caller has not used up a share of their own."""


class StorageFailed(Unavailable):
    """The disk is full or refused a write; nothing was acknowledged."""
