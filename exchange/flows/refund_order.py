"""Money goes back to a buyer: all or a part of an order or charge, taken from everybody who got a share of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from compliance import store as audit
from exchange.access.store import course, grants
from exchange.flows.once import done
from exchange.kernel import ids
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.errors import NOT_FOUND, Problem
from exchange.kernel.money import Money
from settlement import postings, refunds
from settlement.accounts import AccountKind, credit, payable, receivable, wallet
from settlement.chargebacks import HOLD_REASON
from settlement.dispute_problems import DISPUTE_EXISTS
from settlement.holds import Hold
from settlement.journals import Posted
from settlement.orders import Order, OrderState, PayBy
from settlement.problems import REFUND_END, REFUND_TOO_LARGE
from settlement.refunds import REASONS, Reason, Refund
from settlement.store import chargebacks, disputes, holds, ledger, payouts
from settlement.store import refunds as store
from settlement.store.refunds import Source

PREFIX = {"order": "ord", "charge": "chg"}


class NotPosted(AssertionError):
    """The ledger did not take a refund that was decided with all locks held: a defect, and nothing of it is kept."""


@dataclass(frozen=True, slots=True)
class RefundWish:
    """Give back an amount of an order or charge, all that is left where None; a partial refund may end the use earlier.

    shapes   source: ("order" | "charge", id)
    """

    source: tuple[str, UUID]
    reason: Reason
    amount: Money | None = None
    grant_ends_at: datetime | None = None


class RefundReceipt(msgspec.Struct, frozen=True):
    """A refund that was made, and how the order stands after it."""

    id: str
    source: str
    order: str
    amount: dict[str, str]
    refunded: dict[str, str]
    paid: dict[str, str]
    full: bool
    reason: str
    grant_ends_at: str | None


async def refund_order(tx: Tx, actor: Actor, wish: RefundWish) -> RefundReceipt | Problem:
    """Refund a sale of the actor's organisation, or anybody's for an operator; a full refund of an order ends its use.

    errors   answers not-found, dispute-exists, refund-too-large, refund-grant-end
    """
    source = await lock_source(tx, *wish.source)
    if source is None or not ("operator" in actor.roles or source.order.seller_id == actor.organisation_id):
        return NOT_FOUND()
    if await disputes.open_disputes(tx, [source.id]):
        return DISPUTE_EXISTS(source=ids.text(PREFIX[source.kind], source.id))
    units = wanted_units(source, wish.amount)
    if isinstance(units, Problem):
        return units
    ends_at = await _end_of_use(tx, source, units, wish.grant_ends_at)
    if isinstance(ends_at, Problem):
        return ends_at
    made = await give_back(tx, source, units, wish.reason, made_by=actor.organisation_id)
    await end_use(tx, source.order, ends_at)
    others = {source.buyer_id, source.order.seller_id} - {actor.organisation_id}
    await audit.append(tx, [done(actor, "refund", ids.text("rfd", made.id), *sorted(others))])
    return receipt(made, ends_at)


async def lock_source(tx: Tx, kind: str, source_id: UUID) -> Source | None:
    """The order or charge with its order, locked: refunds, releases and decisions of one order happen one by one."""
    return await (store.lock_order_source if kind == "order" else store.lock_charge_source)(tx, source_id)


async def give_back(
    tx: Tx,
    source: Source,
    units: int,
    reason: Reason,
    *,
    made_by: UUID | None = None,
    cause_id: UUID | None = None,
    explanation: Mapping[str, Any] | None = None,
) -> Refund:
    """Book a refund of a locked source; each payee gives what the cumulative sum says, less what it gave before.

    What waits is taken from pending, what was released from payable, and what is no longer there becomes the payee's
    debt. What the buyer still owes for a charge becomes less first; the rest fills the wallet.
    Card money goes to the wallet too, from where its buyer may take it back to the card (refund_to_card).

    units    0 < units <= source.left
    errors   BadRefund, NotPosted: defects
    """
    order, paid = source.order, source.paid
    given = refunds.step(paid, source.refunded_units, units)
    currency = paid.currency
    released = [
        payable(account.organisation_id, currency)
        for account, _ in given
        if source.released and account.kind is AccountKind.PENDING and account.organisation_id
    ]
    await payouts.lock_payable(tx, released)
    taken = refunds.taken_from(given, source.released, await ledger.sums(tx, released))
    owed = min(source.unpaid_units, units)
    made = Refund(
        id=tx.new_id(),
        source_kind=source.kind,
        source_id=source.id,
        order_id=order.id,
        buyer_id=source.buyer_id,
        seller_id=order.seller_id,
        number=source.refunds + 1,
        amount=Money(units, currency),
        cumulative_units=source.refunded_units + units,
        paid_units=paid.units,
        tax_units=refunds.tax_in(paid, source.tax_units, source.refunded_units, units),
        receivable_units=owed,
        reason=reason,
        explanation={**_arithmetic(source, units, reason), **(explanation or {})},
        created_at=tx.now,
        cause_id=cause_id,
        made_by=made_by,
    )
    owing = credit if source.kind == "order" else receivable
    to = ((owing(source.buyer_id, currency), owed), (wallet(source.buyer_id, currency), units - owed))
    (posted,) = await ledger.post(tx, [postings.refund(made.id, source.id, taken, to)])
    if not isinstance(posted, Posted):
        raise NotPosted(str(posted))
    await store.insert_refund(tx, made)
    if order.payment is PayBy.CARD and reason is not Reason.CHARGEBACK:
        await keep_for_banks(tx, source)
    return made


async def keep_for_banks(tx: Tx, source: Source) -> None:
    """Reserve of a buyer's wallet what its bank has taken back and not decided yet: what just went there may go twice else."""
    key = wallet(source.buyer_id, source.paid.currency)
    for one in await chargebacks.live_of_order(tx, source.order.id):
        balances = await ledger.lock_balances(tx, [key])
        units = min(balances.available.get(key, 0), one.amount.units)
        if units > 0 and not await chargebacks.held(tx, one.id):
            (result,) = await holds.open_holds(tx, [Hold(one.id, key, units, HOLD_REASON, one.payment_id)])
            assert isinstance(result, Posted), result


