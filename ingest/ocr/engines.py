"""Which recognition engine this machine has."""

from __future__ import annotations

import shutil
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from ingest.ocr.engine import Engine


def is_installed() -> bool:
    """Whether ``available`` finds an engine, without loading it."""
    return _tesseract() is not None or _has_rapidocr()


def program() -> Path | None:
    """The program that the engine is, if it is one and not a library."""
    found = _tesseract()
    return None if found is None else Path(found).resolve()


@cache
def available() -> Engine | None:
    """The engine to use: tesseract if it is on the PATH, being many times faster, else rapidocr, if any.

    Loading rapidocr's models takes a second, so it is kept for the life of the process.
    """
    if (program := _tesseract()) is not None:
        from ingest.ocr.tesseract import Tesseract

        return Tesseract(program)
    if _has_rapidocr():
        from ingest.ocr.rapid import Rapid

        return Rapid()
    return None


@cache
def _tesseract() -> str | None:
    return shutil.which("tesseract")


@cache
def _has_rapidocr() -> bool:
    return find_spec("rapidocr") is not None
