"""Pictures (PNG, JPEG, TIFF, WEBP): each becomes a page of a PDF, which is then read and shown as any scan.

So there is one way from a picture of text to words with boxes, and one way to show them. Pixels go into
the PDF as they are (ISO 32000-1, 8.9.5: an image of 8 bits a component, Flate-coded).
"""

from __future__ import annotations

import io
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import NamedTuple

from PIL import Image, ImageOps, ImageSequence

from ingest import sniffing
from ingest.parsers import Progress, pdf
from ingest.parsers.limits import ParseLimits
from rag.errors import DocumentRejected, FootnoteError
from rag.records import ParsedDocument

_MEDIA_TYPES = {
    "PNG": sniffing.PNG,
    "JPEG": sniffing.JPEG,
    "TIFF": sniffing.TIFF,
    "WEBP": sniffing.WEBP,
}
_POINTS_PER_INCH = 72
_SCREEN_DPI = 96.0
_PLAUSIBLE_DPI = (50.0, 2400.0)
_A4_INCHES = 11.69
_MAX_PAGE_POINTS = 14_400  # ISO 32000-1, annex C
_FAST = 1
_WHITE = 255


def parse(data: bytes, name: str, limits: ParseLimits, progress: Progress) -> ParsedDocument:
    """A page for each picture of the file; its text where an engine is installed, else none.

    Raises DocumentRejected: ``corrupt`` or ``limit_exceeded``.
    """
    with _opened(data) as image:
        media_type = _MEDIA_TYPES[str(image.format)]
        document = _converted(image, limits)
    return replace(pdf.parse(document, name, limits, progress), media_type=media_type)


def is_picture(data: bytes) -> bool:
    """Whether this module reads ``data``."""
    try:
        return sniffing.sniff(io.BytesIO(data), "") in _MEDIA_TYPES.values()
    except FootnoteError:
        return False


def as_pdf(data: bytes, limits: ParseLimits) -> bytes:
    """The picture or pictures in ``data`` as a PDF. Raises as :func:`parse`."""
    with _opened(data) as image:
        return _converted(image, limits)


class _Page(NamedTuple):
    """``samples`` are grey, or red, green and blue; sizes of the page are in points."""

    width: int
    height: int
    samples: bytes
    is_grey: bool
    points: tuple[float, float]


@contextmanager
def _opened(data: bytes) -> Iterator[Image.Image]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of damage that Pillow either mends or raises for
        try:
            image = Image.open(io.BytesIO(data), formats=list(_MEDIA_TYPES))
        except Image.DecompressionBombError as error:
            raise _too_much("a picture of far too many pixels") from error
        except (OSError, ValueError, SyntaxError) as error:
            raise _corrupt() from error
        with image:
            yield image


def _converted(image: Image.Image, limits: ParseLimits) -> bytes:
    # Only in TIFF are further pictures pages; elsewhere they are an animation.
    count = getattr(image, "n_frames", 1) if image.format == "TIFF" else 1
    if count > limits.max_pages:
        raise _too_much(f"{count:,} pages, more than the {limits.max_pages:,} allowed")
    try:
        return _document(_pages(image, count, limits))
    except (OSError, ValueError, SyntaxError, EOFError, IndexError, zlib.error) as error:
        raise _corrupt() from error


def _pages(image: Image.Image, count: int, limits: ParseLimits) -> Iterator[_Page]:
    for _, frame in zip(range(count), ImageSequence.Iterator(image), strict=False):
        # Known from the header, before a pixel is unpacked.
        if frame.width * frame.height > limits.max_image_pixels:
            raise _too_much(f"a picture of {frame.width:,} x {frame.height:,} pixels")
        yield _page(frame, limits.max_pixels)


def _page(frame: Image.Image, max_pixels: int) -> _Page:
    dpi = _dpi(frame)
    picture = ImageOps.exif_transpose(_plain(frame))
    inches = max(picture.size) / dpi
    shrink = min(1.0, _MAX_PAGE_POINTS / (inches * _POINTS_PER_INCH))
    points = tuple(max(1.0, side / dpi * _POINTS_PER_INCH * shrink) for side in picture.size)
    factor = 1
    while picture.width * picture.height > max_pixels * factor * factor:
        factor += 1
    picture = picture.reduce(factor) if factor > 1 else picture
    return _Page(*picture.size, picture.tobytes(), picture.mode == "L", (points[0], points[1]))


