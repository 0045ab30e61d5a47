"""A breach gives each live subscriber the service credit that the data contract names, once per breach and grant."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from fractions import Fraction
from uuid import UUID

import msgspec

from compliance import store as audit
from compliance.entries import Entry
from contracts import data_contract
from contracts import data_contract_store as store
from contracts.data_contract import Credit
from contracts.data_contract_store import Checked
from exchange.access.grants import Grant, GrantState
from exchange.access.store import grants, holders
from exchange.catalog.store import datasets, listings
from exchange.flows.sale import Sale, Sales
from exchange.kernel import ids
from exchange.kernel.db import Tx
from exchange.kernel.money import Money
from pricing.periods import Period
from pricing.rating import rate
from settlement import postings
from settlement.journals import Posted
from settlement.orders import Order
from settlement.store import ledger, orders
from settlement.store import service_credits as given_back
from settlement.store.service_credits import ServiceCredit

# Before every grant.
FIRST = UUID(int=0)
_AT_ONCE_MAX = 500


@dataclass(frozen=True, slots=True)
class Subscribed:
    """A live subscription with what its current period costs without use and without tax."""

    grant: Grant
    period: Period
    cost: Money

    @property
    def key(self) -> tuple[UUID, datetime, str]:
        """By what credits of one period are added up."""
        return self.grant.id, self.period.start, self.cost.currency


@dataclass(frozen=True, slots=True)
class Granted:
    """What was booked now, and the grant after which to go on; None when all are done."""

    credits: Sequence[ServiceCredit]
    after: UUID | None


async def grant_service_credit(tx: Tx, checked: Checked, after: UUID = FIRST) -> Granted:
    """Book what the contract names for a breach, for a bounded number of grants; those that have theirs are left out.

    All credits of a grant in one period are at most what the period costs, and nobody is credited more than the seller has
    here: both keep a seller from making money out of breaches. The seller alone promised, so the seller alone gives: who
    brokered, assessed or owned upstream did what they were paid for (docs/decisions/0044).
    """
    stored = await store.find_contract(tx, checked.contract_id)
    assert stored is not None
    credit = data_contract.load(msgspec.json.decode(stored.document)).credit
    # Two runs for one dataset wait for each other here, so that nothing is booked twice.
    if credit is None or not checked.broken or await datasets.lock_dataset(tx, checked.dataset_id) is None:
        return Granted([], None)
    known = await given_back.credited(tx, checked.id)
    live = [one.grant_id for one in await holders.holders_of(tx, checked.dataset_id) if one.grant_id > after]
    part = live[:_AT_ONCE_MAX]
    found = await _subscribed(tx, [one for one in part if one not in known], checked.created_at)
    given = await given_back.given(tx, [one.key for one in found]) if found else {}
    made: list[ServiceCredit] = []
    by_currency: dict[str, list[Subscribed]] = defaultdict(list)
    for one in found:
        by_currency[one.cost.currency].append(one)
    for currency, subscribed in sorted(by_currency.items()):
        means = await given_back.available(tx, checked.supplier_id, currency)
        left, ready = means.all, means.payable
        for one in subscribed:
            wanted = min(_named(credit, one.cost), one.cost.units - given.get(one.key, 0))
            units = min(wanted, left)
            if units > 0:
                owed = units - min(units, ready)
                left, ready = left - units, ready - (units - owed)
                made.append(replace(_credit(tx, checked, credit, one, units, wanted - units), owed_units=owed))
    await _book(tx, checked, made)
    return Granted(made, part[-1] if len(live) > len(part) else None)


async def _subscribed(tx: Tx, grant_ids: Sequence[UUID], at: datetime) -> list[Subscribed]:
    """The active grants among these whose current period has a price of its own."""
    there = await grants.load(tx, grant_ids) if grant_ids else {}
    active = [one for _, one in sorted(there.items()) if one.state is GrantState.ACTIVE]
    bought = await orders.get_orders(tx, [one.order_id for one in active]) if active else {}
    offers = await listings.load_offers(tx, sorted({one.offer_id for one in bought.values()})) if bought else {}
    sales, found = Sales(), []
    for grant in active:
        order = bought[grant.order_id]
        sale = sales.sold(offers[order.offer_id], order)
        period = next((one for one in _periods(sale, grant, at)), None)
        if period is not None and (cost := _cost(sale, order, period)).units > 0:
            found.append(Subscribed(grant, period, cost))
    return found


def _periods(sale: Sale, grant: Grant, at: datetime) -> list[Period]:
    """The periods that hold a moment, those of a whole agreement left out."""
    # A period that begins at this very moment is the current one.
    begun = sale.plan.periods(grant.starts_at, at + timedelta(microseconds=1), grant.ends_at)
    return [one for one in begun if one.unit is not None and one.end is not None and one.start <= at < one.end]


def _cost(sale: Sale, order: Order, period: Period) -> Money:
    """What a period costs before any use, without tax; prices that include tax are taken apart."""
    lines = rate(sale.plan, {}, period, as_of=period.start)
    units = sum(line.amount.units for line in lines)
    if order.tax and order.tax["included"]:
        units = int(Fraction(units) / (1 + Fraction(order.tax["rate"])))
    return Money(units, order.price.currency)


def _named(credit: Credit, cost: Money) -> int:
    """What the contract names, rounded down to millionths; nothing where it names another currency."""
    if credit.amount is not None:
        return credit.amount.units if credit.amount.currency == cost.currency else 0
    assert credit.percent is not None
    return int(Fraction(credit.percent) * cost.units / 100)


def _credit(tx: Tx, checked: Checked, credit: Credit, one: Subscribed, units: int, short: int) -> ServiceCredit:
    said = f"{credit.percent} %" if credit.amount is None else str(credit.amount)
    start, revision = one.period.start.date().isoformat(), ids.text("rev", checked.revision_id)
    left, left_zh = (
        ("", "") if not short else ("; the seller's balance did not cover all of it", "；供应方余额不足，未全额补偿")
    )
    return ServiceCredit(
        id=tx.new_id(),
        cause_id=checked.id,
        grant_id=one.grant.id,
        buyer_id=one.grant.buyer_id,
        seller_id=one.grant.seller_id,
        amount=Money(units, one.cost.currency),
        short_units=short,
        period_start=one.period.start,
        explanation={
            "en": f"Service credit for {revision}, which breaks its data contract: {said} named, "
            f"the period from {start} costs {one.cost}{left}",
            "zh": f"版本 {revision} 不符合数据合同的服务补偿：约定 {said}，自 {start} 起的周期费用为 {one.cost}{left_zh}",
        },
    )


async def _book(tx: Tx, checked: Checked, made: Sequence[ServiceCredit]) -> None:
    journals = [
        postings.service_credit(one.id, one.seller_id, one.buyer_id, one.grant_id, one.amount, one.owed_units)
        for one in made
    ]
    results = await ledger.post(tx, journals) if journals else []
    assert all(isinstance(result, Posted) for result in results), results
    await given_back.insert_credits(tx, made)
    entries = [
        Entry(
            action="credit.grant",
            organisation_id=None,
            object_id=ids.text("crd", one.id),
            object_version=ids.text("rev", checked.revision_id),
            concerns=(one.seller_id, one.buyer_id),
        )
        for one in made
    ]
    await audit.append(tx, entries)
