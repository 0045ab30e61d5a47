"""What components of offers brought in, in sums over all buyers."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from exchange.kernel.db import Tx

_RECOVERED = """
SELECT component, currency, sum(amount_units - tax_units)::text AS units FROM settlement.charge
WHERE offer_id = ANY($1::uuid[]) AND component = ANY($2::text[]) GROUP BY component, currency"""


async def recovered(tx: Tx, offer_ids: Sequence[UUID], components: Sequence[str]) -> dict[tuple[str, str], int]:
    """What was charged so far for some components of some offers, without tax and corrections included.

    shapes   (component, currency) -> millionths; what was never charged is absent
    """
    rows = await (await tx.driver()).fetch(_RECOVERED, list(offer_ids), list(components))
    return {(row["component"], row["currency"]): int(row["units"]) for row in rows}
