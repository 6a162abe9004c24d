"""No XML makes a parser open a file or an address, in a parser without any confinement around it.

The parsers run in this process, which may read files and connect: it is they who must not.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from rag.errors import FootnoteError
from tests.ingest.hostile.xml_attacks import CANARY, HOLDERS, attacks
from tests.ingest.reading import read


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        yield server


def words_of(data: bytes, name: str) -> str:
    """Title and text, or why there are none, which has to be of a kind that such files end with."""
    try:
        parsed = read(data, name)
    except FootnoteError as error:
        return {code: code for code in ("corrupt", "unsupported_type", "no_text")}[error.code]
    return f"{parsed.title or ''}\n{parsed.text}"


@pytest.mark.parametrize("attack", attacks("", ""))
@pytest.mark.parametrize("name", HOLDERS)
def test_xml_reaches_nothing(tmp_path: Path, listener: socket.socket, name: str, attack: str) -> None:
    secret = tmp_path / "secret"
    secret.write_text(CANARY)
    before, inside = attacks(secret.as_uri(), f"http://127.0.0.1:{listener.getsockname()[1]}")[attack]
    said = words_of(HOLDERS[name](before, inside), name)
    assert CANARY not in said
    with pytest.raises(BlockingIOError):
        listener.accept()


@pytest.mark.parametrize("name", [name for name in HOLDERS if name != "a.svg"])
def test_the_same_file_without_an_attack_is_read(name: str) -> None:
    assert "Seen what is here." in words_of(HOLDERS[name]("", "what is"), name)
