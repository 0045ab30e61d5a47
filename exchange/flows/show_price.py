"""An offer's price: as anybody may read it, and worked out for a use that somebody has in mind. Reads only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Inexact
from typing import Any
from uuid import UUID

import msgspec

from exchange.catalog.listings import Listing
from exchange.catalog.offers import Offer, OfferStanding
from exchange.catalog.store import public
from exchange.flows.problems import FORECAST_INVALID
from exchange.kernel.db import Tx
from exchange.kernel.errors import Problem
from exchange.kernel.money import BadMoney, Money
from exchange.kernel.text import Text
from pricing import binding
from pricing.basis import EMPTY, Basis
from pricing.price_rows import buyer_classes, currencies, typical
from pricing.quotes import Month, simulate
from pricing.rating import Due
from pricing.understanding import understand

MONTHS_MAX = 36
QUANTITY_MAX = 10**15
_QUANTITY = Text("a quantity is a whole number from 0 to 10^15", "用量须为 0 至 10^15 的整数")
_TOO_MUCH = Text("it costs more than an account can hold", "金额超出账户可容纳的范围")


@dataclass(frozen=True, slots=True)
class PricePage:
    """One version of an offer with its plan, its listing, and whether it can be bought now."""

    offer: Offer
    listing: Listing
    standing: OfferStanding
    plan: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Priced:
    """A use and what it costs, month by month."""

    usage: Mapping[str, int]
    months: Sequence[Month]

    @property
    def total(self) -> Money:
        """All months together."""
        return self.months[-1].running

    @property
    def lines(self) -> list[Due]:
        """Every line with an amount, in the order of time."""
        return [due for month in self.months for due in month.lines if due.amount.units]


async def show_price(tx: Tx, offer_id: UUID) -> PricePage | None:
    """The price of an offer of a published listing; None for others."""
    found = await public.offer_on_show(tx, offer_id)
    if found is None:
        return None
    offer, listing, standing = found
    return PricePage(offer, listing, standing, msgspec.json.decode(offer.document)["plan"])


def work_out(
    plan: Mapping[str, Any], basis: Basis, usage: Mapping[str, int], months: int, at: datetime
) -> Priced | Problem:
    """What the same use in each of some months costs an agreement that begins at `at`, without tax.

    errors   answers forecast-invalid, and what `pricing.binding.bind` refuses
    """
    bound = binding.bind(plan, basis, at=at)
    if isinstance(bound, Problem):
        return bound
    if any(not 0 <= quantity <= QUANTITY_MAX for quantity in usage.values()):
        return FORECAST_INVALID(reason=_QUANTITY)
    try:
        return Priced(usage, simulate(bound, [usage] * months, at))
    except (BadMoney, Inexact):
        return FORECAST_INVALID(reason=_TOO_MUCH)


def examples(plan: Mapping[str, Any], at: datetime) -> list[Priced]:
    """What three typical uses cost in the first month that is charged, for a buyer who chose nothing."""
    charged = {name: part for name, part in plan.items() if name != "trial"}
    worked = (work_out(charged, EMPTY, usage, 1, at) for usage in typical(understand(charged, EMPTY)))
    return [one for one in worked if isinstance(one, Priced)]


def bases(plan: Mapping[str, Any]) -> list[Basis]:
    """Every combination of currency and buyer class that a plan tells apart, the plain one first."""
    main = plan["currency"]
    return [
        Basis(currency=None if currency == main else currency, buyer_class=buyer_class)
        for currency in currencies(plan)
        for buyer_class in (None, *buyer_classes(plan))
    ]
