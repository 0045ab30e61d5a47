"""Merkle roots over sealed days: the leaves are hashed where they lie, only hashes travel."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

from exchange.access.store.meters import keys_of
from exchange.access.store.seal import counted_sql
from exchange.access.usage import leaf, stamp
from exchange.kernel import ids
from exchange.kernel.db import Tx
from exchange.kernel.merkle import fold_level, leaf_hash

__all__ = ["leaf_hash", "leaves", "put_roots"]

# Hashes of this many leaves come as one row: whole subtrees of one height, so that a row stays at 2 MiB.
BLOCK = 65_536
_COPY_HEAD_BYTES = 19
# `exchange.access.usage.leaf` written in SQL; a test compares them byte by byte. Times are UTC with microseconds.
_TEXT = """'{"at":"' || to_char(c.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') || '",'
    || CASE WHEN c.correction IS NULL THEN '' ELSE '"correction":' || c.correction || ',' END
    || '"event":"' || c.event_id || '","grant":"' || g.text || '","meter":"' || m.key || '","quantity":' || c.quantity
    || CASE WHEN c.correction IS NULL THEN '' ELSE ',"reported":' || c.reported END
    || ',"source":' || c.source_id || ',"type":"usage","v":1}'"""
# The hash stands in what is sorted by, because only then it is worked out before the sort, by several processes.
_HASHES = """
SELECT source_id, grant_id, count(*) AS n, string_agg(hash, ''::bytea ORDER BY event_id, hash) AS hashes FROM (
    SELECT source_id, grant_id, event_id, hash,
        (row_number() OVER (PARTITION BY source_id, grant_id ORDER BY event_id, hash) - 1) / {block} AS block FROM (
        SELECT c.source_id, c.grant_id, c.event_id, sha256('\\x00'::bytea || convert_to({text}, 'UTF8')) AS hash
        FROM ({counted}) c JOIN unnest($1::uuid[], $2::text[]) AS g(id, text) ON g.id = c.grant_id
        JOIN unnest($3::smallint[], $4::text[]) AS m(id, key) ON m.id = c.meter) i) h
GROUP BY source_id, grant_id, block ORDER BY source_id, grant_id, block"""
_USED = """
SELECT DISTINCT grant_id, meter FROM access.usage_rollup
WHERE quarter >= $1::date::timestamp AT TIME ZONE 'UTC' AND quarter < ($1::date + 1)::timestamp AT TIME ZONE 'UTC'"""
_CHANGED = """
SELECT array_agg(DISTINCT grant_id) FROM (SELECT grant_id FROM access.usage_late WHERE day = $1
    UNION ALL SELECT grant_id FROM access.usage_correction WHERE day = $1
    UNION ALL SELECT grant_id FROM access.usage_exception WHERE day = $1) u"""
_SEALS = """
INSERT INTO access.usage_seal (day, source_id, grant_id, part, n, root, sealed_at, buyer_id, seller_id)
SELECT $1, s, g, $2, n, r, $3, x.buyer_id, x.seller_id FROM unnest($4::int[], $5::uuid[], $6::bigint[], $7::bytea[])
    AS u(s, g, n, r) JOIN access.grants x ON x.id = u.g"""
_LEAVES = """
SELECT event_id, meter, at, quantity, reported, correction FROM ({counted}) c
WHERE source_id = $1 AND grant_id = $2 ORDER BY event_id"""


async def put_roots(tx: Tx, day: date, part: int, *, changed_only: bool) -> int:
    """Write the Merkle root of each source and grant of a sealed day; how many."""
    driver = await tx.driver()
    used = await driver.fetch(_USED, day)
    grants = sorted({row["grant_id"] for row in used})
    if changed_only:
        changed = set(await driver.fetchval(_CHANGED, day) or ())
        grants = [one for one in grants if one in changed]
    numbers = sorted({row["meter"] for row in used})
    keys = await keys_of(tx, numbers)
    found = _Roots()
    if grants:
        # COPY, because only so a result of any size streams and is worked out by several processes too.
        statement = _HASHES.format(text=_TEXT, block=BLOCK, counted=await counted_sql(tx, day))
        given = grants, [ids.text("grt", one) for one in grants], numbers, [keys[one] for one in numbers]
        await driver.copy_from_query(statement, *given, output=found.take, format="binary")
    await driver.execute(_SEALS, day, part, tx.now, *found.columns())
    return len(found.sizes)


async def leaves(tx: Tx, day: date, source_id: int, grant_id: UUID) -> list[bytes]:
    """The records that a root of a sealed day is over, in its order; for proofs to a buyer."""
    statement = _LEAVES.format(counted=await counted_sql(tx, day))
    rows = await (await tx.driver()).fetch(statement, source_id, grant_id)
    keys = await keys_of(tx, {row["meter"] for row in rows})
    grant = ids.text("grt", grant_id)
    return [
        leaf(
            *(source_id, str(row["event_id"]), grant, keys[row["meter"]], stamp(row["at"]), row["quantity"]),
            None if row["correction"] is None else (row["correction"], row["reported"]),
        )
        for row in rows
    ]


class _Roots:
    """Takes rows (source, grant, count, hashes) as binary COPY sends them, and keeps a root for each source and grant."""

    def __init__(self) -> None:
        self.left = b""
        self.head = True
        self.sizes: dict[tuple[int, bytes], int] = {}
        self.blocks: dict[tuple[int, bytes], list[bytes]] = {}

    async def take(self, data: bytes) -> None:
        """Read the whole rows of what came; the rest waits for more."""
        self.left += data
        at = 0
        if self.head and len(self.left) >= _COPY_HEAD_BYTES:
            at, self.head = _COPY_HEAD_BYTES, False
        while not self.head and (row := self._row(at)) is not None:
            at = row
        self.left = self.left[at:]

    def _row(self, at: int) -> int | None:
        """Read one row from a place on, and say where the next begins; None where it is not all there, or at the end."""
        place, values = at + 2, []
        if len(self.left) < place or self.left[at:place] == b"\xff\xff":
            return None
        for _ in range(4):
            if len(self.left) < place + 4:
                return None
            (length,) = struct.unpack_from(">i", self.left, place)
            place += 4 + length
            if len(self.left) < place:
                return None
            values.append(self.left[place - length : place])
        source, grant, count, hashes = values
        key = int.from_bytes(source, "big"), grant
        self.sizes[key] = self.sizes.get(key, 0) + int.from_bytes(count, "big")
        self.blocks.setdefault(key, []).append(fold_level(hashes))
        return place

    def columns(self) -> tuple[list[Any], ...]:
        """Sources, grants, sizes and roots."""
        return (
            [source for source, _ in self.sizes],
            [UUID(bytes=grant) for _, grant in self.sizes],
            list(self.sizes.values()),
            [_joined(self.blocks[key]) for key in self.sizes],
        )


def _joined(blocks: Sequence[bytes]) -> bytes:
    """The root over subtrees of one height, of which only the last may be less than whole."""
    return blocks[0] if len(blocks) == 1 else fold_level(b"".join(blocks))
