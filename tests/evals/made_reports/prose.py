"""The running text of annual reports: cautious, repetitive, and much the same from year to year."""

from __future__ import annotations

import random
from collections.abc import Sequence

from tests.evals.made_reports.figures import REGIONS, Company

_RISKS = (
    "a decline in demand for our {product}",
    "the loss of a large customer of {segment}",
    "higher prices of raw materials, freight and energy",
    "an interruption at our plants or those of our suppliers",
    "changes in tariffs and trade rules in {region}",
    "failures or breaches of our information systems",
    "movements of foreign currencies against the dollar",
    "new requirements on emissions and waste",
    "claims that our {product} are defective",
    "our inability to attract and keep skilled employees",
    "a downgrade of our credit ratings",
    "disputes over patents and trademarks",
    "changes in tax law or the outcome of tax audits",
    "the failure to integrate acquired businesses",
    "an impairment of goodwill and intangible assets",
    "labour disputes and the outcome of collective bargaining",
    "public health events and measures against them",
    "severe weather and other effects of climate change",
    "higher obligations for pensions and medical benefits",
    "restrictions in our credit agreements",
)
_EFFECTS = (
    "could reduce our net sales and operating income",
    "may materially and adversely affect our results of operations, cash flows and financial condition",
    "could require capital expenditures that we have not planned",
    "might lead to restructuring charges, write-downs of inventories or an impairment of goodwill",
    "may harm our reputation and our relations with customers",
    "could limit our ability to pay dividends or repurchase shares",
    "may increase our effective tax rate",
    "could expose us to litigation, fines and penalties",
)
_FOLLOWING = (
    "We cannot be certain that the measures we have taken will be sufficient.",
    "Competition in the markets of {segment} is intense, and some competitors have greater resources.",
    "In {region}, where we sell {product}, conditions have been volatile in recent years.",
    "We review these matters with the Audit Committee of the Board of Directors at least once a year.",
    "Our insurance may not cover all of the resulting losses.",
    "Such events have occurred in the past and may occur again.",
    "The amount and timing of the effect cannot be predicted.",
    "Customers of {segment} may delay orders, and inventories of {product} may become excess or obsolete.",
    "We hedge part of the exposure with derivatives, which involve risks of their own.",
    "A significant part of our {product} is made at a single site.",
    "Any of these factors could cause our stock price to fall.",
    "Our contracts often do not allow us to pass higher costs on to customers at once.",
)
_BUSINESS = (
    "{segment} develops, makes and sells {product} and {other} to customers in more than forty countries.",
    "Sales of {segment} are made through our own sales force, through distributors and online.",
    "The principal raw materials of {segment} are bought from several suppliers under annual contracts.",
    "{segment} competes on quality, delivery, service and price, and no competitor is dominant.",
    "Demand for {product} is somewhat seasonal and highest in the second and third quarters.",
    "In {region}, {segment} operates plants, warehouses and a centre for customer service.",
    "Research and development in {segment} is directed at lighter, safer and longer-lasting {product}.",
    "We own patents on {product}, but do not believe that {segment} depends on any one of them.",
    "Backlog is not a meaningful measure for {segment}, because most orders ship within a month.",
    "Our {other} carry a warranty of one to five years.",
)
_ACCOUNTING = (
    "Management makes estimates and assumptions that affect the amounts reported in these statements.",
    "Revenue is recognised when control of the {product} passes to the customer, usually on shipment.",
    "Inventories are stated at the lower of cost and net realisable value, first in, first out.",
    "Depreciation of property, plant and equipment is computed by the straight-line method.",
    "Goodwill is tested for impairment in the fourth quarter, at the level of the reporting unit.",
    "Deferred tax assets and liabilities are measured at the rates expected to apply on reversal.",
    "Leases with a term of one year or less are not recorded on the balance sheet.",
    "The fair value of stock options is estimated with the Black-Scholes model.",
    "Costs of restructuring are accrued when a plan has been announced to the employees concerned.",
    "Amounts of prior years have been reclassified to conform to the current presentation.",
    "The Company has no off-balance sheet arrangements that are likely to have a material effect.",
    "Cash equivalents are investments with a maturity of three months or less when purchased.",
    "Advertising costs are expensed as incurred and included in selling, general and administrative expense.",
    "The allowance for doubtful accounts reflects past experience and the age of the receivables.",
)
_GOVERNANCE = (
    "The information required by this item is incorporated by reference from the proxy statement.",
    "Our directors are elected for one year and may serve no more than fifteen.",
    "The Board has determined that a majority of its members are independent under the listing rules.",
    "Executive officers receive a salary, an annual bonus and awards of restricted stock.",
    "The code of conduct applies to all employees and is published on our website.",
    "Disclosure controls and procedures were evaluated and found to be effective.",
    "No change in internal control over financial reporting has materially affected it.",
)


class Prose:
    """Paragraphs for one report. The same seed gives the same report."""

    def __init__(self, company: Company, rng: random.Random) -> None:
        self._company = company
        self._rng = rng

    def risk_title(self) -> str:
        risk = self._fill(self._rng.choice(_RISKS))
        return f"{risk[0].upper()}{risk[1:]} {self._rng.choice(_EFFECTS)}."

    def risk(self) -> str:
        risk = self._fill(self._rng.choice(_RISKS))
        opening = f"{risk[0].upper()}{risk[1:]} {self._rng.choice(_EFFECTS)}."
        return " ".join([opening, *self._some(_FOLLOWING, 5)])

    def business(self, segment: str) -> str:
        return " ".join(self._some(_BUSINESS, 5, segment))

    def accounting(self) -> str:
        return " ".join(self._some(_ACCOUNTING, 4))

    def governance(self) -> str:
        return " ".join(self._some(_GOVERNANCE, 4))

    def _some(self, sentences: Sequence[str], count: int, segment: str = "") -> list[str]:
        return [self._fill(one, segment) for one in self._rng.sample(sentences, count)]

    def _fill(self, sentence: str, segment: str = "") -> str:
        product, other = self._rng.sample(self._company.products, 2)
        return sentence.format(
            segment=segment or self._rng.choice(self._company.segments),
            product=product,
            other=other,
            region=self._rng.choice(REGIONS),
        )
