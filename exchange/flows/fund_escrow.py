"""A buyer reserves the money of an order's milestones before the work begins: it stays the buyer's until it is charged."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from compliance import store as audit
from contracts.milestones import MilestoneState
from contracts.milestones_problems import ESCROW_STATE
from exchange.flows.milestones import Milestones, Staged, milestones_of, service_of
from exchange.flows.once import done
from exchange.flows.problems import WALLET_TOO_LOW
from exchange.flows.sale import Sales
from exchange.flows.taxing import Taxing, taxing
from exchange.kernel import ids
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.errors import NOT_FOUND, Problem
from exchange.kernel.money import Money
from exchange.kernel.text import Text
from exchange.parties import store as parties
from pricing.exact import to_units
from pricing.fixed import Milestone
from settlement.accounts import wallet
from settlement.holds import Hold
from settlement.journals import Posted
from settlement.store import escrow, holds, ledger

REASON = "milestone"
# After the deadline the buyer still inspects, and a run has to come: until then the money stays where it is.
ROOM = timedelta(days=45)
_NOTHING = Text("has no milestone whose money is still to be reserved", "没有待冻结款项的里程碑")
_REFUNDED = Text("went back as a whole", "已全额退款")


async def fund_escrow(tx: Tx, sales: Sales, actor: Actor, order_id: UUID) -> Milestones | Problem:
    """Reserve what every milestone with escrow will cost, tax included: of all of them, or of none.

    What is not accepted in time goes back by itself: a while after the milestone's deadline and the inspection window.

    errors   answers not-found, escrow-state, wallet-too-low
    """
    service = await service_of(tx, sales, actor, order_id, lock=True)
    if isinstance(service, Problem):
        return service
    order = service.order
    if actor.organisation_id != order.buyer_id:
        return NOT_FOUND()
    name = ids.text("ord", order_id)
    if service.gone_back:
        return ESCROW_STATE(order=name, why=_REFUNDED)
    wanted = await _wanted(tx, service)
    if not wanted:
        return ESCROW_STATE(order=name, why=_NOTHING)
    purse = wallet(order.buyer_id, order.price.currency)
    total = Money(sum(money.units for _, money, _ in wanted), order.price.currency)
    there = (await ledger.lock_balances(tx, [purse])).available[purse]
    if there < total.units:
        return WALLET_TOO_LOW(price=str(total), available=str(Money(there, total.currency)))
    opened = [
        (component, Hold(tx.new_id(), purse, money.units, REASON, order.id, until))
        for component, money, until in wanted
    ]
    results = await holds.open_holds(tx, [hold for _, hold in opened])
    assert all(isinstance(one, Posted) for one in results), results
    sides = order.id, order.buyer_id, order.seller_id
    await escrow.insert(tx, sides, total.currency, [(name, hold.id, hold.amount) for name, hold in opened])
    await audit.append(tx, [done(actor, "escrow.fund", name, order.seller_id)])
    after = await service_of(tx, sales, actor, order_id)
    assert not isinstance(after, Problem), "it was found a moment ago"
    return milestones_of(after, tx.now)


async def _wanted(tx: Tx, service: Staged) -> list[tuple[str, Money, datetime]]:
    """What is to reserve for which milestone, and until when."""
    order, plan = service.order, service.sale.plan
    open_states = (MilestoneState.OPEN, MilestoneState.REJECTED)
    models = {
        component: model
        for component, model in plan.milestones.items()
        if model.escrow
        and model.amount
        and component not in service.escrow
        and service.state(component, tx.now) in open_states
    }
    if not models:
        return []
    standings = await parties.standing(tx, sorted({order.seller_id, order.buyer_id}))
    taxed = taxing((standings[order.seller_id], standings[order.buyer_id]), plan, tx.now)
    found = []
    for component, model in models.items():
        net = Money(to_units(model.amount), plan.currency)
        gross = taxed.on(net).gross if isinstance(taxed, Taxing) else net
        found.append((component, gross, _until(service, model, tx.now)))
    return found


def _until(service: Staged, model: Milestone, now: datetime) -> datetime:
    deadline = service.due_at(model) or now
    return max(deadline, now) + timedelta(days=service.window.days) + ROOM
