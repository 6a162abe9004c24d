"""What reports call the things people ask about: "capex" is printed as "purchases of property, plant and
equipment". A short thesaurus of accounting, where the word asked is seldom the word printed."""

from __future__ import annotations

import re

_PRINTED: tuple[tuple[str, str], ...] = (
    (
        r"balance sheets?|(?:statements? of )?financial position",
        "balance sheets statements of financial position",
    ),
    (r"cash[- ]?flow statements?|statements? of cash flows?", "statements of cash flows"),
    (
        r"income statements?|p ?& ?l|profit and loss|statements? of (?:income|operations|earnings)",
        "statements of income operations earnings",
    ),
    (
        r"cap(?:ital )?ex(?:penditures?)?|capital spending",
        "capital expenditures purchases additions property plant equipment",
    ),
    (r"pp ?& ?n?e|fixed assets", "property plant equipment"),
    (r"d ?& ?a", "depreciation amortization"),
    (r"cogs|costs? of (?:goods sold|sales|revenues?)", "cost of sales cost of goods sold cost of revenue"),
    (r"(?:total |net )?revenues?|turnover|net sales|top line", "net sales revenues"),
    (r"net (?:profits?|earnings|income)|bottom line|profit of the year", "net income earnings"),
    (r"r ?& ?d", "research development"),
    (r"sg ?& ?a", "selling general administrative expenses"),
    (r"eps", "earnings per share"),
    (r"ebitda?", "operating income depreciation amortization"),
    (r"operating (?:profits?|income|margins?)", "operating income profit"),
    (r"gross (?:profits?|margins?)", "gross profit cost of sales"),
    (r"(?:quick|current) ratio|working capital", "total current assets total current liabilities"),
    (r"dpo|days payable outstanding", "accounts payable inventories cost of sales"),
    (r"inventory turnover|days inventory outstanding", "inventories cost of sales"),
    (r"receivables", "accounts receivable"),
    (r"payables", "accounts payable"),
    (r"buy ?backs?|bought back|(?:share|stock) repurchases?", "purchases of treasury stock repurchases"),
    (r"headcount|workforce|staff|people work(?:ed|ing)?", "employees employed"),
    (r"law ?suits?|litigation|sued", "legal proceedings litigation"),
    (r"audit(?:or|ors|ed)", "independent registered public accounting firm auditor"),
    (r"writ(?:e|es|ten|ing|e-)[ -]?(?:down|off)s?|wrote (?:down|off)", "impairment"),
    (r"m ?& ?a|takeovers?", "acquisitions"),
)
_ENTRIES = tuple(
    (re.compile(rf"(?<![^\W_])(?:{asked})(?![^\W_])", re.IGNORECASE), printed) for asked, printed in _PRINTED
)


def as_printed(question: str) -> str:
    """The words under which reports print what ``question`` asks about, beyond its own; empty for most."""
    return " ".join(printed for asked, printed in _ENTRIES if asked.search(question))
