from __future__ import annotations

from rag.records import DocumentRef, Passage, Span
from rag.retrieval.units import Heading, Unit, cell_of, matching_rows, units_of


def passage(text: str, start: int = 0, omitted: tuple[Span, ...] = ()) -> Passage:
    document = DocumentRef("doc", "a.txt", 1)
    return Passage(1, document, 1, None, start, start + len(text), text, "a.txt", 0.0, omitted=omitted)


def texts(units: list[Unit]) -> list[str]:
    return [unit.text for unit in units]


def test_items_lose_their_bullet_and_keep_their_place() -> None:
    body = "The members are:\n- Iris Halloran\n- Per Nygaard\n\nThey meet on Mondays."
    units = units_of(passage(body, start=100))
    assert texts(units)[1:3] == ["Iris Halloran", "Per Nygaard"]
    start, end = units[1].place
    assert body[start - 100 : end - 100] == "Iris Halloran"
    assert units[1].holds(frozenset({"member"}))
    assert not units[3].holds(frozenset({"member"}))


def test_headings_lead_to_what_stands_below_them_and_are_no_units() -> None:
    body = "Council\n\nMembers\n\n- Iris\n- Per\n\nGuests\n\n- Marta\n"
    at = [body.index(word) for word in ("Council", "Members", "Guests")]
    headings = [Heading(at[0], 1, "Council"), Heading(at[1], 2, "Members"), Heading(at[2], 2, "Guests")]
    units = units_of(passage(body), headings)
    assert texts(units) == ["Iris", "Per", "Marta"]
    assert [unit.headings[-1] for unit in units] == ["Members", "Members", "Guests"]
    assert units[2].headings == ("Council", "Guests")


def test_rows_are_lines_and_the_header_is_none() -> None:
    body = "Name | Country\nName: Dr. A. Berg | Country: Chile\nName: B | Country: Peru"
    units = units_of(passage(body))
    assert texts(units) == ["Name: Dr. A. Berg | Country: Chile", "Name: B | Country: Peru"]
    place = cell_of(units[0], "names")
    assert place is not None
    assert units[0].text[slice(*place)] == "Dr. A. Berg"
    assert cell_of(units[0], "invoices") is None


def test_only_the_column_that_says_it_counts() -> None:
    rows = [
        "Name: A | Company: Chile Ltd | Country: Peru",
        "Name: B | Company: Berg | Country: Chile",
        "Name: C | Company: Chile | Country: Chile",
    ]
    units = units_of(passage("\n".join(rows)))
    found, by_column = matching_rows(units, frozenset({"chile"}))
    assert by_column
    assert [unit.text[6] for unit in found] == ["B", "C"]


def test_furniture_is_no_unit() -> None:
    body = "It rained.\nAnnual report\nIt stopped."
    start = body.index("Annual")
    units = units_of(passage(body, omitted=(Span(start, start + len("Annual report")),)))
    assert all("Annual" not in text for text in texts(units))
