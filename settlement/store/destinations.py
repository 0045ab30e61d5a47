"""Payees' accounts at banks in the database."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.ids import text
from settlement.banking.destinations import APPROVAL, Destination, DestinationState
from settlement.banking.details import Scheme

_COLUMNS = """id, organisation_id, scheme, version, last4, digest, fingerprint, sealed, state, asked_at, usable_from,
    active_at"""
_OF = f"SELECT {_COLUMNS} FROM settlement.payout_destination WHERE organisation_id = $1 ORDER BY scheme, version DESC"
_INSERT = """
INSERT INTO settlement.payout_destination (id, organisation_id, scheme, version, last4, digest, fingerprint, sealed, state,
    asked_at, usable_from) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'asked', $9, $10)"""
_END = """
UPDATE settlement.payout_destination SET state = $2, ended_at = $3 WHERE id = ANY($1::uuid[])
AND state IN ('asked', 'active') RETURNING id"""
_WAITING = (
    "SELECT id FROM settlement.payout_destination WHERE state = 'asked' AND usable_from <= $1 ORDER BY id LIMIT $2"
)
_APPROVED = f"""
SELECT {_COLUMNS} FROM settlement.payout_destination d
JOIN unnest($1::uuid[], $2::text[]) AS t(key, name) ON t.key = d.id
WHERE d.state = 'asked' AND EXISTS (SELECT FROM settlement.approval a WHERE a.kind = $3 AND a.object_id = t.name
    AND a.body_sha256 = d.fingerprint AND a.state = 'approved') ORDER BY d.id FOR UPDATE OF d"""
_REPLACE = """
UPDATE settlement.payout_destination d SET state = 'replaced', ended_at = $3
FROM unnest($1::uuid[], $2::text[]) AS t(organisation, scheme)
WHERE d.organisation_id = t.organisation AND d.scheme = t.scheme AND d.state = 'active'"""
_ACTIVATE = "UPDATE settlement.payout_destination SET state = 'active', active_at = $2 WHERE id = ANY($1::uuid[])"
_ACTIVE = f"""
SELECT {_COLUMNS} FROM settlement.payout_destination
WHERE organisation_id = ANY($1::uuid[]) AND scheme = $2 AND state = 'active'"""
_GET = f"SELECT {_COLUMNS} FROM settlement.payout_destination WHERE id = ANY($1::uuid[]) ORDER BY id"
_NAMING = "SELECT pg_advisory_xact_lock(hashtextextended('bank-destination:' || $1::text, 0))"
_WALK = 500


async def of_organisation(tx: Tx, organisation_id: UUID) -> list[Destination]:
    """All accounts that an organisation named, the newest version of each scheme first."""
    return [_destination(row) for row in await (await tx.driver()).fetch(_OF, organisation_id)]


async def own(tx: Tx, actor: Actor) -> list[Destination]:
    """The actor's organisation's accounts."""
    return await of_organisation(tx, actor.organisation_id)


async def lock_naming(tx: Tx, organisation_id: UUID) -> None:
    """Let one at a time name accounts for an organisation, until the transaction ends."""
    await (await tx.driver()).execute(_NAMING, str(organisation_id))


async def insert_destination(tx: Tx, one: Destination) -> None:
    """Note an account that a payee asks to be paid to."""
    await (await tx.driver()).execute(
        _INSERT,
        one.id,
        one.organisation_id,
        one.scheme.value,
        one.version,
        one.last4,
        one.digest,
        one.fingerprint,
        one.sealed,
        one.asked_at,
        one.usable_from,
    )


async def end_destinations(tx: Tx, destination_ids: Sequence[UUID], state: DestinationState) -> int:
    """Replace or withdraw accounts; answers how many stood."""
    if not destination_ids:
        return 0
    return len(await (await tx.driver()).fetch(_END, list(destination_ids), state.value, tx.now))


async def activate(tx: Tx) -> list[Destination]:
    """Let what was approved, and has waited long enough, take the place of what was there; answers those."""
    driver = await tx.driver()
    waiting = [row[0] for row in await driver.fetch(_WAITING, tx.now, _WALK)]
    if not waiting:
        return []
    rows = await driver.fetch(_APPROVED, waiting, [text("dst", one) for one in waiting], APPROVAL)
    found = [_destination(row) for row in rows]
    if found:
        await driver.execute(_REPLACE, [d.organisation_id for d in found], [d.scheme.value for d in found], tx.now)
        await driver.execute(_ACTIVATE, [d.id for d in found], tx.now)
    return found


async def active(tx: Tx, organisation_ids: Sequence[UUID], scheme: Scheme) -> dict[UUID, Destination]:
    """By organisation, the account of a scheme that it is paid to."""
    rows = await (await tx.driver()).fetch(_ACTIVE, list(organisation_ids), scheme.value)
    return {row["organisation_id"]: _destination(row) for row in rows}


async def get(tx: Tx, destination_ids: Sequence[UUID]) -> dict[UUID, Destination]:
    """Accounts by id, whoever asks."""
    rows = await (await tx.driver()).fetch(_GET, list(destination_ids))
    return {row["id"]: _destination(row) for row in rows}


def _destination(row: Any) -> Destination:
    return Destination(
        row["id"],
        row["organisation_id"],
        Scheme(row["scheme"]),
        row["version"],
        row["last4"],
        bytes(row["digest"]),
        bytes(row["fingerprint"]),
        bytes(row["sealed"]),
        DestinationState(row["state"]),
        row["asked_at"],
        row["usable_from"],
        row["active_at"],
    )
