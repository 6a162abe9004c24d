"""Names, texts and answers that try to break out of the page. ``visit`` checks that nothing ran and
nothing left the origin; here is checked that it is all shown as what it is: text."""

from __future__ import annotations

import json
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.web.browsing import ask
from tests.web.conftest import HOSTILE_NAME, HOSTILE_TEXT, Visit

MARKUP = (
    '<img src=x onerror="alert(1)"><script>alert(2)</script><svg onload=alert(3)>'
    '<a href="javascript:alert(4)">a</a>'
)


def _no_markup(page: Page) -> None:
    counted = page.evaluate(
        """() => {
          const own = ["http:", "blob:"];
          return [
            document.querySelectorAll("img:not(.page-image), script:not([src]), iframe, object").length,
            [...document.querySelectorAll("a")].filter((one) => !own.includes(one.protocol)).length,
          ];
        }"""
    )
    assert counted == [0, 0]


def test_a_hostile_document_is_text_from_answer_to_source(open_page: Visit) -> None:
    with open_page() as (page, _):
        turn = ask(page, "Where is the Zorble archive kept?")
        assert HOSTILE_NAME in turn.locator(".footnotes").inner_text()
        assert "<script>alert(2)</script>" in turn.inner_text()
        turn.locator(".footnote").filter(has_text=HOSTILE_NAME).first.click()
        panel = page.locator("#source")
        expect(panel.locator(".source-title")).to_have_text(HOSTILE_NAME)
        expect(panel.locator(".text-source")).to_contain_text(HOSTILE_TEXT.split("\n")[0])
        _no_markup(page)


def _answer(text: str) -> dict[str, Any]:
    """What the service could send if a model, a file name and a heading were all hostile."""
    document = {"id": "../../" + text, "name": text, "version": 1, "status": text}
    citation = {
        "number": 1, "document": document, "page": 1, "locator": text, "headings": [text],
        "start": 0, "end": 5, "quote": text, "boxes": None, "score": 1.0,
    }  # fmt: skip
    sentence = {
        "text": text, "start": 0, "end": 5, "verdict": text, "support": 1.0,
        "citations": [1, 99], "group": text,
    }  # fmt: skip
    coverage = {
        "documents": 1, "passages_seen": 1, "passages_matching": 1, "documents_matching": None,
        "sections_seen": None, "sections_total": None, "complete": None,
    }  # fmt: skip
    return {
        "id": text, "status": text, "kind": text, "understood_as": text,
        "notes": [{"code": text, "detail": text}], "answerability": 1.0, "answer": text,
        "sentences": [sentence],
        "citations": [citation], "conflicts": [{"about": text, "citations": [1, 1], "values": [text, text]}],
        "coverage": coverage, "timings": {"total_ms": 1.0},
        "model": {"name": text, "sha256": ""}, "nearest": [],
    }  # fmt: skip


@pytest.mark.parametrize(
    "text", [MARKUP, "javascript:alert(1)", "\u202egnp.exe\u0000\ud7ff", "' onfocus=alert(1) autofocus x='"]
)
def test_every_member_of_an_answer_is_text(open_page: Visit, text: str) -> None:
    answer = _answer(text)
    stream = "".join(
        f"event: {name}\ndata: {json.dumps(data)}\n\n"
        for name, data in (
            ("token", {"text": text}),
            ("sentence", {"sentence": answer["sentences"][0], "citations": answer["citations"]}),
            ("done", answer),
        )
    )

    def hostile(route: Route) -> None:
        route.fulfill(status=200, content_type="text/event-stream", body=stream)

    with open_page() as (page, watch):
        page.route("**/v1/ask", hostile)
        turn = ask(page, text if text.isprintable() else "What is it?")
        assert turn.locator(".said").text_content() == text
        expect(turn.locator(".verdict.unsupported").first).to_be_visible()  # a verdict nobody knows is none
        turn.locator(".footnote").first.click()
        expect(page.locator("#source .source-title")).to_have_text(text)
        expect(page.locator("#source .problem")).to_be_visible()  # there is no such document
        _no_markup(page)
        assert all("/../" not in one for one in watch.requests)


def test_the_policy_stops_what_the_code_would_not(open_page: Visit) -> None:
    with open_page() as (page, watch):
        tried = page.evaluate(
            """async () => {
              const outcome = {};
              try { document.body.innerHTML = "<p>markup</p>"; outcome.markup = "set"; }
              catch (error) { outcome.markup = error.name; }
              // Later, since the debugger that runs this may do what the page may not.
              await new Promise((resolve) => setTimeout(() => {
                try { outcome.code = new Function("return 1")(); }
                catch (error) { outcome.code = error.name; }
                resolve();
              }));
              try { await fetch("https://evil.example/"); outcome.abroad = "sent"; }
              catch (error) { outcome.abroad = error.name; }
              const script = document.createElement("script");
              try { script.textContent = "window.ran = true"; } catch {}
              document.body.append(script);
              outcome.ran = window.ran === true;
              return outcome;
            }"""
        )
        assert tried == {"markup": "TypeError", "code": "EvalError", "abroad": "TypeError", "ran": False}
        watch.faults.clear()  # the browser told of each
        watch.requests[:] = [
            one for one in watch.requests if "evil.example" not in one
        ]  # refused before it was sent


def test_addresses_of_elsewhere_make_no_element(open_page: Visit) -> None:
    with open_page() as (page, _):
        refused = page.evaluate(
            """async () => {
              const base = document.querySelector('script[type="module"]').src.replace(/main\\.js$/, "");
              const { h } = await import(base + "dom.js");
              const refuses = (make) => { try { make(); return false; } catch { return true; } };
              const abroad = ["https://evil.example/", "//evil.example/", "/\\\\evil.example"];
              return ["javascript:alert(1)", "data:text/html,x", ...abroad]
                .map((address) => refuses(() => h("a", { href: address })))
                .concat(refuses(() => h("p", { onclick: "alert(1)" })));
            }"""
        )
        assert refused == [True] * 6
