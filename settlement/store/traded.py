"""What offers were really sold for: only in sums over several buyers, never one buyer's price."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from exchange.kernel.db import Tx
from exchange.kernel.money import Money

ORDERS_MIN, BUYERS_MIN = 3, 2
# What fewer orders by fewer buyers came to never leaves the database. The asking organisation's own orders count for
# nothing: it knows them, and could subtract them. Sellers are named so that the index of paid orders is used.
_TRADED = """
SELECT offer_id, currency, count(*) AS orders,
    percentile_disc(0.5) WITHIN GROUP (ORDER BY price_units - tax_units) AS median
FROM settlement.orders
WHERE seller_id = ANY($1::uuid[]) AND state = 'paid' AND paid_at >= $3 AND offer_id = ANY($2::uuid[]) AND buyer_id <> $4
GROUP BY offer_id, currency HAVING count(*) >= $5 AND count(DISTINCT buyer_id) >= $6"""


@dataclass(frozen=True, slots=True)
class Traded:
    """The median price of an offer's paid orders, without tax, and how many there were."""

    median: Money
    orders: int


async def traded_prices(
    tx: Tx, offers: Sequence[tuple[UUID, UUID]], since: datetime, but: UUID
) -> dict[tuple[UUID, str], Traded]:
    """The traded prices of offers, per currency, as far as enough orders of enough buyers were paid since a moment.

    shapes   offers: (offer, its seller); `but`: whose orders do not count; answers only what may be shown
    """
    if not offers:
        return {}
    driver = await tx.driver()
    sellers = sorted({seller for _, seller in offers})
    wanted = [offer for offer, _ in offers]
    rows = await driver.fetch(_TRADED, sellers, wanted, since, but, ORDERS_MIN, BUYERS_MIN)
    return {
        (row["offer_id"], row["currency"]): Traded(Money(row["median"], row["currency"]), row["orders"]) for row in rows
    }
