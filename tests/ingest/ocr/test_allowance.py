"""What is granted in a child is tested with its limits, in ``tests/ingest/sandbox/test_confinement.py``."""

from __future__ import annotations

import resource
from contextvars import copy_context

from ingest.ocr import allowance
from ingest.ocr.tesseract import Tesseract
from ingest.parsers.limits import ParseLimits


def test_outside_the_sandbox_nothing_is_raised() -> None:
    before = resource.getrlimit(resource.RLIMIT_CPU), resource.getrlimit(resource.RLIMIT_AS)
    assert allowance.begin_page(1)
    assert (resource.getrlimit(resource.RLIMIT_CPU), resource.getrlimit(resource.RLIMIT_AS)) == before


def test_outside_the_sandbox_the_engine_is_any_that_is_installed() -> None:
    installed = Tesseract("tesseract")
    assert allowance.engine(lambda: installed) is installed
    assert allowance.engine(lambda: None) is None


def test_inside_it_is_the_one_that_was_granted_or_none() -> None:
    def grant_none() -> None:
        allowance.grant(ParseLimits(), print, None)
        assert allowance.engine(lambda: Tesseract("tesseract")) is None
        assert not allowance.begin_page(1)

    copy_context().run(grant_none)
