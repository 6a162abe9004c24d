"""The web app: one page and the files it is made of, shipped in the package."""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
import threading
from collections.abc import Mapping
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
            files = sorted(path for path in self._folder.rglob("*") if path.is_file())
            found = [(path, path.stat()) for path in files]
            seen = tuple((str(path), stat.st_mtime_ns, stat.st_size) for path, stat in found)
            if self._site is None or seen != self._seen:
                contents = {path.relative_to(self._folder).as_posix(): path.read_bytes() for path in files}
                self._seen, self._site = seen, load(contents)
            return self._site

    def loaded(self) -> Site:
        return self._site or self.current()


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
def page(request: Request) -> Response:
    """The page, checked for news at every visit; what it loads is kept."""
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
def asset(request: Request, digest: str, path: str) -> Response:
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
