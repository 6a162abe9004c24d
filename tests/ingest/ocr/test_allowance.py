"""What is granted in a child is tested with its limits, in ``tests/ingest/sandbox/test_confinement.py``."""

from __future__ import annotations

import resource

from ingest.ocr import allowance


def test_outside_the_sandbox_nothing_is_raised() -> None:
    before = resource.getrlimit(resource.RLIMIT_CPU), resource.getrlimit(resource.RLIMIT_AS)
    assert allowance.begin_page(1)
    assert (resource.getrlimit(resource.RLIMIT_CPU), resource.getrlimit(resource.RLIMIT_AS)) == before
