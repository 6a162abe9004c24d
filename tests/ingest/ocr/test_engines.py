from __future__ import annotations

import shutil
from importlib.util import find_spec
from itertools import pairwise

import pytest

from ingest.ocr import engines
from ingest.ocr.engine import Engine, EngineFailed
from tests.ingest.ocr.pictures import drawn, picture

TESSERACT = shutil.which("tesseract")
needs_tesseract = pytest.mark.skipif(TESSERACT is None, reason="tesseract is not installed")
needs_rapidocr = pytest.mark.skipif(find_spec("rapidocr") is None, reason="footnote[ocr] is not installed")


@pytest.fixture(
    scope="module",
    params=[
        pytest.param("tesseract", marks=needs_tesseract),
        pytest.param("rapidocr", marks=needs_rapidocr),
    ],
)
def engine(request: pytest.FixtureRequest) -> Engine:
    if request.param == "tesseract":
        from ingest.ocr.tesseract import Tesseract

        assert TESSERACT is not None
        return Tesseract(TESSERACT)
    from ingest.ocr.rapid import Rapid

    return Rapid()


def test_words_are_read_where_they_stand(engine: Engine) -> None:
    image = drawn([(100, 60, "The harbour opened"), (100, 160, "in March 1996.")])
    lines = engine.recognise(picture(image), seconds=60)
    assert [" ".join(word.text for word in line) for line in lines] == [
        "The harbour opened",
        "in March 1996.",
    ]
    for line, top in zip(lines, (60, 160), strict=True):
        assert abs(line[0].box[0] - 100) < 12
        for word in line:
            assert top - 10 <= word.box[1] < word.box[3] <= top + 70
        assert all(word.box[2] <= other.box[0] + 4 for word, other in pairwise(line))


LEFT = """The first lighthouse on this
coast was lit in the spring
of a year that nobody wrote
down, and it burned coal
until the keepers left it.""".split("\n")
RIGHT = """Another one was built on
the far side of the bay and
stands there to this day,
though its lamp has long
been replaced by a bell.""".split("\n")


def test_columns_are_read_one_after_the_other(engine: Engine) -> None:
    places = [(60, 60 + 55 * row, text) for row, text in enumerate(LEFT)]
    places += [(800, 60 + 55 * row, text) for row, text in enumerate(RIGHT)]
    lines = engine.recognise(picture(drawn(places, size=(1480, 400))), seconds=60)
    assert [" ".join(word.text for word in line) for line in lines] == [*LEFT, *RIGHT]


def test_a_white_page_has_no_lines(engine: Engine) -> None:
    assert engine.recognise(picture(drawn([])), seconds=60) == []


@needs_tesseract
def test_a_picture_that_takes_too_long_is_given_up() -> None:
    from ingest.ocr.tesseract import Tesseract

    assert TESSERACT is not None
    with pytest.raises(EngineFailed, match="out of time"):
        Tesseract(TESSERACT).recognise(picture(drawn([(10, 10, "slow")])), seconds=0.0001)


@pytest.mark.parametrize(
    ("tesseract", "rapidocr", "expected"),
    [("/bin/false", True, "tesseract"), (None, True, "rapidocr"), (None, False, None)],
)
def test_the_faster_engine_is_preferred(
    monkeypatch: pytest.MonkeyPatch, tesseract: str | None, rapidocr: bool, expected: str | None
) -> None:
    if expected == "rapidocr" and find_spec("rapidocr") is None:
        pytest.skip("footnote[ocr] is not installed")
    monkeypatch.setattr(engines, "_tesseract", lambda: tesseract)
    monkeypatch.setattr(engines, "_has_rapidocr", lambda: rapidocr)
    engines.available.cache_clear()
    try:
        found = engines.available()
        assert (found.name if found else None) == expected
        assert engines.is_installed() == (expected is not None)
    finally:
        engines.available.cache_clear()
