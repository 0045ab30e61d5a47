"""A payee says where its money should go, and the rail says whether it can."""

from __future__ import annotations

from uuid import UUID

import msgspec

from compliance import store as audit
from compliance.entries import Entry
from exchange.flows.call_provider import CALL_ATTEMPTS
from exchange.flows.once import done
from exchange.kernel import ids, jobs
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.errors import CONFLICT, FORBIDDEN, Problem
from exchange.parties import store as parties
from exchange.parties.roles import PAYEES, PAYEES_NAMED
from settlement.payout_accounts import PayoutAccountState
from settlement.payouts import Rail
from settlement.store import payout_accounts

OPEN_ACCOUNT = "open_payout_account"


class PayoutAccountReceipt(msgspec.Struct, frozen=True):
    """A payout account being opened."""

    organisation: str
    rail: str
    state: str
    job: str


async def open_payout_account(tx: Tx, actor: Actor, rail: Rail = Rail.STRIPE) -> PayoutAccountReceipt | Problem:
    """Note the wish and queue the call that opens the account.

    errors   answers forbidden, state-conflict where there is one already
    """
    if not PAYEES & actor.roles:
        return FORBIDDEN(needs=PAYEES_NAMED)
    standing = (await parties.standing(tx, [actor.organisation_id]))[actor.organisation_id]
    if not await payout_accounts.open_account(tx, actor.organisation_id, rail, standing.country):
        return CONFLICT(state="open", needs="no payout account on this rail")
    name = ids.text("org", actor.organisation_id)
    (job_id,) = await jobs.put(
        tx,
        jobs.Job(
            OPEN_ACCOUNT,
            f"{name}:{tx.now.isoformat()}",
            {"organisation": name, "country": standing.country},
            organisation_id=actor.organisation_id,
            attempts_max=CALL_ATTEMPTS,
        ),
    )
    await audit.append(tx, [done(actor, "payout-account.open", name)])
    return PayoutAccountReceipt(name, rail.value, PayoutAccountState.OPENING.value, ids.text("job", job_id))


async def record_payout_account(
    tx: Tx, organisation_id: UUID, state: PayoutAccountState, destination: str | None, reason: str | None = None
) -> bool:
    """Record what the rail said of an account; False where nothing changed."""
    moved = await payout_accounts.move_account(
        tx, organisation_id, Rail.STRIPE, state, destination=destination, reason=reason
    )
    if moved:
        entry = Entry(
            action=f"payout-account.{state.value}",
            organisation_id=None,
            object_id=ids.text("org", organisation_id),
            concerns=(organisation_id,),
        )
        await audit.append(tx, [entry])
    return moved
