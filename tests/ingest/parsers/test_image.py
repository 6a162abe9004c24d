from __future__ import annotations

import io
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from ingest.ocr import engines
from ingest.parsers.image import as_pdf, is_picture
from ingest.parsers.limits import ParseLimits
from ingest.parsers.pdf import open_document
from ingest.sandbox import ParseServer
from rag.errors import DocumentRejected
from tests.ingest.builders import lines, pdf
from tests.ingest.ocr.pictures import DPI, drawn
from tests.ingest.reading import read

# What a picture becomes does not depend on recognition, which is slow.
UNREAD = ParseLimits(max_ocr_pages=0)


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


@pytest.fixture
def image() -> Image.Image:
    """White, the left half darker."""
    image = Image.new("L", (400, 200), 255)
    image.paste(40, (0, 0, 200, 200))
    return image


def shown(data: bytes, page: int = 0, limits: ParseLimits = UNREAD) -> Image.Image:
    """The page that a picture becomes, at a pixel to a point."""
    rendered: Image.Image = open_document(as_pdf(data, limits))[page].render(scale=1).to_pil()
    return rendered.convert("RGB")


def halves(picture: Image.Image) -> tuple[object, object]:
    middle = picture.height // 2
    return picture.getpixel((picture.width // 4, middle)), picture.getpixel((picture.width * 3 // 4, middle))


DARK, WHITE = (40, 40, 40), (255, 255, 255)


@pytest.mark.parametrize(
    ("kind", "media_type"),
    [("PNG", "image/png"), ("JPEG", "image/jpeg"), ("TIFF", "image/tiff"), ("WEBP", "image/webp")],
)
def test_a_picture_is_a_page(image: Image.Image, kind: str, media_type: str) -> None:
    data = saved(image, kind, dpi=(100, 100))
    parsed = read(data, "scan", UNREAD)
    assert (parsed.media_type, parsed.page_count, parsed.pages_without_text) == (media_type, 1, (1,))
    assert is_picture(data)
    left, right = halves(shown(data))
    assert left == pytest.approx(DARK, abs=3)
    assert right == WHITE


@pytest.mark.parametrize(
    ("dpi", "points"),
    [
        ((100, 100), (288, 144)),
        (None, (300, 150)),  # as on a screen
        ((1, 1), (300, 150)),  # not to be believed
    ],
)
def test_the_size_of_the_page_comes_from_the_resolution(
    image: Image.Image, dpi: tuple[int, int] | None, points: tuple[float, float]
) -> None:
    data = saved(image, "PNG", **({} if dpi is None else {"dpi": dpi}))
    (page,) = read(data, "scan.png", UNREAD).pages
    assert (page.width, page.height) == pytest.approx(points, abs=0.5)


def test_a_large_picture_without_resolution_is_taken_for_a_sheet_of_paper() -> None:
    (page,) = read(saved(Image.new("L", (1240, 1754), 9), "PNG"), "scan.png", UNREAD).pages
    assert (page.width, page.height) == pytest.approx((595, 842), abs=1)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_every_kind_of_pixel_is_shown(image: Image.Image, mode: str) -> None:
    converted = image.point(lambda value: value * 257, "I").convert("I;16") if mode == "I;16" else image
    data = saved(converted.convert(mode), "PNG")
    left, right = halves(shown(data))
    assert left == pytest.approx((0, 0, 0) if mode in ("1", "I;16") else DARK, abs=2)
    assert right == WHITE


def test_cmyk_is_shown(image: Image.Image) -> None:
    left, right = halves(shown(saved(image.convert("RGB").convert("CMYK"), "JPEG")))
    assert left == pytest.approx(DARK, abs=6)
    assert right == pytest.approx(WHITE, abs=6)


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_transparent_is_white(mode: str) -> None:
    clear = Image.new("RGBA", (400, 200), (0, 0, 0, 0))
    clear.paste((40, 40, 40, 255), (0, 0, 200, 200))
    assert halves(shown(saved(clear.convert(mode), "PNG"))) == (DARK, WHITE)


def test_a_picture_is_turned_as_its_camera_was(image: Image.Image) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # to be shown turned clockwise by 90 degrees
    picture = shown(saved(image, "JPEG", exif=exif))
    assert picture.width < picture.height
    assert picture.getpixel((picture.width // 2, picture.height // 4)) == pytest.approx(DARK, abs=3)


def test_pictures_of_a_tiff_are_pages_and_those_of_an_animation_are_not(image: Image.Image) -> None:
    other = Image.new("L", (100, 300), 90)
    tiff = saved(image, "TIFF", save_all=True, append_images=[other])
    parsed = read(tiff, "scan.tif", UNREAD)
    assert (parsed.page_count, parsed.pages_without_text) == (2, (1, 2))
    assert halves(shown(tiff, 1)) == ((90, 90, 90), (90, 90, 90))
    moving = saved(image, "WEBP", save_all=True, append_images=[other.resize(image.size)])
    assert read(moving, "moving.webp", UNREAD).page_count == 1


def test_a_picture_with_too_many_pixels_is_made_smaller(image: Image.Image) -> None:
    data = saved(image, "PNG", dpi=(100, 100))
    small = shown(data, limits=ParseLimits(max_pixels=5_000))
    assert small.size == shown(data).size
    assert halves(small) == (DARK, WHITE)


def test_a_bomb_is_refused_before_it_is_unpacked(image: Image.Image) -> None:
    data = saved(image, "PNG")
    claimed = data[:16] + (60_000).to_bytes(4, "big") * 2 + data[24:]
    claimed = claimed[:29] + zlib.crc32(claimed[12:29]).to_bytes(4, "big") + claimed[33:]
    several = saved(image, "TIFF", save_all=True, append_images=[image] * 3)
    for bomb, limits in (
        (claimed, UNREAD),
        (data, ParseLimits(max_image_pixels=70_000)),
        (several, ParseLimits(max_pages=3)),
    ):
        with pytest.raises(DocumentRejected, match="limit_exceeded"):
            as_pdf(bomb, limits)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "WEBP"])
def test_every_truncation_is_refused_or_read(image: Image.Image, kind: str) -> None:
    data = saved(image, kind)
    refused = set()
    for length in range(12, len(data), max(1, len(data) // 40)):
        try:
            as_pdf(data[:length], UNREAD)
        except DocumentRejected as error:
            refused.add(error.code)
    assert refused == {"corrupt"}


def test_what_is_no_picture_is_not_taken_for_one() -> None:
    assert not is_picture(pdf(lines("text")))
    assert not is_picture(b"")
    with pytest.raises(DocumentRejected, match="corrupt"):
        as_pdf(b"nothing", UNREAD)


@pytest.fixture
def scan(tmp_path: Path) -> Callable[[], Path]:
    def _scan() -> Path:
        path = tmp_path / "scan.png"
        texts = ["The harbour opened in March 1996", "and was closed for good in 2004."]
        drawing = drawn([(80, 60 + 55 * row, text) for row, text in enumerate(texts)])
        path.write_bytes(saved(drawing, "PNG", dpi=(DPI, DPI)))
        return path

    return _scan


@pytest.mark.skipif(not engines.is_installed(), reason="no recognition engine is installed")
def test_a_scan_is_read_in_the_sandbox_and_cited_with_boxes(scan: Callable[[], Path]) -> None:
    with ParseServer() as server:
        parsed = server.parse_file(scan(), "scan.png")
        picture = server.render_page(scan(), 1, scale=1)
    assert parsed.text == "The harbour opened in March 1996 and was closed for good in 2004."
    assert (parsed.pages_recognised, parsed.pages_without_text) == ((1,), ())
    (page,) = parsed.pages
    assert (page.width, page.height) == pytest.approx((360, 108), abs=0.5)
    assert len(page.words) == 13
    assert Image.open(io.BytesIO(picture)).size == pytest.approx((360, 108), abs=1)


def test_without_recognition_a_scan_is_said_to_have_no_text(scan: Callable[[], Path]) -> None:
    with ParseServer() as server:
        parsed = server.parse_file(scan(), "scan.png", UNREAD)
    assert (parsed.text, parsed.pages_without_text, parsed.pages_recognised) == ("", (1,), ())
