"""Pictures of text, drawn with the font that comes with Pillow."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont

from ingest.ocr.engine import Picture

DPI = 200


def drawn(
    texts: Sequence[tuple[int, int, str]], size: tuple[int, int] = (1000, 300), points: int = 14
) -> Image.Image:
    """Black on white, each text with its left top corner at the place before it (in pixels)."""
    image = Image.new("L", size, 255)
    font = ImageFont.load_default(size=points * DPI / 72)
    draw = ImageDraw.Draw(image)
    for x, y, text in texts:
        draw.text((x, y), text, fill=0, font=font, anchor="la")
    return image


def picture(image: Image.Image) -> Picture:
    return Picture(image.width, image.height, image.convert("L").tobytes(), DPI)
