"""What a forecast of use would cost under each offer of a listing. Reads only, and binds nobody."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Inexact
from typing import Any
from uuid import UUID

import msgspec

from exchange.access.grants import QUANTITY_MAX
from exchange.access.meters import BY_KEY
from exchange.catalog.offers import Offer
from exchange.catalog.store import public
from exchange.flows.problems import FORECAST_INVALID
from exchange.kernel import ids
from exchange.kernel.db import Tx
from exchange.kernel.errors import NOT_FOUND, Problem
from exchange.kernel.money import BadMoney
from exchange.kernel.text import Text
from pricing import plans, quotes
from pricing.plans import Plan
from pricing.quotes import Month

MONTHS_MAX = 36


class OfferCost(msgspec.Struct, frozen=True):
    """One offer's cost of the forecast: in all, and month by month with its arithmetic."""

    offer: str
    code: str
    kind: str
    total: dict[str, str]
    months: list[dict[str, Any]]


class Simulation(msgspec.Struct, frozen=True):
    """The offers of a listing, cheapest first within each currency; `cheapest` names the best of each."""

    listing: str
    offers: list[OfferCost]
    cheapest: dict[str, str]


async def simulate_price(tx: Tx, listing_id: UUID, forecast: Sequence[Mapping[str, int]]) -> Simulation | Problem:
    """Compare the current offers of a published listing over the same forecast.

    shapes   forecast: meter -> use, one mapping per month, 1 to 36 months
    errors   answers not-found, forecast-invalid
    """
    if not forecast:
        return _wrong("there is no month in it", "未包含任何月份")
    offers = (await public.offers(tx, [listing_id]))[listing_id]
    if not offers:
        return NOT_FOUND()
    costs = []
    for offer in offers:
        months = foresee(plans.load(msgspec.json.decode(offer.document)["plan"]), forecast, tx.now)
        if isinstance(months, Problem):
            return months
        costs.append((months[-1].running, _cost(offer, months)))
    cheapest: dict[str, str] = {}
    costs.sort(key=lambda pair: (pair[0].currency, pair[0].units))
    for total, cost in costs:
        cheapest.setdefault(total.currency, cost.offer)
    return Simulation(ids.text("lst", listing_id), [cost for _, cost in costs], cheapest)


def foresee(plan: Plan, forecast: Sequence[Mapping[str, int]], starts_at: datetime) -> list[Month] | Problem:
    """Price a forecast month by month, or say what is wrong with it.

    errors   answers forecast-invalid
    """
    if (refused := _refuse(forecast)) is not None:
        return refused
    try:
        return quotes.simulate(plan, forecast, starts_at)
    except (BadMoney, Inexact):
        return _wrong("it costs more than an account can hold", "金额超出账户可容纳的范围")


def _refuse(forecast: Sequence[Mapping[str, int]]) -> Problem | None:
    if len(forecast) > MONTHS_MAX:
        return _wrong(f"it has more than {MONTHS_MAX} months", f"超过 {MONTHS_MAX} 个月")
    for month in forecast:
        for meter, quantity in month.items():
            if meter not in BY_KEY:
                names = ", ".join(BY_KEY)
                return _wrong(f"a meter is one of {names}", f"计量项须为 {names} 之一")
            if not 0 <= quantity <= QUANTITY_MAX:
                return _wrong("a quantity is a whole number from 0 to 2^53 - 1", "用量须为 0 至 2^53 - 1 的整数")
    return None


def _cost(offer: Offer, months: Sequence[Month]) -> OfferCost:
    return OfferCost(
        offer=ids.text("ofr", offer.id),
        code=offer.code,
        kind=offer.kind.value,
        total=months[-1].running.to_wire(),
        months=[month.document() for month in months],
    )


def _wrong(english: str, chinese: str) -> Problem:
    return FORECAST_INVALID(reason=Text(english, chinese))
