"""Paragraphs to ask about: the encyclopedia articles that the gensim package carries as test data.

``python -m scripts.reader.texts OUT.jsonl`` writes one JSON object a paragraph: article, text.
The articles are Wikipedia's of 2016 and later, CC BY-SA; none of SQuAD's development articles is used, so
that figures taken on those stay figures about unseen text.
"""

from __future__ import annotations

import bz2
import html
import json
import re
import sys
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

ARCHIVE = "enwiki-latest-pages-articles1.xml-p000000010p000030302-shortened.bz2"
_EXCLUDED = ("Apollo", "List of", "Demographics of", "(disambiguation)", "Academy Award")
_SHORTEST, _LONGEST = 280, 1300

_PAGE = re.compile(r"<page>.*?<title>(.*?)</title>.*?<text[^>]*>(.*?)</text>.*?</page>", re.DOTALL)
_TEMPLATE = re.compile(r"\{\{[^{}]*\}\}")
_TABLE = re.compile(r"\{\|.*?\|\}", re.DOTALL)
_REFERENCE = re.compile(r"<ref[^>/]*/>|<ref.*?</ref>", re.DOTALL)
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_FILE = re.compile(r"\[\[(?:File|Image|Category):(?:[^\[\]]|\[\[[^\]]*\]\]|\[[^\]]*\])*\]\]", re.IGNORECASE)
_LINK = re.compile(r"\[\[(?:[^|\]]*\|)?([^\]]*)\]\]")
_OUTSIDE_LINK = re.compile(r"\[https?:\S+ ?([^\]]*)\]")
_TAG = re.compile(r"<[^>]+>")
_EMPTIED = re.compile(r"\(\s*[;,]?\s*\)")


def paragraphs(archive: bytes) -> Iterator[tuple[str, str]]:
    """Article name and plain text of every paragraph long enough to ask several things about."""
    for match in _PAGE.finditer(bz2.decompress(archive).decode()):
        title = html.unescape(match[1])
        if not any(name in title for name in _EXCLUDED):
            for line in _plain(html.unescape(match[2])).split("\n"):
                text = " ".join(line.split())
                if _SHORTEST <= len(text) <= _LONGEST and text[0] not in "*#:;|!=" and text[-1] in '."':
                    yield title, text


def _plain(wikitext: str) -> str:
    text = _REFERENCE.sub("", _COMMENT.sub("", wikitext))
    before = ""
    while before != text:
        before, text = text, _TEMPLATE.sub("", text)
    text = _OUTSIDE_LINK.sub(r"\1", _LINK.sub(r"\1", _FILE.sub("", _TABLE.sub("", text))))
    text = html.unescape(_TAG.sub("", text)).replace("'''", "").replace("''", "").replace("\u00a0", " ")
    return re.sub(r" +([,.;)])", r"\1", _EMPTIED.sub("", text))


def main() -> None:
    archive = resources.files("gensim.test.test_data").joinpath(ARCHIVE).read_bytes()
    with Path(sys.argv[1]).open("w") as out:
        for article, text in paragraphs(archive):
            out.write(json.dumps({"article": article, "text": text}) + "\n")


if __name__ == "__main__":
    main()
