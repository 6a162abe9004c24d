"""One annual report as a PDF of about a hundred pages, and the pages on which its facts stand."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from tests.evals.made_reports.figures import SEED, Company, Year
from tests.evals.made_reports.layout import Layout
from tests.evals.made_reports.prose import Prose

Pages = Mapping[str, frozenset[int]]
"""By the key of a fact, the pages that state it."""

_MILLIONS = "(Millions)"


@dataclass(frozen=True, slots=True)
class Made:
    pdf: bytes
    pages: Pages


def make(company: Company, year: int, years: Mapping[int, Year]) -> Made:
    """The report of ``company`` for ``year``; ``years`` holds at least the two before it as well."""
    return _Report(company, year, years).made()


class _Report:
    def __init__(self, company: Company, year: int, years: Mapping[int, Year]) -> None:
        self._company, self._year, self._years = company, year, years
        self._now = years[year]
        self._shown = (year, year - 1, year - 2)
        self._layout = Layout(f"{company.name} - Annual Report")
        self._prose = Prose(company, random.Random(f"{SEED} {company.name} {year}"))
        self._pages: dict[str, set[int]] = defaultdict(set)

    def made(self) -> Made:
        for part in (
            self._cover,
            self._contents,
            self._business,
            self._risks,
            self._properties,
            self._market,
            self._discussion,
            self._statements,
            self._notes,
            self._governance,
        ):
            part()
        title = self._company.title
        data = self._layout.finish()
        if title:  # into the document information that a PDF reader shows
            data = _with_title(data, title)
        return Made(data, {key: frozenset(pages) for key, pages in self._pages.items()})

    # -- the parts of a report, in order ------------------------------------------------------------

    def _cover(self) -> None:
        layout = self._layout
        layout.centred("UNITED STATES SECURITIES AND EXCHANGE COMMISSION", bold=True)
        layout.centred("FORM 10-K", 14, bold=True)
        layout.centred("Annual report pursuant to Section 13 or 15(d) of the Securities Exchange Act of 1934")
        layout.centred(f"For the fiscal year ended December 31, {self._year}")
        layout.centred(self._company.name.upper(), 16, bold=True)
        layout.centred(f"Principal executive offices: {self._company.town}")
        layout.paragraph(
            f"Shares of common stock outstanding at January 31, {self._year + 1}: "
            f"{self._now.shares:,} million. Portions of the proxy statement for the annual meeting of "
            f"stockholders in {self._year + 1} are incorporated by reference into Part III."
        )

    def _contents(self) -> None:
        self._layout.new_page()
        self._layout.heading("Table of Contents")
        for item in (
            "Item 1. Business",
            "Item 1A. Risk Factors",
            "Item 2. Properties",
            "Item 3. Legal Proceedings",
            "Item 5. Market for Common Equity",
            "Item 7. Management's Discussion and Analysis of Financial Condition and Results of Operations",
            "Item 8. Financial Statements and Supplementary Data",
            "Item 10. Directors and Corporate Governance",
        ):
            self._layout.paragraph(item)

    def _business(self) -> None:
        self._part("Item 1. Business")
        for segment in self._company.segments:
            self._layout.heading(f"{segment} segment", 11)
            for _ in range(24):
                self._layout.paragraph(self._prose.business(segment))
        self._layout.heading("Human capital", 11)
        self._say(
            "employees",
            f"We employed approximately {self._now.employees:,} people at the end of the year, about half of "
            "them outside the United States. Some of our employees are covered by collective agreements.",
        )

    def _risks(self) -> None:
        self._part("Item 1A. Risk Factors")
        for _ in range(70):
            self._layout.heading(self._prose.risk_title()[:95], 10)
            for _ in range(3):
                self._layout.paragraph(self._prose.risk())

    def _properties(self) -> None:
        self._part("Item 2. Properties")
        for segment in self._company.segments:
            self._layout.paragraph(
                f"{segment} operates {len(segment) + self._year % 7} plants and leases "
                f"{len(segment) * 2} warehouses. " + self._prose.business(segment)
            )
        self._part("Item 3. Legal Proceedings")
        site = self._company.segments[self._year % 3]
        self._say(
            "lawsuit",
            f"In March {self._year} the state filed a complaint over groundwater near a former {site} site. "
            f"The Company has accrued ${self._now.lines['tax_benefits']} million for the clean-up.",
        )
        for _ in range(18):
            self._layout.paragraph(self._prose.risk())

    def _market(self) -> None:
        self._part("Item 5. Market for Common Equity")
        self._layout.paragraph(self._prose.governance())
        self._layout.heading("Issuer purchases of equity securities", 11)
        self._table(
            ("repurchases",),
            f"Fourth quarter of {self._year}",
            ("Shares (000)", "Avg. price"),
            [(month, f"{count:,}", f"{price:.2f}") for month, (count, price) in self._now.months.items()],
        )

    def _discussion(self) -> None:
        self._part("Item 7. Management's Discussion and Analysis")
        year, now, before = self._year, self._now, self._years[self._year - 1]
        self._layout.heading("Overview", 11)
        growth = 100 * (now.sales / before.sales - 1)
        self._say(
            "sales growth",
            f"Net sales of {year} were ${now.sales:,} million, {'up' if growth > 0 else 'down'} "
            f"{abs(growth):.1f} percent from ${before.sales:,} million in {year - 1}.",
        )
        self._filler(16)
        for segment in self._company.segments:
            self._layout.heading(f"Results of {segment}", 11)
            self._table(
                (f"segment {segment}",),
                f"{segment} {_MILLIONS}",
                self._columns,
                [
                    self._row("Net sales", lambda y, s=segment: y.segments[s]),  # type: ignore[misc]
                    self._row("Operating profit", lambda y, s=segment: y.segment_profit[s]),  # type: ignore[misc]
                ],
            )
            for _ in range(18):
                self._layout.paragraph(self._prose.business(segment))
        self._layout.heading("Liquidity and capital resources", 11)
        self._say(
            "capex plan",
            f"The Company expects capital expenditures of about ${round(now.lines['capex'] * 1.1):,} million "
            f"in {year + 1}. Additions support growth, maintenance and environmental projects.",
        )
        self._filler(40)
        self._layout.heading("Critical accounting estimates", 11)
        self._filler(50)
        self._part("Item 7A. Quantitative and Qualitative Disclosures about Market Risk")
        for _ in range(14):
            self._layout.paragraph(self._prose.risk())

    def _statements(self) -> None:
        self._part("Item 8. Financial Statements and Supplementary Data")
        self._layout.heading("Report of Independent Registered Public Accounting Firm", 11)
        self._filler(16)
        self._say("auditor", f"{self._company.auditor}. We have served as the Company's auditor since 1998.")
        self._income()
        self._balance()
        self._cash_flows()

    def _income(self) -> None:
        self._layout.new_page()
        self._layout.heading("Consolidated Statements of Income", 12)
        self._table(
            ("sales", "cost", "research", "operating", "net income", "interest", "selling"),
            f"Years ended December 31 {_MILLIONS}",
            self._columns,
            [
                self._row("Net sales", lambda y: y.sales),
                ("Operating expenses",),
                self._line("Cost of sales", "cost_of_sales"),
                self._line("Selling, general and administrative expenses", "selling"),
                self._line("Research, development and related expenses", "research"),
                self._line("Restructuring charges", "restructuring"),
                self._row("Operating income", lambda y: y.operating),
                self._line("Interest expense", "interest"),
                self._row("Income before income taxes", lambda y: y.before_tax),
                self._row("Provision for income taxes", lambda y: y.tax),
                self._row("Net income", lambda y: y.net),
            ],
        )
        self._layout.paragraph("The accompanying notes are an integral part of these statements.")

    def _balance(self) -> None:
        self._layout.new_page()
        self._layout.heading("Consolidated Balance Sheets", 12)
        year = self._year
        self._table(
            ("inventories", "ppe", "cash", "payables", "receivables", "goodwill total", "long debt"),
            f"At December 31 {_MILLIONS}",
            (str(year), str(year - 1)),
            [
                row[:3] if len(row) > 1 else row
                for row in (
                    ("Assets",),
                    self._line("Cash and cash equivalents", "cash"),
                    self._line("Accounts receivable, net", "receivables"),
                    self._line("Inventories", "inventories"),
                    self._line("Prepaid expenses and other", "prepaid"),
                    self._line("Property, plant and equipment, net", "ppe_net"),
                    self._line("Goodwill", "goodwill"),
                    self._line("Intangible assets, net", "intangibles"),
                    ("Liabilities and equity",),
                    self._line("Accounts payable", "payables"),
                    self._line("Accrued liabilities", "accrued"),
                    self._line("Current portion of long-term debt", "short_debt"),
                    self._line("Long-term debt, less current portion", "long_debt"),
                    self._line("Pension and postretirement benefits", "pension"),
                )
            ],
        )
        self._layout.paragraph("The accompanying notes are an integral part of these statements.")

    def _cash_flows(self) -> None:
        self._layout.new_page()
        self._layout.heading("Consolidated Statements of Cash Flows", 12)
        self._table(
            ("capex", "depreciation", "dividends", "buybacks"),
            f"Years ended December 31 {_MILLIONS}",
            self._columns,
            [
                ("Cash flows from operating activities",),
                self._row("Net income", lambda y: y.net),
                self._line("Depreciation and amortization", "depreciation"),
                self._line("Stock-based compensation expense", "stock_pay"),
                ("Cash flows from investing activities",),
                self._line("Purchases of property, plant and equipment (PP&E)", "capex"),
                self._line("Acquisitions, net of cash acquired", "acquisitions"),
                ("Cash flows from financing activities",),
                self._line("Purchases of treasury stock", "buybacks"),
                self._line("Dividends paid to shareholders", "dividends"),
                self._line("Cash and cash equivalents at end of year", "cash"),
            ],
        )
        self._layout.paragraph("The accompanying notes are an integral part of these statements.")

    def _notes(self) -> None:
        self._layout.new_page()
        self._layout.heading("Notes to Consolidated Financial Statements", 12)
        for number, (title, write) in enumerate(_NOTES, start=1):
            self._layout.heading(f"Note {number}. {title}", 11)
            self._filler(9)
            write(self)
            self._filler(9)

    def _governance(self) -> None:
        for item in (
            "Item 10. Directors and Corporate Governance",
            "Item 11. Executive Compensation",
            "Item 14. Principal Accountant Fees and Services",
        ):
            self._part(item)
            for _ in range(12):
                self._layout.paragraph(self._prose.governance())

    # -- notes --------------------------------------------------------------------------------------

    def note_policies(self) -> None:
        self._filler(30)

    def note_revenue(self) -> None:
        self._table(
            ("regions",),
            f"Net sales by region {_MILLIONS}",
            self._columns,
            [self._row(region, lambda y, r=region: y.regions[r]) for region in self._now.regions],  # type: ignore[misc]
        )

    def note_segments(self) -> None:
        self._table(
            ("segments", *(f"segment {one}" for one in self._company.segments)),
            f"Operating profit by segment {_MILLIONS}",
            self._columns,
            [
                self._row(one, lambda y, s=one: y.segment_profit[s])  # type: ignore[misc]
                for one in self._company.segments
            ],
        )

    def note_goodwill(self) -> None:
        self._table(
            ("goodwill",),
            f"Goodwill by segment {_MILLIONS}",
            self._columns,
            [
                self._row(one, lambda y, s=one: y.segment_goodwill[s])  # type: ignore[misc]
                for one in self._company.segments
            ],
        )
        self._say(
            "impairment",
            f"An impairment of goodwill of ${self._now.lines['impairment']:,} million was recorded in "
            f"{self._year}.",
        )

    def note_taxes(self) -> None:
        self._table(
            ("tax rate",),
            "Reconciliation of the tax rate",
            self._columns,
            [
                ("Statutory U.S. tax rate", "21.0%", "21.0%", "21.0%"),
                ("State income taxes, net", "1.1%", "1.3%", "0.9%"),
                ("Effective worldwide tax rate", *(f"{self._years[y].tax_rate}%" for y in self._shown)),
            ],
        )
        self._say(
            "unrecognised",
            f"Gross unrecognized tax benefits were ${self._now.lines['tax_benefits']:,} million at "
            f"December 31, {self._year}.",
        )

    def note_debt(self) -> None:
        debt, year = self._now.lines["long_debt"], self._year
        self._table(
            ("maturities",),
            f"Maturities of long-term debt {_MILLIONS}",
            tuple(str(year + ahead) for ahead in range(1, 4)),
            [("Notes and debentures", *(f"{round(debt * share):,}" for share in (0.11, 0.19, 0.07)))],
        )

    def note_pensions(self) -> None:
        self._table(
            ("discount rate",),
            "Weighted-average assumptions",
            self._columns,
            [
                ("Discount rate", *(f"{self._years[y].discount_rate}%" for y in self._shown)),
                ("Compensation increase", "3.1%", "3.0%", "3.2%"),
            ],
        )

    def note_leases(self) -> None:
        self._table(
            ("leases",),
            f"Lease cost {_MILLIONS}",
            self._columns,
            [self._line("Operating lease cost", "lease_cost")],
        )

    def note_stock(self) -> None:
        self._table(
            ("stock pay",),
            f"Stock-based compensation {_MILLIONS}",
            self._columns,
            [self._line("Stock-based compensation expense", "stock_pay")],
        )

    def note_restructuring(self) -> None:
        self._say(
            "restructuring",
            f"In {self._year} the Company approved a plan to close sites of "
            f"{self._company.segments[self._year % 3]} and recorded charges of "
            f"${self._now.lines['restructuring']:,} million, mostly severance.",
        )

    def note_advertising(self) -> None:
        self._say(
            "advertising",
            f"Advertising and merchandising costs totalled ${self._now.lines['advertising']:,} million in "
            f"{self._year}, ${self._years[self._year - 1].lines['advertising']:,} million the year before.",
        )

    # -- small helpers ------------------------------------------------------------------------------

    @property
    def _columns(self) -> tuple[str, ...]:
        return tuple(str(year) for year in self._shown)

    def _part(self, title: str) -> None:
        self._layout.new_page()
        self._layout.heading(title)

    def _filler(self, paragraphs: int) -> None:
        for _ in range(paragraphs):
            self._layout.paragraph(self._prose.accounting())

    def _say(self, key: str, text: str) -> None:
        self._pages[key].add(self._layout.paragraph(text))

    def _table(
        self, keys: Sequence[str], caption: str, columns: Sequence[str], rows: Sequence[Sequence[str]]
    ) -> None:
        page = self._layout.table(caption, columns, rows)
        for key in keys:
            self._pages[key].add(page)

    def _line(self, label: str, name: str) -> tuple[str, ...]:
        return self._row(label, lambda year: year.lines[name])

    def _row(self, label: str, value: Callable[[Year], int]) -> tuple[str, ...]:
        return (label, *(f"{value(self._years[year]):,}" for year in self._shown))


_NOTES: tuple[tuple[str, Callable[[_Report], None]], ...] = (
    ("Significant Accounting Policies", _Report.note_policies),
    ("Revenue", _Report.note_revenue),
    ("Restructuring Actions", _Report.note_restructuring),
    ("Goodwill and Intangible Assets", _Report.note_goodwill),
    ("Advertising", _Report.note_advertising),
    ("Income Taxes", _Report.note_taxes),
    ("Long-Term Debt", _Report.note_debt),
    ("Pension and Postretirement Benefit Plans", _Report.note_pensions),
    ("Leases", _Report.note_leases),
    ("Stock-Based Compensation", _Report.note_stock),
    ("Business Segments", _Report.note_segments),
)


def _with_title(data: bytes, title: str) -> bytes:
    """``data`` with a document information dictionary (ISO 32000-1, 14.3.3) appended as an update."""
    start = int(data.rpartition(b"startxref\n")[2].split()[0])
    size = int(data.rpartition(b"/Size ")[2].split()[0])
    offset = len(data)
    data += b"%d 0 obj\n<< /Title (%s) >>\nendobj\n" % (size, title.encode("latin-1"))
    table = len(data)
    data += b"xref\n%d 1\n%010d 00000 n \n" % (size, offset)
    data += b"trailer\n<< /Size %d /Root 1 0 R /Info %d 0 R /Prev %d >>\n" % (size + 1, size, start)
    return data + b"startxref\n%d\n%%%%EOF\n" % table
