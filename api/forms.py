"""Uploaded forms, within the bounds of what a form here can hold."""

from __future__ import annotations

from fastapi import Request
from starlette.datastructures import FormData
from starlette.formparsers import MultiPartException, MultiPartParser

from api.problems import HttpProblem

MAX_FILES = 1
MAX_FIELDS = 16
MAX_FIELD_BYTES = 512 * 1024
"""More than any field may hold: 65,536 characters of at most four bytes, with room to say what is wrong."""


async def read_form(request: Request) -> FormData:
    """The parts of a ``multipart/form-data`` body. Its files are the caller's to close.

    Raises ``HttpProblem`` (400, ``malformed_body``) for a form that is not one, that has no end, or that
    holds more than one file or more than 16 fields.
    """
    parser = _WholeForm(
        request.headers,
        request.stream(),
        max_files=MAX_FILES,
        max_fields=MAX_FIELDS,
        max_part_size=MAX_FIELD_BYTES,
    )
    try:
        return await parser.parse()
    except MultiPartException as error:
        reason = error.message.rstrip(".")
        raise HttpProblem(
            400,
            "malformed_body",
            f"The form could not be read ({reason}); send it as the documentation shows.",
        ) from None


class _WholeForm(MultiPartParser):
    """Starlette's takes a form that breaks off for a shorter one, and leaves the last part's file open."""

    _ended = False

    def on_end(self) -> None:
        self._ended = True

    async def parse(self) -> FormData:
        form = await super().parse()
        if not self._ended:
            for file in self._files_to_close_on_error:
                file.close()
            raise MultiPartException("It has no end.")
        return form
