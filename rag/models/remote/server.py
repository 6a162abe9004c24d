"""Where another server's model is, and what follows for the text that is sent there."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from rag.network_guard import Endpoint, is_this_machine

URL_SETTING = "FOOTNOTE_GENERATOR_URL"


@dataclass(frozen=True, slots=True)
class ModelServer:
    """A server with OpenAI's interface.

    Attributes:
        url: its base address, which ends before ``/chat/completions``.
        model: the name of the model there; None takes the first that it lists.
        key_file: holds the key that is sent, read anew whenever the connection is tried.
        silence_s: the longest it may say nothing.

    Raises ``ValueError`` for an address that cannot be used.
    """

    url: str
    model: str | None = None
    key_file: Path | None = None
    silence_s: float = 60.0

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        Endpoint.of_url(self.url, URL_SETTING)
        if parts.username is not None or parts.password is not None:
            raise ValueError(
                "a key belongs into the file of FOOTNOTE_GENERATOR_KEY_FILE, not into the address"
            )
        if parts.query or parts.fragment:
            raise ValueError("an address without ? and # is needed, like http://127.0.0.1:8080/v1")

    @property
    def endpoint(self) -> Endpoint:
        """What the network guard has to let through."""
        return Endpoint.of_url(self.url, URL_SETTING)

    @property
    def host(self) -> str:
        """Host and port, for people."""
        return str(self.endpoint)

    @property
    def on_this_machine(self) -> bool:
        """Whether what is sent stays here; a name other than localhost is taken for another machine's."""
        return is_this_machine(self.endpoint.host)

    @property
    def encrypted(self) -> bool:
        return urlsplit(self.url).scheme == "https"

    def address(self, path: str) -> str:
        return f"{self.url.rstrip('/')}/{path}"
