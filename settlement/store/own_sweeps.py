"""The exchange's own money that is taken out of where clients' money lies, in the database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from exchange.kernel.db import Tx
from exchange.kernel.money import Money

# One at a time per currency: what is the exchange's own is counted before it is taken.
_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('settlement.own_sweep ' || $1, 0))"
_PUT = """
INSERT INTO settlement.own_sweep (id, currency, amount_units, note, body_sha256, asked_client, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7)"""
_GET = "SELECT id, currency, amount_units, note, body_sha256, created_at FROM settlement.own_sweep WHERE id = $1"


@dataclass(frozen=True, slots=True)
class OwnSweep:
    """What one person wants to take; `body_sha256` is what another one approves."""

    id: UUID
    amount: Money
    note: str
    body_sha256: bytes
    created_at: datetime


async def lock_own_money(tx: Tx, currency: str) -> None:
    """Let nobody else take own money of this currency until the transaction ends."""
    await (await tx.driver()).execute(_LOCK, currency)


async def put_sweep(tx: Tx, one: OwnSweep, client_id: UUID) -> None:
    """Keep what is wanted."""
    said = (one.id, one.amount.currency, one.amount.units, one.note, one.body_sha256, client_id, one.created_at)
    await (await tx.driver()).execute(_PUT, *said)


async def find_sweep(tx: Tx, sweep_id: UUID) -> OwnSweep | None:
    """What was wanted."""
    row = await (await tx.driver()).fetchrow(_GET, sweep_id)
    return OwnSweep(row[0], Money(row[2], row[1]), row[3], bytes(row[4]), row[5]) if row is not None else None
