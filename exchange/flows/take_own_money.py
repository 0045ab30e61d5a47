"""The exchange's own money leaves the accounts of clients' money by a sweep only: one client asks, another approves."""

from __future__ import annotations

from uuid import UUID

import msgspec

from compliance import store as audit
from exchange.flows import approvals
from exchange.flows.once import done, worded
from exchange.kernel import ids
from exchange.kernel.actor import Actor
from exchange.kernel.canonical import digest
from exchange.kernel.db import Tx
from exchange.kernel.errors import FORBIDDEN, INVALID_REQUEST, NOT_FOUND, Problem
from exchange.kernel.money import Money
from settlement import recon_postings as postings
from settlement.approval_problems import APPROVAL_MISSING
from settlement.journals import Duplicate, Posted
from settlement.proof import Proof, Unbacked
from settlement.recon_problems import NOT_OWN_MONEY
from settlement.store import ledger, own_sweeps, proofs
from settlement.store.own_sweeps import OwnSweep

APPROVAL = "own-sweep"


class OwnSweepAsked(msgspec.Struct, frozen=True):
    """What is to be taken; it is booked once another client has approved `approval`."""

    id: str
    amount: dict[str, str]
    approval: str


class OwnSweepDone(msgspec.Struct, frozen=True):
    """Own money that is on its way out; the provider's payout or the bank's statement takes it off the sweep."""

    id: str
    amount: dict[str, str]
    journal: str
    own_left: dict[str, str]


async def ask_own_sweep(tx: Tx, actor: Actor, amount: Money, note: str) -> OwnSweepAsked | Problem:
    """Ask to take own money out.

    errors   answers forbidden, invalid-request, not-own-money
    """
    if "operator" not in actor.roles:
        return FORBIDDEN(needs="operator")
    if amount.units <= 0:
        return INVALID_REQUEST(reason="an amount above zero is taken")
    if (own := await own_money(tx, amount.currency)) < amount:
        return NOT_OWN_MONEY(own=str(own), wanted=str(amount))
    sweep_id = tx.new_id()
    name = ids.text("rsc", sweep_id)
    hashed = digest({"type": "own-sweep", "v": 1, "id": name, "amount": amount.to_wire()})
    await own_sweeps.put_sweep(tx, OwnSweep(sweep_id, amount, note, hashed, tx.now), actor.client_id)
    approval = await approvals.ask(tx, actor, APPROVAL, name, hashed)
    await audit.append(tx, [worded(done(actor, "own-sweep.ask", name, body=hashed), note=note.encode())])
    return OwnSweepAsked(name, amount.to_wire(), ids.text("apv", approval))


async def book_own_sweep(tx: Tx, actor: Actor, sweep_id: UUID) -> OwnSweepDone | Problem:
    """Book what was asked for and approved; asked again, it is the same.

    errors   answers forbidden, not-found, approval-missing, not-own-money where it is the exchange's no longer
    """
    if "operator" not in actor.roles:
        return FORBIDDEN(needs="operator")
    sweep = await own_sweeps.find_sweep(tx, sweep_id)
    if sweep is None:
        return NOT_FOUND()
    name = ids.text("rsc", sweep_id)
    if not await approvals.approved(tx, APPROVAL, name, sweep.body_sha256):
        waits = await approvals.ask(tx, actor, APPROVAL, name, sweep.body_sha256)
        return APPROVAL_MISSING(object=name, approval=ids.text("apv", waits))
    await own_sweeps.lock_own_money(tx, sweep.amount.currency)
    own = await own_money(tx, sweep.amount.currency)
    journal = postings.own_sweep(sweep_id, sweep.amount)
    known = await ledger.journal_ids(tx, [journal.key])
    if not known and own < sweep.amount:
        return NOT_OWN_MONEY(own=str(own), wanted=str(sweep.amount))
    (posted,) = await ledger.post(tx, [journal])
    assert isinstance(posted, Posted | Duplicate), posted
    if isinstance(posted, Posted):
        own = own - sweep.amount
        await audit.append(tx, [done(actor, "own-sweep.book", name)])
    return OwnSweepDone(name, sweep.amount.to_wire(), ids.text("jnl", posted.journal_id), own.to_wire())


async def own_money(tx: Tx, currency: str) -> Money:
    """What of the money at banks and providers is the exchange's own; below zero where clients' money is missing."""
    held, unbacked = (await proofs.sums(tx)).get(currency, {}), (await proofs.unbacked(tx)).get(currency, Unbacked())
    return Money(Proof(tx.now.date(), currency, tx.now, held, (), unbacked).own, currency)
