from __future__ import annotations

import pytest

from rag.generation.verification import addresses, verify
from rag.records import DocumentRef, Evidence, Verdict


def evidence(*texts: str, context: str = "Harbour history") -> list[Evidence]:
    document = DocumentRef("doc_1", "harbour.txt", 1)
    return [
        Evidence(number, document, 1, None, 0, len(text), text, context, 0.9)
        for number, text in enumerate(texts, start=1)
    ]


BRIDGE = "The harbour bridge was opened by Jack Lang in 1932 and was not widened until 1959."
FERRY = "Ferries cross the harbour every 20 minutes."


def test_the_evidence_itself_is_verbatim() -> None:
    check = verify(FERRY, [1], evidence(FERRY), "How often do ferries cross?")
    assert (check.verdict, check.support, check.citations) == (Verdict.VERBATIM, 1.0, (1,))


@pytest.mark.parametrize(
    "claim",
    [
        "Ferries cross every 20 minutes.",
        "Every 20 minutes.",
        "Every twenty minutes, ferries cross the harbour.",
    ],
)
def test_what_the_evidence_says_is_supported(claim: str) -> None:
    check = verify(claim, [1], evidence(FERRY), "How often do ferries cross the harbour?")
    assert check.verdict is not Verdict.UNSUPPORTED
    assert check.citations == (1,)


@pytest.mark.parametrize(
    "claim",
    [
        "Ferries cross the harbour every 30 minutes.",
        "Ferries never cross the harbour every 20 minutes.",
        "Manly ferries cross the harbour every 20 minutes.",
        "Trains cross the harbour every 20 minutes.",
        "Ferries cross the harbour every 20 minutes, and buses run all night.",
    ],
)
def test_one_changed_fact_is_not_supported(claim: str) -> None:
    check = verify(claim, [1], evidence(FERRY), "How often do ferries cross the harbour?")
    assert (check.verdict, check.citations) == (Verdict.UNSUPPORTED, ())


def test_words_of_the_question_need_not_stand_in_the_evidence_but_the_answer_must() -> None:
    question = "In which year did the famous harbour bridge open?"
    held = evidence("The harbour bridge opened in 1932.")
    assert verify("The famous harbour bridge opened in 1932.", [1], held, question).citations == (1,)
    assert verify("The wonderful harbour bridge opened in 1932.", [1], held, question).citations == ()


def test_a_wrong_footnote_is_replaced_by_the_one_that_holds() -> None:
    check = verify("Ferries cross every 20 minutes.", [1], evidence(BRIDGE, FERRY), "How often?")
    assert check.citations == (2,)


def test_names_may_come_from_the_headings() -> None:
    held = evidence("It was completed in 1876.", context="Skerry Lighthouse")
    assert verify("Skerry lighthouse was completed in 1876.", [1], held, "When?").citations == (1,)


def test_a_number_in_the_question_must_still_be_in_the_evidence() -> None:
    held = evidence("The bridge was opened in 1932.")
    assert (
        verify("The bridge was opened in 1999.", [1], held, "Was the bridge opened in 1999?").citations == ()
    )


def test_without_evidence_nothing_is_supported() -> None:
    assert verify("Anything.", [1], [], "What?").verdict is Verdict.UNSUPPORTED


STAFF = "The museum has two paid members of staff, the curator and the boatman, and 46 volunteers."


@pytest.mark.parametrize(
    ("claim", "speaks_of_it"),
    [
        ("46", True),
        ("46 volunteers.", True),
        ("The museum has 46 volunteers.", True),
        ("The museum has two paid members, the curator and the boatman.", False),
    ],
)
def test_a_true_sentence_about_something_else_is_no_answer(claim: str, speaks_of_it: bool) -> None:
    question = "How many volunteers does the museum have?"
    assert verify(claim, [1], evidence(STAFF), question).citations == (1,)
    assert addresses(claim, evidence(STAFF)[0], question) is speaks_of_it


def test_the_question_again_is_no_answer_unless_it_asks_yes_or_no() -> None:
    held = evidence("Ducks are farmed for feathers and down.")
    assert not addresses("Ducks are farmed for:", held[0], "What are ducks farmed for?")
    assert addresses("Ducks are farmed for feathers.", held[0], "What are ducks farmed for?")
    assert addresses("Ducks are farmed for feathers.", held[0], "Are ducks farmed for feathers?")
