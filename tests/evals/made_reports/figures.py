"""What the invented companies are and what they earned: one consistent set of figures a company.

A report shows the figures of its own year beside those of the years before, so the same number stands in
the reports of several years, as it does in real ones.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

SEED = 20261122
YEARS = (2021, 2022, 2023)
_FIRST_YEAR = 2017
REGIONS = ("United States", "Europe", "Asia Pacific", "Latin America")


@dataclass(frozen=True, slots=True)
class Company:
    """``file`` and ``title`` are patterns of the report's file name and of the title inside the PDF;
    ``metadata`` says whether whoever uploads it names company and year."""

    name: str
    asked_as: str
    segments: tuple[str, ...]
    products: tuple[str, ...]
    town: str
    auditor: str
    file: str
    title: str = ""
    metadata: bool = False

    def facts(self, year: int) -> dict[str, Any]:
        return {"company": self.asked_as, "fiscal_year": year} if self.metadata else {}


COMPANIES = (
    Company(
        "Halvorsen Industries, Inc.",
        "Halvorsen",
        ("Fluid Handling", "Precision Coatings", "Rail Systems"),
        ("pumps", "powder coatings", "brake assemblies", "valves", "couplings"),
        "Duluth, Minnesota",
        "Pell & Harrow LLP",
        "HALVORSEN_{year}_10K.pdf",
    ),
    Company(
        "Brightwater Foods Corporation",
        "Brightwater Foods",
        ("Bakery", "Frozen Meals", "Beverages"),
        ("breads", "frozen dinners", "fruit juices", "crackers", "soups"),
        "Des Moines, Iowa",
        "Orrin Tate LLP",
        "brightwaterfoods_{year}_annual.pdf",
        title="Form 10-K",
    ),
    Company(
        "Brightwater Energy Partners",
        "Brightwater Energy",
        ("Generation", "Transmission", "Gas Storage"),
        ("wind farms", "substations", "storage caverns", "pipelines", "meters"),
        "Tulsa, Oklahoma",
        "Pell & Harrow LLP",
        "annual-report-{year}.pdf",
    ),
    Company(
        "Castell & Moor Stores, Inc.",
        "Castell & Moor",
        ("Department Stores", "Outlet", "Online"),
        ("apparel", "footwear", "home goods", "cosmetics", "luggage"),
        "Richmond, Virginia",
        "Lindqvist Brand LLP",
        "report-{number:04d}.pdf",
        title="Annual Report on Form 10-K",
        metadata=True,
    ),
)

_LINES = {
    # Share of net sales in a usual year.
    "cost_of_sales": 0.61,
    "selling": 0.17,
    "research": 0.035,
    "interest": 0.012,
    "cash": 0.09,
    "receivables": 0.13,
    "inventories": 0.12,
    "prepaid": 0.02,
    "ppe_net": 0.31,
    "goodwill": 0.22,
    "intangibles": 0.08,
    "payables": 0.085,
    "accrued": 0.06,
    "short_debt": 0.03,
    "long_debt": 0.27,
    "pension": 0.05,
    "capex": 0.048,
    "depreciation": 0.039,
    "dividends": 0.026,
    "buybacks": 0.021,
    "acquisitions": 0.012,
    "stock_pay": 0.008,
    "restructuring": 0.006,
    "impairment": 0.004,
    "advertising": 0.013,
    "lease_cost": 0.011,
    "tax_benefits": 0.007,
}


@dataclass(frozen=True, slots=True)
class Year:
    """A company's figures of one year, in millions."""

    sales: int
    lines: Mapping[str, int]
    segments: Mapping[str, int]
    segment_profit: Mapping[str, int]
    segment_goodwill: Mapping[str, int]
    regions: Mapping[str, int]
    employees: int
    tax_rate: float
    discount_rate: float
    average_price: float
    shares: int
    months: Mapping[str, tuple[int, float]] = field(default_factory=dict)

    @property
    def gross(self) -> int:
        return self.sales - self.lines["cost_of_sales"]

    @property
    def operating(self) -> int:
        return self.gross - self.lines["selling"] - self.lines["research"] - self.lines["restructuring"]

    @property
    def before_tax(self) -> int:
        return self.operating - self.lines["interest"]

    @property
    def tax(self) -> int:
        return round(self.before_tax * self.tax_rate / 100)

    @property
    def net(self) -> int:
        return self.before_tax - self.tax


def years_of(company: Company) -> dict[int, Year]:
    """The figures of every year that a report of ``company`` shows."""
    rng = random.Random(f"{SEED} {company.name}")
    sales = rng.randint(3_000, 20_000)
    found = {}
    for year in range(_FIRST_YEAR, YEARS[-1] + 1):
        sales = round(sales * rng.uniform(0.94, 1.12))
        found[year] = _year(company, sales, rng)
    return found


def _year(company: Company, sales: int, rng: random.Random) -> Year:
    lines = {name: round(sales * share * rng.uniform(0.85, 1.15)) for name, share in _LINES.items()}
    return Year(
        sales=sales,
        lines=lines,
        segments=_shares(sales, company.segments, rng),
        segment_profit=_shares(round(sales * 0.18), company.segments, rng),
        segment_goodwill=_shares(lines["goodwill"], company.segments, rng),
        regions=_shares(sales, REGIONS, rng),
        employees=rng.randrange(8_000, 60_000, 100),
        tax_rate=round(rng.uniform(17, 27), 1),
        discount_rate=round(rng.uniform(2, 6), 2),
        average_price=round(rng.uniform(30, 180), 2),
        shares=rng.randint(120, 700),
        months={
            month: (rng.randint(100, 3000), round(rng.uniform(30, 180), 2))
            for month in ("October", "November", "December")
        },
    )


def _shares(total: int, names: tuple[str, ...], rng: random.Random) -> dict[str, int]:
    weights = [rng.uniform(1, 3) for _ in names]
    parts = [round(total * weight / sum(weights)) for weight in weights]
    parts[-1] += total - sum(parts)
    return dict(zip(names, parts, strict=True))
