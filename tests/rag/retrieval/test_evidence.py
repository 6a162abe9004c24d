from __future__ import annotations

import itertools

from rag.records import DocumentRef, Passage
from rag.retrieval.quotable import sentences
from rag.stores.access import LOCAL
from rag.stores.scopes import Scope
from tests.rag.library import Library

TEXT = (
    "History\nThe Skerry lighthouse was completed in 1876. Its tower is 41 metres high. "
    "Iris Halloran was its first keeper.\n\nBread is baked from flour, water and salt."
)


def test_the_answering_sentence_comes_first_with_its_place(library: Library) -> None:
    library.add("skerry.txt", TEXT)
    selector = library.selector()
    result = library.retriever.search("How high is the tower of the Skerry lighthouse?", Scope(LOCAL), 8)
    selection = selector.select(result, 2)
    first = selection.evidence[0]
    # "Its" says nothing alone: the sentence that names the lighthouse is quoted with it, the heading is not.
    assert first.text == "The Skerry lighthouse was completed in 1876. Its tower is 41 metres high."
    assert TEXT[first.start : first.end] == first.text
    assert [item.number for item in selection.evidence] == [1]  # the others have no number that is asked for
    assert selection.answerability > 0.5


def test_a_question_about_something_else_is_less_answerable(library: Library) -> None:
    library.add("skerry.txt", TEXT)
    selector = library.selector()

    def score(question: str) -> float:
        return selector.select(library.retriever.search(question, Scope(LOCAL), 8), 3).answerability

    assert score("Who was the first keeper of the lighthouse?") > score("Who won the election in Peru?")


def test_a_usual_word_that_a_single_page_does_not_hold_is_no_reason_to_refuse(library: Library) -> None:
    library.add("tide.txt", "Run tidewatch backup /mnt/nas/tide.tar every night.")
    selector = library.selector()

    def suffices(question: str) -> bool:
        return selector.select(library.retriever.search(question, Scope(LOCAL), 8), 3).sufficient

    assert suffices("How do I make a backup?")
    assert not suffices("How do I make bread?")


def test_copies_are_quoted_once(library: Library) -> None:
    library.add("one.txt", "The tower is 41 metres high.")
    library.add("two.txt", "The tower is 41 metres high!")
    result = library.retriever.search("How high is the tower?", Scope(LOCAL), 8)
    assert len(library.selector().select(result, 5).evidence) == 1


def test_no_passages_no_evidence(library: Library) -> None:
    result = library.retriever.search("anything", Scope(LOCAL), 8)
    selection = library.selector().select(result, 3)
    assert (list(selection.evidence), selection.answerability) == ([], 0.0)


def test_an_endless_sentence_is_cut_without_losing_offsets(library: Library) -> None:
    text = "ledger " * 300
    library.add("ledger.txt", text.strip())
    result = library.retriever.search("ledger", Scope(LOCAL), 8)
    for item in library.selector().select(result, 5).evidence:
        assert len(item.text) <= 600
        assert text[item.start : item.end] == item.text


def test_where_a_number_is_asked_for_a_sentence_with_one_leads(library: Library) -> None:
    text = (
        "Handbook for volunteers.\n\nThe museum has two members of staff and 46 volunteers. It is open daily."
    )
    library.add("museum.txt", text)
    result = library.retriever.search("How many volunteers does the museum have?", Scope(LOCAL), 8)
    assert "46 volunteers" in library.selector().select(result, 1).evidence[0].text


def test_the_sentence_that_names_it_is_not_quoted_twice(library: Library) -> None:
    library.add("skerry.txt", TEXT)
    result = library.retriever.search("Who kept the Skerry lighthouse, with its tower?", Scope(LOCAL), 8)
    evidence = library.selector().select(result, 4).evidence
    places = sorted((item.start, item.end) for item in evidence)
    assert len(evidence) >= 2
    assert all(one[1] <= other[0] for one, other in itertools.pairwise(places))


def test_what_follows_a_question_is_quoted_with_it_and_the_question_never_alone(library: Library) -> None:
    text = (
        "How do I reset my door code?\nHold the star key for five seconds. Then type the new code twice.\n\n"
        "How much does it cost to rent a locker?\nNine pounds a month.\n\n"
        "Who wound the clock?"
    )
    library.add("help.txt", text)
    selector = library.selector()

    def quoted(question: str) -> list[str]:
        result = library.retriever.search(question, Scope(LOCAL), 8)
        return [item.text for item in selector.select(result, 5).evidence]

    assert quoted("How do I reset my door code?")[0].endswith(
        "door code?\nHold the star key for five seconds."
    )
    assert quoted("What does renting a locker cost?")[0].endswith("rent a locker?\nNine pounds a month.")
    assert not any(one.endswith("?") for one in quoted("Who wound the clock?"))


