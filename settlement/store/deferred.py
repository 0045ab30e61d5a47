"""What was sold for a time that is not over, from charges, orders, refunds and what revenue had of each."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from exchange.kernel.db import Tx
from settlement.deferred import Sold

PORTION = 2_000

# A refund is of one order or charge; what revenue gave back of it stands in the refund's own journal.
_VALUES = """
SELECT k.id, coalesce(r.units, 0)::bigint AS back, coalesce(o.units, 0)::bigint AS own FROM unnest($1::uuid[]) AS k(id)
LEFT JOIN LATERAL (SELECT sum(f.amount_units - f.tax_units) AS units FROM settlement.refund f WHERE f.source_id = k.id) r ON true
LEFT JOIN LATERAL (SELECT sum(p.amount) AS units FROM settlement.journal j JOIN settlement.posting p ON p.journal_id = j.id
    JOIN settlement.account a ON a.id = p.account_id AND a.kind = 'revenue' AND a.organisation_id IS NULL
    WHERE (j.kind = $2 AND j.source_id = k.id) OR (j.kind = 'refund'
        AND j.source_id IN (SELECT f.id FROM settlement.refund f WHERE f.source_id = k.id))) o ON true"""
_CHARGES = """
SELECT id, currency, service_start, service_end, amount_units - tax_units AS net FROM settlement.charge
WHERE service_end > $1 AND created_at <= $1 AND id > $2 ORDER BY id LIMIT $3"""
_ORDERS = """
SELECT id, currency, price_units - tax_units AS net FROM settlement.orders
WHERE id = ANY($1::uuid[]) AND state = 'paid' AND paid_at <= $2 AND price_units > 0"""


async def charges(tx: Tx, at: datetime, after: UUID) -> list[Sold]:
    """The next charges for a time that is not over at a moment, by id."""
    rows = await (await tx.driver()).fetch(_CHARGES, at, after, PORTION)
    values = await _values(tx, "charge", [row["id"] for row in rows])
    return [
        Sold(
            "charge", row["id"], row["currency"], row["service_start"], row["service_end"],
            row["net"] - values[row["id"]][0], values[row["id"]][1],
        )
        for row in rows
    ]  # fmt: skip


async def orders(tx: Tx, at: datetime, stretches: dict[UUID, tuple[datetime, datetime | None]]) -> list[Sold]:
    """Paid orders as sales of the stretches of time that they were for."""
    rows = await (await tx.driver()).fetch(_ORDERS, list(stretches), at)
    values = await _values(tx, "purchase", [row["id"] for row in rows])
    return [
        Sold(
            "order", row["id"], row["currency"], *stretches[row["id"]], row["net"] - values[row["id"]][0],
            values[row["id"]][1],
        )
        for row in rows
    ]  # fmt: skip


async def _values(tx: Tx, kind: str, sources: Sequence[UUID]) -> dict[UUID, tuple[int, int]]:
    rows = await (await tx.driver()).fetch(_VALUES, list(sources), kind) if sources else []
    return {row["id"]: (row["back"], row["own"]) for row in rows}
