"""The tesseract program (Apache-2.0) as a recognition engine: a process for each picture."""

from __future__ import annotations

import csv
import ctypes
import io
import os
import signal
import subprocess
import sys
from functools import cached_property
from itertools import groupby

from ingest.ocr.engine import EngineFailed, Picture, RecognisedLine, RecognisedWord

_KEPT_VARIABLES = ("LD_LIBRARY_PATH", "PATH", "TESSDATA_PREFIX")
_FALLBACK_LANGUAGE = "eng"
# Orientation and equations: data for other purposes that is listed among the languages.
_NO_LANGUAGES = frozenset({"osd", "equ"})
_WORD_LEVEL = "5"
_PLACE = ("block_num", "par_num", "line_num")
_MAX_LANGUAGES = 3
_LISTING_SECONDS = 10.0
_PR_SET_PDEATHSIG = 1


class Tesseract:
    """Recognises with the languages that are installed, the first few of them if there are many."""

    name = "tesseract"

    def __init__(self, program: str) -> None:
        self._program = program

    def recognise(self, picture: Picture, seconds: float) -> list[RecognisedLine]:
        """As ``ingest.ocr.engine.Engine``."""
        table = self._run(
            ["stdin", "stdout", "-l", self._languages, "--dpi", str(round(picture.dpi)), "tsv"],
            seconds,
            b"P5 %d %d 255\n" % (picture.width, picture.height) + picture.pixels,
        )
        return lines(table)

    @cached_property
    def _languages(self) -> str:
        """What to give as ``-l``: every further language takes its time, so not more than a few."""
        _, *listed = self._run(["--list-langs"], _LISTING_SECONDS).split("\n")
        found = [name for name in listed if name and "/" not in name and name not in _NO_LANGUAGES]
        found.sort(key=lambda name: (name != _FALLBACK_LANGUAGE, name))
        return "+".join(found[:_MAX_LANGUAGES]) or _FALLBACK_LANGUAGE

    def _run(self, arguments: list[str], seconds: float, picture: bytes = b"") -> str:
        kept = {key: os.environ[key] for key in _KEPT_VARIABLES if key in os.environ}
        try:
            done = subprocess.run(
                [self._program, *arguments],
                input=picture,
                capture_output=True,
                # More threads make it slower on pages, and each would count against the limit.
                env={"OMP_THREAD_LIMIT": "1", "LC_ALL": "C", **kept},
                preexec_fn=_die_with_parent if sys.platform == "linux" else None,
                timeout=seconds,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise EngineFailed("tesseract: out of time") from error
        except OSError as error:  # the system starts no further process, or not this one
            raise EngineFailed("tesseract: not to be started") from error
        if done.returncode:
            raise EngineFailed(f"tesseract: exit status {done.returncode}")
        return done.stdout.decode("utf-8", "replace")


def lines(table: str) -> list[RecognisedLine]:
    """The lines of tesseract's TSV output."""
    rows = csv.DictReader(io.StringIO(table), delimiter="\t", quoting=csv.QUOTE_NONE)
    words = [row for row in rows if row["level"] == _WORD_LEVEL and (row["text"] or "").strip()]
    return [
        tuple(_word(row) for row in line)
        for _, line in groupby(words, key=lambda row: [row[column] for column in _PLACE])
    ]


def _word(row: dict[str, str]) -> RecognisedWord:
    left, top, width, height = (float(row[column]) for column in ("left", "top", "width", "height"))
    return RecognisedWord(row["text"].strip(), (left, top, left + width, top + height))


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
