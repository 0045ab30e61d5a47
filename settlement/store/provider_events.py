"""The payment provider's events in the database, and how far they were looked through."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from exchange.kernel.db import Tx
from settlement.provider_events import ProviderEvent

_PUT = """
INSERT INTO settlement.stripe_event (id, type, object_id, payload, received_at, account, made_at, livemode, api_version,
    handled_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING RETURNING id"""
_OPEN = """
SELECT object_id, account FROM settlement.stripe_event WHERE id = $1 AND handled_at IS NULL"""
# A balance has no id, and what names nothing has nothing in common with its neighbours.
_OF_OBJECT = """
SELECT id, type, payload, handled_at IS NULL AS open FROM settlement.stripe_event
WHERE CASE WHEN $1 = '' THEN id = $3 ELSE object_id = $1 AND account IS NOT DISTINCT FROM $2 END
ORDER BY made_at NULLS FIRST, id"""
_DONE = "UPDATE settlement.stripe_event SET handled_at = $2 WHERE id = ANY($1::text[]) AND handled_at IS NULL"
_EMPTY = """
UPDATE settlement.stripe_event e SET payload = NULL WHERE e.handled_at < $1 AND e.payload IS NOT NULL
AND NOT EXISTS (SELECT FROM settlement.payment p WHERE p.provider_ref = e.object_id AND p.organisation_id = ANY ($2::uuid[]))"""
_CURSOR = "SELECT seen_until FROM settlement.event_cursor WHERE account = $1"
_CURSOR_PUT = """
INSERT INTO settlement.event_cursor AS c (account, seen_until) VALUES ($1, $2)
ON CONFLICT (account) DO UPDATE SET seen_until = greatest(c.seen_until, $2)"""
# Every account that was ever paid: a bank can give money back long after. Of those where something of ours is under way (one
# that cannot be paid yet, money that has not reached its bank, or did of late) three come to one of the others, and of either
# kind first the one that nobody has looked at for longest.
_WATCHED = """
WITH known AS (
    SELECT destination, state = 'restricted' AND changed_at > $1 AS busy
    FROM settlement.payout_account WHERE rail = 'stripe' AND destination IS NOT NULL
    UNION ALL SELECT destination, state IN ('sent', 'returned') OR coalesce(finished_at, created_at) > $1
    FROM settlement.payout WHERE rail = 'stripe' AND provider_ref IS NOT NULL
), accounts AS (SELECT destination, bool_or(busy) AS busy FROM known GROUP BY destination),
ranked AS (
    SELECT a.destination, a.busy, row_number() OVER (PARTITION BY a.busy ORDER BY c.seen_until NULLS FIRST, a.destination) AS n
    FROM accounts a LEFT JOIN settlement.event_cursor c ON c.account = a.destination
)
SELECT destination FROM ranked ORDER BY CASE WHEN busy THEN n ELSE 3 * n END, destination LIMIT $2"""


@dataclass(frozen=True, slots=True)
class Told:
    """Everything that was told of one object: the events that wait, oldest first, and the newest of all."""

    waiting: tuple[tuple[str, str, bytes], ...]
    object_id: str
    account: str | None
    newest: str


async def store_event(tx: Tx, event: ProviderEvent, *, handled: bool = False) -> bool:
    """Keep an event; False when it came before. One that is handled at once keeps no payload."""
    payload, handled_at = (None, tx.now) if handled else (event.payload, None)
    driver = await tx.driver()
    row = await driver.fetchrow(
        _PUT, event.id, event.type, event.object_id, payload, tx.now, event.account, event.created, event.livemode,
        event.api_version, handled_at,
    )  # fmt: skip
    return row is not None


async def told_of(tx: Tx, event_id: str) -> Told | None:
    """What was told of the object that an event is about; None where that event has taken its effect."""
    driver = await tx.driver()
    found = await driver.fetchrow(_OPEN, event_id)
    if found is None:
        return None
    rows = await driver.fetch(_OF_OBJECT, found["object_id"], found["account"], event_id)
    waiting = tuple(
        (row["id"], row["type"], row["payload"]) for row in rows if row["open"] and row["payload"] is not None
    )
    return Told(waiting, found["object_id"], found["account"], rows[-1]["id"]) if waiting else None


async def events_handled(tx: Tx, event_ids: Sequence[str]) -> None:
    """Note that events took their effect, in the transaction of that effect."""
    await (await tx.driver()).execute(_DONE, list(event_ids), tx.now)


async def erase_payloads(tx: Tx, handled_before: datetime, keep: Sequence[UUID] = ()) -> int:
    """Empty the payloads of events that were handled long ago, but not of payments of the organisations in `keep`.

    The rows go on refusing duplicates.
    """
    return int((await (await tx.driver()).execute(_EMPTY, handled_before, list(keep))).split()[-1])


async def seen_until(tx: Tx, account: str) -> datetime | None:
    """Up to which moment an account's list of events was looked through; the platform's own account has no name."""
    found: datetime | None = await (await tx.driver()).fetchval(_CURSOR, account)
    return found


async def saw_until(tx: Tx, account: str, until: datetime) -> None:
    """Note up to which moment an account's list of events was looked through."""
    await (await tx.driver()).execute(_CURSOR_PUT, account, until)


async def watched_accounts(tx: Tx, since: datetime, limit: int) -> list[str]:
    """The connected accounts to look at now: those where something was under way since a moment, and in turn all others."""
    return [row[0] for row in await (await tx.driver()).fetch(_WATCHED, since, limit)]
