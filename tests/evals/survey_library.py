"""A library of which it is known what is in it, made by a script, and what to ask of it."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from rag.records import QuestionKind

_SEED = 20261122

_WEATHER = (
    "It rained until noon and the yard stood under water.",
    "A dry day with a cold wind from the north.",
    "Fog in the morning, later clear.",
    "The frost held all day, so the east wing was covered with mats.",
)
_WORK = (
    "The carpenters set the window frames on the second floor.",
    "Two walls of the boiler house were plastered.",
    "The electricians pulled cables through the attic.",
    "The stairs to the cellar were finished and swept.",
    "The surveyor checked the levels of the terrace.",
)
_EVENTS: Mapping[str, Sequence[str]] = {
    "cement": (
        "A lorry brought forty bags of cement before nine.",
        "We ran out of cement at three and sent the mixers home.",
        "The cement that came on Monday was damp and went back.",
    ),
    "crane": (
        "The crane stood still for two hours because its brake was stuck.",
        "The inspector looked at the crane and had no objections.",
    ),
    "asbestos": ("Under the old roof we found asbestos and closed the room.",),
    "visitors": ("Visitors from the ministry walked through the hall after lunch.",),
}
_NOTES_WITH = {"cement": 12, "crane": 7, "asbestos": 3, "visitors": 5}
_COUNTRIES = {"Chile": 14, "Norway": 9, "Ghana": 23, "Japan": 5, "Malta": 1, "Peru": 18}
_TRADES = ("paper", "timber", "glass", "copper", "tea")
_SUPPLIERS = {"Aldane Timber": 11, "Brandt Glass": 8, "Chile Copper": 6, "Molde Paper": 15}
_MEMBERS = ("Iris Halloran", "Thomas Aldane", "Ottilie Brandt", "Per Nygaard", "Ruth Okafor", "Jan Weiss")
_GUESTS = ("Marta Lind", "Samuel Boateng", "Keiko Mori")


@dataclass(frozen=True, slots=True)
class Asked:
    """A question with what is true: ``truth`` are texts that must be among the cited ones (of documents'
    names, for lists of documents), ``count`` the number, ``things`` what is compared and what of each
    must be shown ("" where the library has nothing)."""

    question: str
    kind: QuestionKind
    truth: frozenset[str] = frozenset()
    count: int | None = None
    things: Mapping[str, str] = field(default_factory=dict)
    answerable: bool = True


@dataclass(frozen=True, slots=True)
class Made:
    """``files`` by name, and the questions."""

    files: Mapping[str, str]
    questions: Sequence[Asked]


def make() -> Made:
    chance = random.Random(_SEED)
    notes, holders = _notes(chance)
    customers = _customers(chance)
    invoices = _invoices(chance)
    files = notes | {
        "customers.csv": _csv(("Name", "Country", "Trade"), customers),
        "ledger.csv": _csv(("Invoice", "Supplier", "Amount", "Status"), invoices),
        "council.md": _council(),
        "lighthouses.md": _LIGHTHOUSES,
        "pumps.md": _PUMPS,
    }
    return Made(files, [*_about_notes(holders), *_about_tables(customers, invoices), *_about_texts()])


def _notes(chance: random.Random) -> tuple[dict[str, str], dict[str, set[str]]]:
    names = [f"site-note-{number:02}.txt" for number in range(1, 41)]
    holders = {event: set(chance.sample(names, count)) for event, count in _NOTES_WITH.items()}
    files = {}
    for day, name in enumerate(names, start=1):
        said = [chance.choice(_WEATHER), *chance.sample(_WORK, 2)]
        said += [chance.choice(_EVENTS[event]) for event, held in holders.items() if name in held]
        chance.shuffle(said)
        files[name] = f"Site note of day {day}\n\n" + " ".join(said) + "\n"
    return files, holders


def _customers(chance: random.Random) -> Sequence[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = [
        (f"Customer {chance.randrange(10_000):04}-{number}", country, chance.choice(_TRADES))
        for country, count in _COUNTRIES.items()
        for number in range(count)
    ]
    chance.shuffle(rows)
    return rows


def _invoices(chance: random.Random) -> Sequence[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for supplier, count in _SUPPLIERS.items():
        for _ in range(count):
            status = chance.choice(("paid", "paid", "overdue", "disputed"))
            rows.append(
                (f"INV-{chance.randrange(100_000):05}", supplier, f"{chance.randrange(90, 9000)}.00", status)
            )
    chance.shuffle(rows)
    return rows


def _csv(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return "\n".join([",".join(header), *(",".join(row) for row in rows)]) + "\n"


def _council() -> str:
    members = "\n".join(f"- {name}" for name in _MEMBERS)
    guests = "\n".join(f"- {name}" for name in _GUESTS)
    return (
        "# Harbour council\n\nThe council meets on the first Monday of the month in the old custom house.\n\n"
        f"## Members of the council\n\n{members}\n\n## Guests of the spring meeting\n\n{guests}\n\n"
        "## Decisions\n\nThe council decided to dredge the northern basin. It also raised the mooring fees.\n"
    )


_LIGHTHOUSES = """# Lighthouses of the coast

## Skerry

