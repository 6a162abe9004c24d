"""Conversations in the browser: kept, searched, gone on with, deleted."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.journeys.running import RunningService
from tests.web.browsing import ask
from tests.web.conftest import Library, Visit

HOSTILE = "How tall is <img src=x onerror=alert(6)> the lighthouse?"
LEDGER = "How many eels did the weir keeper count in entry 12 of the ledger?"


@pytest.fixture
def asked(web: RunningService, library: Library) -> Iterator[dict[str, str]]:
    """Two conversations; the ids of their answers by name."""
    answers = {}
    with web.client() as client:
        for name, question in (("web-tower", HOSTILE), ("web-ledger", LEDGER)):
            body = {"question": question, "conversation": name, "mode": "quote"}
            answers[name] = client.post("/v1/ask", json=body).raise_for_status().json()["id"]
        yield answers
        for name in answers:
            client.delete(f"/v1/conversations/{name}", params={"answers": "true"})


def test_conversations_are_found_by_what_was_asked(open_page: Visit, asked: dict[str, str]) -> None:
    with open_page("/#/conversations") as (page, _):
        expect(page.get_by_role("link", name=HOSTILE)).to_be_visible()
        expect(page.get_by_role("link", name=LEDGER)).to_be_visible()
        page.get_by_label("Search questions and answers").fill("HOW MANY EELS")
        expect(page.locator(".conversation")).to_have_count(1)
        expect(page.locator(".conversation").first).to_contain_text("1 question")
        page.reload()
        expect(page.get_by_label("Search questions and answers")).to_have_value("HOW MANY EELS")
        page.get_by_label("Search questions and answers").fill("nobody ever said this")
        expect(page.get_by_text("Nothing that was asked or answered holds these words.")).to_be_visible()


def test_a_conversation_is_opened_again_and_goes_on(open_page: Visit, asked: dict[str, str]) -> None:
    with open_page("/#/conversations") as (page, _):
        page.get_by_role("link", name=LEDGER).click()
        expect(page.locator(".turn .question").first).to_have_text(LEDGER)
        ask(page, "And in entry 13?", quoting=True)
        page.get_by_role("link", name="History").click()
        expect(page.locator(".conversation").first).to_contain_text("2 questions")
        expect(page.locator(".conversation").first.get_by_role("link")).to_have_text(LEDGER)


def test_a_deleted_conversation_is_gone_with_its_answers(
    open_page: Visit, web: RunningService, asked: dict[str, str]
) -> None:
    with open_page("/#/conversations") as (page, _), web.client() as client:
        before = page.locator(".conversation")
        page.get_by_role("button", name=f"Delete “{HOSTILE}”").click()
        page.get_by_role("dialog").get_by_role("button", name="Delete", exact=True).click()
        expect(before.filter(has_text=HOSTILE)).to_have_count(0)
        expect(page.get_by_role("link", name=LEDGER)).to_be_visible()
        assert client.get(f"/v1/answers/{asked['web-tower']}").status_code == 410
        assert client.get(f"/v1/answers/{asked['web-ledger']}").status_code == 200
        assert page.evaluate("document.activeElement.closest('.conversation, h1') !== null")
