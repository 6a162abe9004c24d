from __future__ import annotations

import pytest

from rag.generation.conflicts import find
from rag.records import Citation, DocumentRef


def cited(*quotes: str, names: tuple[str, ...] = (), headings: tuple[str, ...] = ()) -> list[Citation]:
    """One citation a quote, each of a document of its own."""
    names = names or tuple(f"source-{letter}.txt" for letter in "abcdefgh")
    return [
        Citation(
            n, DocumentRef(f"doc_{n}", names[n - 1], 1), None, 0, len(quote), quote, 0.9, headings=headings
        )
        for n, quote in enumerate(quotes, start=1)
    ]


@pytest.mark.parametrize(
    ("one", "other", "values"),
    [
        (
            "The Harbour Bridge was opened in 1932.",
            "The Harbour Bridge was opened in 1931.",
            ("1932", "1931"),
        ),
        ("The Harbour Bridge is 503 metres long.", "The Harbour Bridge is 530 metres long.", ("503", "530")),
        ("Fell Mill employs 40 people.", "Fell Mill employs sixty people.", ("40", "sixty")),
        (
            "The Harbour Bridge was opened on 19 March 1932.",
            "The Harbour Bridge was opened on March 20, 1932.",
            ("19 March 1932", "March 20, 1932"),
        ),
        (
            "Fell Mill was founded by Jack Lang.",
            "Fell Mill was founded by Mary Orme.",
            ("Jack Lang", "Mary Orme"),
        ),
        (
            "Exports of Norway increased sharply.",
            "Exports of Norway decreased sharply.",
            ("increased", "decreased"),
        ),
        (
            "The Harbour Bridge was widened by the council.",
            "The Harbour Bridge was not widened by the council.",
            (
                "The Harbour Bridge was widened by the council.",
                "The Harbour Bridge was not widened by the council.",
            ),
        ),
    ],
)
def test_two_sources_that_differ_in_one_value_conflict(one: str, other: str, values: tuple[str, str]) -> None:
    (conflict,) = find(cited(one, other))
    assert (conflict.citations, conflict.values) == ((1, 2), values)
    assert conflict.about


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("The Harbour Bridge was opened in 1932.", "The Harbour Bridge was opened in 1932 by Jack Lang."),
        ("The Harbour Bridge was opened in 1932.", "The Harbour Bridge was widened in 1959."),
        ("The Harbour Bridge was opened in March 1932.", "The Harbour Bridge was opened on 19 March 1932."),
        ("The Harbour Bridge was opened on 1932-03-19.", "The Harbour Bridge was opened on 19 March 1932."),
        ("The Harbour Bridge was opened in 1932.", "The River Bridge was opened in 1950."),
        ("Fell Mill had sales of 5 million in 2019.", "Fell Mill had sales of 6 million in 2020."),
        ("Fell Mill has about 1.51 million spindles.", "Fell Mill has 1,512,000 spindles."),
        ("Fell Mill employs more than 40 people.", "Fell Mill employs 45 people."),
        ("Fell Mill is 5 km from Leeds.", "Fell Mill is 3 miles from Leeds."),
        ("It was opened in 1932.", "It was opened in 1950."),
        ("Revenue was 5 million euros.", "Revenue was 6 million euros."),
        ("Fell Mill employs Jack Lang.", "Fell Mill employs Mary Orme."),
        ("Jack Lang worked for Fell Mill.", "Mary Orme worked for Fell Mill."),
        ("The Harbour Bridge was not widened until 1959.", "The Harbour Bridge was widened in 1959."),
        ("Fell Mill has 40 looms and 3 boilers.", "Fell Mill has 3 looms and 40 boilers in two sheds."),
    ],
)
def test_what_agrees_or_speaks_of_something_else_is_no_conflict(one: str, other: str) -> None:
    assert find(cited(one, other)) == ()


def test_reports_of_different_years_do_not_contradict_each_other() -> None:
    said = ("Fell Mill employs 40 people.", "Fell Mill employs 60 people.")
    assert find(cited(*said, names=("report-2019.txt", "report-2020.txt"))) == ()
    assert find(cited(*said, names=("report-2019.txt", "brochure.txt"))) != ()


def test_one_version_of_a_document_does_not_contradict_itself_but_two_may() -> None:
    quotes = ("Fell Mill employs 40 people.", "Fell Mill employs 60 people.")

    def of_versions(*versions: int) -> list[Citation]:
        return [
            Citation(n, DocumentRef("doc", "mill.txt", version), None, 0, len(quote), quote, 0.9)
            for n, (quote, version) in enumerate(zip(quotes, versions, strict=True), start=1)
        ]

    assert find(of_versions(1, 1)) == ()
    assert len(find(of_versions(1, 2))) == 1


def test_a_third_source_joins_the_conflict_it_takes_part_in() -> None:
    sources = cited(
        "The Harbour Bridge was opened in 1932.",
        "The Harbour Bridge was opened in 1931.",
        "The Harbour Bridge was opened in 1932.",
    )
    (conflict,) = find(sources)
    assert conflict.citations == (1, 2, 3)
    assert conflict.values == ("1932", "1931", "1932")


def test_a_conflict_that_has_nothing_to_do_with_the_question_is_left_out() -> None:
    sources = cited("The Harbour Bridge was opened in 1932.", "The Harbour Bridge was opened in 1931.")
    assert find(sources, "When was the bridge opened?")
    assert find(sources, "Who was the first mayor?") == ()
