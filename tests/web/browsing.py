"""A headless browser that notices what a page must not do."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]  # it has none
from playwright.sync_api import Browser, Dialog, Locator, Page, Playwright, Request

DESKTOP = (1366, 860)
PHONE = (390, 844)
PATIENCE_MS = 60_000
"""For whatever a page does by itself. No limit here is a figure: they end a test that would hang."""
ANSWER_MS = READ_MS = 180_000
"""For what the service does: answer, or read a document, on a machine that is busy with much else."""
_STANDARDS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def launch(playwright: Playwright) -> Browser:
    """The system's Chromium; skips where there is none."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        pytest.skip("no Chromium on this machine, so the web app was not tested")
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    return playwright.chromium.launch(executable_path=path, args=["--no-sandbox"] if root else [])


@dataclass
class Watch:
    """What a page did that it must not: errors, dialogs, blocked content, requests to other origins."""

    origin: str
    requests: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def over(self, page: Page) -> None:
        page.on("request", self._requested)
        page.on("dialog", self._asked)
        page.on("pageerror", lambda error: self.faults.append(f"error: {error}"))
        page.on("console", self._said)
        page.on("popup", lambda popup: self.faults.append(f"popup: {popup.url}"))

    @property
    def foreign(self) -> list[str]:
        """Requests that left the origin (``blob:`` does not)."""
        own = urlsplit(self.origin).netloc
        return [one for one in self.requests if urlsplit(one).netloc not in ("", own)]

    def _asked(self, dialog: Dialog) -> None:
        self.faults.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def _requested(self, request: Request) -> None:
        self.requests.append(request.url)

    def _said(self, message: Any) -> None:
        # Chromium itself reports refused requests (404, 410, 401) as errors; the pages show those.
        if message.type == "error" and "Failed to load resource" not in message.text:
            self.faults.append(f"console: {message.text}")


@contextmanager
def visit(
    browser: Browser,
    origin: str,
    path: str = "/",
    *,
    size: tuple[int, int] = DESKTOP,
    dark: bool = False,
    **options: Any,
) -> Iterator[tuple[Page, Watch]]:
    """A page of its own profile at ``path``; leaving checks that it did nothing it must not."""
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        color_scheme="dark" if dark else "light",
        reduced_motion="reduce",
        **options,
    )
    context.set_default_timeout(PATIENCE_MS)
    page, watch = context.new_page(), Watch(origin)
    watch.over(page)
    try:
        page.goto(origin + path)
        yield page, watch
    finally:
        context.close()
    assert watch.foreign == []
    assert watch.faults == []


def until(page: Page, expression: str, arg: object = None) -> None:
    """Wait for a JavaScript expression or function to be true.

    Playwright's own ``wait_for_function`` evaluates a string in the page from its second look on, which the
    page's policy forbids: it works only for what is true at once.
    """
    wait_for(page, lambda: bool(page.evaluate(expression, arg)), expression)


def wait_for(page: Page, happened: Callable[[], bool], what: str) -> None:
    """Wait for something that is seen from here, such as a request that was held."""
    deadline = time.monotonic() + PATIENCE_MS / 1000
    while not happened():
        assert time.monotonic() < deadline, f"it never came: {what}"
        page.wait_for_timeout(20)


def width_of(element: Locator) -> float:
    """In CSS pixels."""
    box = element.bounding_box()
    assert box is not None, "it is not shown"
    return box["width"]


def ask(page: Page, question: str, *, quoting: bool = False) -> Locator:
    """Ask as a person does, and return the turn once it is whole.

    ``quoting``: without the model, for whoever looks at something else than how answers are written.
    """
    before = page.locator(".turn").count()
    if quoting and not page.get_by_label("Quotations only").is_checked():
        page.locator(".menu-mode summary").click()
        page.get_by_label("Quotations only").check()
    page.locator("#question").fill(question)
    page.locator("#question").press("Enter")
    turn = page.locator(".turn").nth(before)
    turn.locator("xpath=self::*[not(@aria-busy)]").wait_for(timeout=ANSWER_MS)
    return turn


def accessibility(page: Page, without: Sequence[str] = ()) -> list[str]:
    """Violations that axe-core finds on the page as it is now."""
    found = Axe().run(page, options={"runOnly": {"type": "tag", "values": _STANDARDS}})
    return [
        f"{one['id']}: {one['help']}: {[node['target'] for node in one['nodes']]}"
        for one in found.response["violations"]
        if one["id"] not in without
    ]
