"""Who would have got what of past months under a rule, against what everybody got. Reads only."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from exchange.catalog.datasets import Dataset
from exchange.catalog.store import datasets, listings
from exchange.flows.put_split_rule import resolve
from exchange.kernel import ids
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.errors import INVALID_REQUEST, NOT_FOUND, Problem
from exchange.kernel.money import Money
from settlement.accounts import AccountKind
from settlement.mandates import introduced, standing
from settlement.problems import SALES_TOO_MANY
from settlement.splits import ROLE_NAMES, Role, Share, split
from settlement.store import mandates, split_rules
from settlement.store import split_bookings as store
from settlement.store.split_bookings import Got, SaleOf
from settlement.waterfall import Per, Sold, Waterfall, apply, stateless
from settlement.waterfall_check import refusal
from settlement.waterfall_document import load, month_of

MONTHS_MAX = 24
SALES_MAX = 5_000
_YEAR_MIN = 2020
# An organisation, or the role by which an account of the exchange is paid.
Holder = tuple[UUID | None, Role | None]
_EXCHANGE = {AccountKind.POOL: Role.POOL, AccountKind.CLEARING: Role.CLEARING}


@dataclass(frozen=True, slots=True)
class SplitWish:
    """Which rule (of the dataset, or a document), over which months such as 2026-01, the last of them later than the first."""

    rule: UUID | dict[str, Any]
    first: str
    last: str


@dataclass(frozen=True, slots=True)
class PastSales:
    """A rule and what was really sold, as one moment saw it: all that a simulation needs."""

    rule: Waterfall
    sold: Sequence[Sold]
    got: Sequence[Got]


class PayeeOutcome(msgspec.Struct, frozen=True):
    """One payee: what it got, what it would have got. Without an organisation: an account of the exchange, by its role."""

    organisation: str | None
    role: str | None
    role_name: dict[str, str] | None
    got: dict[str, str]
    would: dict[str, str]
    difference: dict[str, str]


class StepOutcome(msgspec.Struct, frozen=True):
    """What one step would have given one payee in a month or in all; what is per sale is added up by month."""

    step: str
    per: str
    period: str
    role: str
    organisation: str | None
    amount: dict[str, str]
    short: dict[str, str] | None


class SplitSimulation(msgspec.Struct, frozen=True):
    """Past months under a rule. Tax is left out; refunds are taken off the sales that they belong to.

    shapes   steps: none where the rule is only weights; what the role `clearing` got waits for a rule that splits it later
    """

    currency: str
    first: str
    last: str
    sales: int
    gross: dict[str, str]
    payees: list[PayeeOutcome]
    steps: list[StepOutcome]


async def past_sales(tx: Tx, actor: Actor, dataset_id: UUID, wish: SplitWish) -> PastSales | Problem:
    """Load what a simulation needs.

    Lifetime counters begin with the first month that is asked for.

    errors   answers not-found, invalid-request, sales-too-many, and what is wrong with a document
    """
    dataset = await datasets.find_dataset(tx, dataset_id)
    if dataset is None or dataset.supplier_id != actor.organisation_id:
        return NOT_FOUND()
    rule = await _rule(tx, dataset, wish)
    if isinstance(rule, Problem):
        return rule
    window = _window(wish, rule.time_zone, tx.now)
    if isinstance(window, Problem):
        return window
    own = [one.id for one in await listings.listings_of(tx, dataset_id)]
    sales = await store.sales_between(tx, dataset.supplier_id, own, rule.currency, window, SALES_MAX + 1)
    if len(sales) > SALES_MAX:
        return SALES_TOO_MANY(limit=SALES_MAX)
    got = await store.got_of(tx, [one.source_id for one in sales])
    return PastSales(rule, await _sold(tx, rule, sales, got), got)


def simulate_split(past: PastSales, wish: SplitWish) -> SplitSimulation:
    """Apply the rule to the sales. Pure, and not quick."""
    rule, sold = past.rule, past.sold
    shares = stateless(rule)
    if shares is None:
        would, steps = _by_steps(rule, sold)
    else:
        would, steps = _by_weights(sold, shares, rule.currency), []
    got: dict[Holder, int] = defaultdict(int)
    for one in past.got:
        got[_holder(_EXCHANGE.get(one.kind, Role.PLATFORM), one.organisation_id)] += one.units
    names = sorted({*would, *got}, key=lambda one: (one[0] is None, str(one[0]), str(one[1])))
    return SplitSimulation(
        currency=rule.currency,
        first=wish.first,
        last=wish.last,
        sales=len({one.sale_id for one in sold}),
        gross=Money(sum(one.units for one in sold), rule.currency).to_wire(),
        payees=[_payee(name, got.get(name, 0), would.get(name, 0), rule.currency) for name in names],
        steps=steps,
    )


def _by_weights(sold: Sequence[Sold], shares: Sequence[Share], currency: str) -> dict[Holder, int]:
    """What each payee gets of every sale alone, as a sale by weights is booked."""
    sums: dict[UUID, int] = defaultdict(int)
    for one in sold:
        sums[one.sale_id] += one.units
    found: dict[Holder, int] = defaultdict(int)
    for units in sums.values():
        for part in split(Money(units, currency), shares):
            found[_holder(part.role, part.organisation_id)] += part.amount.units
    return found


def _by_steps(rule: Waterfall, sold: Sequence[Sold]) -> tuple[dict[Holder, int], list[StepOutcome]]:
    """What each payee gets by the steps, and each step's amounts."""
    month_by_sale = {str(one.sale_id): one.month for one in sold}
    would: dict[Holder, int] = defaultdict(int)
    steps: dict[tuple[str, Per, str, Role, UUID | None], list[int]] = defaultdict(lambda: [0, 0])
    for part in apply(rule, sold):
        key = part.key
        would[_holder(key.role, key.organisation_id)] += part.cumulative
        period = month_by_sale[key.period] if part.per is Per.SALE else key.period
        sums = steps[key.step, part.per, period, key.role, key.organisation_id]
        sums[0] += part.cumulative
        sums[1] += part.short
    order = {step.id: n for n, step in enumerate(rule.steps)}
    found = sorted(steps.items(), key=lambda one: (order[one[0][0]], one[0][2], one[0][3], str(one[0][4])))
    return would, [_step(*key, sums, rule.currency) for key, sums in found if any(sums)]


