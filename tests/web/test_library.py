"""The library in the browser: found, filtered, looked at, changed, deleted."""

from __future__ import annotations

import hashlib
import io
import json
import re
import zipfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.journeys.running import RunningService, upload
from tests.web.browsing import PHONE, READ_MS, visit
from tests.web.conftest import HOSTILE_NAME, Library, Visit
from tests.web.standing import standing

MANY = 120
# Goes to the end whenever rows have come, before the page is drawn: its end is never seen to go out of sight.
_SCROLL_ON = """() => {
  const main = document.getElementById("main");
  const on = () => main.scrollTo({ top: main.scrollHeight, behavior: "instant" });
  new MutationObserver(on).observe(document.querySelector(".documents"), { childList: true });
  on();
}"""


@pytest.fixture(scope="module")
def many(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A service with more documents than one page of the list holds."""
    with standing(tmp_path_factory.mktemp("many")) as client:
        for number in range(MANY):
            files = {"file": (f"note {number:03}.txt", f"Note number {number}.".encode())}
            client.post("/v1/documents", files=files).raise_for_status()
        yield client


@pytest.fixture
def open_many(browser: Browser, many: httpx.Client) -> Visit:
    return partial(visit, browser, str(many.base_url))


@pytest.fixture
def note(web: RunningService, library: Library, request: pytest.FixtureRequest) -> Iterator[dict[str, Any]]:
    """A document of the test's own, away from those that others ask about."""
    name = f"{request.node.name.removeprefix('test_')[:40]}.txt"
    with web.client() as client:
        data = {"collection": "elsewhere", "metadata": json.dumps({"author": "A. Weber", "year": 1911})}
        made = upload(client, name, f"{name} says that the weir was mended in 1911.".encode(), **data)
        yield made["document"]
        client.delete(f"/v1/documents/{made['document']['id']}")


def names(page: Page) -> list[str]:
    return page.locator(".document-name").all_inner_texts()


def test_documents_are_searched_and_filtered_and_the_address_says_how(open_page: Visit) -> None:
    with open_page("/#/library") as (page, _):
        expect(page.get_by_role("link", name="lighthouse-handbook.pdf")).to_be_visible()
        assert HOSTILE_NAME in names(page)
        page.get_by_label("Search by name").fill("HANDBOOK")
        expect(page.locator(".document-name")).to_have_text(["lighthouse-handbook.pdf"])
        page.get_by_label("Search by name").fill("")
        page.get_by_label("Kind").select_option("Word and text processing")
        expect(page.locator(".document-name")).to_have_text(["grid-cooperative-2025.docx"])
        page.reload()
        expect(page.get_by_label("Kind")).to_have_value("Word and text processing")
        expect(page.locator(".document")).to_have_count(1)
        page.get_by_label("State").select_option(label="Not read")
        expect(page.get_by_text("No document is like that.")).to_be_visible()
        page.get_by_role("button", name="Show all").click()
        expect(page.get_by_role("link", name="keepers-log.txt")).to_be_visible()
        assert "?" not in page.url


def test_where_somebody_is_going_is_not_taken_away_by_the_list_they_leave(
    open_page: Visit, library: Library
) -> None:
    document = library.id("keepers-log.txt")
    with open_page("/#/library") as (page, _):
        page.locator(".document-name").first.wait_for()
        page.evaluate(
            """(id) => {
              location.hash = `#/library/${id}`;
              document.querySelector("select[aria-label=Kind]").dispatchEvent(new Event("change"));
            }""",
            document,
        )
        expect(page.locator("h1")).to_have_text("keepers-log.txt")
        assert page.url.endswith(f"#/library/{document}")


def test_the_list_grows_as_one_scrolls_and_holds_every_document_once(open_many: Visit) -> None:
    with open_many("/#/library") as (page, _):
        page.locator(".document").first.wait_for()
        assert page.locator(".document").count() < MANY
        page.evaluate(_SCROLL_ON)
        expect(page.locator(".document")).to_have_count(MANY)
        found = names(page)
        assert found == [f"note {number:03}.txt" for number in reversed(range(MANY))]
        expect(page.get_by_role("button", name="Show more")).to_be_hidden()
        page.evaluate("window.dispatchEvent(new Event('footnote:documents'))")
        page.get_by_label("Search by name").fill("note 11")
        expect(page.locator(".document")).to_have_count(10)


def test_a_page_of_the_list_that_failed_is_asked_for_again_and_the_list_goes_on(open_many: Visit) -> None:
    with open_many("/#/library") as (page, _):
        page.locator(".document").first.wait_for()
        page.route(re.compile("cursor="), lambda route: route.abort(), times=1)
        page.evaluate(_SCROLL_ON)
        problem = page.locator(".list-state .problem")
        expect(problem.locator("code")).to_have_text("not_reachable")
        problem.get_by_role("button", name="Try again").click()
        expect(page.locator(".document")).to_have_count(MANY)
        expect(problem).to_have_count(0)


def test_deleting_asks_first_and_says_what_goes(
    open_page: Visit, web: RunningService, note: dict[str, Any]
) -> None:
    with open_page("/#/library?collection=elsewhere") as (page, _), web.client() as client:
        page.get_by_role("button", name=f"Delete {note['name']}").click()
        dialog = page.get_by_role("dialog")
        expect(dialog).to_contain_text(f"Delete “{note['name']}”?")
        expect(dialog).to_contain_text("cannot be undone")
        page.keyboard.press("Escape")
        expect(dialog).to_have_count(0)
        assert client.get(f"/v1/documents/{note['id']}").status_code == 200
        page.get_by_role("button", name=f"Delete {note['name']}").click()
        dialog.get_by_role("button", name="Delete", exact=True).click()
        expect(page.get_by_role("link", name=note["name"])).to_have_count(0)
        assert client.get(f"/v1/documents/{note['id']}").status_code == 410
        page.goto(f"{web.address}/#/library/{note['id']}")
        expect(page.get_by_role("heading", level=1)).to_have_text("Deleted")
        expect(page.locator(".problem code")).to_have_text("document_deleted")


def test_a_document_shows_how_well_it_was_read(
    open_page: Visit, web: RunningService, library: Library
) -> None:
    with web.client() as client:
        document = client.get(f"/v1/documents/{library.id('lighthouse-handbook.pdf')}").json()
    with open_page(f"/#/library/{document['id']}") as (page, _):
        expect(page.get_by_role("heading", level=1)).to_have_text(document["name"])
        expect(page.locator(".document-title")).to_have_text(document["title"])
        shown = page.locator(".qualities").inner_text()
        assert f"{document['chunks']} passages" in shown
        assert f"{document['pages']} pages" in shown
        assert f"{document['quality']['characters']:,} characters" in shown
        assert f"{document['quality']['self_retrieval']:.0%}".replace("%", " %") in shown
        assert "English" in shown
        assert document["sha256"] in page.locator(".details").inner_text()
        page.get_by_role("button", name="Read", exact=True).click()
        expect(page.locator("#source")).to_contain_text(document["name"])
        expect(page.locator("#source img").first).to_be_visible()


def test_a_document_names_what_resembles_it_and_what_was_found_in_it(
    open_page: Visit, web: RunningService, note: dict[str, Any]
) -> None:
    text = " ".join(f"The sluice number {number} was opened by the warden at dusk." for number in range(40))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("<i>inner</i>.txt", text)
    with web.client() as client:
        outer = upload(client, "sluices.zip", packed.getvalue(), collection="elsewhere")["document"]
        alike = upload(client, "alike.txt", f"{text} Then it rained.".encode(), collection="elsewhere")
        with open_page(f"/#/library/{outer['id']}") as (page, _):
            page.get_by_role("link", name="<i>inner</i>.txt").click()
            expect(page.get_by_role("heading", level=1)).to_have_text("<i>inner</i>.txt")
            expect(page.get_by_role("link", name="sluices.zip")).to_be_visible()
        with open_page(f"/#/library/{alike['document']['id']}") as (page, _):
            expect(page.locator(".links")).to_contain_text("<i>inner</i>.txt")
            expect(page.locator(".links")).to_contain_text("% alike")
        for one in (outer, alike["document"]):
            client.delete(f"/v1/documents/{one['id']}")


def test_the_original_is_downloaded_byte_for_byte(open_page: Visit, library: Library, samples: Path) -> None:
    with open_page(f"/#/library/{library.id('lighthouse-handbook.pdf')}") as (page, _):
        with page.expect_download() as waited:
            page.get_by_role("button", name="Download", exact=True).click()
        assert waited.value.suggested_filename == "lighthouse-handbook.pdf"
        downloaded = hashlib.sha256(waited.value.path().read_bytes()).hexdigest()
    assert downloaded == hashlib.sha256((samples / "lighthouse-handbook.pdf").read_bytes()).hexdigest()


def test_a_new_version_is_read_and_the_old_one_stays(
    open_page: Visit, web: RunningService, note: dict[str, Any], tmp_path: Path
) -> None:
    changed = tmp_path / "changed.txt"
    changed.write_text("The weir was mended in 1912 after all.")
    with open_page(f"/#/library/{note['id']}") as (page, _):
        with page.expect_file_chooser() as asked:
            page.get_by_role("button", name="New version").click()
        asked.value.set_files([changed])
        expect(page.locator(".versions li")).to_have_count(2, timeout=READ_MS)
        expect(page.locator(".versions li").first).to_contain_text("searched", timeout=READ_MS)
        expect(page.locator(".versions li").nth(1)).to_contain_text("superseded")
        page.get_by_role("button", name="Read version 1").click()
        expect(page.locator("#source")).to_contain_text("mended in 1911")
    with web.client() as client:
        assert client.get(f"/v1/documents/{note['id']}").json()["live_version"] == 2


def test_name_path_and_metadata_are_edited(
    open_page: Visit, web: RunningService, note: dict[str, Any]
) -> None:
    with open_page(f"/#/library/{note['id']}") as (page, _):
        page.get_by_role("button", name="Edit").click()
        page.get_by_label("Name", exact=True).fill("Weirs & <i>wards.txt")
        page.get_by_label("Path in its folder").fill("../escape.txt")
        page.get_by_label("Value of author").fill("B. Weber")
        page.get_by_role("button", name="Add a field").click()
        page.get_by_label("Name of the field").last.fill("secret")
        page.get_by_label("Value of the field").last.fill("true")
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_role("dialog").locator("code")).to_have_text("bad_source")
        page.get_by_label("Path in its folder").fill("weirs/wards.txt")
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_role("dialog")).to_have_count(0)
        expect(page.get_by_role("heading", level=1)).to_have_text("Weirs & <i>wards.txt")
        expect(page.locator(".details")).to_contain_text("B. Weber")
    with web.client() as client:
        document = client.get(f"/v1/documents/{note['id']}").json()
    assert document["metadata"] == {"author": "B. Weber", "year": 1911, "secret": True}
    assert document["source"] == "weirs/wards.txt"


