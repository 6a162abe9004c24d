"""Which request heads are refused before anything of the request is looked at. Pure: no socket, no parser.

Two readers of one byte stream, a proxy and this service, must not see different requests in it (request
smuggling, RFC 9112 section 11.2). The parser, llhttp, refuses bare line feeds, folded lines and a length
beside a chunked body; it lets through what follows here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

MAX_HEADERS = 100
MAX_HEAD_BYTES = 16 * 1024
"""Of the request target and all header names and values together."""

_TOKEN = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
_LENGTH = re.compile(rb"[0-9]{1,18}")

Header = tuple[bytes, bytes]


class Refusal(NamedTuple):
    """An answer that is given without asking the application."""

    status: int
    code: str
    detail: str


MALFORMED = Refusal(
    400, "malformed_request", "This is not a request as RFC 9112 has it; send it with an HTTP library."
)
TOO_LARGE = Refusal(
    431,
    "headers_too_large",
    "The request has too many or too long headers, or too long an address; send fewer.",
)


def fault(target: bytes, version: str, headers: Sequence[Header]) -> Refusal | None:
    """What is wrong with a head whose header names are in lower case; None when nothing is.

    Args:
        target: as in the request line, ``/v1/search?q=x``.
        version: ``1.1`` or ``1.0``.
    """
    if len(headers) > MAX_HEADERS or size(target, headers) > MAX_HEAD_BYTES:
        return TOO_LARGE
    if version not in ("1.0", "1.1"):
        return _malformed("its version is not HTTP/1.1")
    if any(not _TOKEN.fullmatch(name) or _CONTROL.search(value) for name, value in headers):
        return _malformed("a header has a character that none may have")
    return _host_fault(target, headers) or _framing_fault(version, headers)


def size(target: bytes, headers: Sequence[Header]) -> int:
    """Bytes that count towards ``MAX_HEAD_BYTES``."""
    return len(target) + sum(len(name) + len(value) for name, value in headers)


def _host_fault(target: bytes, headers: Sequence[Header]) -> Refusal | None:
    hosts = _values(headers, b"host")
    if len(hosts) != 1:
        return _malformed("it needs exactly one Host header")
    absolute = b"http://" + hosts[0].lower()
    if not target.startswith(b"/") and not target.lower().startswith(absolute + b"/"):
        # RFC 9112 section 3.2.2 has servers take whole addresses; one that names another host than
        # the Host header could pass the check of the one and mean the other.
        return _malformed("its address and its Host header do not agree")
    return None


def _framing_fault(version: str, headers: Sequence[Header]) -> Refusal | None:
    lengths, codings = _values(headers, b"content-length"), _values(headers, b"transfer-encoding")
    if lengths and codings:
        return _malformed("it has Content-Length and Transfer-Encoding; send one of them")
    if lengths and (len(lengths) > 1 or not _LENGTH.fullmatch(lengths[0])):
        return _malformed("its Content-Length is not one number")
    if codings and (version == "1.0" or [coding.strip().lower() for coding in codings] != [b"chunked"]):
        return _malformed("`chunked` is the only Transfer-Encoding that is read, in HTTP/1.1")
    return None


def _values(headers: Sequence[Header], wanted: bytes) -> list[bytes]:
    return [value for name, value in headers if name == wanted]


def _malformed(reason: str) -> Refusal:
    return Refusal(400, MALFORMED.code, f"The request is refused: {reason}. Send it with an HTTP library.")