def _plain(frame: Image.Image) -> Image.Image:
    """``frame`` in 8-bit grey or RGB, on white where it is transparent."""
    if frame.mode in ("L", "RGB"):
        return frame.copy() if "transparency" not in frame.info else _on_white(frame)
    if frame.mode == "1":
        return frame.convert("L")
    if frame.mode == "F" or frame.mode.startswith("I"):
        return _scaled(frame.convert("F"))
    return _on_white(frame) if frame.has_transparency_data else frame.convert("RGB")


def _on_white(frame: Image.Image) -> Image.Image:
    painted = frame.convert("RGBA")
    paper = Image.new("RGB", painted.size, (_WHITE, _WHITE, _WHITE))
    paper.paste(painted, mask=painted.getchannel("A"))
    return paper


def _scaled(frame: Image.Image) -> Image.Image:
    """Numbers of any range (16-bit scans) as grey from the darkest to the lightest of them."""
    low, high = frame.getextrema()
    assert isinstance(low, float)
    assert isinstance(high, float)  # a picture of one channel
    factor = _WHITE / max(high - low, 1e-9)
    return frame.point(lambda value: value * factor - low * factor).convert("L")


def _dpi(frame: Image.Image) -> float:
    """Pixels to an inch: as the file says, else as if it were A4, but no coarser than a screen."""
    try:
        told = float(frame.info["dpi"][0])
    except (KeyError, TypeError, ValueError, IndexError, ZeroDivisionError):
        told = 0.0
    low, high = _PLAUSIBLE_DPI
    return told if low <= told <= high else max(_SCREEN_DPI, max(frame.size) / _A4_INCHES)


def _document(pages: Iterator[_Page]) -> bytes:
    """A PDF that shows each picture on a page of its own; objects 1 and 2 are catalogue and page tree."""
    objects: list[bytes] = []
    kids: list[int] = []
    for page in pages:
        first = len(objects) + 3
        kids.append(first)
        objects += _page_objects(page, first)
    tree = b"<< /Type /Pages /Count %d /Kids [%s] >>" % (
        len(kids),
        b" ".join(b"%d 0 R" % kid for kid in kids),
    )
    return pdf_file([b"<< /Type /Catalog /Pages 2 0 R >>", tree, *objects])


def _page_objects(page: _Page, first: int) -> list[bytes]:
    """The page, which is object ``first``, its content and its picture."""
    width, height = page.points
    content = b"q %.4f 0 0 %.4f 0 0 cm /P Do Q" % (width, height)
    colours = b"/DeviceGray" if page.is_grey else b"/DeviceRGB"
    picture = b"/Type /XObject /Subtype /Image /Width %d /Height %d /BitsPerComponent 8 /ColorSpace %s" % (
        page.width,
        page.height,
        colours,
    )
    return [
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 %.4f %.4f] /Contents %d 0 R "
        b"/Resources << /XObject << /P %d 0 R >> >> >>" % (width, height, first + 1, first + 2),
        _stream(b"", content),
        _stream(picture + b" /Filter /FlateDecode", zlib.compress(page.samples, _FAST)),
    ]


def _stream(entries: bytes, body: bytes) -> bytes:
    return b"<< %s /Length %d >>\nstream\n%s\nendstream" % (entries, len(body), body)


def pdf_file(objects: list[bytes]) -> bytes:
    """The objects, numbered from 1, with what leads to them (ISO 32000-1, 7.5)."""
    data = bytearray(b"%PDF-1.4\n")
    offsets = []
    for number, body in enumerate(objects, start=1):
        offsets.append(len(data))
        data += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(data)
    data += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    data += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    data += b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, start)
    return bytes(data)


def _corrupt() -> DocumentRejected:
    return DocumentRejected(
        "corrupt", "The picture is damaged and cannot be opened; save it again and send it once more."
    )


def _too_much(what: str) -> DocumentRejected:
    return DocumentRejected("limit_exceeded", f"The file holds {what}; make it smaller and send it again.")
