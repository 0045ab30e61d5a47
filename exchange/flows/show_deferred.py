"""Deferred revenue at a moment: charges by their service period, orders by the first period or the term of what they bought."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec

from exchange.access.grants import Grant
from exchange.access.store import grants
from exchange.catalog.store.listings import load_offers
from exchange.flows.sale import Sales
from exchange.kernel import ids
from exchange.kernel.db import Tx
from exchange.kernel.money import Money
from pricing.plans import Plan
from settlement.deferred import Deferral, defer, totals
from settlement.store import deferred
from settlement.store import orders as bought

SHOWN_MAX = 500
_PREFIX = {"order": "ord", "charge": "chg"}
_MOMENT = timedelta(minutes=15)


class DeferredSale(msgspec.Struct, frozen=True):
    """One sale with what of it is not earned yet."""

    source: str
    starts_at: str
    ends_at: str
    days_left: int
    days: int
    gross: dict[str, str]
    net: dict[str, str]


class DeferredTotal(msgspec.Struct, frozen=True):
    """All of a currency: gross as a seller on commission shows it, net as an agent does."""

    currency: str
    sales: int
    gross: dict[str, str]
    net: dict[str, str]


class DeferredReport(msgspec.Struct, frozen=True):
    """What was sold at a moment for a time after it; the first sales, and the sums of all."""

    at: str
    totals: list[DeferredTotal]
    sales: list[DeferredSale]


async def show_deferred(tx: Tx, sales: Sales, at: datetime) -> DeferredReport:
    """The report of all sales; it walks through them, so it takes a while where there are many."""
    found = [*await _charges(tx, at), *await _orders(tx, sales, at)]
    found.sort(key=lambda one: (one.sold.currency, one.sold.ends_at or at, one.sold.source_id))
    sums = [
        DeferredTotal(
            one.currency, one.sales, Money(one.gross, one.currency).to_wire(), Money(one.net, one.currency).to_wire()
        )
        for one in totals(found)
    ]
    return DeferredReport(_time(at), sums, [_view(one) for one in found[:SHOWN_MAX]])


async def _charges(tx: Tx, at: datetime) -> list[Deferral]:
    found: list[Deferral] = []
    after = UUID(int=0)
    while page := await deferred.charges(tx, at, after):
        found += [one for sold in page if (one := defer(sold, at)) is not None]
        after = page[-1].source_id
    return found


async def _orders(tx: Tx, sales: Sales, at: datetime) -> list[Deferral]:
    found: list[Deferral] = []
    after = UUID(int=0)
    while page := await bought.after(tx, after, deferred.PORTION):
        after = page[-1].id
        offers = await load_offers(tx, list({one.offer_id for one in page}))
        given = {grant.order_id: grant for grant in await grants.of_orders(tx, [one.id for one in page])}
        stretches: dict[UUID, tuple[datetime, datetime | None]] = {}
        for order in page:
            grant = given.get(order.id)
            if grant is None or not order.price.units or grant.created_at > at:
                continue
            end = _end(sales.sold(offers[order.offer_id], order).plan, grant)
            if end is not None and end > at:
                stretches[order.id] = (grant.starts_at, end)
        sold = await deferred.orders(tx, at, stretches) if stretches else []
        found += [one for each in sold if (one := defer(each, at)) is not None]
    return found


def _end(plan: Plan, grant: Grant) -> datetime | None:
    """What an order's price is for: the first period of what recurs, or the whole term; None for what has no end."""
    begun = plan.periods(grant.starts_at, grant.starts_at + _MOMENT, grant.ends_at)
    ends = [period.end for period in begun if period.unit is not None and period.end is not None]
    return max(ends) if ends else grant.ends_at


def _view(one: Deferral) -> DeferredSale:
    sold = one.sold
    assert sold.ends_at is not None, "what has no end is earned"
    return DeferredSale(
        ids.text(_PREFIX[sold.kind], sold.source_id),
        _time(sold.starts_at),
        _time(sold.ends_at),
        one.days_left,
        one.days,
        Money(one.gross, sold.currency).to_wire(),
        Money(one.net, sold.currency).to_wire(),
    )


def _time(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
