"""Proofs over sealed usage: in which records an event stands, and its place under the Merkle root of its day."""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from exchange.access.store.roots import leaves
from exchange.kernel.db import Tx
from exchange.kernel.merkle import Range, inclusion_proof, leaf_hash

# Beyond this many records under one root a proof is not worked out while somebody waits.
LEAVES_MAX = 200_000

# The newest root of each day, source and grant: with late events a day is sealed again.
_ROOTS = """
SELECT DISTINCT ON (day, source_id, grant_id) day, source_id, grant_id, part, n, root, sealed_at FROM access.usage_seal
WHERE grant_id = ANY($1::uuid[]) AND day >= ($2::timestamptz AT TIME ZONE 'UTC')::date
    AND day <= ($3::timestamptz AT TIME ZONE 'UTC')::date
ORDER BY day, source_id, grant_id, part DESC"""
# Sources are named (0 is the exchange itself), so that the unique index of each sealed day is used.
_OF_EVENT = """event_id = $1 AND grant_id = ANY($2::uuid[]) AND at >= $3 AND at < $4
    AND source_id = ANY(ARRAY(SELECT s.id FROM access.source s UNION ALL SELECT 0))"""
_EVENTS = f"""
SELECT u.source_id, u.grant_id, u.at FROM (
    SELECT source_id, grant_id, at FROM access.usage_record WHERE {_OF_EVENT}
    UNION SELECT source_id, grant_id, at FROM access.usage_late WHERE {_OF_EVENT}) u
WHERE NOT EXISTS (SELECT FROM access.usage_exception x
    WHERE x.day = (u.at AT TIME ZONE 'UTC')::date AND x.source_id = u.source_id AND x.event_id = $1) ORDER BY 3, 1"""
# Sealed, but with roots still to be written.
_PENDING = "SELECT day FROM access.usage_day WHERE day = ANY($1::date[]) AND state = 'sealed' AND rooted < part"


@dataclass(frozen=True, slots=True)
class Sealed:
    """The newest root over one grant's records of one UTC day from one source."""

    day: date
    source_id: int
    grant_id: UUID
    part: int
    n: int
    root: bytes
    sealed_at: datetime


@dataclass(frozen=True, slots=True)
class Placed:
    """A record and its place under a root: the exact bytes of the leaf, and the hashes from its sibling up."""

    index: int
    leaf: bytes
    hashes: tuple[bytes, ...]


async def newest_roots(tx: Tx, grant_ids: Sequence[UUID], since: datetime, until: datetime) -> list[Sealed]:
    """The newest roots over these grants' days from `since` to `until`, both days included, by day."""
    rows = await (await tx.driver()).fetch(_ROOTS, list(grant_ids), since, until)
    return [Sealed(*row) for row in rows]


async def find_event(
    tx: Tx, grant_ids: Sequence[UUID], event_id: UUID, since: datetime, until: datetime
) -> list[tuple[int, UUID, datetime]]:
    """Where an event stands among the records of these grants, sealed or not: (source, grant, when)."""
    rows = await (await tx.driver()).fetch(_EVENTS, event_id, list(grant_ids), since, until)
    return [(row[0], row[1], row[2]) for row in rows]


async def without_roots(tx: Tx, days: Sequence[date]) -> list[date]:
    """Which of these days are sealed, and will have their roots soon."""
    return [row["day"] for row in await (await tx.driver()).fetch(_PENDING, list(days))]


async def placed(tx: Tx, root: Sealed, event_id: UUID) -> list[Placed] | None:
    """The record of an event under a root, or else its neighbours: records lie there in the order of their event ids.

    shapes   one record, which is the event's; or the one or two between which it would lie; None where there are too
             many records, or where a late event has come that this root is not over
    """
    if root.n > LEAVES_MAX:
        return None
    texts = await leaves(tx, root.day, root.source_id, root.grant_id)
    hashes = [leaf_hash(text) for text in texts]
    grown = Range(0, [])
    nodes: dict[tuple[int, int], bytes] = {}
    for one in hashes:
        for level, index, node in grown.append(one):
            nodes[level, index] = node
    if not texts or grown.root() != root.root:
        return None
    events = [UUID(json.loads(text)["event"]) for text in texts]
    at = bisect_left(events, event_id)
    there = at < len(events) and events[at] == event_id
    wanted = [at] if there else [n for n in (at - 1, at) if 0 <= n < len(events)]
    return [
        Placed(n, texts[n], tuple(inclusion_proof(n, len(texts), lambda level, index: nodes[level, index])))
        for n in wanted
    ]
