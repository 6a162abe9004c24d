"""Reading server-sent events (WHATWG HTML, section 9.2), as far as Footnote sends them."""

from __future__ import annotations

from collections.abc import Iterator


class Events:
    """Takes bytes as they arrive and gives the events that are complete.

    Lines end at ``\\n`` alone. What ``str.splitlines`` (and with it ``httpx.Response.iter_lines``) takes for
    line ends besides, like U+2028 and U+0085, stands unescaped in JSON, and documents hold it.
    """

    def __init__(self) -> None:
        self._rest = bytearray()
        self._name = ""
        self._data: list[bytes] = []

    def feed(self, received: bytes) -> Iterator[tuple[str, bytes]]:
        """Name and data of each event that ends in ``received``."""
        self._rest += received
        while (end := self._rest.find(b"\n")) >= 0:
            line = bytes(self._rest[:end]).removesuffix(b"\r")
            del self._rest[: end + 1]
            if line:
                self._take(line)
            elif self._name or self._data:
                yield self._name or "message", b"\n".join(self._data)
                self._name, self._data = "", []

    def _take(self, line: bytes) -> None:
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"event":
            self._name = value.decode()
        elif field == b"data":
            self._data.append(value)
