"""Asking in the browser: what streams in, what stands there in the end, and what is said of it."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Route, expect

from tests.journeys.running import RunningService, upload
from tests.web.browsing import ANSWER_MS, PHONE, ask, until, visit
from tests.web.conftest import Library, Visit

VOLUNTEERS = "How many volunteers does the lighthouse museum have?"
SISTINE = "Who painted the ceiling of the Sistine Chapel?"


def test_an_answer_has_verdicts_footnotes_and_coverage(open_page: Visit) -> None:
    with open_page() as (page, _):
        turn = ask(page, VOLUNTEERS)
        expect(turn.locator("h2")).to_have_text(VOLUNTEERS)
        sentences = turn.locator(".sentence")
        assert sentences.count() >= 1
        for at in range(sentences.count()):
            sentence = sentences.nth(at)
            assert sentence.get_attribute("data-verdict") in ("verbatim", "supported")
            assert sentence.locator(".verdict").inner_text()
            assert sentence.locator(".number").count() >= 1
        assert "46 volunteers" in turn.locator(".answer-text").inner_text()
        notes = turn.locator(".footnotes li")
        assert notes.count() >= 1
        assert "lighthouse-handbook.pdf" in notes.first.inner_text()
        assert "page" in notes.first.inner_text()
        assert re.search(r"Looked at \d", turn.locator(".facts").inner_text())


def test_what_streams_in_is_shown_before_it_is_whole(open_page: Visit) -> None:
    with open_page() as (page, _):
        page.evaluate(
            """() => {
              window.seen = [];
              new MutationObserver(() => {
                const turn = document.querySelector(".turn");
                if (!turn) return;
                const draft = turn.querySelector(".draft").textContent;
                const busy = turn.hasAttribute("aria-busy");
                window.seen.push([busy, draft, turn.querySelectorAll(".sentence").length]);
              }).observe(document.body, { subtree: true, childList: true, characterData: true });
            }"""
        )
        ask(page, "How many volunteers are there at the lighthouse museum?")  # asked nowhere else
        seen = page.evaluate("window.seen")
        assert [draft for busy, draft, _ in seen if busy and draft], "no draft was shown"
        assert [many for busy, _, many in seen if busy and many], "no sentence was shown before the end"
        assert seen[-1][1] == ""


def test_not_in_these_documents_is_said_as_plainly_as_an_answer(open_page: Visit) -> None:
    with open_page() as (page, _):
        turn = ask(page, SISTINE)
        expect(turn.locator(".missing")).to_have_text("Not in these documents.")
        expect(turn.locator(".sentence")).to_have_count(0)
        sizes = page.evaluate(
            """() => [".missing", ".question"]
                 .map((one) => parseFloat(getComputedStyle(document.querySelector(one)).fontSize))"""
        )
        assert sizes[0] >= 0.85 * sizes[1]
        assert turn.locator(".nearest li").count() >= 1
        second = turn.locator(".nearest button").nth(1)
        passage = " ".join((second.locator(".passage").text_content() or "").split())
        second.click()
        expect(page.locator("#source .source-words")).to_have_text(passage)


def test_a_conversation_goes_on_and_can_be_reopened(open_page: Visit) -> None:
    with open_page() as (page, _):
        ask(page, "When was the Marrowdale Grid Cooperative founded?")
        turn = ask(page, "How many members had it in 2025?")
        assert "Grid Cooperative" in turn.locator(".answer-text").inner_text()
        assert re.search(r"#/ask/web-[0-9a-f]{24}$", page.url)
        questions = page.locator(".question").all_inner_texts()
        answers = page.locator(".answer-text").all_inner_texts()
        page.reload()
        page.locator(".turn").nth(1).wait_for()
        assert page.locator(".question").all_inner_texts() == questions
        assert page.locator(".answer-text").all_inner_texts() == answers
        page.goto(page.url.split("#")[0] + "#/ask")
        recent = page.locator(".recent a").filter(has_text="How many members had it in 2025?")
        recent.click()
        expect(page.locator(".turn")).to_have_count(2)


def test_enter_sends_and_shift_enter_does_not(open_page: Visit) -> None:
    with open_page() as (page, _):
        box = page.locator("#question")
        box.fill("One line")
        box.press("Shift+Enter")
        box.type("and another")
        assert box.input_value() == "One line\nand another"
        expect(page.locator(".turn")).to_have_count(0)
        box.fill("   ")
        box.press("Enter")
        expect(page.locator(".turn")).to_have_count(0)


def test_a_question_can_be_typed_and_asked_before_the_modules_have_come(
    browser: Browser, web: RunningService, library: Library
) -> None:
    held: list[Route] = []
    with visit(browser, "about:blank", "") as (page, watch):
        watch.origin = web.address
        page.route("**/js/main.js", lambda route: held.append(route))
        with page.expect_request("**/js/main.js"):
            page.goto(web.address, wait_until="commit")
        box = page.locator("#question")
        box.fill("How many volunteers")
        box.press("End")
        box.press_sequentially(" has the lighthouse museum?")
        box.press("Enter")
        expect(box).to_have_value("How many volunteers has the lighthouse museum?")
        expect(page.locator(".bar a")).to_have_count(0)
        until(page, "document.activeElement.id === 'question'")
        for route in held:
            route.continue_()
        turn = page.locator(".turn:not([aria-busy])")
        turn.wait_for(timeout=ANSWER_MS)
        expect(turn.locator("h2")).to_have_text("How many volunteers has the lighthouse museum?")
        expect(turn.locator(".answer-text")).to_contain_text("46 volunteers")
        expect(box).to_have_value("")
        assert page.locator("#question").count() == 1


def test_the_box_the_page_comes_with_is_only_for_whoever_comes_to_ask(
    browser: Browser, web: RunningService, library: Library
) -> None:
    held: list[Route] = []
    with visit(browser, "about:blank", "") as (page, watch):
        watch.origin = web.address
        page.route("**/js/main.js", lambda route: held.append(route))
        with page.expect_request("**/js/main.js"):
            page.goto(f"{web.address}/#/library", wait_until="commit")
        page.locator("#question").wait_for(state="attached")
        expect(page.locator("#question")).to_be_hidden()
        for route in held:
            route.continue_()
        expect(page.locator(".view-library h1")).to_be_visible()
        expect(page.locator("#question")).to_have_count(0)


def test_the_question_box_is_the_same_at_the_first_visit_and_later(open_page: Visit) -> None:
    view = """(view) => {
      const copy = view.cloneNode(true);
      for (const one of copy.querySelectorAll(".recent, .nothing-yet, .menu-scope")) one.remove();
      for (const one of copy.querySelectorAll("[style], [autofocus]")) {
        one.removeAttribute("style");
        one.removeAttribute("autofocus");
      }
      return copy.outerHTML.replace(/\\s+</g, "<");
    }"""
    with open_page() as (page, _):
        page.locator(".composer-row .menu-mode").wait_for()
        first = page.locator(".view-ask").evaluate(view)
        page.goto(page.url.split("#")[0] + "#/library")
        page.locator(".view-library").wait_for()
        page.goto(page.url.split("#")[0] + "#/ask")
        page.locator(".composer-row .menu-mode").wait_for()
        assert page.locator(".view-ask").evaluate(view) == first


def test_stopping_ends_it_and_says_so(open_page: Visit) -> None:
    with open_page() as (page, _):
        page.route("**/v1/ask", lambda _: None)  # or it may be answered before it can be stopped
        page.locator("#question").fill("Tell me what the handbook says about the history of the station.")
        page.locator("#question").press("Enter")
        page.get_by_role("button", name="Stop").click()
        turn = page.locator(".turn")
        expect(turn).not_to_have_attribute("aria-busy", "true")
        expect(turn.locator(".after")).to_contain_text("Stopped")
        expect(page.get_by_role("button", name="Ask", exact=True)).to_be_visible()


def test_quotations_only_does_without_the_model(open_page: Visit) -> None:
    with open_page() as (page, _):
        turn = ask(page, VOLUNTEERS, quoting=True)
        verdicts = turn.locator(".sentence").evaluate_all("(all) => all.map((one) => one.dataset.verdict)")
        assert set(verdicts) == {"verbatim"}
        expect(turn.locator(".facts")).to_contain_text("no model used")


def test_a_collection_can_be_chosen(open_page: Visit) -> None:
    with open_page() as (page, _):
        page.locator(".menu-scope summary").click()
        page.locator(".menu-scope").get_by_label("elsewhere").check()
        page.keyboard.press("Escape")
        expect(page.locator(".menu-scope summary")).to_contain_text("elsewhere")
        turn = ask(page, VOLUNTEERS)
        expect(turn.locator(".missing")).to_be_visible()


def test_one_document_can_be_asked_about(open_page: Visit, library) -> None:
    with open_page(f"/#/ask?document={library.id('keepers-log.txt')}") as (page, _):
        expect(page.locator(".about")).to_contain_text("keepers-log.txt")
        turn = ask(page, "How many volunteers are there?")
        assert "lighthouse-handbook" not in turn.inner_text()


def test_sources_that_disagree_are_shown_side_by_side(open_page: Visit, web: RunningService) -> None:
    with web.client() as client:
        for name, year in (("guide.txt", "1932"), ("chronicle.txt", "1931")):
            upload(client, name, f"The Calder Harbour Bridge was opened in {year}.".encode())
    with open_page() as (page, _):
        turn = ask(page, "When was the Calder Harbour Bridge opened?")
        expect(turn.locator(".state")).to_have_text("Partly answered The sources do not agree.")
        sides = turn.locator(".conflict .sides li").all_inner_texts()
        assert {side.split()[0] for side in sides} == {"1931", "1932"}
        turn.locator(".conflict .number").first.click()
        expect(page.locator("#source")).to_be_visible()


def test_what_a_sentence_announces_is_shown_as_a_list(open_page: Visit, web: RunningService) -> None:
    rules = "Before the siren is tested, the warden of the quay must:\n1. close the gate\n2. ring the bell"
    with web.client() as http:
        upload(http, "siren.txt", rules.encode())
    with open_page() as (page, _):
        turn = ask(page, "What must the warden of the quay do before the siren is tested?")
        assert "must:\n1. close the gate\n2. ring the bell" in turn.locator(".answer-text").inner_text()


def test_copying_takes_the_references_along(open_page: Visit) -> None:
    with open_page(permissions=["clipboard-read", "clipboard-write"]) as (page, _):
        turn = ask(page, VOLUNTEERS, quoting=True)
        turn.get_by_role("button", name="Copy with references").click()
        expect(page.locator(".toast")).to_contain_text("Copied")
        copied = page.evaluate("navigator.clipboard.readText()")
        assert "46 volunteers" in copied
        assert re.search(r"\[1\] lighthouse-handbook\.pdf, page \d, version 1: “", copied)


def test_a_refusal_is_shown_with_its_code_and_can_be_tried_again(
    open_page: Visit, web: RunningService
) -> None:
    with open_page() as (page, _):
        page.route("**/v1/ask", lambda route: route.abort(), times=1)  # as if the service had been stopped
        page.locator("#question").fill(VOLUNTEERS)
        page.locator("#question").press("Enter")
        problem = page.locator(".problem")
        expect(problem).to_contain_text("not_reachable")
        problem.get_by_role("button", name="Try again").click()
        page.locator(".turn").nth(1).locator(".footnotes").wait_for(timeout=ANSWER_MS)


def test_an_answer_fits_a_phone(open_page: Visit) -> None:
    with open_page(size=PHONE, has_touch=True, is_mobile=True) as (page, _):
        turn = ask(page, VOLUNTEERS)
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE[0]
        turn.locator(".number").first.tap()
        source = page.locator("#source").bounding_box()
        assert source is not None
        assert (source["x"], source["width"]) == (0, PHONE[0])
        assert page.evaluate("document.getElementById('main').inert")
        page.get_by_role("button", name="Close the source").tap()
        expect(page.locator("#source")).to_be_hidden()
        assert not page.evaluate("document.getElementById('main').inert")


@pytest.mark.parametrize("word", ["light", "dark"])
def test_a_chosen_theme_holds(open_page: Visit, word: str) -> None:
    with open_page(dark=word == "light") as (page, _):
        control = page.get_by_role("button", name=re.compile("^Theme"))
        while word not in (control.get_attribute("title") or "").lower():
            control.click()
        page.reload()
        lightness = page.evaluate(
            """() => getComputedStyle(document.body).backgroundColor.match(/\\d+/g).slice(0, 3)
                 .reduce((sum, one) => sum + Number(one), 0)"""
        )
        assert (lightness > 600) == (word == "light")


def test_what_comes_late_moves_nothing_that_is_there(open_page: Visit, web: RunningService) -> None:
    with web.client() as client:
        body = {"question": "How tall is it?", "conversation": "web-late", "mode": "quote"}
        client.post("/v1/ask", json=body).raise_for_status()
    with open_page("/#/ask", size=PHONE) as (page, _):
        page.goto("about:blank")  # or requests of the page before would be held too
        held: list[Route] = []
        page.route("**/v1/*", lambda route: held.append(route))
        page.goto(web.address + "/#/ask")
        mode, scope = page.locator(".menu-mode summary"), page.locator(".menu-scope summary")
        before = mode.bounding_box()
        expect(scope).to_be_hidden()
        page.route("**/v1/*", lambda route: route.continue_())  # the newest rule holds
        for route in held:
            route.continue_()
        expect(scope).to_be_visible()
        expect(page.get_by_role("heading", name="Recently asked")).to_be_visible()
        assert mode.bounding_box() == before
        for menu in (mode, scope):
            menu.click()
            panel = menu.locator("xpath=following-sibling::*").bounding_box()
            assert panel is not None
            assert panel["x"] >= 0
            assert panel["x"] + panel["width"] <= PHONE[0]
            assert panel["y"] >= 0
            assert panel["y"] + panel["height"] <= PHONE[1]
            page.keyboard.press("Escape")
