from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.generation.verification import addresses, verify
from rag.generation.verification.features import NAMES
from rag.generation.verification.score import models
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


WAR = "In 1863 General Lee attacked Meade near Gettysburg, and Meade was supported by Hancock."


@pytest.mark.parametrize(
    ("text", "claim"),
    [
        ("Alabama defeated Auburn by 20 points.", "Auburn defeated Alabama by 20 points."),
        (
            "Aristotle encouraged Alexander to conquer Persia.",
            "Alexander encouraged Aristotle to conquer Persia.",
        ),
        ("Lang sold 40 sheep and bought 12 cows.", "Lang sold 12 sheep and bought 40 cows."),
        ("The road is 5 km long.", "The road is 5 miles long."),
        ("The road is 5 km long.", "The road is at least 5 km long."),
        ("The act was passed on 3 May 1996.", "The act was passed on 3 June 1996."),
        ("The act was passed on 3 May 1996.", "The act was passed in May 1997."),
        ("Exports increased in 1996.", "Exports decreased in 1996."),
        ("The law was possible.", "The law was impossible."),
        ("Some swans are white.", "All swans are white."),
        (
            "They voted 3 to 1 against speed humps and in favour of a flashing sign.",
            "They voted 3 to 1 against the sign.",
        ),
        ("They voted against the sign.", "They voted for the sign."),
        (
            "The warranty is two years. Alpstep gives five years on the soles.",
            "The warranty on soles is two years.",
        ),
        ("The soup is served with bread.", "The soup is served without bread."),
        (
            "Bookings open on the first Sunday at 18:00 and close the Friday after.",
            "Bookings close on the first Sunday at 18:00 and close the Friday after.",
        ),
        ("He failed to become king.", "He became king."),
        ("They live north of the river.", "They live south of the river."),
        ("The sign said \u201ckeep out\u201d to all.", "The sign said \u201ccome in\u201d to all."),
        ("Die Brücke wurde 1932 eröffnet.", "Die Brücke wurde 1932 nicht eröffnet."),
        ("Le pont a été ouvert en 1932.", "Le pont a été ouvert en 1933."),
        ("Item: bread | Price: 3", "Item: bread | Price: 4"),
    ],
)
def test_what_was_turned_round_is_not_supported(text: str, claim: str) -> None:
    assert verify(claim, [1], evidence(text, context=""), "").verdict is Verdict.UNSUPPORTED


@pytest.mark.parametrize(
    ("text", "claim"),
    [
        ("The bridge was opened by Jack Lang in 1932.", "Jack Lang opened the bridge in 1932."),
        (
            "They voted 3 to 1 against speed humps and in favour of a sign.",
            "They voted in favour of the sign and against the speed humps.",
        ),
        ("In 1932, Jack Lang opened the bridge.", "Jack Lang opened the bridge in 1932."),
        ("The act was passed on 3 May 1996.", "The act was passed on May 3, 1996."),
        ("The act was passed on 3 May 1996.", "The act was passed on 1996-05-03."),
        ("The act was passed on 3 May 1996.", "The act was passed in May 1996."),
        (
            "It has 1.5 million members, 50% of them women.",
            "It has 1,500,000 members, 50 percent of them women.",
        ),
        ("The bridge was not widened until 1959.", "The bridge was widened in 1959."),
        ("The United Nations was founded in 1945.", "The UN was founded in 1945."),
        ("The war of 1914\u201318 killed nine million.", "The war of 1914 to 1918 killed 9 million."),
        ("Lang's bridge, which cost 6 million, was opened in 1932.", "Lang's bridge was opened in 1932."),
        ("Die Brücke wurde 1932 von Jack Lang eröffnet.", "Die Brücke wurde von Jack Lang eröffnet."),
        ("Item: bread | Price: 3", "Price: 3"),
    ],
)
def test_what_is_said_otherwise_is_supported(text: str, claim: str) -> None:
    check = verify(claim, [1], evidence(text, context=""), "")
    assert check.verdict is not Verdict.UNSUPPORTED, check


def test_the_broken_condition_is_named() -> None:
    held = evidence("The road is 5 km long.", context="")
    assert verify("The road is 6 km long.", [1], held, "").broken == "number"
    assert verify("The road is 5 miles long.", [1], held, "").broken == "unit"
    assert verify("The road is 5 km long.", [1], held, "").broken == ""


def test_a_subject_may_not_be_borrowed_from_another_sentence() -> None:
    held = evidence("Gentius ruled the coast. Teuta fought the Romans in 229 BC.", context="")
    assert verify("Teuta fought the Romans in 229 BC.", [1], held, "").citations == (1,)
    assert verify("Gentius fought the Romans in 229 BC.", [1], held, "").citations == ()


def test_likeness_tells_a_synonym_from_another_word() -> None:
    held = evidence("The council erected the tower beside the old harbour.", context="")
    claim = "The council constructed the tower beside the old harbour."
    assert verify(claim, [1], held, "", lambda some, _: [0.9] * len(some)).citations == (1,)
    assert verify(claim, [1], held, "", lambda some, _: [0.05] * len(some)).citations == ()


def test_likeness_is_asked_only_about_unknown_words() -> None:
    def never(_some, _others):
        raise AssertionError("asked")

    assert verify("Ferries cross every 20 minutes.", [1], evidence(FERRY), "", never).citations == (1,)


@pytest.mark.parametrize("claim", ["", " ", "...", "—"])
def test_an_empty_claim_is_not_supported(claim: str) -> None:
    assert verify(claim, [1], evidence(FERRY), "What?").verdict is Verdict.UNSUPPORTED


texts = st.text(min_size=1, max_size=200).filter(lambda text: any(letter.isalnum() for letter in text))


