"""Adding documents in the browser: dropped, chosen, followed until they can be asked."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Error, Page, Route, expect

from tests.journeys.running import RunningService
from tests.web.browsing import READ_MS, visit, wait_for
from tests.web.conftest import Visit
from tests.web.dropping import drag, drop, drop_made_up, wait_for_target
from tests.web.standing import standing

BREAKING_OUT = "<img src=x onerror=alert(9)>.txt"
LIMIT = 2000


@pytest.fixture(scope="module")
def still(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    with standing(tmp_path_factory.mktemp("still"), max_upload_bytes=LIMIT) as client:
        yield client


@pytest.fixture
def open_still(browser: Browser, still: httpx.Client) -> Visit:
    return partial(visit, browser, str(still.base_url))


def row(page: Page, name: str) -> Any:
    return page.locator(".tray-row").filter(has=page.get_by_text(name, exact=True))


def state(page: Page, name: str, wanted: str) -> None:
    expect(row(page, name)).to_have_attribute("data-state", wanted, timeout=READ_MS)


def test_a_dropped_folder_is_read_to_its_ends_whatever_view_is_open(
    open_page: Visit, web: RunningService, tmp_path: Path
) -> None:
    inner = tmp_path / "minutes" / "2025"
    inner.mkdir(parents=True)
    (inner / "may.txt").write_text("The council met in the tithe barn in May.")
    (inner / BREAKING_OUT).write_text("The council met under the lime tree in June.")
    (tmp_path / "minutes" / ".hidden").write_text("kept by a program for itself")
    (tmp_path / "minutes" / "nothing.txt").write_text("")
    with open_page("/#/ask") as (page, _):
        page.locator("#question").wait_for()
        drag(page, tmp_path / "minutes")
        expect(page.locator(".drop-here")).to_contain_text("Drop to add")
        drop(page, tmp_path / "minutes")
        expect(page.locator(".toast")).to_have_text(re.compile("1 hidden file left out"))
        expect(page.locator(".drop-here")).to_be_hidden()
        state(page, "nothing.txt", "failed")
        expect(row(page, "nothing.txt")).to_contain_text("empty_file")
        page.get_by_role("link", name="Settings").click()
        for name in ("may.txt", BREAKING_OUT):
            state(page, name, "done")
        expect(page.locator(".tray-title")).to_have_text("2 documents added, 1 not added")
        row(page, "may.txt").get_by_role("link").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("may.txt")
        expect(page.locator(".details")).to_contain_text("minutes/2025/may.txt")
        page.get_by_role("button", name="Close", exact=True).click()
        expect(page.locator(".tray")).to_be_hidden()
    with web.client() as client:
        listed = client.get("/v1/documents", params={"source_prefix": "minutes/2025/"}).json()["data"]
    assert {one["name"] for one in listed} == {"may.txt", BREAKING_OUT}


def test_what_is_dropped_by_a_program_goes_to_the_collection_that_is_looked_at(open_page: Visit) -> None:
    with open_page("/#/library?collection=elsewhere") as (page, _):
        expect(page.get_by_text("No document is like that.")).to_be_visible()
        drop_made_up(page, "gazette.txt", "The gazette of the harbour appears on Fridays.")
        state(page, "gazette.txt", "done")
        link = page.get_by_role("link", name="gazette.txt").first
        expect(link).to_be_visible()  # the list followed by itself
        expect(page.locator(".document")).to_have_count(1)
        # The same bytes once more are no second document, and that is said.
        drop_made_up(page, "gazette.txt", "The gazette of the harbour appears on Fridays.")
        expect(page.locator(".tray-line").filter(has_text="Already in the library")).to_be_visible(
            timeout=READ_MS
        )
        expect(page.locator(".document")).to_have_count(1)


def test_files_are_chosen_into_a_new_collection(
    open_page: Visit, web: RunningService, tmp_path: Path
) -> None:
    chosen = tmp_path / "tariffs.txt"
    chosen.write_text("The ferry tariff of 1911 was fourpence.")
    with open_page("/#/settings") as (page, _):
        page.get_by_role("button", name="Add documents").click()
        page.get_by_label("Collection").select_option(label="A new collection…")
        page.get_by_label("Its name").fill("ferries <b>")
        with page.expect_file_chooser() as asked:
            page.get_by_role("button", name="Choose files").click()
        asked.value.set_files([chosen])
        state(page, "tariffs.txt", "done")
        expect(page.locator("dialog")).to_have_count(0)
    with web.client() as client:
        listed = client.get("/v1/documents", params={"collection": "ferries <b>"}).json()["data"]
    assert [one["name"] for one in listed] == ["tariffs.txt"]


def test_a_file_that_is_damaged_says_so_with_its_code(open_page: Visit) -> None:
    with open_page("/#/library") as (page, _):
        page.locator(".document").first.wait_for()
        drop_made_up(page, "torn.pdf", "%PDF-1.7\nnothing that could be read")
        state(page, "torn.pdf", "failed")
        expect(row(page, "torn.pdf").locator("code")).to_have_text("corrupt")
        row(page, "torn.pdf").get_by_role("button", name="Try torn.pdf again").click()
        state(page, "torn.pdf", "failed")


def test_no_more_than_three_files_are_sent_at_once(open_still: Visit, still: httpx.Client) -> None:
    held: list[Route] = []
    with open_still("/#/library") as (page, _):
        page.get_by_text("Nothing here yet").wait_for()
        page.route(re.compile("/v1/documents$"), lambda route: held.append(route))
        for number in range(7):
            drop_made_up(page, f"n{number}.txt", f"Number {number} waits for its turn.")
        expect(page.locator('.tray-row[data-state="sending"]')).to_have_count(3)
        expect(page.locator('.tray-row[data-state="waiting"]')).to_have_count(4)
        wait_for(page, lambda: len(held) == 3, "the first requests")
        held[0].continue_()
        expect(page.locator('.tray-row[data-state="queued"]')).to_have_count(1)
        expect(page.locator('.tray-row[data-state="sending"]')).to_have_count(3)
        wait_for(page, lambda: len(held) == 4, "the next request")
        # Cancelling is for what is being sent, what waits to be sent and what waits to be read.
        sending = page.locator('.tray-row[data-state="sending"]').first
        sending.get_by_role("button", name=re.compile("^Cancel")).click()
        expect(page.locator('.tray-row[data-state="cancelled"]')).to_have_count(1)
        page.unroute_all(behavior="ignoreErrors")
        for route in held[1:]:
            with suppress(Error):  # the one that was cancelled is no more
                route.continue_()
        expect(page.locator('.tray-row[data-state="queued"]')).to_have_count(6, timeout=READ_MS)
        queued = page.locator('.tray-row[data-state="queued"]').first
        name = queued.locator(".tray-name").inner_text()
        queued.get_by_role("button", name=f"Cancel {name}").click()
        state(page, name, "cancelled")
        row(page, name).get_by_role("button", name=f"Try {name} again").click()
        state(page, name, "queued")
    states = [job["state"] for job in still.get("/v1/jobs").json()["data"]]
    assert states == ["queued"] * 6


def test_a_busy_service_is_asked_again_under_the_same_key(open_still: Visit, still: httpx.Client) -> None:
    keys: list[str] = []

    def refuse_once(route: Route) -> None:
        keys.append(route.request.headers["idempotency-key"])
        if len(keys) > 1:
            route.continue_()
            return
        problem = '{"code": "too_busy", "detail": "Too much at once; try again in a second."}'
        route.fulfill(
            status=503, headers={"Retry-After": "1"}, body=problem, content_type="application/problem+json"
        )

    with open_still("/#/library") as (page, _):
        page.locator("h1").wait_for()
        page.route(re.compile("/v1/documents$"), refuse_once)
        drop_made_up(page, "patient.txt", "It waits until there is room.")
        expect(row(page, "patient.txt")).to_contain_text("busy; trying again in 1 second")
        state(page, "patient.txt", "queued")
    assert len(keys) == 2
    assert len(set(keys)) == 1


def test_what_is_too_large_is_not_even_sent(open_still: Visit) -> None:
    with open_still("/#/library") as (page, watch):
        page.locator("h1").wait_for()
        drop_made_up(page, "large.txt", "x" * (LIMIT + 1))
        state(page, "large.txt", "failed")
        expect(row(page, "large.txt")).to_contain_text("2.0 kB at most")
        expect(row(page, "large.txt").locator("code")).to_have_text("file_too_large")
        assert not [one for one in watch.requests if one.endswith("/v1/documents")]


def test_the_tray_is_folded_and_stays_small(open_still: Visit) -> None:
    with open_still("/#/library") as (page, _):
        page.locator("h1").wait_for()
        many = [[f"m{number}.txt", f"Of many, number {number}."] for number in range(70)]
        page.route(re.compile("/v1/documents$"), lambda route: None)
        wait_for_target(page)
        page.evaluate(
            """(many) => {
              const carried = new DataTransfer();
              for (const [name, text] of many) carried.items.add(new File([text], name));
              const event = new DragEvent("drop", { dataTransfer: carried, bubbles: true, cancelable: true });
              document.querySelector("#main").dispatchEvent(event);
            }""",
            many,
        )
        expect(page.locator(".tray-title")).to_have_text("Adding 70 documents")
        expect(page.locator(".tray-row")).to_have_count(60)
        expect(page.locator(".tray-more")).to_have_text("and 10 more files")
        fold = page.get_by_role("button", name="Hide the files")
        fold.click()
        expect(page.locator(".tray-list")).to_be_hidden()
        expect(page.get_by_role("button", name="Show the files")).to_have_attribute("aria-expanded", "false")
        page.unroute_all(behavior="ignoreErrors")
