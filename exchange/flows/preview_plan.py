"""What a month's real use of a listing or an offer would have cost under a plan, against what it did cost. Reads only."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Inexact
from typing import Any
from uuid import UUID

import msgspec

from exchange.access.grants import Grant
from exchange.access.store import grants, seal
from exchange.catalog.plans import usable
from exchange.catalog.store import listings
from exchange.catalog.store import plans as library
from exchange.flows.rate_usage import Sold
from exchange.flows.sale import Sales
from exchange.kernel import ids
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.errors import INVALID_REQUEST, NOT_FOUND, Problem
from exchange.kernel.money import BadMoney, Money
from pricing import binding, plans
from pricing.basis import Basis
from pricing.periods import Period, period
from pricing.plans import Plan
from pricing.problems import PRICE_NOT_AGREED
from pricing.rating import Due, bill, instant
from settlement.store import orders

_YEAR_MIN = 2020
GRANTS_MAX = 500
Window = tuple[datetime, datetime]
Usage = Mapping[tuple[UUID, Window], Mapping[str, int]]


class PreviewWish(msgspec.Struct, frozen=True):
    """Which plan (a document, or one of the library), over which grants, in which month (2026-01)."""

    plan: dict[str, Any] | UUID
    listing_id: UUID | None = None
    offer_id: UUID | None = None
    month: str | None = None


class CostLine(msgspec.Struct, frozen=True):
    """What one line of a plan costs in the month; a discount or a limit is a line of its own."""

    component: str
    amount: dict[str, str]


class GrantPreview(msgspec.Struct, frozen=True):
    """One grant: its use in the month, what it did cost, and what it would have cost.

    shapes   would: None where the plan has no price for this buyer, was: None where the sum is beyond any account;
             `refused` then says why, in both languages
    """

    grant: str
    usage: dict[str, int]
    was: dict[str, str] | None
    would: dict[str, str] | None
    difference: dict[str, str] | None
    lines: list[CostLine]
    refused: dict[str, str] | None = None


class Preview(msgspec.Struct, frozen=True):
    """A month under another plan: per grant, and in all per currency. Tax is left out on both sides.

    shapes   was, would: the sums over the grants that the plan has a price for; more: there are more grants than shown
    """

    starts_at: str
    ends_at: str
    grants: list[GrantPreview]
    was: list[dict[str, str]]
    would: list[dict[str, str]]
    more: bool


@dataclass(frozen=True, slots=True)
class _Case:
    """A grant with its own plan, and with the other one as its buyer would have it."""

    sold: Sold
    other: Plan | Problem


async def preview_plan(tx: Tx, actor: Actor, sales: Sales, wish: PreviewWish) -> Preview | Problem:
    """Compare a plan with what was sold, over the real use of one month; the last one if none is named.

    A month costs what the agreement costs up to its end, minus what it costs up to its beginning: the same arithmetic
    as a settlement's, so that tiers over the whole agreement, credits and limits stand where they really stood.

    errors   answers not-found, invalid-request, plan-field-wrong, plan-retired
    """
    document = await _document(tx, actor, wish)
    if isinstance(document, Problem):
        return document
    plan = plans.parse(document)
    if not isinstance(plan, Plan):
        return plan[0]
    month = _month(wish.month, tx.now, plan)
    if isinstance(month, Problem):
        return month
    found = await _grants(tx, actor, wish, month[1])
    if isinstance(found, Problem):
        return found
    cases = await _cases(tx, sales, found[:GRANTS_MAX], document)
    usage = await _usage(tx, cases, month)
    shown = [_compare(case, month, usage) for case in cases]
    kept = [one for one in shown if one.would is not None]
    return Preview(
        starts_at=instant(month[0]),
        ends_at=instant(month[1]),
        grants=shown,
        was=_sums(one.was for one in kept if one.was is not None),
        would=_sums(one.would for one in kept if one.would is not None),
        more=len(found) > GRANTS_MAX,
    )


async def _document(tx: Tx, actor: Actor, wish: PreviewWish) -> dict[str, Any] | Problem:
    if not isinstance(wish.plan, UUID):
        settled: dict[str, Any] = plans.SHAPE.settled(wish.plan)
        return settled
    found = await library.find(tx, wish.plan)
    if found is None or found.plan.supplier_id != actor.organisation_id:
        return NOT_FOUND()
    document: dict[str, Any] = msgspec.json.decode(found.plan.document)
    return usable(found) or document


async def _grants(tx: Tx, actor: Actor, wish: PreviewWish, before: datetime) -> list[Grant] | Problem:
    seller = actor.organisation_id
    if wish.offer_id is not None:
        offer = await listings.find_offer(tx, wish.offer_id)
        owned = offer is not None and offer.supplier_id == seller and wish.listing_id in (None, offer.listing_id)
    elif wish.listing_id is not None:
        listing = await listings.find_listing(tx, wish.listing_id)
        owned = listing is not None and listing.supplier_id == seller
    else:
        return INVALID_REQUEST(reason="name a listing or an offer")
    if not owned:
        return NOT_FOUND()
    return await grants.of_seller(tx, seller, wish.listing_id, wish.offer_id, before, GRANTS_MAX + 1)


def _month(named: str | None, now: datetime, plan: Plan) -> Window | Problem:
    """The month's two edges in the plan's time zone."""
    zone = plan.time_zone
    here = now.astimezone(zone)
    try:
        first = datetime.strptime(named, "%Y-%m").replace(tzinfo=zone) if named else None
    except ValueError:
        return INVALID_REQUEST(reason="a month looks like 2026-01")
    this = here.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    start = first or (this - timedelta(days=1)).replace(day=1)
    if start.year < _YEAR_MIN:
        return INVALID_REQUEST(reason=f"a month is {_YEAR_MIN}-01 or later")
    if start > here:
        return INVALID_REQUEST(reason="the month has not begun")
    stretch = period("month", start.astimezone(UTC), 0, zone, calendar=True)
    assert stretch.end is not None
    return stretch.start, min(stretch.end, now)


async def _cases(tx: Tx, sales: Sales, found: Sequence[Grant], document: Mapping[str, Any]) -> list[_Case]:
    placed = await orders.get_orders(tx, [grant.order_id for grant in found]) if found else {}
    offers = await listings.load_offers(tx, list({grant.offer_id for grant in found})) if found else {}
    cases = []
    for grant in found:
        order = placed[grant.order_id]
        sold = Sold(grant, order, sales.sold(offers[grant.offer_id], order))
        basis = Basis.from_document(msgspec.json.decode(order.price_basis or b"{}"))
        cases.append(_Case(sold, _bound(document, basis, grant.starts_at)))
    return cases


def _bound(document: Mapping[str, Any], basis: Basis, at: datetime) -> Plan | Problem:
    """The plan for a buyer with this basis; choices that only the plan it has offers are left out."""
    plan = binding.bind(document, basis, at=at)
    if isinstance(plan, Problem):
        plan = binding.bind(document, replace(Basis(), currency=basis.currency, buyer_class=basis.buyer_class), at=at)
    if isinstance(plan, Plan) and plan.unpriced:
        return PRICE_NOT_AGREED(components=", ".join(plan.unpriced))
    return plan


def _compare(case: _Case, month: Window, usage: Usage) -> GrantPreview:
    grant = case.sold.grant
    name, used = ids.text("grt", grant.id), dict(usage.get((grant.id, month), {}))
    was = _cost(case.sold.sale.plan, grant, month, usage)
    would = case.other if isinstance(case.other, Problem) else _cost(case.other, grant, month, usage)
    if isinstance(was, Problem):
        return GrantPreview(name, used, None, None, None, [], _said(was))
    if isinstance(would, Problem):
        return GrantPreview(name, used, was[0].to_wire(), None, None, [], _said(would))
    money, lines = would
    difference = (money - was[0]).to_wire() if money.currency == was[0].currency else None
    return GrantPreview(name, used, was[0].to_wire(), money.to_wire(), difference, lines)


def _cost(plan: Plan, grant: Grant, month: Window, usage: Usage) -> tuple[Money, list[CostLine]] | Problem:
    """What the month added to an agreement's cost, and which lines it is made of."""
    try:
        before, after = (_lines(plan, grant, month, until, usage) for until in month)
    except (BadMoney, Inexact):
        return INVALID_REQUEST(reason="it costs more than an account can hold")
    parts: dict[str, int] = defaultdict(int)
    for sign, dues in ((-1, before), (1, after)):
        for due in dues:
            parts[due.line.id] += sign * due.amount.units
    whole = Money(sum(parts.values()), plan.currency)
    return whole, [CostLine(name, Money(units, plan.currency).to_wire()) for name, units in parts.items() if units]


