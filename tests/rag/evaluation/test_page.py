from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser

from rag.evaluation.comparing import compare
from rag.evaluation.page import page
from tests.rag.evaluation.made import outcome, question, reply, run

HOSTILE = "<script>alert(1)</script>\"'&<img src=http://127.0.0.1/x onerror=alert(2)>"


class Seen(HTMLParser):
    """Every tag and attribute of a page; whether what was opened is closed again."""

    EMPTY = frozenset({"meta", "line", "path", "circle", "rect"})

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in self.EMPTY:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def seen(text: str) -> Seen:
    parser = Seen()
    parser.feed(text)
    assert parser.open == []
    return parser


def hostile_page() -> str:
    questions = [question(n, text=HOSTILE, answer=HOSTILE, name=HOSTILE) for n in range(12)]
    before = run([outcome(n) for n in range(12)], questions)
    spoilt = [outcome(n, quoted=reply(holds=False), document_rank=None) for n in range(12)]
    after = run(
        spoilt, questions, notes=(HOSTILE,), collections=(HOSTILE,), machine=HOSTILE, service={"x": HOSTILE}
    )
    return page(after, compare(before, after))


def test_whatever_documents_are_called_stays_text() -> None:
    parsed = seen(hostile_page())
    assert not {"script", "img", "iframe", "link", "form"} & set(parsed.tags)
    assert not any(name.startswith("on") or name in ("src", "href", "style") for name, _ in parsed.attributes)
    assert "alert(1)" in hostile_page()


def test_the_policy_allows_this_style_sheet_and_nothing_else() -> None:
    text = hostile_page()
    style = re.search(r"<style>(.*?)</style>", text, re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert f"default-src &#x27;none&#x27;; style-src &#x27;sha256-{digest}&#x27;" in text
    assert text.count("<style>") == 1
    assert "url(" not in style[1]


def test_pictures_can_be_read_by_those_who_do_not_see_them() -> None:
    text = hostile_page()
    pictures = re.findall(r"<svg .*?</svg>", text, re.DOTALL)
    assert len(pictures) == 4
    for picture in pictures:
        labels = re.search(r'aria-labelledby="(\S+) (\S+)"', picture)
        assert labels is not None
        assert f'<title id="{labels[1]}">' in picture
        assert re.search(rf'<desc id="{labels[2]}">[^<]+\.</desc>', picture)
    ids = re.findall(r' id="([^"]+)"', text)
    assert len(ids) == len(set(ids))


def test_a_worse_run_says_so_first_and_marks_the_figure() -> None:
    before = run([outcome(n) for n in range(40)])
    after = run([outcome(n, quoted=reply(holds=False)) for n in range(40)])
    text = page(after, compare(before, after))
    assert '<section class="verdict worse"><p>WORSE on held-out questions' in text
    assert text.index("WORSE") < text.index("<h2>Figures")
    assert 'class="bad"' in text


def test_held_out_questions_are_not_shown() -> None:
    text = page(run([outcome(n, quoted=reply(holds=False)) for n in range(6)]), None)
    shown = set(re.findall(r"When was harbour (\d) dredged", text))
    assert shown == {"1", "3", "5"}


def test_a_run_of_refusals_alone_has_a_page() -> None:
    text = page(run([outcome(1, quoted=reply(refused=True), drafted=None)]), None)
    assert not re.search(r"\bnan\b", text)