The Skerry lighthouse was completed in 1876 by the engineer Thomas Aldane. The tower of Skerry is 41 metres
high and built of granite. Its lamp burned oil until 1931.

## Molde

The Molde lighthouse was completed in 1902. The tower of Molde is 27 metres high and made of cast iron. It was
the first on the coast with an electric lamp.

## Vardo

The Vardo lighthouse was completed in 1888 and rebuilt after a storm in 1911. The tower of Vardo is 33 metres
high. Its keepers lived in a house below the cliff.
"""

_PUMPS = """# Pumps of the waterworks

The pump A12 moves 300 litres a minute and needs 4 kilowatts. It was bought in 2015 and
is serviced every year.

The pump B7 moves 520 litres a minute and needs 9 kilowatts. It was bought in 2021 and
has never been serviced.
"""


def _about_notes(holders: Mapping[str, set[str]]) -> list[Asked]:
    asked = []
    for event, held in holders.items():
        truth = frozenset(held)
        asked += [
            Asked(f"How many of the notes mention {event}?", QuestionKind.COUNT, count=len(held)),
            Asked(f"How many documents mention the word {event}?", QuestionKind.COUNT, count=len(held)),
            Asked(f"Which of the notes mention {event}?", QuestionKind.LIST, truth),
            Asked(f"List all notes that mention {event}.", QuestionKind.LIST, truth),
        ]
    both = len(holders["cement"] & holders["crane"])
    if both:
        asked.append(
            Asked(
                "Which notes mention both cement and the crane?",
                QuestionKind.LIST,
                answerable=True,
                truth=frozenset(holders["cement"] & holders["crane"]),
            )
        )
    asked += [
        Asked("How many of the notes mention helicopters?", QuestionKind.COUNT, answerable=False),
        Asked("Which of the notes mention submarines?", QuestionKind.LIST, answerable=False),
        Asked(
            "How many of the notes do not mention cement?",
            QuestionKind.COUNT,
            count=40 - len(holders["cement"]),
        ),
    ]
    return asked


def _about_tables(customers: Sequence[Sequence[str]], invoices: Sequence[Sequence[str]]) -> list[Asked]:
    asked = []
    for country, count in _COUNTRIES.items():
        names = frozenset(row[0] for row in customers if row[1] == country)
        asked += [
            Asked(f"How many of the customers are from {country}?", QuestionKind.COUNT, count=count),
            Asked(f"Which customers are from {country}?", QuestionKind.LIST, names),
        ]
    for supplier, count in _SUPPLIERS.items():
        names = frozenset(row[0] for row in invoices if row[1] == supplier)
        asked += [
            Asked(f"How many of the invoices are from {supplier}?", QuestionKind.COUNT, count=count),
            Asked(f"List all invoices from {supplier}.", QuestionKind.LIST, names),
        ]
    overdue = frozenset(row[0] for row in invoices if row[3] == "overdue")
    timber = frozenset(row[0] for row in customers if row[1] == "Ghana" and row[2] == "timber")
    large = sum(float(row[2]) > 5000 for row in invoices)
    return [
        *asked,
        Asked("List all overdue invoices.", QuestionKind.LIST, overdue),
        Asked("How many of the invoices are overdue?", QuestionKind.COUNT, count=len(overdue)),
        Asked("Which customers from Ghana trade in timber?", QuestionKind.LIST, timber),
        Asked("How many of the invoices are over 5000?", QuestionKind.COUNT, count=large),
        Asked("How many of the customers are from Iceland?", QuestionKind.COUNT, answerable=False),
        Asked("Which customers are from Iceland?", QuestionKind.LIST, answerable=False),
    ]


def _about_texts() -> list[Asked]:
    lights = {"Skerry": "41 metres", "Molde": "27 metres", "Vardo": "33 metres"}
    compare = QuestionKind.COMPARISON
    return [
        Asked("List the members of the council.", QuestionKind.LIST, frozenset(_MEMBERS)),
        Asked("List all guests of the spring meeting.", QuestionKind.LIST, frozenset(_GUESTS)),
        *(
            Asked(
                f"Compare the height of the {one} lighthouse and the {other} lighthouse.",
                compare,
                things={one: lights[one], other: lights[other]},
            )
            for one, other in (("Skerry", "Molde"), ("Molde", "Vardo"), ("Vardo", "Skerry"))
        ),
        Asked(
            "Which is older, the Skerry lighthouse or the Molde lighthouse?",
            compare,
            things={"Skerry": "1876", "Molde": "1902"},
        ),
        Asked(
            "What is the difference between the pump A12 and the pump B7?",
            compare,
            things={"A12": "300 litres", "B7": "520 litres"},
        ),
        Asked(
            "How does the pump A12 differ from the pump B7?",
            compare,
            things={"A12": "300 litres", "B7": "520 litres"},
        ),
        Asked(
            "Compare the height of the Skerry lighthouse and the Eddystone lighthouse.",
            compare,
            things={"Skerry": "41 metres", "Eddystone": ""},
        ),
        Asked("Compare the pump B7 and the pump C9.", compare, things={"B7": "520 litres", "C9": ""}),
        Asked("Compare the Zeppelin LZ 127 and the Concorde.", compare, answerable=False),
    ]
