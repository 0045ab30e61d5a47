"""Whether money may leave to a payee now. Asked in the transaction that sends it, by every rail."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from compliance import store as compliance
from exchange.kernel.db import Tx
from settlement.payouts import Payout, Rail
from settlement.store import dispute_stops, payout_accounts


@dataclass(frozen=True, slots=True)
class Stop:
    """Why a payout may not leave, as a word for machines: it fails with this, and the money is payable again."""

    reason: str


FROZEN = Stop("payee_frozen")
ACCOUNT_RESTRICTED = Stop("payout_account_restricted")
DISPUTED = Stop("in_dispute")


async def may_send(tx: Tx, payouts: Sequence[Payout]) -> dict[UUID, Stop]:
    """By payout, why it may not leave; those that may are missing."""
    return await _disputed(tx, payouts) | await _frozen(tx, payouts) | await _accounts(tx, payouts)


async def may_go_on(tx: Tx, payouts: Sequence[Payout]) -> dict[UUID, Stop]:
    """By payout whose money lies at the payee's account already, why it may not go on to its bank."""
    return await _frozen(tx, payouts)


async def _frozen(tx: Tx, payouts: Sequence[Payout]) -> dict[UUID, Stop]:
    frozen = await compliance.frozen(tx, list({one.organisation_id for one in payouts}))
    return {one.id: FROZEN for one in payouts if one.organisation_id in frozen}


async def _accounts(tx: Tx, payouts: Sequence[Payout]) -> dict[UUID, Stop]:
    """Those whose payee's account at the provider was lost, restricted or replaced since they were ordered."""
    wanted = [one for one in payouts if one.rail is Rail.STRIPE]
    found = await payout_accounts.active_accounts(tx, list({one.organisation_id for one in wanted})) if wanted else []
    active = {one.destination for one in found if one.rail is Rail.STRIPE}
    return {one.id: ACCOUNT_RESTRICTED for one in wanted if one.destination not in active}


async def _disputed(tx: Tx, payouts: Sequence[Payout]) -> dict[UUID, Stop]:
    """What was ordered before a dispute took hold of the money in it; what is not in dispute is ordered again."""
    return dict.fromkeys(await dispute_stops.stopped_payouts(tx, payouts), DISPUTED)