async def end_use(tx: Tx, order: Order, ends_at: datetime | None) -> None:
    """Let the grants of an order end: now for good, or at a later moment; None leaves them."""
    if ends_at is None:
        return
    found = await grants.of_orders(tx, [order.id])
    for grant in found:
        # A grant lasts at least for the moment it began in.
        await course.end_at(tx, grant.id, refunds.after_start(ends_at, grant.starts_at))
    if ends_at <= tx.now:
        await grants.end(tx, [grant.id for grant in found])


def wanted_units(source: Source, amount: Money | None) -> int | Problem:
    """How much is to go back, all that is left where no amount is named; or why it cannot.

    errors   answers refund-too-large, also for an amount of nothing or of another currency
    """
    currency = source.paid.currency
    units = source.left if amount is None else amount.units
    possible = source.order.state is OrderState.PAID and (amount is None or amount.currency == currency)
    if possible and 0 < units <= source.left:
        return units
    return REFUND_TOO_LARGE(left=str(Money(source.left, currency)), paid=str(Money(source.paid.units, currency)))


def receipt(made: Refund, ends_at: datetime | None) -> RefundReceipt:
    """The answer to a refund."""
    currency = made.amount.currency
    return RefundReceipt(
        id=ids.text("rfd", made.id),
        source=ids.text(PREFIX[made.source_kind], made.source_id),
        order=ids.text("ord", made.order_id),
        amount=made.amount.to_wire(),
        refunded=Money(made.cumulative_units, currency).to_wire(),
        paid=Money(made.paid_units, currency).to_wire(),
        full=made.full,
        reason=made.reason.value,
        grant_ends_at=None if ends_at is None else ends_at.isoformat().replace("+00:00", "Z"),
    )


async def _end_of_use(tx: Tx, source: Source, units: int, wanted: datetime | None) -> datetime | Problem | None:
    """When the use ends with this refund: now for a whole order, when the wish says for a part, else as before."""
    if source.kind == "order" and units == source.paid.units - source.refunded_units - source.credited_units:
        return tx.now
    if wanted is None:
        return None
    found = await grants.of_orders(tx, [source.order.id])
    latest = max((one.ends_at for one in found if one.ends_at is not None), default=None)
    unending = any(one.ends_at is None for one in found)
    if wanted < tx.now or (not unending and (latest is None or wanted > latest)):
        return REFUND_END(ends_at="-" if unending or latest is None else latest.isoformat())
    return wanted


def _arithmetic(source: Source, units: int, reason: Reason) -> dict[str, Any]:
    currency, after = source.paid.currency, source.refunded_units + units
    said = [Money(one, currency) for one in (units, source.paid.units, source.refunded_units, after)]
    amount, paid, before, now = said
    words = REASONS[reason]
    return {
        "rule": "refund-v1",
        "paid": paid.to_wire(),
        "before": before.to_wire(),
        "after": now.to_wire(),
        "text": {
            "en": f"Refund of {amount} ({words['en']}): {now} of {paid} gone back",
            "zh": f"退款 {amount}（{words['zh']}）：已付 {paid}，累计退回 {now}",
        },
    }
