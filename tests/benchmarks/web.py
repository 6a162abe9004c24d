"""The web app as a person meets it: how soon it can be used, what it weighs, how soon a citation shows.

``python -m tests.benchmarks.web [--runs N] [--pictures FOLDER]`` measures in a real headless Chromium on
loopback and writes a dated table; with ``--pictures`` it also takes those of the documentation.
"""

from __future__ import annotations

import argparse
import io
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from rag.evaluation.metrics import quantile
from rag.evaluation.reports import Figure, Report, at_most_ms, write
from tests.benchmarks import longpdf
from tests.evals.reading import REPORTS, ROOT
from tests.journeys.running import RunningService, upload
from tests.web.browsing import DESKTOP, PHONE, accessibility, ask, launch, until

SAMPLES = ROOT / "data" / "samples"
SHOWN = ("lighthouse-handbook.pdf", "grid-cooperative-2025.docx", "fen-field-guide.html", "keepers-log.txt")
QUESTION = "How many volunteers does the lighthouse museum have?"
ABSENT = "Who painted the ceiling of the Sistine Chapel?"
PAGES = 100
_WORDS = slice(20, 45)
"""Which words of a page a measured citation quotes."""
_FIRST_PAGE = 3
_COLOURS = 200

# Notes when the question can be typed (the box is there and the page has drawn it), and when all of the
# modules that have to do with it are there, so that it is asked as soon as it is sent.
_USABLE = """
const seen = (selector, name) => new MutationObserver((_, observer) => {
  if (!document.querySelector(selector)) return;
  observer.disconnect();
  requestAnimationFrame(() => setTimeout(() => { window[name] = performance.now(); }));
}).observe(document, { childList: true, subtree: true });
seen("#question", "usable");
seen(".composer-send .icon", "complete");
"""
_TRANSFERRED = """
() => [...performance.getEntriesByType("resource"), ...performance.getEntriesByType("navigation")]
  .filter((one) => !one.name.includes("/v1/")).reduce((sum, one) => sum + one.transferSize, 0)
"""
# Opens a place as a footnote does; resolves with the milliseconds until its page is drawn and marked.
_OPEN = """
async (place) => {
  const base = document.querySelector('script[type="module"]').src.replace(/main\\.js$/, "");
  const { openSource, closeSource } = await import(base + "viewer.js");
  const began = performance.now();
  openSource(place);
  while (!document.querySelector(".page-marks rect") || !document.querySelector(".page-image")?.complete
         || document.querySelector(".page-sheet.loading")) {
    await new Promise((resolve) => requestAnimationFrame(resolve));
  }
  const taken = performance.now() - began;
  closeSource();
  return taken;
}
"""


def main() -> None:
    arguments = _arguments()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        try:
            browser = launch(playwright)
        except pytest.skip.Exception as missing:
            print(f"{missing}: nothing measured")
            return
        with RunningService(Path(folder)) as service, service.client() as client:
            for name in SHOWN:
                upload(client, name, (SAMPLES / name).read_bytes())
            if arguments.pictures:
                _take_pictures(browser, service.address, arguments.pictures)
            pdf = longpdf.make(Path(folder) / "long.pdf", PAGES)
            document = upload(client, pdf.name, pdf.read_bytes())["document"]
            figures = _figures(browser, service.address, client, document["id"], arguments.runs)
        browser.close()
    report = Report(
        "web",
        "The web app",
        f"python -m tests.benchmarks.web --runs {arguments.runs}",
        figures,
        notes=(
            f"n = {arguments.runs}, each with an empty cache. Usable: the question can be typed; one that is "
            "sent at once waits until all is there. Complete: all is there that asks it.",
            f"A citation of a PDF of {PAGES} pages, from the click until its page is drawn and marked. "
            "At first: nobody has looked at that page before.",
            "Violations: axe-core, WCAG 2.2 A, AA and best practices; asking, an answer and its source.",
        ),
    )
    print(write(report, REPORTS))