def test_collections_are_made_and_the_empty_ones_removed(open_page: Visit, web: RunningService) -> None:
    hostile = "<script>alert(5)<"
    with open_page("/#/library") as (page, _):
        page.get_by_role("button", name="Collections").click()
        expect(page.get_by_role("button", name="Remove default")).to_be_disabled()
        page.get_by_label("A new one").fill(hostile)
        page.get_by_role("button", name="Create").click()
        expect(page.locator(".collections")).to_contain_text(hostile)
        page.get_by_label("A new one").fill("default")
        page.get_by_role("button", name="Create").click()
        expect(page.get_by_role("dialog").locator("code")).to_have_text("collection_exists")
        page.get_by_role("button", name=f"Remove {hostile}").click()
        page.get_by_role("button", name="Remove", exact=True).click()
        expect(page.locator(".collections")).not_to_contain_text(hostile)
        page.get_by_role("button", name="Close", exact=True).click()
        expect(page.get_by_role("dialog")).to_have_count(0)
    with web.client() as client:
        assert hostile not in [one["name"] for one in client.get("/v1/collections").json()["data"]]


def test_what_could_not_be_read_says_why_and_can_be_tried_again(
    open_page: Visit, web: RunningService, library: Library
) -> None:
    with web.client() as client:
        files = {"file": ("broken.pdf", b"%PDF-1.4\nnothing in it")}
        refused = client.post("/v1/documents", params={"wait": "true"}, files=files)
        assert refused.status_code == 422
        broken = refused.json()["document_id"]
    with open_page("/#/library?state=failed") as (page, _), web.client() as client:
        expect(page.locator(".document").first).to_contain_text("Not read")
        page.get_by_role("link", name="broken.pdf").click()
        expect(page.locator(".problem code")).to_have_text("corrupt")
        with page.expect_response(re.compile("/retry$")) as tried:
            page.get_by_role("button", name="Try again").click()
        assert tried.value.status == 200
        expect(page.locator(".problem code")).to_have_text("corrupt", timeout=READ_MS)
        client.delete(f"/v1/documents/{broken}")


def test_the_list_fits_a_phone_and_is_walked_by_keyboard(open_many: Visit) -> None:
    with open_many("/#/library", size=PHONE) as (page, _):
        page.locator(".document").first.wait_for()
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE[0]
        page.get_by_label("Kind").focus()
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "document-name"
        name = page.evaluate("document.activeElement.textContent")
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", level=1)).to_have_text(name)
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE[0]
        page.get_by_role("button", name="Delete", exact=True).focus()
        page.keyboard.press("Enter")
        expect(page.get_by_role("dialog")).to_be_visible()
        page.keyboard.press("Escape")
        expect(page.get_by_role("button", name="Delete", exact=True)).to_be_focused()
