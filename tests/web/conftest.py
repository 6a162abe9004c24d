"""One real service with documents in it, and one real browser, for all tests of the web app."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.journeys.running import RunningService, upload
from tests.web.browsing import PATIENCE_MS, Watch, launch, visit
from tests.web.standing import standing

expect.set_options(timeout=PATIENCE_MS)

HOSTILE_NAME = "<img src=x onerror=alert(1)>.txt"
HOSTILE_TEXT = """The Zorble archive is kept in the <b>old</b> mill <script>alert(2)</script> by Ilse Warnow.

<img src="https://evil.example/pixel.png" onerror="alert(3)"> [The Zorble ledger](javascript:alert(4))
has 512 pages.
"""
LONG_TEXT = "\n\n".join(
    f"Entry {number} of the ledger says that {number * 7} eels were counted \U0001f41f in the trap."
    for number in range(1, 400)
)
SAMPLES = ("lighthouse-handbook.pdf", "grid-cooperative-2025.docx", "keepers-log.txt")

Visit = Callable[..., AbstractContextManager[tuple[Page, Watch]]]


@dataclass(frozen=True, slots=True)
class Library:
    """Documents of the service by name."""

    documents: dict[str, dict[str, Any]]

    def id(self, name: str) -> str:
        return str(self.documents[name]["id"])


# Package, not session: Playwright keeps an event loop running in this thread, which others must not find.
@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = launch(playwright)
        yield started
        started.close()


@pytest.fixture(scope="package")
def web(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """Without keys. ``browser`` comes first: where there is none, no service need be started."""
    with RunningService(tmp_path_factory.mktemp("web")) as service:
        yield service


@pytest.fixture(scope="package")
def library(web: RunningService, samples: Path) -> Library:
    """The sample documents in the collection `default`, one that wants to break out, and a long one."""
    with web.client() as client:
        contents = {name: (samples / name).read_bytes() for name in SAMPLES}
        contents |= {HOSTILE_NAME: HOSTILE_TEXT.encode(), "ledger.txt": LONG_TEXT.encode()}
        client.post("/v1/collections", json={"name": "elsewhere"}).raise_for_status()
        found = {name: upload(client, name, content)["document"] for name, content in contents.items()}
    return Library(found)


@pytest.fixture
def open_page(browser: Browser, web: RunningService, library: Library) -> Visit:
    """``with open_page("/#/ask", size=PHONE) as (page, watch)``: see ``browsing.visit``."""
    return partial(visit, browser, web.address)


@pytest.fixture(scope="package")
def locked(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[httpx.Client, str]]:
    """A service that wants a key, and the token of an admin's. It holds no documents and reads none."""
    with standing(tmp_path_factory.mktemp("locked")) as client:
        made = client.post("/v1/keys", json={"name": "admin", "scope": "admin"})
        assert made.status_code == 201, made.text
        yield client, str(made.json()["token"])
