"""What of a seller's sales a settlement run may release: accepted, past its window, and never more back than was paid."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from exchange.access.grants import Grant
from exchange.access.store import grants
from exchange.catalog.offers import OfferForSale
from exchange.flows.inspecting import windows_of
from exchange.kernel.db import Tx
from settlement.orders import Order
from settlement.runs import Charge, Run
from settlement.store import acceptances, refunds


@dataclass(frozen=True, slots=True)
class Accepted:
    """Orders whose shares become payable now, by seller; those on hold, with their charges; those that went back as a whole."""

    orders: Mapping[UUID, Sequence[UUID]]
    held: frozenset[UUID]
    gone_back: frozenset[UUID]


async def accepted_sources(
    tx: Tx, run: Run, sellers: Sequence[UUID], paid: Sequence[Order], offers: Mapping[UUID, OfferForSale], *, lock: bool
) -> Accepted:
    """Which of these orders are accepted at the end of the run's period; the releasable ones locked if wanted.

    A charge waits with its order: use of a delivery that is still inspected is not released before it is accepted.
    """
    known = [one.id for one in paid]
    found = await acceptances.releasable_sources(tx, known, run.period_end, windows_of(offers), lock=lock)
    gone_back = await refunds.gone_back(tx, sellers, run.currency)
    return Accepted(found.orders, found.held, gone_back)


async def within_paid(tx: Tx, charges: Sequence[Charge], held: Sequence[Grant]) -> tuple[list[Charge], list[Grant]]:
    """Hold back grants whose charges would give back more than a buyer paid for the order, refunds taken off.

    A refund and a give-back for unused time may concern the same money; a person looks before it goes back twice.
    """
    sums: dict[tuple[UUID, UUID], int] = defaultdict(int)
    for one in charges:
        sums[one.order_id, one.buyer_id] += one.amount.units
    net = await refunds.net_of(tx, sorted(pair for pair, units in sums.items() if units < 0))
    over = {order for (order, _), units in sums.items() if order in net and net[order] + units < 0}
    if not over:
        return list(charges), list(held)
    stuck = {one.grant_id for one in charges if one.order_id in over}
    found = await grants.load(tx, sorted(stuck))
    return [one for one in charges if one.grant_id not in stuck], [*held, *found.values()]
