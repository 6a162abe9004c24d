from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from ingest.sandbox import ParseServer, Sandbox
from ingest.sandbox.launching import FreshProcess, is_forking_supported
from rag.errors import DocumentRejected
from tests.ingest.sandbox import scripted

needs_forking = pytest.mark.skipif(not is_forking_supported(), reason="needs Linux 5.3 or later")
WAYS = ["fresh", pytest.param("forked", marks=needs_forking)]


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    def _write(data: bytes, name: str = "file") -> Path:
        path = tmp_path / name
        path.write_bytes(data)
        return path

    return _write


@pytest.fixture(scope="package")
def server() -> Iterator[ParseServer]:
    with ParseServer() as server:
        yield server


@pytest.fixture(params=WAYS)
def sandbox(request: pytest.FixtureRequest) -> Sandbox:
    """A sandbox with each way to start children."""
    if request.param == "fresh":
        return Sandbox(FreshProcess())
    server: ParseServer = request.getfixturevalue("server")
    return server


@pytest.fixture(scope="package")
def _scripted_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    launcher = scripted.forked()
    sandbox = Sandbox(launcher)
    nothing = tmp_path_factory.mktemp("scripted") / "nothing"
    nothing.touch()
    # Starting the server may take longer than the first test gives its document.
    with suppress(DocumentRejected):
        sandbox.parse_file(nothing, "pass")
    yield sandbox
    launcher.stop()


@pytest.fixture(params=WAYS)
def scripted_sandbox(request: pytest.FixtureRequest) -> Sandbox:
    """A sandbox whose children run the name of the document as a script."""
    if request.param == "fresh":
        return Sandbox(scripted.fresh())
    sandbox: Sandbox = request.getfixturevalue("_scripted_server")
    return sandbox
