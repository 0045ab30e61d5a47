"""Usage that others report: its sources, the guard against replays, and the way into the day."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import select

from exchange.access.store.meters import keys_of
from exchange.access.tables import source as _source
from exchange.access.usage import COPY_COLUMNS, COPY_HEAD, COPY_TAIL, GrantFacts
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.store import mine

_REGISTER = """
INSERT INTO access.source (organisation_id, client_id, node_id, created_at) VALUES ($1, $2, $3, $4)
ON CONFLICT (client_id) DO UPDATE SET revoked_at = NULL RETURNING id"""
_SOURCE = "SELECT id, organisation_id FROM access.source WHERE client_id = $1 AND revoked_at IS NULL"
_FACTS = "SELECT id, seller_id, meters, starts_at, ends_at FROM access.grants WHERE id = ANY($1::uuid[])"
_CLAIM = """
INSERT INTO access.usage_batch (id, source_id, key, organisation_id, sha256, accepted, answer, created_at)
SELECT i, s, k, o, h, n, a, $8 FROM unnest($1::uuid[], $2::int[], $3::text[], $4::uuid[], $5::bytea[], $6::int[], $7::bytea[])
    AS b(i, s, k, o, h, n, a) ORDER BY s, k
ON CONFLICT (source_id, key) DO NOTHING RETURNING id"""
_KNOWN = """
SELECT b.source_id, b.key, b.sha256, b.answer FROM access.usage_batch b
JOIN unnest($1::int[], $2::text[]) AS k(s, key) ON b.source_id = k.s AND b.key = k.key"""
_LATE = """
INSERT INTO access.usage_late (source_id, event_id, grant_id, meter, at, quantity, day, batch_id)
SELECT * FROM unnest($1::int[], $2::uuid[], $3::uuid[], $4::smallint[], $5::timestamptz[], $6::bigint[], $7::date[],
    $8::uuid[]) AS u
ON CONFLICT (day, source_id, event_id) DO NOTHING"""


@dataclass(frozen=True, slots=True)
class Source:
    """A client that may report usage, for the organisation that holds the data."""

    id: int
    organisation_id: UUID


@dataclass(frozen=True, slots=True)
class Claim:
    """A batch that wants in, with the answer it will have if it is new."""

    id: UUID
    source: Source
    key: str
    sha256: bytes
    accepted: int
    answer: bytes


async def register_source(tx: Tx, organisation_id: UUID, client_id: UUID, node_id: str = "centre") -> int:
    """Let a client report usage; the number its records carry. Registering again revives it."""
    driver = await tx.driver()
    return int(await driver.fetchval(_REGISTER, organisation_id, client_id, node_id, tx.now))


async def revoke_source(tx: Tx, client_id: UUID) -> bool:
    """Let a client report no more."""
    driver = await tx.driver()
    done = await driver.execute(
        "UPDATE access.source SET revoked_at = $2 WHERE client_id = $1 AND revoked_at IS NULL", client_id, tx.now
    )
    return str(done) == "UPDATE 1"


async def source_of(tx: Tx, client_id: UUID) -> Source | None:
    """The usage source that a client is, if it is one."""
    row = await (await tx.driver()).fetchrow(_SOURCE, client_id)
    return None if row is None else Source(row["id"], row["organisation_id"])


async def sources(tx: Tx, actor: Actor) -> list[Source]:
    """The usage sources of the actor's organisation."""
    statement = select(_source.c.id, _source.c.organisation_id).where(
        mine(_source.c.organisation_id, actor), _source.c.revoked_at.is_(None)
    )
    return [Source(row[0], row[1]) for row in await tx.conn.execute(statement.order_by(_source.c.id))]


async def grant_facts(tx: Tx, wanted: Mapping[UUID, str]) -> dict[str, GrantFacts]:
    """What never changes of some grants, by the text of their ids."""
    rows = await (await tx.driver()).fetch(_FACTS, list(wanted))
    keys = await keys_of(tx, {number for row in rows for number in row["meters"]})
    return {
        wanted[row["id"]]: GrantFacts(
            row["id"],
            row["seller_id"],
            {keys[number]: number for number in row["meters"]},
            row["starts_at"],
            row["ends_at"],
        )
        for row in rows
    }


async def hold_days(tx: Tx, days: Sequence[date]) -> set[date]:
    """Hold days open until the commit; those of them that still take records."""
    return set(await (await tx.driver()).fetchval("SELECT access.hold_days($1::date[])", days))


async def claim(tx: Tx, claims: Sequence[Claim]) -> set[UUID]:
    """Note batches with their answers; the ids of those that are new. Waits for a twin that is not committed yet."""
    rows = await (await tx.driver()).fetch(
        _CLAIM,
        [one.id for one in claims],
        [one.source.id for one in claims],
        [one.key for one in claims],
        [one.source.organisation_id for one in claims],
        [one.sha256 for one in claims],
        [one.accepted for one in claims],
        [one.answer for one in claims],
        tx.now,
    )
    return {row["id"] for row in rows}


async def answered(tx: Tx, keys: Sequence[tuple[int, str]]) -> dict[tuple[int, str], tuple[bytes, bytes]]:
    """The hash and the answer of batches that came before."""
    rows = await (await tx.driver()).fetch(_KNOWN, [key[0] for key in keys], [key[1] for key in keys])
    return {(row["source_id"], row["key"]): (row["sha256"], row["answer"]) for row in rows}


async def append_day(tx: Tx, day: date, rows: Sequence[bytes]) -> None:
    """Append encoded rows to the partition of an open day by binary COPY; no index is in the way."""
    await (await tx.driver()).copy_to_table(
        f"usage_record_{day:%Y%m%d}",
        schema_name="access",
        columns=COPY_COLUMNS,
        format="binary",
        source=io.BytesIO(b"".join((COPY_HEAD, *rows, COPY_TAIL))),
    )


async def append_late(tx: Tx, columns: Sequence[tuple[int, UUID, tuple[list[Any], ...]]]) -> None:
    """Put events of closed days beside them, each once: (source, batch, columns of `usage.columns`) per batch."""
    sources: list[int] = []
    batches: list[UUID] = []
    joined: list[list[Any]] = [[] for _ in range(6)]
    for source_id, batch_id, parts in columns:
        sources += [source_id] * len(parts[0])
        batches += [batch_id] * len(parts[0])
        for into, part in zip(joined, parts, strict=True):
            into.extend(part)
    await (await tx.driver()).execute(_LATE, sources, *joined, batches)
