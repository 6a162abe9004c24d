"""The settings page: what the service says of itself, and who may come in."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.journeys.running import RunningService
from tests.web.browsing import until, visit
from tests.web.conftest import Visit
from tests.web.dropping import drop_made_up
from tests.web.standing import standing

Locked = tuple[httpx.Client, str]


def sign_in(page: Page, token: str) -> None:
    page.get_by_label("Key", exact=True).fill(token)
    page.get_by_role("dialog").get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("dialog")).to_have_count(0)


def whole(page: Page) -> None:
    """Wait for all of the page: each part of it comes when its own request is answered."""
    main = page.locator("main")
    expect(main.get_by_role("heading", name="Speeds")).to_be_visible()
    expect(main.locator(".privacy-state")).to_be_visible()


def test_it_shows_models_speeds_room_and_privacy_as_the_service_has_them(
    open_page: Visit, web: RunningService
) -> None:
    with web.client() as client:
        client.post("/v1/ask", json={"question": "How many volunteers are there?"}).raise_for_status()
        status = client.get("/v1/status").json()
    with open_page("/#/settings") as (page, _):
        whole(page)
        text = page.locator("main").inner_text()
        assert status["generator"]["name"] in text
        assert status["generator"]["sha256"][:12] in text
        assert status["embedder"]["name"] in text
        assert f"{status['generator']['context_tokens']:,} tokens" in text
        assert re.search(r"\d+(\.\d)?\s+ms", text)
        assert re.search(r"\d vectors?", text)
        assert "Nothing leaves this machine." in text
        assert text.count("ready") == 3
        expect(page.get_by_role("button", name="Sign out")).to_have_count(0)


def test_a_theme_is_chosen_and_kept(open_page: Visit) -> None:
    with open_page("/#/settings") as (page, _):
        paper = "getComputedStyle(document.body).backgroundColor"
        light = page.evaluate(paper)
        page.get_by_role("radio", name="Dark").check()
        until(page, f"{paper} !== '{light}'")
        dark = page.evaluate(paper)
        page.reload()
        expect(page.get_by_role("radio", name="Dark")).to_be_checked()
        assert page.evaluate(paper) == dark


def test_keys_are_made_shown_once_and_revoked(browser: Browser, locked: Locked) -> None:
    client, admin = locked
    with visit(browser, str(client.base_url), "/#/settings") as (page, _):
        sign_in(page, admin)
        page.get_by_role("button", name="Create a key").click()
        page.get_by_label("What it is for").fill("<b>reader</b>")
        page.get_by_label("When it ends").select_option(label="In 30 days")
        page.get_by_role("dialog").get_by_role("button", name="Create").click()
        token = page.get_by_label("The key", exact=True).input_value()
        bearer = {"Authorization": f"Bearer {token}"}
        assert client.get("/v1/documents", headers=bearer).status_code == 200
        assert client.get("/v1/keys", headers=bearer).status_code == 403
        page.keyboard.press("Escape")  # closing asks: it is shown this once
        page.get_by_role("button", name="Cancel").click()
        assert page.get_by_label("The key", exact=True).input_value() == token
        page.get_by_role("button", name="I have it").click()
        made = page.locator(".key-list li").filter(has_text="<b>reader</b>")
        expect(made).to_contain_text("read")
        assert token not in page.content()
        page.get_by_role("button", name="Revoke <b>reader</b>").click()
        page.get_by_role("dialog").get_by_role("button", name="Revoke", exact=True).click()
        expect(page.get_by_text("Revoked and expired (1)")).to_be_visible()
        assert client.get("/v1/documents", headers=bearer).status_code == 401


def test_a_key_is_no_admin_s_only_because_the_others_are_not_shown(browser: Browser, locked: Locked) -> None:
    client, admin = locked
    with visit(browser, str(client.base_url), "/#/library") as (page, _):
        sign_in(page, admin)
        page.route("**/v1/keys", lambda route: route.abort(), times=1)
        page.get_by_role("link", name="Settings").click()
        expect(page.locator(".settings .problem code")).to_have_text("not_reachable")
        page.get_by_role("button", name="Create a key").click()
        expect(page.get_by_label("What it may do").locator("option")).to_have_count(3)
        expect(page.get_by_label("What it may do")).to_have_value("read")


def test_signing_out_forgets_the_key(browser: Browser, locked: Locked) -> None:
    client, admin = locked
    with visit(browser, str(client.base_url), "/#/settings") as (page, _):
        sign_in(page, admin)
        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_role("dialog", name="Sign in")).to_be_visible()
        assert page.evaluate("[localStorage.length, sessionStorage.length]") == [0, 0]


def test_who_may_only_read_sees_no_keys(browser: Browser, locked: Locked) -> None:
    client, admin = locked
    body = {"name": "reader", "scope": "read"}
    made = client.post("/v1/keys", json=body, headers={"Authorization": f"Bearer {admin}"}).json()
    with visit(browser, str(client.base_url), "/#/settings") as (page, _):
        sign_in(page, made["token"])
        whole(page)
        expect(page.get_by_role("heading", name="Keys")).to_have_count(0)


def test_a_refusal_that_comes_after_signing_in_asks_nobody_again(browser: Browser, locked: Locked) -> None:
    client, admin = locked
    late: list[Route] = []

    def hold_without_key(route: Route) -> None:
        if "authorization" in route.request.headers:
            route.continue_()
        else:
            late.append(route)

    with visit(browser, str(client.base_url), "/#/settings") as (page, _):
        page.route("**/v1/privacy", hold_without_key)
        with page.expect_request(
            "**/v1/privacy"
        ):  # one of the page before it was loaded anew may be held too
            page.reload()
        sign_in(page, admin)
        expect(page.get_by_role("heading", name="Speeds")).to_be_visible()
        with page.expect_response("**/v1/privacy") as refused:
            late[-1].continue_()
        assert refused.value.status == 401
        whole(page)
        expect(page.get_by_role("dialog")).to_have_count(0)


@pytest.mark.parametrize("scope", ["read", "write"])
def test_what_a_key_may_not_do_is_not_offered(browser: Browser, locked: Locked, scope: str) -> None:
    client, admin = locked
    bearer = {"Authorization": f"Bearer {admin}"}
    made = client.post("/v1/keys", json={"name": scope, "scope": scope}, headers=bearer).json()
    accepted = client.post("/v1/documents", files={"file": ("kept.txt", b"Kept.")}, headers=bearer).json()
    writes = scope == "write"
    with visit(browser, str(client.base_url), "/#/library") as (page, _):
        sign_in(page, made["token"])
        page.locator(f'[data-right="{scope}"]').wait_for(state="attached")
        for name in ("Add documents", "Delete kept.txt"):
            expect(page.get_by_role("button", name=name)).to_have_count(int(writes))
        page.get_by_role("button", name="Collections").click()
        expect(page.get_by_role("dialog")).to_contain_text("default")
        expect(page.get_by_label("A new one")).to_have_count(int(writes))
        page.keyboard.press("Escape")
        page.goto(f"{client.base_url}/#/library/{accepted['document']['id']}")
        expect(page.get_by_role("button", name="Download", exact=True)).to_be_visible()
        for name in ("New version", "Edit", "Delete"):
            expect(page.get_by_role("button", name=name, exact=True)).to_have_count(int(writes))
        drop_made_up(page, "more.txt", f"Dropped by who may {scope}.")
        if writes:
            expect(page.locator('.tray-row[data-state="queued"]')).to_have_count(1)
        else:
            expect(page.locator(".toast")).to_contain_text("Your key may read, not add documents")
            expect(page.locator(".tray-row")).to_have_count(0)
    for one in client.get("/v1/documents", headers=bearer).json()["data"]:
        client.delete(f"/v1/documents/{one['id']}", headers=bearer)


@pytest.fixture
def open_fresh(browser: Browser, tmp_path: Path) -> object:
    """A service of the test's own, which has no key yet."""
    with standing(tmp_path) as client:
        yield partial(visit, browser, str(client.base_url))


def test_the_first_key_does_not_shut_out_who_made_it(open_fresh: Visit) -> None:
    with open_fresh("/#/settings") as (page, _):
        expect(page.get_by_text("There are none")).to_be_visible()
        page.get_by_role("button", name="Create a key").click()
        page.get_by_label("What it is for").fill("me")
        page.get_by_role("dialog").get_by_role("button", name="Create").click()
        page.get_by_role("button", name="I have it").click()
        expect(page.locator(".key-list li")).to_have_count(1)
        page.get_by_role("link", name="Library").click()
        expect(page.get_by_text("Nothing here yet")).to_be_visible()
        page.reload()
        # Uploads and downloads do not go the way of the other requests; they carry the key as well.
        drop_made_up(page, "note.txt", "A note.")
        page.locator(".document-name").click()
        with page.expect_download() as waited:
            page.get_by_role("button", name="Download", exact=True).click()
        assert waited.value.path().read_bytes() == b"A note."
        assert waited.value.suggested_filename == "note.txt"