def test_a_question_is_quoted_where_there_is_nothing_else(library: Library) -> None:
    library.add("asked.txt", "Who wound the clock?")
    result = library.retriever.search("Who wound the clock?", Scope(LOCAL), 8)
    evidence = library.selector().select(result, 3).evidence
    assert [item.text for item in evidence] == ["Who wound the clock?"]


def test_a_long_answer_is_quoted_without_its_question(library: Library) -> None:
    answer = f"Hold the star key, {'then the next key, ' * 20}then the last."
    library.add("help.txt", f"How do I reset my door code?\n{answer}")
    result = library.retriever.search("How do I reset my door code?", Scope(LOCAL), 8)
    assert library.selector().select(result, 1).evidence[0].text == answer


def test_a_bare_number_is_no_evidence_unless_a_question_says_of_what(library: Library) -> None:
    def quoted(text: str) -> list[str]:
        document = library.add("skerry.txt", text)
        result = library.retriever.search("How high is the tower in metres?", Scope(LOCAL), 8)
        found = [item.text for item in library.selector().select(result, 5).evidence]
        library.remove(document)
        return found

    assert quoted("The tower is of granite and high.\n\n41.\n\n1,876") == [
        "The tower is of granite and high."
    ]
    assert quoted("How high is the tower in metres?\n41.") == ["How high is the tower in metres?\n41."]
    assert quoted("41.") == ["41."]


def test_headings_are_no_evidence_and_items_and_rows_are() -> None:
    def quotable(text: str) -> list[str]:
        passage = Passage(1, DocumentRef("doc_1", "a.txt", 1), 1, None, 0, len(text), text, "", 1.0)
        return [one.text for one in sentences([passage])]

    assert quotable("2.1 The tower\n\nIt is high.") == ["It is high."]
    assert quotable("3. Rent. It is 1,250 pounds. It is due.\n4. No pets.\n5. Be on time.") == [
        "3. Rent. It is 1,250 pounds.",
        "It is due.",
        "4. No pets.",
        "5. Be on time.",
    ]
    assert quotable("1. The tower\n\nIt is high. See 2.") == ["It is high.", "See 2."]
    assert quotable("Item | Price\nItem: bread | Price: 3\nItem: salt | Price: 2") == [
        "Item: bread | Price: 3",
        "Item: salt | Price: 2",
    ]
    assert quotable("bread | 3\nsalt | 2") == ["bread | 3", "salt | 2"]
    assert quotable("It has:\n1. a lamp\n2. a horn") == ["It has:", "1. a lamp", "2. a horn"]
    assert quotable("It has:\n\n1. a lamp\n\n2. a horn\n\nAll work.") == [
        "It has:",
        "1. a lamp",
        "2. a horn",
        "All work.",
    ]
    assert quotable("It has:\n- a lamp\n- a horn") == ["It has:", "- a lamp", "- a horn"]
    assert quotable("The tower is open.\n\nhttps://tower.example/hours\n\nme@tower.example") == [
        "The tower is open."
    ]
    assert quotable("Write to https://tower.example") == ["Write to https://tower.example"]
    assert quotable("41 metres\n\nIt is high.") == ["41 metres", "It is high."]
    command = "Installation\n\npip install tidewatch\ntidewatch init\n\nTesting\n\nmake test"
    assert quotable(command) == ["pip install tidewatch\ntidewatch init", "make test"]
    assert quotable("opening hours\n\nFrom nine to five.\n\ntickets\n\nThey are free.") == [
        "From nine to five.",
        "They are free.",
    ]


def test_asked_what_happened_the_text_need_not_say_that_it_did(library: Library) -> None:
    library.add("club.txt", "The club was founded in 1987.\n\nIn 2004 the cellar flooded and the club moved.")
    for question in ("What happened in 2004?", "What took place in 2004?"):
        result = library.retriever.search(question, Scope(LOCAL), 8)
        selection = library.selector().select(result, 1)
        assert selection.sufficient
        assert selection.evidence[0].text == "In 2004 the cellar flooded and the club moved."
