"""How the page and its files are served: policy, caching, size."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator

import httpx
import pytest

from api.routes.web import load
from tests.journeys.running import RunningService
from tests.web.conftest import Visit

MOST_BYTES = 150_000


def _files(page: str) -> list[str]:
    return re.findall(r'(?:src|href)="(/static/[^"]+)"', page)


@pytest.fixture
def client(web: RunningService) -> Iterator[httpx.Client]:
    with web.client() as made:
        yield made


@pytest.fixture
def page(client: httpx.Client) -> str:
    return client.get("/").text


def test_the_page_has_a_strict_policy(client: httpx.Client) -> None:
    answer = client.get("/")
    policy = dict(
        [*part.split(" ", 1), ""][:2] for part in answer.headers["content-security-policy"].split("; ")
    )
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert policy["img-src"] == "'self' blob:"
    assert policy["base-uri"] == policy["frame-ancestors"] == policy["form-action"] == "'none'"
    assert policy["require-trusted-types-for"] == "'script'"
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_nothing_is_inline_and_nothing_comes_from_elsewhere(page: str) -> None:
    assert not re.search(r"<script(?![^>]*\ssrc=)", page)
    assert not re.search(r"\son\w+=|<style|\sstyle=|https?:", page)


def test_the_page_is_asked_for_again_and_its_files_are_kept(client: httpx.Client, page: str) -> None:
    first = client.get("/")
    assert first.headers["cache-control"] == "no-cache"
    again = client.get("/", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert _files(page)
    for path in _files(page):
        answer = client.get(path)
        assert answer.status_code == 200, path
        assert "immutable" in answer.headers["cache-control"]
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_files_are_packed_for_those_who_can_unpack(client: httpx.Client, page: str) -> None:
    path = next(path for path in _files(page) if path.endswith("app.css"))
    packed = client.get(path, headers={"Accept-Encoding": "gzip"})
    plain = client.get(path, headers={"Accept-Encoding": "identity"})
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert packed.content == plain.content
    assert packed.headers["vary"] == plain.headers["vary"] == "Accept-Encoding"
    assert int(packed.headers["content-length"]) < len(plain.content) / 2


def test_files_of_another_release_are_told_from_missing_ones(client: httpx.Client, page: str) -> None:
    path = _files(page)[0]
    old = re.sub(r"/static/\w+/", "/static/0123456789abcdef/", path)
    assert client.get(old).json()["code"] == "page_outdated"
    for outside in (
        "/static/../app.py",
        path + "/../../../../app.py",
        path.rsplit("/", 1)[0] + "/%2e%2e/%2e%2e/app.py",
    ):
        assert client.get(outside).status_code == 404


def test_the_address_of_files_changes_with_any_of_them() -> None:
    contents = {"index.html": b"<script src='{static}/a.js'>", "a.js": b"1"}
    first, second = load(contents), load({**contents, "a.js": b"2"})
    assert first.digest != second.digest
    assert first.digest.encode() in first.page.plain
    packed = load({**contents, "a.js": b"long " * 500}).assets["a.js"].packed
    assert packed is not None
    assert gzip.decompress(packed) == b"long " * 500


def test_the_whole_app_is_small(open_page: Visit) -> None:
    """Everything that is loaded on the way through all views, as sent."""
    with open_page() as (page, _):
        for view in ("ask", "library", "conversations", "settings"):
            page.goto(page.url.split("#")[0] + f"#/{view}")
            page.locator(f".view-{view}").wait_for()
            page.wait_for_load_state("networkidle")
        sent = page.evaluate(
            """() => ["resource", "navigation"].flatMap((kind) => performance.getEntriesByType(kind))
                 .filter((one) => !one.name.includes("/v1/"))
                 .reduce((sum, one) => sum + one.transferSize, 0)"""
        )
        assert 10_000 < sent < MOST_BYTES
