"""Data that were paid for are revoked, by a directive or with a right: their buyers get the unused part back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import msgspec

from compliance import directive_store
from compliance import store as audit
from contracts import chain_store
from contracts.chain import RightState
from exchange.access.grants import Grant
from exchange.access.store import grants, holders
from exchange.catalog.store import datasets
from exchange.catalog.store.listings import load_offers
from exchange.flows.once import done
from exchange.flows.refund_order import RefundReceipt, end_use, give_back, lock_source, receipt
from exchange.flows.sale import Sale, Sales
from exchange.kernel import ids
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.errors import CONFLICT, FORBIDDEN, NOT_FOUND, Problem
from exchange.kernel.money import Money
from exchange.kernel.text import Text
from pricing.rating import price_now
from settlement.refunds import Reason, Revoked
from settlement.store import orders, refunds

AT_ONCE_MAX = 50
# Before every order.
FIRST = UUID(int=0)
_TRANSFERRED = Text("the licence was passed on; decide by hand", "许可已转让，请人工处理")
_CREDITED = ("dataset", "revision")
_BY_RECORD = Text("single records were revoked; decide by hand", "仅撤回部分记录，请人工处理")
_NOTHING = Text("nothing was paid once that is not used up", "一次性款项已无未使用部分")


class LeftOut(msgspec.Struct, frozen=True):
    """An order that got nothing by the rule, and why."""

    order: str
    reason: dict[str, str]


class RevocationCredited(msgspec.Struct, frozen=True):
    """What was refunded now for one cause; ask again with `after` set to `next` until there is none."""

    cause: str
    credited: list[RefundReceipt]
    left_out: list[LeftOut]
    next: str | None


@dataclass(frozen=True, slots=True)
class Cause:
    """What revoked data: since when, of which dataset or revision; with a right, how much of each revision.

    shapes   revision None: all revisions; right None: everything in them
    """

    name: str
    id: UUID
    since: datetime
    dataset_id: UUID
    revision_id: UUID | None = None
    right: UUID | None = None


async def credit_revoked(
    tx: Tx, sales: Sales, actor: Actor, named: tuple[str, UUID], after: UUID = FIRST
) -> RevocationCredited | Problem:
    """Refund the holders of revoked data by the rule `revocation-v1`, once per cause and order, some at a time.

    A freeze of a dataset or revision, and an ended right to a whole dataset, end the use; an ended right to some files
    gives back their part of the price, and the rest goes on.

    shapes   named: ("dir", an active freeze) | ("rgt", a right that ended); after: the order after which to go on
    errors   answers forbidden, not-found, state-conflict
    """
    if "operator" not in actor.roles:
        return FORBIDDEN(needs="operator")
    kind, cause_id = named
    cause = await (_directive if kind == "dir" else _right)(tx, cause_id)
    if isinstance(cause, Problem):
        return cause
    known = await refunds.of_cause(tx, cause.id)
    holding = await holders.holders_of(tx, cause.dataset_id)
    wanted = [one.grant_id for one in holding if cause.revision_id in (None, one.revision_id)]
    there = (await grants.load(tx, wanted)).values() if wanted else ()
    found = sorted((one for one in there if one.order_id > after), key=lambda one: (one.order_id, one.id))
    part = [one for one in found if one.order_id not in known][:AT_ONCE_MAX]
    offers = await load_offers(tx, sorted({one.offer_id for one in part})) if part else {}
    bought = await orders.get_orders(tx, sorted({one.order_id for one in part})) if part else {}
    made: list[RefundReceipt] = []
    left_out: list[LeftOut] = []
    for grant in part:
        sale = sales.sold(offers[grant.offer_id], bought[grant.order_id])
        answer = await _credit(tx, sale, actor, cause, grant)
        if isinstance(answer, RefundReceipt):
            made.append(answer)
        else:
            left_out.append(LeftOut(ids.text("ord", grant.order_id), answer.map()))
    await audit.append(tx, [done(actor, "revocation.credit", cause.name)])
    rest = bool(part) and part[-1] is not found[-1]
    return RevocationCredited(cause.name, made, left_out, ids.text("ord", part[-1].order_id) if rest else None)


async def _credit(tx: Tx, sale: Sale, actor: Actor, cause: Cause, grant: Grant) -> RefundReceipt | Text:
    source = await lock_source(tx, "order", grant.order_id)
    assert source is not None, "a grant has an order"
    if grant.buyer_id != source.buyer_id:
        return _TRANSFERRED
    share = await _bytes(tx, cause, grant.revision_id)
    if isinstance(share, Text):
        return share
    revoked = _revoked(sale, cause, grant, share)
    units, said = revoked.credit(Money(source.left, source.paid.currency))
    ends_at = tx.now if revoked.whole else None
    # Where nothing was paid once, the use ends all the same: a settlement gives back what a plan charges by time.
    await end_use(tx, source.order, ends_at)
    if not units:
        return _NOTHING
    made = await give_back(
        tx,
        source,
        units,
        Reason.REVOKED,
        made_by=actor.organisation_id,
        cause_id=cause.id,
        explanation={"credit": {**said, "cause": cause.name}},
    )
    entry = done(actor, "refund", ids.text("rfd", made.id), source.buyer_id, source.order.seller_id)
    await audit.append(tx, [entry])
    return receipt(made, ends_at)


def _revoked(sale: Sale, cause: Cause, grant: Grant, share: tuple[int, int]) -> Revoked:
    lines = price_now(sale.plan, grant.starts_at, sale.ends_at(grant.starts_at))
    # Discounts and limits belong to no component: they make both kinds less by the same part.
    priced = [(line.component, line.amount.units) for line in lines if line.component is not None]
    once = sum(units for component, units in priced if component.period is None)
    whole = sum(units for _, units in priced)
    return Revoked(
        grant.starts_at, grant.ends_at, cause.since, max(0, min(once, whole)), max(whole, 0), share[0], share[1]
    )


async def _bytes(tx: Tx, cause: Cause, revision_id: UUID) -> tuple[int, int] | Text:
    """How many bytes of a revision were revoked, of how many."""
    files = [one.asset for one in await datasets.assets_of(tx, revision_id)]
    whole = sum(one.size_bytes for one in files)
    if cause.right is None or not whole:
        return (1, 1)
    right = await chain_store.find(tx, cause.right)
    assert right is not None
    if right.draft.covers.by_record:
        return _BY_RECORD
    return sum(one.size_bytes for one in files if right.draft.covers.takes(one.path)), whole


async def _directive(tx: Tx, directive_id: UUID) -> Cause | Problem:
    one = await directive_store.find_directive(tx, directive_id)
    if one is None:
        return NOT_FOUND()
    about, *more = one.targets or (None,)
    if not one.in_force or one.kind != "freeze" or more or one.rules or about is None or about.kind not in _CREDITED:
        state = (
            f"{one.state} {one.kind} of {', '.join([*(each.kind for each in one.targets), *['rule'] * len(one.rules)])}"
        )
        return CONFLICT(state=state, needs="freeze of one dataset or revision, in force")
    if about.kind == "dataset":
        return Cause(one.name, one.id, one.issued_at, about.id)
    revision = await datasets.find_revision(tx, about.id)
    return NOT_FOUND() if revision is None else Cause(one.name, one.id, one.issued_at, revision.dataset_id, revision.id)


async def _right(tx: Tx, right_id: UUID) -> Cause | Problem:
    right = await chain_store.find(tx, right_id)
    if right is None:
        return NOT_FOUND()
    if right.state is RightState.DECLARED:
        return CONFLICT(state=right.state.value, needs="withdrawn or expired")
    return Cause(ids.text("rgt", right.id), right.id, right.ended_at or tx.now, right.dataset_id, right=right.id)