def _holder(role: Role, organisation_id: UUID | None) -> Holder:
    return organisation_id, None if organisation_id else role


async def _rule(tx: Tx, dataset: Dataset, wish: SplitWish) -> Waterfall | Problem:
    if isinstance(wish.rule, UUID):
        stored = (await split_rules.find_rules(tx, [wish.rule])).get(wish.rule)
        if stored is None or stored.dataset_id != dataset.id:
            return NOT_FOUND()
        return load(stored.document)
    found = await resolve(tx, dataset, wish.rule)
    if isinstance(found, Problem):
        return found
    return refusal(found.findings) or found.rule


def _window(wish: SplitWish, zone: str, now: datetime) -> tuple[datetime, datetime] | Problem:
    edges = []
    for named in (wish.first, wish.last):
        try:
            at = datetime.strptime(named, "%Y-%m").replace(tzinfo=ZoneInfo(zone))
        except ValueError:
            return INVALID_REQUEST(reason="a month looks like 2026-01")
        if at.year < _YEAR_MIN or at > now:
            return INVALID_REQUEST(reason=f"a month is {_YEAR_MIN}-01 or later, and has begun")
        edges.append(at)
    first, last = edges
    months = (last.year - first.year) * 12 + last.month - first.month + 1
    if not 1 <= months <= MONTHS_MAX:
        return INVALID_REQUEST(reason=f"first is not after last, and they are at most {MONTHS_MAX} months")
    after = last.replace(year=last.year + last.month // 12, month=last.month % 12 + 1)
    return first.astimezone(UTC), after.astimezone(UTC)


async def _sold(tx: Tx, rule: Waterfall, sales: Sequence[SaleOf], got: Sequence[Got]) -> list[Sold]:
    units: dict[UUID, int] = defaultdict(int)
    for part in got:
        units[part.source_id] += part.units
    claims = await mandates.claims_of(tx, [(one.seller_id, one.buyer_id) for one in sales])
    known = await mandates.find_mandates(tx, sorted({one.mandate_id for one in claims}))
    found = []
    for one in sales:
        mine = (claim for claim in claims if claim.buyer_id == one.buyer_id)
        claim = standing(mine, one.ordered_at)
        broker = None if claim is None else introduced(known[claim.mandate_id])
        found.append(Sold(one.sale_id, month_of(one.at, rule.time_zone), units[one.source_id], broker))
    return found


def _payee(name: Holder, got: int, would: int, currency: str) -> PayeeOutcome:
    holder, role = name
    return PayeeOutcome(
        organisation=None if holder is None else ids.text("org", holder),
        role=None if role is None else role.value,
        role_name=None if role is None else dict(ROLE_NAMES[role]),
        got=Money(got, currency).to_wire(),
        would=Money(would, currency).to_wire(),
        difference=Money(would - got, currency).to_wire(),
    )


def _step(
    step: str, per: Per, period: str, role: Role, holder: UUID | None, sums: Sequence[int], currency: str
) -> StepOutcome:
    return StepOutcome(
        step=step,
        per=per.value,
        period=period,
        role=role.value,
        organisation=None if holder is None else ids.text("org", holder),
        amount=Money(sums[0], currency).to_wire(),
        short=Money(sums[1], currency).to_wire() if sums[1] else None,
    )
