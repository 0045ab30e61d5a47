"""The exchange pays a supplier ahead of what it will earn; a step `recoup` of a rule earns it back."""

from __future__ import annotations

from uuid import UUID

import msgspec

from compliance import store as audit
from exchange.flows.once import done
from exchange.kernel import ids
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.errors import FORBIDDEN, NOT_FOUND, Problem
from exchange.kernel.money import Money
from exchange.parties import store as parties
from settlement import postings
from settlement.accounts import advance
from settlement.journals import Posted
from settlement.problems import AMOUNT_INVALID
from settlement.store import ledger

# What no single advance is: beyond it somebody has typed too many zeros.
ADVANCE_MAX_UNITS = 10**14


class AdvanceReceipt(msgspec.Struct, frozen=True):
    """An advance that is payable now, and all that the payee still has to earn back."""

    id: str
    organisation: str
    amount: dict[str, str]
    outstanding: dict[str, str]


async def pay_advance(tx: Tx, actor: Actor, organisation_id: UUID, amount: Money) -> AdvanceReceipt | Problem:
    """Make an advance payable to a verified organisation.

    errors   answers forbidden, not-found, amount-invalid
    """
    if "operator" not in actor.roles:
        return FORBIDDEN(needs="operator")
    standing = (await parties.standing(tx, [organisation_id])).get(organisation_id)
    if standing is None or not standing.verified:
        return NOT_FOUND()
    if not 0 < amount.units <= ADVANCE_MAX_UNITS:
        least, most = Money(1, amount.currency), Money(ADVANCE_MAX_UNITS, amount.currency)
        return AMOUNT_INVALID(least=str(least), most=str(most), currency=amount.currency)
    advance_id = tx.new_id()
    (posted,) = await ledger.post(tx, [postings.pay_advance(advance_id, organisation_id, amount)])
    assert isinstance(posted, Posted), posted
    account = advance(organisation_id, amount.currency)
    left = -(await ledger.sums(tx, [account]))[account]
    name = ids.text("adv", advance_id)
    await audit.append(tx, [done(actor, "advance.pay", name, organisation_id)])
    return AdvanceReceipt(
        name, ids.text("org", organisation_id), amount.to_wire(), Money(left, amount.currency).to_wire()
    )
