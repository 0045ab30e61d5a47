"""How a trade between two parties is taxed: by what they are when it happens, and by what the plan sells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

from exchange.kernel.errors import Problem
from exchange.kernel.money import Money
from exchange.kernel.text import Text
from exchange.parties.organisations import Standing
from pricing import tax
from pricing.plans import Plan
from pricing.tax import Place, TaxLine, Treatment
from pricing.tax_table import Code

# What stands where the seller is not registered for any tax: no line, and nothing that a purchase must look at.
NO_TAX = None
_DAYS = ("valid_from", "valid_to")


@dataclass(frozen=True, slots=True)
class Taxing:
    """The treatment of one trade, and whether the plan's prices include the tax."""

    treatment: Treatment
    included: bool

    @classmethod
    def stored(cls, document: Mapping[str, Any]) -> Taxing:
        """The taxing whose `document` stands beside an order or a charge."""
        since, until = (None if document[name] is None else date.fromisoformat(document[name]) for name in _DAYS)
        treatment = Treatment(
            Code(document["code"]),
            Decimal(document["rate"]),
            document["country"],
            Text(**document["name"]),
            Text(**document["note"]),
            since,
            until,
            document["source"],
        )
        return cls(treatment, document["included"])

    def on(self, amount: Money) -> TaxLine:
        """The net, tax and gross of an amount of the plan."""
        return tax.tax_on(amount, self.treatment, self.included)

    def document(self) -> dict[str, Any]:
        """The treatment as it stands beside orders and charges."""
        return {**self.treatment.document(), "included": self.included}


def taxing(sides: tuple[Standing, Standing], plan: Plan, at: datetime) -> Taxing | Problem | None:
    """How a sale of `plan` at a moment is taxed; NO_TAX where the seller is not registered.

    shapes   sides = (seller, buyer)
    errors   answers tax-category-unknown, tax-rate-unknown
    """
    seller, buyer = sides
    if not seller.tax_registered:
        return NO_TAX
    places = Place(seller.country, seller.tax_registered), Place(buyer.country, buyer.tax_registered)
    return _taxing(*places, plan.tax_category, plan.tax_included, at.astimezone(UTC).date())


def tax_line(line: TaxLine) -> dict[str, Any]:
    """A tax line of a quote or a draft: what is taxed, how, and the arithmetic."""
    return tax_sum(line.treatment.document(), line.net, line.tax) | {"explain": line.explain()}


def tax_sum(treatment: Mapping[str, Any], taxable: Money, amount: Money) -> dict[str, Any]:
    """A tax line over several amounts of one treatment."""
    return {**treatment, "taxable": taxable.to_wire(), "amount": amount.to_wire()}


@lru_cache(maxsize=4_096)
def _taxing(seller: Place, buyer: Place, category: str, included: bool, on: date) -> Taxing | Problem:
    treatment = tax.treat(seller, buyer, category, on)
    return treatment if isinstance(treatment, Problem) else Taxing(treatment, included)
