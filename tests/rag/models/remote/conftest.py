"""A model's server of another program, and one that does exactly what a test tells it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from rag.models.locations import default_model_path
from rag.models.remote.generator import Limits, RemoteGenerator
from rag.models.remote.server import ModelServer
from tests.llama_cpp_server import ModelApp, running
from tests.scripted_model_server import Script, scripted

QUICK = Limits(context=512, parallel=2, waiting=1, pauses_s=(0.02, 0.05))


@pytest.fixture
def script() -> Script:
    return Script()


@pytest.fixture
def url(script: Script) -> Iterator[str]:
    with scripted(script) as address:
        yield address


@pytest.fixture
def remote(url: str) -> Iterator[RemoteGenerator]:
    with RemoteGenerator(ModelServer(url), QUICK) as generator:
        generator.wait_ready(10)
        yield generator


@pytest.fixture(scope="session")
def llama_app() -> ModelApp:
    return ModelApp(default_model_path(), threads=2)


@pytest.fixture(scope="session")
def llama_url(llama_app: ModelApp) -> Iterator[str]:
    with running(llama_app.app) as address:
        yield address


@pytest.fixture(scope="session")
def llama(llama_url: str) -> Iterator[RemoteGenerator]:
    """The packaged model, run by another program."""
    with RemoteGenerator(ModelServer(llama_url), Limits(context=1024)) as generator:
        generator.wait_ready(60)
        yield generator