def _figures(browser: Browser, address: str, client: httpx.Client, document: str, runs: int) -> list[Figure]:
    loads = [_load(browser, address) for _ in range(runs)]
    places = [_place(client, document, _FIRST_PAGE + n) for n in range(runs)]
    with _page(browser, address) as page:
        cold = [page.evaluate(_OPEN, place) for place in places]
        warm = [page.evaluate(_OPEN, place) for place in places]
    size = max(load.sent for load in loads)
    violations, foreign = _violations(browser, address)
    return [
        at_most_ms("usable, median", quantile([load.usable for load in loads], 0.5), 300),
        Figure("usable, slowest", f"{max(load.usable for load in loads):,.0f} ms"),
        Figure("complete, median", f"{quantile([load.complete for load in loads], 0.5):,.0f} ms"),
        Figure("transferred until then", f"{size / 1000:,.1f} kB", "< 150 kB", size < 150_000),
        at_most_ms("citation opened at first, median", quantile(cold, 0.5), 500),
        Figure("citation opened at first, slowest", f"{max(cold):,.0f} ms"),
        at_most_ms("citation opened again, median", quantile(warm, 0.5), 500),
        Figure("accessibility violations", str(violations), "0", violations == 0),
        Figure("requests to other origins", str(foreign), "0", foreign == 0),
    ]


@dataclass(frozen=True, slots=True)
class _Load:
    """Milliseconds until usable and until complete; bytes sent."""

    usable: float
    complete: float
    sent: int


def _load(browser: Browser, address: str) -> _Load:
    """With nothing kept from before."""
    with _page(browser, address, script=_USABLE) as page:
        until(page, "window.usable && window.complete")
        usable, complete = page.evaluate("[window.usable, window.complete]")
        page.wait_for_load_state("networkidle")
        return _Load(usable, complete, int(page.evaluate(_TRANSFERRED)))


def _place(client: httpx.Client, document: str, number: int) -> dict[str, Any]:
    """A citation of some words of a page, as an answer would have it."""
    page = client.get(f"/v1/documents/{document}/pages/{number}").json()
    words = page["words"][_WORDS]
    start, end = words[0]["start"], words[-1]["end"]
    return {
        "number": 1,
        "document": {"id": document, "name": "long.pdf", "version": 1, "status": "current"},
        "page": number,
        "start": start,
        "end": end,
        "quote": page["text"][start - page["start"] : end - page["start"]],
        "boxes": [word["box"] for word in words],
    }


def _violations(browser: Browser, address: str) -> tuple[int, int]:
    """What axe finds on the way from a question to its source, and requests that left the origin."""
    requests: list[str] = []
    with _page(browser, address) as page:
        page.on("request", lambda request: requests.append(request.url))
        found = accessibility(page)
        turn = ask(page, QUESTION)
        turn.locator(".number").first.click()
        page.locator("#source .page-marks rect").first.wait_for(state="attached")
        found += accessibility(page)
    return len(found), sum(not one.startswith((address, f"blob:{address}")) for one in requests)


def _take_pictures(browser: Browser, address: str, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, dark in (("answer.png", False), ("answer-dark.png", True)):
        with _page(browser, address, dark=dark) as page:
            _show_source(page)
            _save(page, folder / name)
    with _page(browser, address) as page:
        ask(page, ABSENT)
        _save(page, folder / "not-in-these-documents.png")
    with _page(browser, address, size=PHONE) as page:
        ask(page, QUESTION)
        _save(page, folder / "phone.png")


def _show_source(page: Page) -> None:
    turn = ask(page, QUESTION)
    turn.locator(".number").first.click()
    page.locator("#source .page-marks rect").first.wait_for(state="attached")


def _save(page: Page, path: Path) -> None:
    """A picture with few colours: it is of text, and goes into the repository."""
    page.mouse.move(0, 0)
    page.wait_for_timeout(500)
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    picture.quantize(_COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)


@contextmanager
def _page(
    browser: Browser,
    address: str,
    *,
    size: tuple[int, int] = DESKTOP,
    dark: bool = False,
    script: str | None = None,
) -> Iterator[Page]:
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        color_scheme="dark" if dark else "light",
        device_scale_factor=2 if script is None else 1,
    )
    if script is not None:
        context.add_init_script(script)
    page = context.new_page()
    page.goto(address)
    page.locator("#question").wait_for()
    yield page
    context.close()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure the web app.")
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--pictures", type=Path, help="folder for pictures of the documentation")
    return parser.parse_args()


if __name__ == "__main__":
    main()
