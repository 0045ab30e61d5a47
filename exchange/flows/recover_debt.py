"""What a payee owes after refunds is asked back of what was paid out to it, as far as its account still has it."""

from __future__ import annotations

from uuid import UUID

import msgspec

from compliance import store as audit
from exchange.flows.call_provider import CALL_ATTEMPTS
from exchange.flows.once import done
from exchange.kernel import ids, jobs
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.errors import FORBIDDEN, Problem
from exchange.kernel.money import Money, Rounding, round_to_minor
from settlement.accounts import debt, payable
from settlement.recoveries import Recovery, RecoveryState, plan
from settlement.store import ledger, payouts, recoveries
from settlement.stripe_problems import NOTHING_TO_RECOVER

RECOVER = "recover"


class RecoveryAsked(msgspec.Struct, frozen=True):
    """What is asked back, by payout; what cannot be brought stays owed, and is taken off the next payout."""

    organisation: str
    debt: dict[str, str]
    recoveries: list[str]
    wanted: dict[str, str]


async def recover_debt(tx: Tx, actor: Actor, organisation_id: UUID, currency: str) -> RecoveryAsked | Problem:
    """Ask a payee's debt back of its payouts, the newest first; a refund to the buyer never waits for it.

    errors   answers forbidden, nothing-to-recover
    """
    if "operator" not in actor.roles:
        return FORBIDDEN(needs="operator")
    owed = debt(organisation_id, currency)
    await payouts.lock_payable(tx, [payable(organisation_id, currency)])
    owes = -(await ledger.sums(tx, [owed]))[owed] - await recoveries.under_way(tx, organisation_id, currency)
    # Only whole coins can be asked back; the rest stays owed.
    open_debt = round_to_minor(Money(max(owes, 0), currency), Rounding.DOWN)
    sent = await recoveries.to_ask_back(tx, organisation_id, currency)
    wanted = plan(open_debt, sent) if open_debt.units else []
    if not wanted:
        there = Money(sum(units for _, units in sent), currency)
        return NOTHING_TO_RECOVER(debt=str(open_debt), sent=str(there))
    names = []
    for payout_id, amount in wanted:
        one = Recovery(tx.new_id(), payout_id, organisation_id, amount, RecoveryState.CREATED, tx.now)
        await recoveries.insert_recovery(tx, one)
        name = ids.text("rcv", one.id)
        names.append(name)
        await jobs.put(
            tx,
            jobs.Job(
                RECOVER, str(one.id), {"recovery": name}, organisation_id=organisation_id, attempts_max=CALL_ATTEMPTS
            ),
        )
    await audit.append(tx, [done(actor, "recovery.ask", ids.text("org", organisation_id), organisation_id)])
    total = Money(sum(amount.units for _, amount in wanted), currency)
    return RecoveryAsked(ids.text("org", organisation_id), open_debt.to_wire(), names, total.to_wire())
