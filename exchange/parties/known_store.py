"""What was known of parties at a moment long ago: the decision in force then, and the documents on file by then."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from exchange.kernel.db import Tx

_KNOWN = """
SELECT k.id, k.at, o.country, d.id, d.to_state, d.decided_by, d.created_at,
       ARRAY(SELECT e.sha256 FROM parties.evidence e WHERE e.organisation_id = k.id AND e.created_at <= k.at ORDER BY e.id)
FROM unnest($1::uuid[], $2::timestamptz[]) AS k(id, at) JOIN parties.organisation o ON o.id = k.id
LEFT JOIN LATERAL (SELECT * FROM parties.decision x WHERE x.organisation_id = k.id AND x.created_at <= k.at
                   ORDER BY x.id DESC LIMIT 1) d ON true"""


@dataclass(frozen=True, slots=True)
class KnownThen:
    """A party as it was known; without any decision it was unverified."""

    country: str
    decision_id: UUID | None
    state: str | None
    decided_by: UUID | None
    decided_at: datetime | None
    evidence: tuple[bytes, ...]


async def known_then(tx: Tx, asked: Sequence[tuple[UUID, datetime]]) -> dict[tuple[UUID, datetime], KnownThen]:
    """What was known of organisations, each at a moment of its own; unknown ones are missing. For flows."""
    wanted = list(dict.fromkeys(asked))
    driver = await tx.driver()
    rows = await driver.fetch(_KNOWN, [one for one, _ in wanted], [at for _, at in wanted])
    return {(row[0], row[1]): KnownThen(row[2], row[3], row[4], row[5], row[6], tuple(row[7])) for row in rows}
