"""No violations that axe-core knows of, and everything by keyboard."""

from __future__ import annotations

import httpx
import pytest
from playwright.sync_api import Browser, expect

from tests.web.browsing import ANSWER_MS, DESKTOP, PHONE, accessibility, ask, visit
from tests.web.conftest import Visit
from tests.web.test_asking import SISTINE, VOLUNTEERS


@pytest.mark.parametrize(
    ("size", "dark"),
    [
        pytest.param(DESKTOP, False, id="desktop-light"),
        pytest.param(PHONE, True, id="phone-dark"),
        pytest.param(DESKTOP, True, id="desktop-dark", marks=pytest.mark.slow),
        pytest.param(PHONE, False, id="phone-light", marks=pytest.mark.slow),
    ],
)
def test_asking_and_sources_have_no_violation(open_page: Visit, size: tuple[int, int], dark: bool) -> None:
    with open_page(size=size, dark=dark) as (page, _):
        page.locator(".composer").wait_for()
        assert accessibility(page) == []
        page.locator(".menu-mode summary").click()
        assert accessibility(page) == []
        page.keyboard.press("Escape")
        ask(page, SISTINE, quoting=True)
        turn = ask(page, VOLUNTEERS)
        assert accessibility(page) == []
        turn.locator(".number").first.click()
        page.locator("#source .page-marks rect").first.wait_for(state="attached")
        assert accessibility(page) == []


def test_a_text_source_has_no_violation(open_page: Visit) -> None:
    with open_page() as (page, _):
        turn = ask(page, "When did the schooner Clementine strike the rock?", quoting=True)
        turn.locator(".number").first.click()
        expect(page.locator("#source mark")).to_be_in_viewport()
        assert accessibility(page) == []


def test_everything_by_keyboard(open_page: Visit) -> None:
    """Ask, walk to a footnote, read the source, turn its page, copy, come back, ask again."""
    with open_page() as (page, _):
        expect(page.locator("#question")).to_be_focused()
        page.keyboard.type(VOLUNTEERS)
        page.keyboard.press("Enter")
        page.locator(".turn .footnotes").wait_for(timeout=ANSWER_MS)
        for _ in range(40):
            page.keyboard.press("Shift+Tab")
            if page.evaluate("document.activeElement.matches('.sentence .number')"):
                break
        page.keyboard.press("Enter")
        expect(page.locator(".source-title")).to_be_focused()
        expect(page.locator(".page-where")).to_have_text("Page 2 of 3")
        page.keyboard.press("ArrowRight")
        expect(page.locator(".page-where")).to_have_text("Page 3 of 3")
        page.keyboard.press("Escape")
        assert page.evaluate("document.activeElement.matches('.sentence .number')")
        page.keyboard.press("/")
        expect(page.locator("#question")).to_be_focused()
        page.locator("#main").focus()
        page.keyboard.press("?")
        expect(page.get_by_role("dialog")).to_contain_text("Keyboard")
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog")).to_have_count(0)


def test_a_finished_answer_is_announced_and_tokens_are_not(open_page: Visit) -> None:
    with open_page() as (page, _):
        page.evaluate(
            """() => {
              window.announced = [];
              const announcer = document.getElementById("announcer");
              new MutationObserver(() => window.announced.push(announcer.textContent))
                .observe(announcer, { childList: true, subtree: true });
            }"""
        )
        turn = ask(page, VOLUNTEERS)
        heard = [one for one in page.evaluate("window.announced") if one]
        assert len(heard) == 1
        assert "46 volunteers" in heard[0]
        assert page.locator(".turn [aria-live]").count() == 0
        assert turn.locator(".draft").is_hidden()


def test_the_first_stop_skips_to_the_page(open_page: Visit) -> None:
    with open_page("/#/ask") as (page, _):
        page.locator(".composer").wait_for()
        first = page.locator("a, button, input, textarea, [tabindex]").first
        assert first.get_attribute("class") == "skip"
        first.focus()
        expect(first).to_be_in_viewport()
        page.keyboard.press("Enter")
        expect(page.locator("#main")).to_be_focused()
        assert page.url.endswith("#/ask")


def test_signing_in_has_no_violation_and_lets_in(browser: Browser, locked: tuple[httpx.Client, str]) -> None:
    service, token = locked
    with visit(browser, str(service.base_url)) as (page, _):
        dialog = page.get_by_role("dialog")
        expect(dialog).to_contain_text("Sign in")
        assert accessibility(page) == []
        page.get_by_label("Key", exact=True).fill("fn_wrong")
        page.keyboard.press("Enter")
        expect(dialog).to_contain_text("key")
        page.get_by_label("Key", exact=True).fill(token)
        page.keyboard.press("Enter")
        expect(dialog).to_have_count(0)
        expect(page.locator(".nothing-yet")).to_be_visible()
        kept = page.evaluate("[sessionStorage.length, Object.keys(localStorage).length]")
        assert kept == [1, 0]
