"""The table of ``tests.evals.abstention``, from cases made by hand."""

from __future__ import annotations

from datetime import UTC, datetime
from xml.etree import ElementTree

from rag.evaluation.reports import render
from tests.evals.abstention import PICTURE, Case, reported


def cases(*, removed: float) -> list[Case]:
    return [Case(f"article {n % 4}", 0.5 + n / 100, removed, 0.01, n % 10 != 0) for n in range(40)]


def test_a_score_that_tells_them_apart_meets_the_target_and_one_that_does_not_misses_it() -> None:
    clear, _ = reported(cases(removed=0.2), 12)
    assert (clear.figures[0].value, clear.figures[0].met) == ("1.000", True)
    blurred, _ = reported(cases(removed=0.6), 12)
    assert (blurred.figures[0].value, blurred.figures[0].met) == ("0.000", False)


def test_the_report_shows_the_picture_beside_it() -> None:
    report, picture = reported(cases(removed=0.2), 12)
    text = render(report, datetime(2026, 1, 2, tzinfo=UTC))
    assert text.endswith(f"![Risk against coverage]({PICTURE})\n")
    assert "| told apart (AUROC), near-misses left | 1.000 |" in text
    assert "10% false refusals" in "".join(ElementTree.fromstring(picture).itertext())
