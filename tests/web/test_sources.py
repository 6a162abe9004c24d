"""The source beside the answer: the right page, the right words, in every kind of document."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.journeys.running import RunningService, upload
from tests.web.browsing import ask, until, width_of
from tests.web.conftest import Library, Visit
from tests.web.test_asking import VOLUNTEERS


def _open_first(page: Page, question: str, name: str) -> Locator:
    """Ask, open the first footnote of the document ``name``, and return the source's panel."""
    turn = ask(page, question, quoting=True)
    turn.locator(".footnote").filter(has_text=name).first.click()
    panel = page.locator("#source")
    expect(panel.locator(".source-title")).to_have_text(name)
    return panel


def _show(page: Page, place: dict[str, Any]) -> Locator:
    """Open a place as any view can."""
    page.evaluate(
        """async (place) => {
          const base = document.querySelector('script[type="module"]').src.replace(/main\\.js$/, "");
          (await import(base + "viewer.js")).openSource(place);
        }""",
        place,
    )
    return page.locator("#source")


def test_cited_words_are_marked_on_the_picture_of_the_page(open_page: Visit, web: RunningService) -> None:
    with open_page() as (page, _):
        panel = _open_first(page, VOLUNTEERS, "lighthouse-handbook.pdf")
        expect(panel.locator(".page-marks rect").first).to_be_attached()
        expect(panel.locator(".page-where")).to_have_text(re.compile(r"Page \d of 3"))
        quote = panel.locator(".source-words").inner_text()
        assert panel.locator(".page-image").evaluate("(image) => image.naturalWidth") > 500
        with web.client() as client:
            # The marks, back in points, must cover the boxes of the quoted words and nothing else.
            answer = client.post("/v1/ask", json={"question": VOLUNTEERS, "mode": "quote"}).json()
        cited = next(one for one in answer["citations"] if one["quote"] == quote)
        height = float((panel.locator(".page-marks").get_attribute("viewBox") or "").split()[3])
        rects = panel.locator(".page-marks rect").evaluate_all(
            "(all) => all.map((one) => ['x', 'y', 'width', 'height'].map((name) => +one.getAttribute(name)))"
        )
        marked = [(x, height - y - tall, x + wide, height - y) for x, y, wide, tall in rects]
        assert len(marked) == len(cited["boxes"])
        for mark, box in zip(marked, cited["boxes"], strict=True):
            assert mark == pytest.approx(box, abs=2.5)


def test_marks_lie_over_the_words_at_every_zoom(open_page: Visit) -> None:
    with open_page() as (page, _):
        panel = _open_first(page, VOLUNTEERS, "lighthouse-handbook.pdf")
        panel.locator(".page-marks rect").first.wait_for(state="attached")

        def place() -> tuple[float, float]:
            sheet = panel.locator(".page-sheet").bounding_box()
            mark = panel.locator(".page-marks rect").first.bounding_box()
            assert sheet is not None
            assert mark is not None
            return (mark["x"] - sheet["x"]) / sheet["width"], (mark["y"] - sheet["y"]) / sheet["height"]

        before, width = place(), width_of(panel.locator(".page-sheet"))
        for _ in range(3):
            panel.get_by_role("button", name="Larger").click()
        until(
            page,
            "(wide) => Math.abs(document.querySelector('.page-sheet').clientWidth - wide) < 20",
            2 * width,
        )
        assert place() == pytest.approx(before, abs=0.002)


def test_the_picture_has_a_pixel_for_every_pixel_of_the_screen(open_page: Visit) -> None:
    with open_page(device_scale_factor=2) as (page, _):
        panel = _open_first(page, VOLUNTEERS, "lighthouse-handbook.pdf")
        panel.locator(".page-marks rect").first.wait_for(state="attached")
        shown = width_of(panel.locator(".page-sheet")) * 2
        until(page, "(shown) => document.querySelector('.page-image').naturalWidth >= 0.95 * shown", shown)


def test_pages_are_turned_and_the_way_back_is_one_step(open_page: Visit) -> None:
    with open_page() as (page, _):
        panel = _open_first(page, VOLUNTEERS, "lighthouse-handbook.pdf")
        where = panel.locator(".page-where")
        expect(where).to_have_text(re.compile(r"Page \d of 3"))
        cited = re.search(r"Page (\d) of 3", where.inner_text())
        assert cited is not None
        expect(panel.locator(".page-marks rect").first).to_be_attached()
        panel.get_by_role("button", name="Next page").click()
        expect(where).to_have_text(f"Page {int(cited[1]) + 1} of 3")
        expect(panel.locator(".page-image")).to_have_attribute(
            "alt", re.compile(f"Page {int(cited[1]) + 1} of")
        )
        expect(panel.locator(".page-marks rect")).to_have_count(0)
        panel.get_by_role("button", name="Back to the cited words").click()
        expect(where).to_have_text(cited[0])
        expect(panel.locator(".page-marks rect").first).to_be_attached()
        page.keyboard.press("ArrowLeft")  # the button that had the focus is gone, and keys still work
        expect(where).to_have_text(f"Page {int(cited[1]) - 1} of 3")


def test_other_formats_show_the_text_around_the_marked_words(open_page: Visit) -> None:
    with open_page() as (page, _):
        panel = _open_first(page, "When did the schooner Clementine strike the rock?", "keepers-log.txt")
        marked = panel.locator(".text-source mark")
        expect(marked).to_contain_text("Clementine")
        expect(marked).to_be_in_viewport()
        quote = panel.locator(".source-words").inner_text()
        assert " ".join(marked.inner_text().split()) == " ".join(quote.split())
        assert len(panel.locator(".text-source").inner_text()) > len(quote) + 200


