from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from rag.evaluation.reports import Report, at_least, at_most_ms, render, write


def test_a_report_names_its_command_and_marks_what_was_missed(tmp_path: Path) -> None:
    figures = [at_least("R@1", 0.955, 0.96), at_most_ms("search p50", 12.4, 30.0)]
    report = Report("reading", "Reading", "make eval", figures, ["Development data."])
    text = render(report, datetime(2026, 11, 22, tzinfo=UTC))
    assert "`make eval`" in text
    assert "| R@1 | 0.955 | >= 0.96 | no |" in text
    assert "| search p50 | 12 ms | < 30 ms | yes |" in text
    assert write(report, tmp_path).read_text().startswith("# Reading")
