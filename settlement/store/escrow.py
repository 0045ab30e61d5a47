"""The money that is reserved for milestones of an order, in the database: which hold is whose."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from exchange.kernel.db import Tx
from exchange.kernel.money import Money
from settlement.banking.escrow import Reserved

_INSERT = """
INSERT INTO settlement.milestone_escrow (order_id, component, hold_id, buyer_id, seller_id, amount_units, currency, created_at)
SELECT $1, c, h, $2, $3, a, $4, $5 FROM unnest($6::text[], $7::uuid[], $8::bigint[]) AS t(c, h, a)"""
_COLUMNS = "e.order_id, e.component, e.hold_id, e.amount_units, e.currency, o.hold_id IS NOT NULL"
_OF_ORDER = f"""
SELECT {_COLUMNS} FROM settlement.milestone_escrow e LEFT JOIN settlement.hold_open o ON o.hold_id = e.hold_id
WHERE e.order_id = $1 ORDER BY e.component"""
_OPEN = f"""
SELECT {_COLUMNS} FROM unnest($1::uuid[], $2::text[]) AS k(o, c)
JOIN settlement.milestone_escrow e ON e.order_id = k.o AND e.component = k.c
JOIN settlement.hold_open o ON o.hold_id = e.hold_id ORDER BY e.hold_id"""


_RESERVED = """
SELECT e.order_id, e.component, e.buyer_id, e.seller_id, e.amount_units, e.currency, h.expires_at
FROM settlement.hold_open o JOIN settlement.milestone_escrow e ON e.hold_id = o.hold_id
JOIN settlement.hold h ON h.id = o.hold_id WHERE e.currency = $1 ORDER BY e.order_id, e.component"""


@dataclass(frozen=True, slots=True)
class Escrow:
    """What is reserved for one milestone; `held` while it is."""

    order_id: UUID
    component: str
    hold_id: UUID
    amount: Money
    held: bool


async def insert(
    tx: Tx, parties: tuple[UUID, UUID, UUID], currency: str, found: Sequence[tuple[str, UUID, int]]
) -> None:
    """Write which holds are whose.

    shapes   parties = (order, buyer, seller); found: (milestone, hold, millionths)
    """
    columns = [one[0] for one in found], [one[1] for one in found], [one[2] for one in found]
    await (await tx.driver()).execute(_INSERT, *parties, currency, tx.now, *columns)


async def of_order(tx: Tx, order_id: UUID) -> dict[str, Escrow]:
    """What was ever reserved for an order, by milestone."""
    rows = await (await tx.driver()).fetch(_OF_ORDER, order_id)
    return {row[1]: _escrow(row) for row in rows}


async def still_open(tx: Tx, wanted: Sequence[tuple[UUID, str]]) -> list[Escrow]:
    """What is reserved now of these milestones.

    shapes   (order, milestone)
    """
    columns = [one for one, _ in wanted], [one for _, one in wanted]
    return [_escrow(row) for row in await (await tx.driver()).fetch(_OPEN, *columns)]


async def reserved(tx: Tx, currency: str) -> list[Reserved]:
    """All that is reserved for milestones in a currency now."""
    return [
        Reserved(row[0], row[1], row[2], row[3], Money(row[4], row[5]), row[6])
        for row in await (await tx.driver()).fetch(_RESERVED, currency)
    ]


def _escrow(row: Sequence[object]) -> Escrow:
    order_id, component, hold_id, units, currency, held = row
    return Escrow(order_id, component, hold_id, Money(units, currency), held)  # type: ignore[arg-type]
