from __future__ import annotations

import json
from pathlib import Path

import pytest

from api.cli.evaluating import WORSE, Options, deliver, runs_folder
from rag.evaluation import runs
from rag.evaluation.comparing import compare
from tests.rag.evaluation.made import outcome, question, reply, run

BEFORE = run([outcome(number) for number in range(40)])
WORSENED = run([outcome(number, quoted=reply(holds=number % 3 == 0)) for number in range(40)])


def test_a_worse_run_ends_with_a_status_of_its_own_only_when_asked_for(tmp_path: Path) -> None:
    compared = compare(BEFORE, WORSENED)
    assert deliver(WORSENED, compared, Options(tmp_path, as_json=True)) == 0
    assert deliver(WORSENED, compared, Options(tmp_path, as_json=True, fail_on_worse=True)) == WORSE
    assert deliver(BEFORE, None, Options(tmp_path, as_json=True, fail_on_worse=True)) == 0


def test_the_run_and_its_page_lie_in_the_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    deliver(BEFORE, None, Options(tmp_path, as_json=True))
    said = json.loads(capsys.readouterr().out)
    assert runs.read(Path(said["run"])) == BEFORE
    assert Path(said["page"]).parent == tmp_path


def test_the_table_says_what_is_worse_and_reads_no_markup(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    questions = [question(number, name="[bold]x[/bold]") for number in range(40)]
    noted = run(WORSENED.outcomes, questions, notes=("[red]as it is[/red]",))
    deliver(noted, compare(BEFORE, noted), Options(tmp_path))
    shown = capsys.readouterr().out
    assert "WORSE on held-out questions: first citation holds the answer" in shown
    assert "[red]as it is[/red]" in shown
    assert str(tmp_path) in shown.replace("\n", "")


def test_runs_are_kept_in_the_data_folder(tmp_path: Path) -> None:
    assert runs_folder(tmp_path) == tmp_path / "evals"
