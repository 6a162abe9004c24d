from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

import pytest

from rag.errors import BadRequest
from rag.evaluation.metrics import holds_answer
from rag.evaluation.model_answers import Answers
from rag.evaluation.model_questions import SENTENCES, built_in, read
from rag.evaluation.tuning import MOST_DIVERGENCE, Trial, Tried, best
from rag.evaluation.tuning_report import PICTURE, write_report
from rag.models.generation import GeneratorSettings
from rag.models.model_bench import TASKS, Bench
from rag.models.model_library import Entry, Kind, Record


def _bench(speed: float) -> Bench:
    bench = Bench(memory_mib=300.0)
    for task in TASKS:
        bench.rates[task] = [100.0 * speed]
        bench.efforts[task] = [100.0 * speed]
    return bench


def _answers(values: Sequence[float]) -> Answers:
    return Answers(values, values, values)


def _tried(name: str, speed: float, values: Sequence[float], divergence: float | None = 0.01) -> Tried:
    entry = Entry(name, Path(f"{name}.gguf"), Record(Kind.MADE, name, 1, name))
    comparison: dict[str, float] | None = None
    if divergence is not None:
        comparison = dict.fromkeys(("agreement", "perplexity", "reference_perplexity"), 1.0)
        comparison |= {"divergence": divergence, "tokens": 100}
    before = _answers([1.0] * len(values)) if comparison else None
    return Tried(entry, _bench(speed), _bench(1.0), _answers(values), comparison, before)


RIGHT = [1.0] * 40
IN_HAND = _tried("in-hand", 1.0, RIGHT, None)


def test_the_fastest_of_those_that_answer_as_well_is_kept() -> None:
    slower, faster = _tried("slower", 1.3, RIGHT), _tried("faster", 1.6, RIGHT)
    assert best([IN_HAND, slower, faster]) is faster


def test_a_little_faster_is_not_worth_it() -> None:
    assert best([IN_HAND, _tried("hardly", 1.05, RIGHT)]) is IN_HAND


def test_fewer_answers_than_chance_explains_are_too_few() -> None:
    lost = [0.0] * 6 + [1.0] * 34
    worse = _tried("worse", 3.0, lost)
    assert worse.worse == "answers worse"
    assert best([IN_HAND, worse]) is IN_HAND
    within_the_noise = _tried("noise", 3.0, [0.0] * 4 + [1.0] * 36)
    assert best([IN_HAND, within_the_noise]) is within_the_noise


def test_a_form_that_expects_other_words_is_out_of_the_question() -> None:
    other = _tried("other", 3.0, RIGHT, MOST_DIVERGENCE + 0.01)
    assert other.worse
    assert best([IN_HAND, other]) is IN_HAND


def test_the_report_has_every_form_and_a_picture(tmp_path: Path) -> None:
    trial = Trial(built_in(), GeneratorSettings(), 3)
    tried = [IN_HAND, _tried("fast", 1.4, RIGHT), _tried("bad", 2.0, [0.0] * 40)]
    text = write_report(tried, trial, tmp_path).read_text(encoding="utf-8")
    assert all(f"| {one.entry.name}: memory | 300 MiB |" in text for one in tried)
    assert "| kept | fast, 1.40 times as fast" in text
    assert PICTURE in text
    picture = ElementTree.parse(tmp_path / PICTURE).getroot()
    circles = [one for one in picture.iter() if one.tag.endswith("circle")]
    assert len(circles) == len(tried) + 1  # and the ring


def test_every_built_in_question_can_be_answered_from_one_sentence() -> None:
    cases = built_in()
    assert len({case.question for case in cases}) == len(cases) > 40
    for case in cases:
        assert sum(holds_answer(text, case.answers) for text in case.sentences) == 1, case


def test_questions_about_paragraphs_keep_the_sentence_with_the_answer(shared: Path) -> None:
    cases = read(shared / "evals" / "reading", 50)
    assert len(cases) == 50
    assert cases == read(shared / "evals" / "reading", 50)
    assert all(1 <= len(case.sentences) <= SENTENCES for case in cases)
    held = [any(holds_answer(text, case.answers) for text in case.sentences) for case in cases]
    assert sum(held) >= 49  # an answer may go on into the next sentence


def test_a_folder_without_questions_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match=r"docs/models\.md"):
        read(tmp_path, 5)
