"""Calls to the payment provider in the database, and the pace they keep together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from exchange.kernel.canonical import canonical, sha256
from exchange.kernel.db import Tx
from settlement.provider_calls import Call, CallKind, CallState, key_of

_COLUMNS = "id, kind, object_id, step, key, request, state, attempts, first_sent_at, sent_at, provider_id, code"
_LAST = f"""
SELECT {_COLUMNS} FROM settlement.provider_call WHERE kind = $1 AND object_id = $2 ORDER BY step DESC LIMIT 1 FOR UPDATE"""
# Whoever writes an object's calls takes this first: between "no step yet" and the first step nobody else can come.
_LOCK = "SELECT pg_advisory_xact_lock(70038, hashtext($1 || ' ' || $2))"
_OPEN = f"""
INSERT INTO settlement.provider_call (id, kind, object_id, step, key, request, request_sha256, state, attempts, first_sent_at, sent_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, 'sent', 1, $8, $8) RETURNING {_COLUMNS}"""
_AGAIN = f"""
UPDATE settlement.provider_call SET state = 'sent', attempts = attempts + 1, sent_at = $2, answered_at = NULL
WHERE id = $1 RETURNING {_COLUMNS}"""
# The fence: an answer counts for the attempt that asked. A later attempt has the same key, and so the same answer.
_SETTLE = """
UPDATE settlement.provider_call SET state = $3, provider_id = coalesce($4, provider_id), code = $5, answered_at = $6
WHERE id = $1 AND attempts = $2 AND state IN ('sent', 'unknown') RETURNING id"""
# The slot is a step after the last one handed out, or after a rest of at most `burst` steps.
_SLOT = """
INSERT INTO settlement.call_pace AS p (name, next_at)
VALUES ($1, clock_timestamp() + $2::bigint * interval '1 microsecond')
ON CONFLICT (name) DO UPDATE SET next_at = greatest(p.next_at, clock_timestamp() - $2 * $3::bigint * interval '1 microsecond')
    + $2 * interval '1 microsecond'
RETURNING (extract(epoch FROM next_at - clock_timestamp()) * 1000000)::bigint - $2"""


async def last_call(tx: Tx, kind: CallKind, object_id: UUID) -> Call | None:
    """The newest step of an object, with all its steps locked until the transaction ends."""
    driver = await tx.driver()
    await driver.execute(_LOCK, kind.value, str(object_id))
    row = await driver.fetchrow(_LAST, kind.value, object_id)
    return _call(row) if row else None


async def open_step(tx: Tx, kind: CallKind, object_id: UUID, step: int, request: Mapping[str, str]) -> Call:
    """Write a step as sent; it goes out once this has committed."""
    body = canonical(dict(request))
    key = key_of(kind, object_id, step)
    row = await (await tx.driver()).fetchrow(
        _OPEN, tx.new_id(), kind.value, object_id, step, key, body, sha256(body), tx.now
    )
    return _call(row)


async def send_again(tx: Tx, call_id: UUID) -> Call:
    """Write that a step goes out once more, under its key; an answer to an earlier attempt no longer counts."""
    return _call(await (await tx.driver()).fetchrow(_AGAIN, call_id, tx.now))


async def settle_call(
    tx: Tx, call: Call, state: CallState, provider_id: str | None = None, code: str | None = None
) -> bool:
    """Write what came back; False where another attempt has taken over, and then nothing may follow from this one."""
    driver = await tx.driver()
    row = await driver.fetchrow(_SETTLE, call.id, call.attempts, state.value, provider_id, code, tx.now)
    return row is not None


async def take_slot(tx: Tx, steps_us: Mapping[str, int], burst: int) -> int:
    """Take the next free moment of each named pace; how long to wait for it.

    shapes   name -> time between two calls; `burst` calls may come at once after a rest
    units    microseconds
    """
    driver = await tx.driver()
    # In the order of their names, so that two who wait for the same paces wait for one another.
    waits: list[int] = [await driver.fetchval(_SLOT, name, steps_us[name], burst) for name in sorted(steps_us)]
    return max(0, *waits)


async def calls_of(tx: Tx, kind: CallKind, object_ids: Sequence[UUID]) -> list[Call]:
    """Every step of these objects, oldest first."""
    rows = await (await tx.driver()).fetch(
        f"SELECT {_COLUMNS} FROM settlement.provider_call WHERE kind = $1 AND object_id = ANY($2::uuid[]) ORDER BY object_id, step",
        kind.value,
        list(object_ids),
    )
    return [_call(row) for row in rows]


def _call(row: Any) -> Call:
    first_sent_at: datetime = row["first_sent_at"]
    return Call(
        row["id"],
        CallKind(row["kind"]),
        row["object_id"],
        row["step"],
        row["key"],
        msgspec.json.decode(row["request"], type=dict[str, str]),
        CallState(row["state"]),
        row["attempts"],
        first_sent_at,
        row["sent_at"],
        row["provider_id"],
        row["code"],
    )
