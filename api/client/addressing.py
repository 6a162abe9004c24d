"""Where the service is and with which key, from arguments or the environment."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from dataclasses import dataclass

import httpx

URL_VARIABLE = "FOOTNOTE_URL"
KEY_VARIABLE = "FOOTNOTE_KEY"
DEFAULT_URL = "http://127.0.0.1:8321"


@dataclass(frozen=True, slots=True)
class Address:
    """``key`` never shows in a traceback or a log."""

    url: str
    key: str | None

    def __repr__(self) -> str:
        return f"Address(url={self.url!r}, key={'…' if self.key else None})"

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"} if self.key else {}

    @property
    def is_local(self) -> bool:
        """Whether it is this machine, to which no proxy leads."""
        host = httpx.URL(self.url).host
        try:
            return ipaddress.ip_address(host).is_loopback
        except ValueError:
            return host == "localhost"


def resolve(url: str | None, key: str | None, environ: Mapping[str, str] = os.environ) -> Address:
    """What is given counts before ``FOOTNOTE_URL`` and ``FOOTNOTE_KEY``; an empty key is none at all.

    Raises ``ValueError`` for an address that is none, or a key that does not fit into a header.
    """
    address = (url or environ.get(URL_VARIABLE) or DEFAULT_URL).rstrip("/")
    try:
        parsed = httpx.URL(address)
    except httpx.InvalidURL as error:
        raise ValueError(f"{address!r} is no address ({error})") from None
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise ValueError(f"{address!r} is no address; give one like {DEFAULT_URL}")
    token = environ.get(KEY_VARIABLE) if key is None else key
    if token is not None and not (token.isascii() and token.isprintable() and " " not in token):
        raise ValueError("the key holds characters that no key has")
    return Address(address, token or None)
