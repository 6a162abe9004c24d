from __future__ import annotations

import sys
from pathlib import Path

import pytest

from ingest.ocr.engine import EngineFailed, Picture
from ingest.ocr.tesseract import Tesseract, lines

HEADER = "level\tpage_num\tblock_num\tpar_num\tline_num\tword_num\tleft\ttop\twidth\theight\tconf\ttext\n"
PICTURE = Picture(1, 1, b"\x00", 200.0)


def test_words_are_grouped_by_line_and_quotes_are_text() -> None:
    table = HEADER + (
        "1\t1\t0\t0\t0\t0\t0\t0\t900\t300\t-1\t\n"
        '5\t1\t1\t1\t1\t1\t10\t20\t30\t40\t96.5\t"Open\n'
        "5\t1\t1\t1\t1\t2\t50\t20\t30\t40\t96.5\tsea\n"
        "5\t1\t1\t1\t2\t1\t10\t70\t30\t40\t12.0\t \n"
        "5\t1\t1\t2\t1\t1\t10\t90\t30\t40\t12.0\tnext\n"
    )
    found = lines(table)
    assert [[word.text for word in line] for line in found] == [['"Open', "sea"], ["next"]]
    assert found[0][1].box == (50, 20, 80, 60)


def program(tmp_path: Path, script: str) -> str:
    path = tmp_path / "tesseract"
    path.write_text(f"#!{sys.executable}\nimport sys\n{script}\n")
    path.chmod(0o755)
    return str(path)


@pytest.mark.parametrize(
    ("installed", "asked_for"),
    [
        ("eng\nosd", "eng"),
        ("deu\neng\nfra\nita\nosd\nscript/Latin", "eng+deu+fra"),
        ("deu\nosd\nequ", "deu"),
        ("", "eng"),
    ],
)
def test_the_installed_languages_are_asked_for(tmp_path: Path, installed: str, asked_for: str) -> None:
    listing = f"List of available languages:\n{installed}\n"
    script = f"""
if "--list-langs" in sys.argv:
    print({listing!r}, end="")
else:
    print({HEADER!r}, end="")
    print("5", 1, 1, 1, 1, 1, 0, 0, 1, 1, 99, sys.argv[sys.argv.index("-l") + 1], sep="\\t")
"""
    ((word,),) = Tesseract(program(tmp_path, script)).recognise(PICTURE, seconds=30)
    assert word.text == asked_for


def test_a_program_that_fails_is_said_to_have_failed(tmp_path: Path) -> None:
    with pytest.raises(EngineFailed, match="exit status 3"):
        Tesseract(program(tmp_path, "sys.exit(3)")).recognise(PICTURE, seconds=30)