def _lines(plan: Plan, grant: Grant, month: Window, until: datetime, usage: Usage) -> list[Due]:
    if until <= grant.starts_at and until == month[0]:
        return []
    uses = [
        (stretch, usage.get((grant.id, window), {}))
        for stretch in _periods(plan, grant, month, until)
        if (window := _window(stretch, until))
    ]
    return bill(plan, uses, {}, until=until)


def _periods(plan: Plan, grant: Grant, month: Window, until: datetime) -> list[Period]:
    begun = plan.periods(grant.starts_at, until, grant.ends_at)
    # What ended before the month costs the same at both its edges.
    return [one for one in begun if plan.needs_history or one.end is None or one.end > month[0]]


def _window(stretch: Period, until: datetime) -> Window:
    end = stretch.used_until
    return stretch.start, until if end is None else min(end, until)


async def _usage(tx: Tx, cases: Sequence[_Case], month: Window) -> dict[tuple[UUID, Window], dict[str, int]]:
    """What each grant used in each window that some plan asks about: one look per window, however many share it."""
    sharing: dict[Window, set[UUID]] = defaultdict(set)
    for case in cases:
        grant = case.sold.grant
        sharing[month].add(grant.id)
        for plan in (case.sold.sale.plan, case.other):
            if isinstance(plan, Plan):
                for until in month:
                    for stretch in _periods(plan, grant, month, until):
                        sharing[_window(stretch, until)].add(grant.id)
    usage: dict[tuple[UUID, Window], dict[str, int]] = defaultdict(dict)
    for window, grant_ids in sorted(sharing.items()):
        for total in await seal.usage_totals(tx, *window, sorted(grant_ids)):
            usage[total.grant_id, window][total.meter] = total.quantity
    return usage


def _sums(parts: Any) -> list[dict[str, str]]:
    sums: dict[str, int] = defaultdict(int)
    for wire in parts:
        money = Money.from_wire(wire)
        sums[money.currency] += money.units
    return [Money(units, currency).to_wire() for currency, units in sorted(sums.items())]


def _said(problem: Problem) -> dict[str, str]:
    return {language: problem.detail(language) for language in ("en", "zh")}
