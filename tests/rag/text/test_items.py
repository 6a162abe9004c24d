from __future__ import annotations

import pytest

from rag.text.items import in_lines, items


def test_items_are_what_stands_behind_marks_at_the_beginning_of_lines() -> None:
    assert items("It has:\n- a lamp - lit\n\n 2. a horn of\n1911") == ["a lamp - lit", "a horn of\n1911"]
    assert items("Both:\n(iv) a lamp\nb) a horn\ni.e. (x) both") == ["a lamp", "a horn\ni.e. (x) both"]
    assert items("It has 2. lamps - and - horns\nof 1911") == []


def test_only_items_have_a_line_of_their_own() -> None:
    assert in_lines("Kept\nare:\n\n• a lamp\n (3) a\n  horn") == "Kept are:\n• a lamp\n(3) a horn"
    assert in_lines(" a lamp\n and horn ") == "a lamp and horn"
    assert in_lines("Siskins\nnest.") == "Siskins nest."


@pytest.mark.parametrize(
    "listing",
    [
        "pip install tidewatch\ntidewatch init",
        "git clone https://tide.example/watch.git\ncd watch\ncp -r stations .",
        "def above(level):\n    if level > 2:\n        return level",
        "port = 8080\nhost = 0.0.0.0\n# of all that are known",
        "Harbour House\n12 Quay Street\nLerwick",
    ],
)
def test_lines_that_are_no_prose_stay_as_they_are(listing: str) -> None:
    assert in_lines(listing) == listing
    indented = "\n".join(f"    {line}  " for line in listing.split("\n"))
    assert in_lines(f"{indented}\n\n") == listing


def test_a_listing_stands_below_what_leads_to_it() -> None:
    lead = "To remove a station,\nrun these:"
    assert in_lines(f"{lead}\n\n  tidewatch stop\n  tidewatch remove") == (
        "To remove a station, run these:\ntidewatch stop\ntidewatch remove"
    )
    assert in_lines(f"{lead}\n\ntidewatch remove") == "To remove a station, run these: tidewatch remove"
    assert (
        in_lines(f"{lead}\n\nthe first\nand the last")
        == "To remove a station, run these: the first and the last"
    )
