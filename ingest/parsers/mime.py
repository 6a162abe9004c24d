"""The parts of an Internet message (RFC 5322, RFC 2045-2047), for messages that nobody has checked.

Bodies are cut at their boundaries here, in time linear in the message and with bounds on parts and
nesting: the parser of the standard library recurses into nested multiparts, compares every line with
every open boundary and does not give an attached message back as it was. Header fields are the
standard library's work; it raises almost anything on a malformed one, so each is asked for singly.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email import policy
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.parser import BytesHeaderParser

from ingest.canonical import collapse
from ingest.encodings import decode
from rag.errors import DocumentRejected

_MAX_PARTS = 2_000
_MAX_DEPTH = 32
_MAX_HEADER_BYTES = 1 << 18
_MAX_FIELD = 20_000  # characters of a field that are looked at
_HEADER_END = re.compile(rb"\r?\n\r?\n|\A\r?\n|\r\r")
_BASE64 = re.compile(rb"[^A-Za-z0-9+/]+")


@dataclass(frozen=True, slots=True)
class Part:
    """A header and the bytes it describes, still encoded for transport.

    ``path`` are the kinds of multipart it stands in, outermost first, as ``("mixed", "related")``;
    ``place`` is where it stands in each of them, from 0.
    """

    header: EmailMessage
    body: bytes
    path: tuple[str, ...] = ()
    place: tuple[int, ...] = ()

    @property
    def content_type(self) -> str:
        """The media type in lower case; ``text/plain`` when nothing legible is said."""
        try:
            return self.header.get_content_type()
        except Exception:  # the standard library's field parsers fail in many ways on hostile fields
            return "text/plain"

    @property
    def is_attachment(self) -> bool:
        return field(self.header, "content-disposition").lower().startswith("attachment")

    @property
    def file_name(self) -> str:
        try:
            return collapse(self.header.get_filename() or "")
        except Exception:  # as above
            return ""

    def content(self) -> bytes:
        """The bytes as they were before transport; what is wrongly encoded is read as far as it goes."""
        encoding = field(self.header, "content-transfer-encoding").lower().strip()
        if encoding == "base64":
            return _from_base64(self.body)
        if encoding == "quoted-printable":
            return binascii.a2b_qp(self.body)
        return self.body

    def text(self) -> str:
        """The content as text in the character set it declares, if that fits."""
        return decode(self.content(), _parameter(self.header, "charset"))[0]


def read_message(data: bytes) -> Part:
    """A message or any other header with its body. Never raises for what is in them."""
    found = _HEADER_END.search(data, 0, _MAX_HEADER_BYTES)
    end = found.end() if found else min(len(data), _MAX_HEADER_BYTES)
    header = BytesHeaderParser(policy=policy.default).parsebytes(data[:end])
    return Part(header, data[end:])


def leaves(message: Part) -> Iterator[Part]:
    """The parts that are no multiparts themselves, in order.

    Raises:
        DocumentRejected: ``limit_exceeded`` for too many parts or levels.
    """
    pending = [message]
    count = 0
    while pending:
        part = pending.pop()
        count += 1
        if count > _MAX_PARTS or len(part.path) > _MAX_DEPTH:
            raise DocumentRejected(
                "limit_exceeded",
                f"The message has more than {_MAX_PARTS:,} parts or {_MAX_DEPTH} levels of them; "
                "save what matters in it and send that.",
            )
        boundary = _parameter(part.header, "boundary")
        kind, _, subtype = part.content_type.partition("/")
        if kind != "multipart" or not boundary:
            yield part
            continue
        pieces = _cut(part.body, boundary, _MAX_PARTS + 1)
        inner = [_below(part, subtype, number, piece) for number, piece in enumerate(pieces)]
        pending += reversed(inner)


def _below(parent: Part, subtype: str, number: int, data: bytes) -> Part:
    part = read_message(data)
    return Part(part.header, part.body, (*parent.path, subtype), (*parent.place, number))


def _cut(body: bytes, boundary: str, most: int) -> list[bytes]:
    """What stands between the boundary lines (RFC 2046, 5.1.1), the first ``most`` pieces of it."""
    mark = re.escape(boundary.encode("utf-8", "surrogateescape"))
    line = re.compile(rb"(?:\A|\r?\n|\r)--" + mark + rb"(--)?[ \t]*(?=\r|\n|\Z)")
    pieces: list[bytes] = []
    start: int | None = None
    for found in line.finditer(body):
        if start is not None:
            pieces.append(_without_line_end(body[start : found.start()]))
        start = None if found.group(1) else found.end()
        if start is None or len(pieces) >= most:
            return pieces
    if start is not None:  # cut off before its last boundary
        pieces.append(_without_line_end(body[start:]))
    return pieces


def _without_line_end(piece: bytes) -> bytes:
    """``piece`` without the end of the boundary's own line."""
    return piece[2:] if piece.startswith(b"\r\n") else piece[1:]


def field(header: EmailMessage, name: str) -> str:
    """The decoded value of the first field ``name`` on one line; ``""`` if there is none."""
    try:
        value = header.get(name, "")
        if len(value) <= _MAX_FIELD and "\ufffd" not in value:
            return collapse(str(value))
    except Exception:  # the standard library's field parsers fail in many ways on hostile fields
        pass
    return _raw_field(header, name)


def _raw_field(header: EmailMessage, name: str) -> str:
    """The field as it is written, with encoded words decoded where that works."""
    for key, value in header.raw_items():
        if key.lower() == name:
            # Bytes beyond ASCII, which the standard does not allow, are there as lone surrogates.
            text = decode(str(value)[:_MAX_FIELD].encode("utf-8", "surrogateescape"))[0]
            try:
                return collapse(str(make_header(decode_header(text))))
            except (ValueError, LookupError):
                return collapse(text)
    return ""


def _parameter(header: EmailMessage, name: str) -> str | None:
    try:
        found = header.get_param(name)
    except Exception:  # as in ``field``
        found = None
    if isinstance(found, tuple):  # RFC 2231: character set, language, value
        found = found[2]
    return found if isinstance(found, str) else None


def _from_base64(data: bytes) -> bytes:
    # Padding is the end; what some programs append to a message comes after it.
    letters = _BASE64.sub(b"", data.partition(b"=")[0])
    letters = letters[: len(letters) - (len(letters) % 4 == 1)]
    return base64.b64decode(letters + b"=" * (-len(letters) % 4))
