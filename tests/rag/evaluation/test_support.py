from __future__ import annotations

import json

from rag.evaluation.support import FALSE_ALARMS, fit, write
from rag.generation.verification.features import NAMES
from rag.generation.verification.score import Models


def row(**departures: float) -> list[float]:
    return [departures.get(name, 1.0 if name == "order" else 0.0) for name in NAMES]


TRUE = [row(novel=float(n % 7 == 0), order=1 - 0.1 * (n % 3)) for n in range(60)]
FALSE = [row(denials=1.0 * (n % 2), names=1.0 * (n % 2 == 0), order=0.9) for n in range(60)]


def test_the_fit_tells_true_from_false_and_keeps_the_signs() -> None:
    model = fit(TRUE, FALSE, 0)
    assert min(model.score(one) for one in TRUE) > max(model.score(one) for one in FALSE)
    assert all(
        weight >= 0 if name == "order" else weight <= 0
        for name, weight in zip(NAMES, model.weights, strict=True)
    )


def test_the_threshold_turns_away_no_more_true_sentences_than_allowed() -> None:
    model = fit(TRUE, FALSE, 0)
    refused = sum(round(model.score(one), 3) < model.threshold for one in TRUE)
    assert refused <= FALSE_ALARMS * len(TRUE)


def test_true_sentences_that_break_a_condition_use_up_the_allowance() -> None:
    assert fit(TRUE, FALSE, 3).threshold <= fit(TRUE, FALSE, 0).threshold


def test_what_is_written_names_every_weight(tmp_path) -> None:
    plain = fit([one[:-1] for one in TRUE], [one[:-1] for one in FALSE], 0)
    write(Models(plain, fit(TRUE, FALSE, 0)), tmp_path / "support.json")
    stored = json.loads((tmp_path / "support.json").read_text())
    assert list(stored["with_likeness"]["weights"]) == list(NAMES)
    assert list(stored["plain"]["weights"]) == list(NAMES[:-1])
