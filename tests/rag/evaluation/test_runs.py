from __future__ import annotations

import math
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from rag.evaluation import measures, runs
from rag.evaluation.comparing import compare
from rag.evaluation.measures import MEASURES, figure, held_out, values
from rag.evaluation.summary import abstention_of, as_json, cautions, conclusion
from tests.rag.evaluation.made import WHEN, outcome, question, reply, run

BY_KEY = {measure.key: measure for measure in MEASURES}


def test_a_run_is_read_as_it_was_written_by_its_owner_alone(tmp_path: Path) -> None:
    made = run([outcome(1), outcome(2, drafted=None)])
    path = runs.write(made, tmp_path / "evals")
    assert runs.read(path) == made
    assert path.stat().st_mode & 0o077 == 0
    assert [one.name for one in path.parent.iterdir()] == ["2026-03-04T050607Z.json"]


def test_the_newest_run_over_the_same_collections_is_found(tmp_path: Path) -> None:
    for days, collections in ((0, ()), (1, ()), (2, ("minutes",))):
        made = run([outcome(1)], when=WHEN + timedelta(days=days), collections=collections)
        runs.write(made, tmp_path)
    (tmp_path / "2027-01-01T000000Z.json").write_text('{"format": 2}')
    found = runs.newest(tmp_path, ())
    assert found is not None
    assert found.when == WHEN + timedelta(days=1)
    assert runs.newest(tmp_path, ("letters",)) is None
    assert runs.newest(tmp_path / "missing", ()) is None


def test_figures_by_hand() -> None:
    outcomes = [
        outcome(1),
        outcome(2, document_rank=3, quoted=reply(holds=False)),
        outcome(3, document_rank=None, passage_rank=None, quoted=reply(refused=True), drafted=None),
        outcome(4, removed=reply(false_quotes=1)),
    ]
    made = run(outcomes)
    expected = {
        "document_at_1": 0.5,
        "document_at_5": 0.75,
        "document_mrr": (1 + 1 / 3 + 0 + 1) / 4,
        "passage_at_5": 0.75,
        "cited_3": 0.5,
        "false_refusals": 0.25,
        "removed_refused": 0.75,
        "drafted_cited": 1.0,
        "search_ms": 10.0,
    }
    for key, value in expected.items():
        assert math.isclose(figure(BY_KEY[key], made).value, value), key
    assert figure(BY_KEY["drafted_cited"], made).n == 3
    assert figure(BY_KEY["cited_3"], made, held_out).value == 0.5
    assert figure(BY_KEY["intact"], made).value == 2 / 3  # the third cited nothing
    assert measures.citations(made) == (14, 1)


def test_a_question_others_answer_too_does_not_count_where_refusing_is_right() -> None:
    made = run([outcome(1), outcome(2, removed=reply())], [question(1), question(2, elsewhere=True)])
    assert values(BY_KEY["removed_refused"], made) == {"q1": 1.0}
    assert len(abstention_of(made).unanswerable) == 1


def test_a_worse_run_is_called_worse_and_names_what_changed() -> None:
    before = run([outcome(number) for number in range(40)])
    spoilt = [outcome(number, quoted=reply(holds=number % 4 != 0)) for number in range(40)]
    after = run(spoilt, service={"software": "1.0", "settings": {"abstention": 0.2}})
    compared = compare(before, after)
    assert [one.measure.key for one in compared.clearly_worse] == ["cited_1", "cited_3"]
    told = conclusion(compared)
    assert told[0].startswith("WORSE on held-out questions: first citation holds the answer 100.0")
    assert told[-1] == "Changed since: settings.abstention: 0.05 → 0.2."
    assert as_json(after, compared)["worse"] == ["cited_1", "cited_3"]


def test_only_held_out_questions_decide() -> None:
    before = run([outcome(number) for number in range(40)])
    spoilt = [outcome(number, quoted=reply(holds=number % 2 == 0)) for number in range(40)]
    compared = compare(before, run(spoilt))
    assert not compared.clearly_worse
    assert conclusion(compared)[0].startswith("No guarded figure is worse")


def test_a_fall_that_chance_may_bring_is_told_as_that() -> None:
    before = run([outcome(number) for number in range(40)])
    after = run([outcome(0, quoted=reply(refused=True)), *before.outcomes[1:]])
    compared = compare(before, after)
    assert not compared.clearly_worse
    assert {one.measure.key for one in compared.perhaps_worse} == {"cited_1", "cited_3", "false_refusals"}
    assert conclusion(compared)[0].startswith("Lower on held-out questions, but chance may do that")


def test_one_false_quotation_is_never_chance() -> None:
    before = run([outcome(number) for number in range(10)])
    after = run([outcome(0, quoted=reply(false_quotes=1)), *before.outcomes[1:]])
    assert [one.measure.key for one in compare(before, after).clearly_worse] == ["intact"]


def test_better_is_not_worse() -> None:
    before = run([outcome(number, quoted=reply(holds=False)) for number in range(40)])
    after = run([outcome(number) for number in range(40)])
    compared = compare(before, after)
    assert not compared.clearly_worse
    assert not compared.perhaps_worse


def test_thresholds_come_from_one_half_and_rates_from_the_other() -> None:
    development = [outcome(number, quoted=reply(score=0.5)) for number in (1, 3)]
    held = [outcome(2, quoted=reply(score=0.4)), outcome(4, quoted=reply(score=0.6))]
    (point,) = abstention_of(run([*development, *held])).points
    assert (point.threshold, point.false_refusals, point.refused) == (0.5, 0.5, 1.0)


def test_questions_that_were_not_asked_before_are_not_compared() -> None:
    before, after = run([outcome(2)]), run([outcome(2), outcome(4)])
    compared = compare(before, replace(after))
    assert compared.shared == 1
    assert {one.change.n for one in compared.figures} == {1}


def test_easy_and_hard_questions_are_told_apart() -> None:
    outcomes = [outcome(1), outcome(2, quoted=reply(holds=False))]
    mixed = run(outcomes, [question(1), question(2, made_by="model")])
    (told,) = [line for line in cautions(mixed) if line.startswith("One of three citations")]
    assert "0.0\N{NO-BREAK SPACE}% of the written ones and 100.0\N{NO-BREAK SPACE}% of the others" in told
    assert not [line for line in cautions(run(outcomes)) if line.startswith("One of three citations")]
