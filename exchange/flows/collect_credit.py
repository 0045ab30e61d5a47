"""Debts for orders on account are paid from wallets: when a buyer says so, when a transfer names the order, when they are due."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from uuid import UUID

import msgspec

from compliance import store as audit
from compliance.entries import Entry
from exchange.flows.dunning_pauses import disputed
from exchange.kernel import ids
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.errors import NOT_FOUND, Problem
from exchange.kernel.money import Money
from settlement import postings
from settlement.accounts import credit as credit_key
from settlement.accounts import wallet
from settlement.banking_problems import CREDIT_PAID, WALLET_SHORT
from settlement.credit import CreditOrder
from settlement.dunning import Owed
from settlement.journals import Posted
from settlement.store import credit, ledger

PORTION = 200
_FIRST = date(1970, 1, 1), UUID(int=0)


class Collected(msgspec.Struct, frozen=True):
    """What was paid for an order on account, and what is still owed."""

    order: str
    paid: dict[str, str]
    unpaid: dict[str, str]


async def pay_on_account(tx: Tx, actor: Actor, order_id: UUID) -> Collected | Problem:
    """Pay all that the actor's organisation owes for an order, from its wallet.

    errors   answers not-found, order-on-account-paid, wallet-short-of-debt
    """
    one = await credit.lock_order(tx, order_id)
    if one is None or one.buyer_id != actor.organisation_id:
        return NOT_FOUND()
    if not one.unpaid_units:
        return CREDIT_PAID(order=ids.text("ord", order_id))
    there = (await ledger.available(tx, [wallet(one.buyer_id, one.price.currency)])).popitem()[1]
    if there < one.unpaid_units:
        return WALLET_SHORT(owed=str(one.unpaid), available=str(Money(max(0, there), one.price.currency)))
    await collect(tx, [one])
    nothing = Money.zero(one.price.currency)
    return Collected(ids.text("ord", order_id), one.unpaid.to_wire(), nothing.to_wire())


async def collect(tx: Tx, found: Sequence[CreditOrder]) -> int:
    """Take from the wallets what they hold for these debts, the first first; the debts are held. Answers how many got some."""
    keys = {wallet(one.buyer_id, one.price.currency) for one in found}
    locked = await ledger.lock_balances(tx, [*keys, *(credit_key(one.buyer_id, one.price.currency) for one in found)])
    left = {key: locked.available.get(key, 0) for key in keys}
    journals, paid, entries = [], [], []
    for one in found:
        key = wallet(one.buyer_id, one.price.currency)
        units = min(one.unpaid_units, max(0, left[key]))
        if not units:
            continue
        left[key] -= units
        amount = Money(units, one.price.currency)
        journals.append(postings.collect_credit(tx.new_id(), one.order_id, one.buyer_id, amount))
        paid.append((one.order_id, units))
        entries.append(
            Entry(
                action="credit.collect",
                organisation_id=None,
                object_id=ids.text("ord", one.order_id),
                concerns=(one.buyer_id, one.seller_id),
            )
        )
    results = await ledger.write(tx, journals, locked)
    assert all(isinstance(result, Posted) for result in results), "wallets and debts are held"
    await credit.pay_orders(tx, paid)
    if entries:
        await audit.append(tx, entries)
    return len(paid)


async def collect_overdue(tx: Tx, after: tuple[date, UUID] = _FIRST) -> tuple[date, UUID] | None:
    """Collect the next debts that are due and not disputed from the wallets; answers where to go on, None when through."""
    found = await credit.lock_overdue(tx, tx.now.date(), after, PORTION)
    stopped = await disputed(tx, [_owed(one) for one in found])
    if wanted := [one for one in found if one.order_id not in stopped]:
        await collect(tx, wanted)
    return (found[-1].due_on, found[-1].order_id) if len(found) == PORTION else None


def _owed(one: CreditOrder) -> Owed:
    since = datetime.combine(one.due_on, time(), UTC)
    of = one.buyer_id, one.seller_id, one.price.currency
    return Owed(one.order_id, one.order_id, None, *of, one.unpaid_units, since)