def test_only_a_window_of_a_long_text_is_fetched_and_more_on_demand(
    open_page: Visit, library: Library, web: RunningService
) -> None:
    document = library.id("ledger.txt")
    with web.client() as client:
        text = client.get(f"/v1/documents/{document}/text").json()["text"]
    start = text.index("Entry 200")  # code points: the text has a character outside the basic plane per line
    place = {
        "document": {"id": document, "name": "ledger.txt", "version": 1},
        "start": start,
        "end": start + 9,
    }
    with open_page() as (page, _):
        panel = _show(page, {**place, "quote": "Entry 200"})
        expect(panel.locator("mark")).to_have_text("Entry 200")
        shown = panel.locator(".text-source")
        assert len(shown.text_content() or "") < 5000 < len(text)
        panel.get_by_role("button", name="Earlier text").click()
        expect(shown).to_contain_text("Entry 150 ")
        expect(panel.locator("mark")).to_have_text("Entry 200")
        panel.get_by_role("button", name="Later text").click()
        expect(shown).to_contain_text("Entry 250 ")
        whole = shown.text_content() or ""
        assert whole in text
        later = panel.get_by_role("button", name="Later text")
        while "Entry 399 " not in whole:
            later.click()
            expect(shown).not_to_have_text(whole)  # the last piece hides the button
            whole = shown.text_content() or ""
        expect(later).to_be_hidden()


def test_going_from_citation_to_citation(open_page: Visit) -> None:
    with open_page() as (page, _):
        turn = ask(page, "Compare the lighthouse museum and the grid cooperative", quoting=True)
        many = turn.locator(".footnote").count()
        assert many >= 2
        turn.locator(".footnote").first.click()
        panel = page.locator("#source")
        expect(turn.locator(".footnote.open")).to_have_attribute("data-footnote", "1")
        for number in range(2, many + 1):
            panel.get_by_role("button", name="Next footnote").click()
            expect(panel.locator(".source-steps")).to_contain_text(f"{number} of {many}")
        expect(panel.get_by_role("button", name="Next footnote")).to_be_disabled()
        panel.press("k")
        expect(panel.locator(".source-steps")).to_contain_text(f"{many - 1} of {many}")


def test_a_quote_is_copied_with_its_reference(open_page: Visit) -> None:
    with open_page(permissions=["clipboard-read", "clipboard-write"]) as (page, _):
        panel = _open_first(page, VOLUNTEERS, "lighthouse-handbook.pdf")
        quote = panel.locator(".source-words").inner_text()
        panel.get_by_role("button", name="Copy quote").click()
        expect(page.locator(".toast")).to_contain_text("Quote copied")
        copied = page.evaluate("navigator.clipboard.readText()")
        assert re.fullmatch(
            re.escape(f"“{quote}”") + r" \(lighthouse-handbook\.pdf, page \d, version 1\)", copied
        )


def test_the_original_is_downloaded_under_its_name(open_page: Visit, samples) -> None:
    with open_page() as (page, _):
        panel = _open_first(page, VOLUNTEERS, "lighthouse-handbook.pdf")
        with page.expect_download() as download:
            panel.get_by_role("button", name="Download").click()
        assert download.value.suggested_filename == "lighthouse-handbook.pdf"
        assert download.value.path().read_bytes() == (samples / "lighthouse-handbook.pdf").read_bytes()


def test_closing_gives_the_focus_back(open_page: Visit) -> None:
    with open_page() as (page, _):
        turn = ask(page, VOLUNTEERS, quoting=True)
        number = turn.locator(".number").first
        number.focus()
        page.keyboard.press("Enter")
        expect(page.locator("#source .source-title")).to_be_focused()
        page.keyboard.press("Escape")
        expect(page.locator("#source")).to_be_hidden()
        expect(number).to_be_focused()


def test_a_new_version_is_told_and_the_cited_one_is_shown(open_page: Visit, web: RunningService) -> None:
    question = "How many bells does the Quenby carillon have?"
    with web.client() as client:
        document = upload(client, "quenby.txt", b"The Quenby carillon has 23 bells, cast by Anna Roth.")[
            "document"
        ]
        with open_page() as (page, _):
            turn = ask(page, question, quoting=True)
            conversation = page.url.split("#")[1]
            client.put(
                f"/v1/documents/{document['id']}",
                params={"wait": "true"},
                files={
                    "file": (
                        "quenby.txt",
                        b"The Quenby carillon has 31 bells since Anna Roth cast eight more.",
                    )
                },
            ).raise_for_status()
            page.reload()
            turn = page.locator(".turn").first
            expect(turn.locator(".footnote .badge").first).to_have_text("superseded")
            turn.locator(".footnote").first.click()
            panel = page.locator("#source")
            expect(panel.locator("mark")).to_contain_text("23 bells")
            expect(panel.locator(".badge")).to_have_text("version 1, superseded by 2")
        client.delete(f"/v1/documents/{document['id']}")
        with open_page(f"/#{conversation}") as (page, _):
            turn = page.locator(".turn").first
            expect(turn.locator(".footnote .badge").first).to_have_text("deleted")
            turn.locator(".footnote").first.click()
            expect(page.locator("#source")).to_contain_text("This document was deleted.")