@given(texts)
def test_a_copy_is_always_verbatim(text: str) -> None:
    check = verify(text, [1], evidence(text), "")
    assert (check.verdict, check.support) == (Verdict.VERBATIM, 1.0)


@given(st.sampled_from([BRIDGE, FERRY, WAR]), st.integers(min_value=2000, max_value=10**9))
def test_a_number_that_is_not_there_is_never_supported(text: str, number: int) -> None:
    assert verify(f"{text[:-1]} for {number}.", [1], evidence(text), "").support == 0.0


@given(st.text(max_size=200), st.text(max_size=200), st.text(max_size=50))
def test_any_texts_can_be_compared(claim: str, text: str, context: str) -> None:
    assert 0.0 <= verify(claim, [1], evidence(text, context=context), claim).support <= 1.0


def test_hostile_claims_cost_no_more_than_their_length() -> None:
    for hostile in ("Lang " * 800, "not " * 900, "5 km " * 700, '"a" ' * 900, "May 3 " * 600, "x" * 3_900):
        verify(hostile, [1], evidence(hostile[:-2]), hostile)
    assert verify(FERRY * 200, [1], evidence(FERRY), "").verdict is Verdict.UNSUPPORTED


def test_every_departure_can_only_lower_the_score() -> None:
    for model in (models().plain, models().with_likeness):
        for name, weight in zip(NAMES, model.weights, strict=False):
            assert weight >= 0 if name == "order" else weight <= 0


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


def test_some_items_of_a_list_are_no_answer() -> None:
    (listed,) = evidence("Before a test the warden must:\n1. close the gate\n2. ring the bell\n- 5")
    question = "What must the warden do before a test?"
    assert not addresses("The warden must close the gate before a test.", listed, question)
    assert addresses(
        "Before a test the warden must close the gate and ring the bell 5 times.", listed, question
    )


def test_the_question_again_is_no_answer_unless_it_asks_yes_or_no() -> None:
    held = evidence("Ducks are farmed for feathers and down.")
    assert not addresses("Ducks are farmed for:", held[0], "What are ducks farmed for?")
    assert addresses("Ducks are farmed for feathers.", held[0], "What are ducks farmed for?")
    assert addresses("Ducks are farmed for feathers.", held[0], "Are ducks farmed for feathers?")


@pytest.mark.parametrize("claim", ["No.", "no", "It is.", "Not so.", "...", ""])
def test_what_says_nothing_by_itself_is_not_supported(claim: str) -> None:
    held = evidence("Nobody brews alone after 22:00, and it is cold.")
    assert verify(claim, [1], held, "Is brewing allowed after 22:00?").verdict is Verdict.UNSUPPORTED


@pytest.mark.parametrize(
    ("text", "question", "claim"),
    [
        (
            "The museum is closed from 1 November to 31 March.",
            "When is the museum open?",
            "The museum is open from 1 November to 31 March.",
        ),
        ("The pool closes at 9 pm.", "When does the pool open?", "The pool opens at 9 pm."),
        ("Malo is the smallest island.", "What is the largest island?", "Malo is the largest island."),
        ("Fishing in the bay is illegal.", "Is fishing legal?", "Fishing in the bay is legal."),
        ("The last ferry leaves at 22:10.", "When does it arrive?", "The last ferry arrives at 22:10."),
        ("The boatman is Ann Moor.", "Who is the curator?", "The curator is Ann Moor."),
        (
            "The bridge was painted in 1911.",
            "When was the bridge destroyed?",
            "The bridge was destroyed in 1911.",
        ),
        ("Lisle painted the tower.", "Who designed the tower?", "Lisle designed the tower."),
        ("The blue ferry costs 5 euros.", "What does the red ferry cost?", "The red ferry costs 5 euros."),
    ],
)
def test_what_the_evidence_says_of_another_is_not_supported_because_the_question_says_it(
    text: str, question: str, claim: str
) -> None:
    assert verify(claim, [1], evidence(text, context=""), question).verdict is Verdict.UNSUPPORTED


@pytest.mark.parametrize(
    ("text", "question", "claim"),
    [
        (
            "The tower was opened in 1901 and closed in 1950.",
            "When was the tower closed?",
            "The tower was opened in 1901.",
        ),
        (
            "The battery lasts shorter in winter and longer in summer.",
            "When does the battery last longer?",
            "The battery lasts longer in summer.",
        ),
        (
            "The bridge was opened in 1932.",
            "When was the famous bridge opened?",
            "The famous bridge was opened in 1932.",
        ),
        (
            "It was built by Lisle in 1876.",
            "Who constructed the tower?",
            "Lisle constructed the tower.",
        ),
        (
            "Founded in 1911, the company makes boats.",
            "When was the firm founded?",
            "The firm was founded in 1911.",
        ),
    ],
)
def test_what_the_question_adds_is_supported(text: str, question: str, claim: str) -> None:
    check = verify(claim, [1], evidence(text, context=""), question)
    assert check.verdict is not Verdict.UNSUPPORTED, check


@pytest.mark.parametrize(
    ("claim", "cosine", "verdict"),
    [
        ("Sublinking is not allowed.", 0.6, Verdict.UNSUPPORTED),
        ("Lodging others is not allowed.", 0.9, Verdict.SUPPORTED),
        ("Subleting is not allowed.", 0.9, Verdict.SUPPORTED),
    ],
)
def test_a_word_that_only_looks_like_that_of_the_evidence_has_not_its_meaning(
    claim: str, cosine: float, verdict: Verdict
) -> None:
    check = verify(
        claim,
        [1],
        evidence("Subletting is not allowed.", context=""),
        "May I let the flat?",
        lambda unknown, _: [cosine] * len(unknown),
    )
    assert check.verdict is verdict
