"""What the milestones of an order share between flows: the order with its plan, where each milestone stands, its money."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

import msgspec

from contracts import milestones_store as store
from contracts.milestones import MilestoneState, Report, on_day, state_of
from exchange.access.grants import Grant
from exchange.access.store import grants
from exchange.catalog.store import listings
from exchange.flows.inspecting import windows_of
from exchange.flows.sale import Sale, Sales
from exchange.kernel import ids
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.errors import NOT_FOUND, Problem
from pricing.fixed import Milestone
from settlement.acceptances import Inspection
from settlement.holds import Ended, HoldEnd, Outcome
from settlement.orders import Order
from settlement.store import escrow, holds, orders, refunds
from settlement.store.escrow import Escrow


class MilestoneView(msgspec.Struct, frozen=True):
    """A milestone of an order, and what may come next follows from `state`.

    `inspection_ends_at`: until then the buyer may answer the open report; `silence`: what saying nothing means.
    """

    id: str
    title: dict[str, str]
    amount: dict[str, str]
    state: str
    due_at: str | None
    escrow: str | None
    report: str | None
    evidence_sha256: str | None
    note: dict[str, str] | None
    reported_at: str | None
    inspection_ends_at: str | None
    silence: str
    rejected_because: dict[str, str] | None


class Milestones(msgspec.Struct, frozen=True):
    """All milestones of an order, in the order of the plan."""

    order: str
    milestones: list[MilestoneView]


class Sold(Protocol):
    """A grant that may still cost something, with what was sold."""

    @property
    def grant(self) -> Grant:
        """The grant."""

    @property
    def sale(self) -> Sale:
        """What was sold."""


@dataclass(frozen=True, slots=True)
class Staged:
    """A paid order with milestones, locked where a flow will write."""

    order: Order
    grant: Grant
    sale: Sale
    window: Inspection
    gone_back: bool
    reports: Mapping[str, Sequence[Report]]
    dropped: frozenset[str]
    escrow: Mapping[str, Escrow]

    def due_at(self, model: Milestone) -> datetime | None:
        """The day of a milestone, or its deadline."""
        return None if model.after_days is None else self.grant.starts_at + timedelta(days=model.after_days)

    def state(self, component: str, at: datetime) -> MilestoneState:
        """Where one milestone stands."""
        model = self.sale.plan.milestones[component]
        due_at = self.due_at(model)
        if model.on_date and due_at is not None:
            return on_day(due_at, at)
        return state_of(self.reports.get(component, ()), at, dropped=component in self.dropped)


async def service_of(tx: Tx, sales: Sales, actor: Actor, order_id: UUID, *, lock: bool = False) -> Staged | Problem:
    """An order of the actor that has milestones, with all that was said of them.

    errors   answers not-found
    """
    gone_back = False
    if lock:
        await store.lock(tx, order_id)
        source = await refunds.lock_order_source(tx, order_id)
        order, gone_back = (source.order, source.full) if source is not None else (None, False)
    else:
        order = (await orders.get_orders(tx, [order_id])).get(order_id)
    if order is None or order.paid_at is None or actor.organisation_id not in (order.buyer_id, order.seller_id):
        return NOT_FOUND()
    found = await grants.of_orders(tx, [order_id])
    offers = await listings.load_offers(tx, [order.offer_id])
    sale = sales.sold(offers[order.offer_id], order)
    if not found or (lock and not sale.plan.milestones):
        return NOT_FOUND()
    return Staged(
        order,
        found[0],
        sale,
        windows_of(offers)[order.offer_id],
        gone_back,
        await store.of_order(tx, order_id),
        await store.dropped(tx, order_id),
        await escrow.of_order(tx, order_id),
    )


async def show_milestones(tx: Tx, sales: Sales, actor: Actor, order_id: UUID) -> Milestones | Problem:
    """Every milestone of an order of the actor's.

    errors   answers not-found
    """
    service = await service_of(tx, sales, actor, order_id)
    if isinstance(service, Problem):
        return service
    return milestones_of(service, tx.now)


def milestones_of(service: Staged, at: datetime) -> Milestones:
    """The milestones of a service as they are answered."""
    views = [_view(service, component, model, at) for component, model in service.sale.plan.milestones.items()]
    return Milestones(ids.text("ord", service.order.id), views)


async def reached(tx: Tx, sold: Sequence[Sold], until: datetime) -> dict[UUID, dict[str, int]]:
    """The milestones of grants that were accepted, or whose day had come, before a moment: by grant and usage key."""
    staged = {one.grant.id: one for one in sold if one.sale.plan.milestones}
    if not staged:
        return {}
    found: dict[UUID, dict[str, int]] = {}
    accepted = await store.reached(tx, sorted(staged), until)
    for grant_id, one in staged.items():
        for component, model in one.sale.plan.milestones.items():
            if model.on_date and model.after_days is not None:
                came = one.grant.starts_at + timedelta(days=model.after_days) < until
            else:
                came = component in accepted.get(grant_id, ())
            if came:
                found.setdefault(grant_id, {})[f"milestone/{component}"] = 1
    return found


async def reserved(tx: Tx, wanted: Sequence[tuple[UUID, str]]) -> list[Escrow]:
    """What is reserved now for these milestones.

    shapes   (order, milestone)
    """
    return await escrow.still_open(tx, wanted) if wanted else []


async def free_escrow(tx: Tx, wanted: Sequence[tuple[UUID, str]]) -> int:
    """Give what is reserved for these milestones back to the wallets that it came from; how many holds ended.

    Call it before other postings of the transaction.

    shapes   (order, milestone)
    """
    open_now = await reserved(tx, wanted)
    results = await holds.end_holds(tx, [HoldEnd(one.hold_id, Outcome.VOIDED) for one in open_now])
    return sum(isinstance(one, Ended) for one in results)


def _view(service: Staged, component: str, model: Milestone, at: datetime) -> MilestoneView:
    state, due_at = service.state(component, at), service.due_at(model)
    last = next(iter(reversed(service.reports.get(component, ()))), None)
    held = service.escrow.get(component)
    (title,) = (one.title for one in service.sale.plan.components if one.id == component)
    amount = service.sale.plan.currency
    refused = last.answer.reason if last is not None and last.answer is not None else None
    return MilestoneView(
        id=component,
        title=dict(title),
        amount={"amount": format(model.amount, "f"), "currency": amount},
        state=state.value,
        due_at=_instant(due_at),
        escrow=None if not model.escrow else "missing" if held is None else "held" if held.held else "released",
        report=None if last is None else ids.text("mls", last.id),
        evidence_sha256=None if last is None else last.evidence_sha256.hex(),
        note=None if last is None else dict(last.note),
        reported_at=None if last is None else _instant(last.created_at),
        inspection_ends_at=_instant(last.silent_at) if last is not None and last.waits(at) else None,
        silence="refuses" if service.window.silence_refuses else "accepts",
        rejected_because=None if refused is None else dict(refused),
    )


def _instant(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat().replace("+00:00", "Z")
