"""Library, history, settings and tray: no violation that axe-core knows, in light and dark, on a phone."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import httpx
import pytest
from playwright.sync_api import Browser, Page

from tests.journeys.running import RunningService
from tests.web.browsing import DESKTOP, PHONE, accessibility, visit
from tests.web.conftest import HOSTILE_NAME, Library, Visit
from tests.web.dropping import drop_made_up
from tests.web.standing import standing

DOCUMENT = "lighthouse-handbook.pdf"


@pytest.fixture(scope="module")
def still(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    with standing(tmp_path_factory.mktemp("still")) as client:
        yield client


@pytest.fixture
def open_still(browser: Browser, still: httpx.Client) -> Visit:
    return partial(visit, browser, str(still.base_url))


@pytest.mark.parametrize(
    ("size", "dark"),
    [
        pytest.param(DESKTOP, False, id="desktop-light", marks=pytest.mark.slow),
        pytest.param(DESKTOP, True, id="desktop-dark"),
        pytest.param(PHONE, False, id="phone-light"),
        pytest.param(PHONE, True, id="phone-dark", marks=pytest.mark.slow),
    ],
)
def test_every_view_is_accessible(
    open_page: Visit, web: RunningService, library: Library, size: tuple[int, int], dark: bool
) -> None:
    found = {}
    with web.client() as client:
        body = {"question": "How tall is the lighthouse?", "conversation": "web-axe", "mode": "quote"}
        client.post("/v1/ask", json=body).raise_for_status()
    waits = {
        "/#/library": ".document",
        f"/#/library/{library.id(DOCUMENT)}": ".qualities",
        f"/#/library/{library.id(HOSTILE_NAME)}": ".qualities",
        "/#/library/doc_nowhere": ".problem",
        "/#/conversations": ".conversation",
        "/#/settings": ".privacy-state",
    }
    with open_page("/#/library", size=size, dark=dark) as (page, _):
        for path, there in waits.items():
            page.goto("about:blank")  # or what is waited for may be of the view before
            page.goto(web.address + path)
            page.locator(there).first.wait_for()
            found[path] = accessibility(page)
            assert page.evaluate("document.documentElement.scrollWidth") <= size[0], path
    assert {path: faults for path, faults in found.items() if faults} == {}


@pytest.mark.parametrize("dark", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_dialogs_and_the_tray_are_accessible(open_still: Visit, still: httpx.Client, dark: bool) -> None:
    def through(page: Page) -> dict[str, list[str]]:
        found = {}
        page.get_by_text("Library").first.wait_for()
        for name in ("Add documents", "Collections"):
            page.get_by_role("button", name=name).first.click()
            page.get_by_role("dialog").wait_for()
            found[name] = accessibility(page)
            page.keyboard.press("Escape")
        drop_made_up(page, "note.txt", f"A note for {dark}.")
        drop_made_up(page, "nothing.txt", "")
        page.locator('.tray-row[data-state="queued"]').wait_for()
        page.locator('.tray-row[data-state="failed"]').wait_for()
        found["tray"] = accessibility(page)
        page.get_by_role("button", name="Delete note.txt").first.click()
        page.get_by_role("dialog").wait_for()
        found["delete"] = accessibility(page)
        page.keyboard.press("Escape")
        page.locator(".document-name").first.click()
        page.get_by_role("button", name="Edit").click()
        found["edit"] = accessibility(page)
        page.keyboard.press("Escape")
        page.goto(f"{still.base_url}/#/settings")
        page.get_by_role("button", name="Create a key").click()
        page.get_by_role("dialog").wait_for()
        found["key"] = accessibility(page)
        return found

    with open_still("/#/library", dark=dark) as (page, _):
        found = through(page)
    assert {name: faults for name, faults in found.items() if faults} == {}
