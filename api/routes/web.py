"""The web app: one page and the files it is made of, shipped in the package."""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
import os
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from fastapi import APIRouter, Request, Response

from api.rights import Right, needs
from rag.errors import NotFound

router = APIRouter(include_in_schema=False)

FOLDER = Path(__file__).parents[1] / "static"
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
)
"""Nothing from elsewhere, nothing inline, and no way to make markup or script out of a string."""

_PAGE = "index.html"
_PLACEHOLDER = b"{static}"
_WORTH_PACKING = 256
_DIGEST_CHARS = 16


@dataclass(frozen=True, slots=True)
class Asset:
    media_type: str
    plain: bytes
    packed: bytes | None
    """With gzip; None where that would not be smaller."""


@dataclass(frozen=True, slots=True)
class Site:
    """``digest`` stands for all the files: their addresses hold it, so browsers may keep them for good."""

    digest: str
    page: Asset
    assets: Mapping[str, Asset]


class _Sites:
    """The site in memory. It is read again when a file has changed: an installation that is upgraded under
    a running service must not serve half of the old pages and half of the new."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._seen: tuple[tuple[str, int, int], ...] = ()
        self._site: Site | None = None

    def current(self) -> Site:
        with self._lock:
            seen = tuple(sorted(_files(str(self._folder))))
            if self._site is None or seen != self._seen:
                paths = [Path(path) for path, _, _ in seen]
                contents = {path.relative_to(self._folder).as_posix(): path.read_bytes() for path in paths}
                self._seen, self._site = seen, load(contents)
            return self._site

    def loaded(self) -> Site:
        return self._site or self.current()


def _files(folder: str) -> Iterator[tuple[str, int, int]]:
    """Every file below with its time and size. At each visit, so without a ``Path`` for each of them."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir():
                yield from _files(entry.path)
            else:
                stat = entry.stat()
                yield entry.path, stat.st_mtime_ns, stat.st_size


_sites = _Sites(FOLDER)


def load(contents: Mapping[str, bytes]) -> Site:
    """The site of these files, by their path."""
    hashed = hashlib.sha256()
    for name, content in sorted(contents.items()):
        hashed.update(f"{name}\0{len(content)}\0".encode())
        hashed.update(content)
    digest = hashed.hexdigest()[:_DIGEST_CHARS]
    page = contents[_PAGE].replace(_PLACEHOLDER, f"/static/{digest}".encode())
    assets = {name: _asset(name, content) for name, content in contents.items() if name != _PAGE}
    return Site(digest, _asset(_PAGE, page), assets)


@router.api_route("/", methods=["GET", "HEAD"], openapi_extra=needs(Right.PUBLIC))
async def page(request: Request) -> Response:
    """The page, checked for news at every visit; what it loads is kept."""
    # Like the next one without a thread: it is a fraction of a millisecond, and handing it over takes longer.
    site = _sites.current()
    headers = {
        "ETag": f'"{site.digest}"',
        "Cache-Control": "no-cache",
        "Content-Security-Policy": POLICY,
    }
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    return _response(request, site.page, headers)


@router.api_route("/static/{digest}/{path:path}", methods=["GET", "HEAD"], openapi_extra=needs(Right.PUBLIC))
async def asset(request: Request, digest: str, path: str) -> Response:
    """A file of the page. Raises ``NotFound`` (``page_outdated``) for those of another release."""
    site = _sites.loaded()
    found = site.assets.get(path) if digest == site.digest else None
    if found is None:
        raise NotFound("page_outdated", "This file belongs to another release of the page; reload it.")
    return _response(request, found, {"Cache-Control": "public, max-age=31536000, immutable"})


def _response(request: Request, found: Asset, headers: Mapping[str, str]) -> Response:
    packed = found.packed if "gzip" in request.headers.get("accept-encoding", "") else None
    encoding = {} if packed is None else {"Content-Encoding": "gzip"}
    return Response(
        found.plain if packed is None else packed,
        media_type=found.media_type,
        headers={**headers, **encoding, "Vary": "Accept-Encoding"},
    )


def _asset(name: str, content: bytes) -> Asset:
    media_type = _media_type(name)
    packed = gzip.compress(content, mtime=0) if len(content) > _WORTH_PACKING else content
    return Asset(media_type, content, packed if len(packed) < len(content) else None)


def _media_type(name: str) -> str:
    if name.endswith(".js"):  # what a system's own table says of it differs
        return "text/javascript; charset=utf-8"
    guessed = mimetypes.guess_type(name)[0] or "application/octet-stream"
    return f"{guessed}; charset=utf-8" if guessed.startswith("text/") else guessed
