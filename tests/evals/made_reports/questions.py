"""Questions on the made reports, in words that are mostly not those of the reports."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tests.evals.made_reports.figures import COMPANIES, SEED, YEARS, Company
from tests.evals.made_reports.report import Pages

# Key of the fact, and what is asked. ``{s}`` is a segment, ``{y}`` the year, ``{c}`` the company.
_ASKED: tuple[tuple[str, str], ...] = (
    (
        "capex",
        "What is the FY{y} capital expenditure amount (in USD millions) for {c}? Rely on "
        "the details shown in the cash flow statement.",
    ),
    ("capex", "How much money did {c} spend on capex in fiscal {y}?"),
    (
        "depreciation",
        "What was the depreciation and amortization of {c} in FY{y} according to the "
        "statement of cash flows?",
    ),
    ("dividends", "How much did {c} pay out to shareholders as dividends in {y}?"),
    ("buybacks", "How much cash went into treasury stock purchases at {c} during {y}?"),
    (
        "ppe",
        "What is the year end FY{y} net PP&E for {c}? Address the question by looking at the balance sheet.",
    ),
    ("inventories", "Based on the balance sheet, what inventories did {c} hold at the end of {y}?"),
    ("payables", "What were {c}'s accounts payable at year end FY{y}?"),
    ("receivables", "How large were the receivables on {c}'s {y} statement of financial position?"),
    ("sales", "What was the total revenue of {c} for fiscal year {y} according to the income statement?"),
    ("cost", "What is {c}'s FY{y} cost of goods sold in the P&L?"),
    ("research", "How much did {c} invest in R&D in {y}, per its income statement?"),
    ("operating", "What is the FY{y} operating income of {c}?"),
    (
        "net income",
        "According to the annual report of {c} for fiscal {y}, what was the net profit of the year?",
    ),
    ("sales growth", "By what percentage did {c}'s sales change in {y} compared with the year before?"),
    ("segment {s}", "What operating profit did the {s} segment of {c} earn in FY{y}?"),
    ("goodwill", "How much goodwill is allocated to {s} at {c} at the end of {y}?"),
    ("impairment", "Did {c} write down goodwill in {y}, and by how much?"),
    ("regions", "What were the sales of {c} in Asia Pacific in fiscal {y}?"),
    ("tax rate", "What was {c}'s effective tax rate in FY{y}?"),
    ("unrecognised", "What are the gross unrecognized tax benefits of {c} as of December 31, {y}?"),
    ("maturities", "How much of {c}'s long-term debt comes due in the two years after {y}?"),
    ("discount rate", "Which discount rate did {c} assume for its pension plans in {y}?"),
    ("leases", "What did operating leases cost {c} in {y}?"),
    ("restructuring", "Which sites did {c} decide to close in {y} and what was the charge?"),
    ("advertising", "How much did {c} spend on advertising in FY{y}?"),
    ("employees", "How many people worked for {c} at the end of {y}?"),
    ("lawsuit", "What groundwater complaint was {c} facing in {y}?"),
    ("repurchases", "What average price did {c} pay for the shares it bought back in November {y}?"),
    ("auditor", "Which firm audited {c}'s {y} accounts, and since when?"),
    ("capex plan", "What capital spending did {c} expect for the year after {y}?"),
    ("stock pay", "What was the stock-based compensation expense of {c} in {y}? See the notes."),
)


@dataclass(frozen=True, slots=True)
class Question:
    """``pages`` of the report of ``company`` for ``year`` state the answer."""

    text: str
    company: Company
    year: int
    pages: frozenset[int]


def questions(made: Mapping[tuple[str, int], Pages], rounds: int = 3) -> Sequence[Question]:
    """Each question ``rounds`` times, of companies and years chosen by a seed.

    ``made`` gives the pages of the facts by company name and year.
    """
    rng = random.Random(f"{SEED} questions")
    found = []
    for _ in range(rounds):
        for key, pattern in _ASKED:
            company, year, segment = rng.choice(COMPANIES), rng.choice(YEARS), rng.randrange(3)
            words = {"c": company.asked_as, "y": year, "s": company.segments[segment]}
            pages = made[company.name, year][key.format(**words)]
            found.append(Question(pattern.format(**words), company, year, pages))
    return found
