"""Recoveries in the database: what is brought back of payouts, and what of them can be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select

from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.money import Money
from exchange.kernel.pages import Page, PageRequest, page_of
from exchange.kernel.store import mine
from settlement.recoveries import Recovery, RecoveryState
from settlement.stripe_tables import recovery as _t

_COLUMNS = """id, payout_id, organisation_id, wanted_units, currency, state, brought_units, provider_ref, failure, created_at,
    finished_at"""
_INSERT = """
INSERT INTO settlement.recovery (id, payout_id, organisation_id, wanted_units, currency, state, created_at)
VALUES ($1, $2, $3, $4, $5, 'created', $6)"""
_GET = f"SELECT {_COLUMNS} FROM settlement.recovery WHERE id = ANY($1::uuid[]) ORDER BY id"
_END = """
UPDATE settlement.recovery SET state = $2, brought_units = $3, provider_ref = $4, failure = $5, finished_at = $6
WHERE id = $1 AND state = 'created' RETURNING id"""
# Transfers that still lie with the payee or its bank, newest first, and what of each was not asked back.
_SENT = """
SELECT p.id, p.amount_units - coalesce((SELECT sum(coalesce(r.brought_units, r.wanted_units)) FROM settlement.recovery r
    WHERE r.payout_id = p.id AND r.state <> 'refused'), 0)::bigint AS left_units
FROM settlement.payout p WHERE p.organisation_id = $1 AND p.currency = $2 AND p.rail = 'stripe'
    AND p.state IN ('sent', 'paid', 'returned') AND p.provider_ref IS NOT NULL
ORDER BY p.created_at DESC, p.id DESC LIMIT 100"""
_UNDER_WAY = """
SELECT coalesce(sum(wanted_units), 0)::bigint FROM settlement.recovery
WHERE organisation_id = $1 AND currency = $2 AND state = 'created'"""
_ASKED_OF = "SELECT EXISTS (SELECT FROM settlement.recovery WHERE payout_id = $1 AND state = 'created')"
# What lies at an account for payouts that have yet to go on to its bank.
_PROMISED = """
SELECT coalesce(sum(p.amount_units - coalesce((SELECT sum(r.brought_units) FROM settlement.recovery r
    WHERE r.payout_id = p.id AND r.state = 'done'), 0)), 0)::bigint
FROM settlement.payout p WHERE p.rail = 'stripe' AND p.destination = $1 AND p.currency = $2 AND p.id <> $3
    AND ((p.state = 'sent' AND p.bank_ref IS NULL) OR p.state = 'returned')"""
_BROUGHT = (
    "SELECT coalesce(sum(brought_units), 0)::bigint FROM settlement.recovery WHERE payout_id = $1 AND state = 'done'"
)


async def insert_recovery(tx: Tx, one: Recovery) -> None:
    """Write a recovery that is wanted."""
    await (await tx.driver()).execute(
        _INSERT, one.id, one.payout_id, one.organisation_id, one.wanted.units, one.wanted.currency, one.created_at
    )


async def get_recoveries(tx: Tx, wanted: Sequence[UUID], *, lock: bool = False) -> dict[UUID, Recovery]:
    """Recoveries by id; locked in id order until the transaction ends when `lock`."""
    rows = await (await tx.driver()).fetch(f"{_GET} FOR UPDATE" if lock else _GET, list(wanted))
    return {row["id"]: recovery_of(row) for row in rows}


async def end_recovery(
    tx: Tx,
    recovery_id: UUID,
    *,
    brought: int | None = None,
    provider_ref: str | None = None,
    failure: str | None = None,
) -> bool:
    """End a recovery: what came back, or why nothing did; False where it had ended.

    units    `brought` in millionths, None where it was refused
    """
    state = RecoveryState.DONE if brought is not None else RecoveryState.REFUSED
    driver = await tx.driver()
    row = await driver.fetchrow(_END, recovery_id, state.value, brought, provider_ref, failure, tx.now)
    return row is not None


async def to_ask_back(tx: Tx, organisation_id: UUID, currency: str) -> list[tuple[UUID, int]]:
    """A payee's payouts by the provider, newest first, and what of each may be asked back, in millionths."""
    return [(row[0], row[1]) for row in await (await tx.driver()).fetch(_SENT, organisation_id, currency)]


async def under_way(tx: Tx, organisation_id: UUID, currency: str) -> int:
    """What is being brought back of a payee at this moment, in millionths."""
    found: int = await (await tx.driver()).fetchval(_UNDER_WAY, organisation_id, currency)
    return found


async def asked_of(tx: Tx, payout_id: UUID) -> bool:
    """Whether something is being brought back of a payout at this moment."""
    found: bool = await (await tx.driver()).fetchval(_ASKED_OF, payout_id)
    return found


async def promised(tx: Tx, destination: str, currency: str, but: UUID) -> int:
    """What other payouts than this one still need of an account's money to go on to its bank, in millionths."""
    found: int = await (await tx.driver()).fetchval(_PROMISED, destination, currency, but)
    return found


async def brought_of(tx: Tx, payout_id: UUID) -> int:
    """What recoveries have brought back of a payout, in millionths."""
    found: int = await (await tx.driver()).fetchval(_BROUGHT, payout_id)
    return found


async def list_recoveries(tx: Tx, actor: Actor | None, request: PageRequest) -> Page[Recovery]:
    """Recoveries of the actor's organisation, or of everybody for None (a flow's transaction only), newest first."""
    query = select(_t).order_by(_t.c.id.desc()).limit(request.limit + 1)
    if actor is not None:
        query = query.where(mine(_t.c.organisation_id, actor))
    if request.after:
        query = query.where(_t.c.id < UUID(request.after[0]))
    rows = (await tx.conn.execute(query)).mappings().all()
    return page_of([recovery_of(row) for row in rows], request, lambda one: (str(one.id),))


def recovery_of(row: Any) -> Recovery:
    """A recovery from a row of either driver."""
    currency, brought = row["currency"], row["brought_units"]
    return Recovery(
        row["id"],
        row["payout_id"],
        row["organisation_id"],
        Money(row["wanted_units"], currency),
        RecoveryState(row["state"]),
        row["created_at"],
        None if brought is None else Money(brought, currency),
        row["provider_ref"],
        row["failure"],
        row["finished_at"],
    )
