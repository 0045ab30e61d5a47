"""What the ids in the ledger name: each journal's cause and each posting's tag, by the table that it lies in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from uuid import UUID

from exchange.kernel import ids
from exchange.kernel.db import Tx
from exchange.kernel.ids import array

# An id lies in one of these tables at most: it is made once, for one object.
PREFIXES: Mapping[str, str] = {
    "ord": "settlement.orders",
    "chg": "settlement.charge",
    "pay": "settlement.payment",
    "pot": "settlement.payout",
    "rsc": "settlement.bank_entry",
    "crd": "settlement.service_credit",
    "cnv": "settlement.conversion",
    "hld": "settlement.hold",
    "rfd": "settlement.refund",
}
# Credits for a promise that was not kept are tagged with the grant, which another package keeps.
_GRANTS = "EXISTS (SELECT FROM settlement.service_credit c WHERE c.grant_id = k.id)"
_CASES = " ".join(
    f"WHEN EXISTS (SELECT FROM {table} t WHERE t.id = k.id) THEN '{prefix}'" for prefix, table in PREFIXES.items()
)
_NAMES = f"""
SELECT k.id, CASE {_CASES} WHEN {_GRANTS} THEN 'grt' END FROM unnest($1::text::uuid[]) AS k(id)"""


async def names_of(tx: Tx, wanted: Iterable[UUID]) -> dict[UUID, str]:
    """The public form of each id; what lies in no table of settlement's is written as a bare UUID."""
    distinct = list(dict.fromkeys(wanted))
    if not distinct:
        return {}
    rows = await (await tx.driver()).fetch(_NAMES, array(distinct))
    return {row[0]: ids.text(row[1], row[0]) if row[1] else str(row[0]) for row in rows}
