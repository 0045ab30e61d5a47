"""Chargebacks in the database."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select

from exchange.kernel.db import Tx
from exchange.kernel.money import Money
from exchange.kernel.pages import Page, PageRequest, page_of
from settlement.chargebacks import Chargeback, ChargebackState
from settlement.stripe_tables import chargeback as _t

_COLUMNS = """id, provider_ref, payment_id, organisation_id, order_id, amount_units, currency, reason, state, withdrawn,
    reinstated, fee_units, fee_currency, due_at, evidence_sha256, note, answered_at, covered_units, created_at, closed_at"""
_INSERT = f"""
INSERT INTO settlement.chargeback ({_COLUMNS})
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)"""
_GET = f"SELECT {_COLUMNS} FROM settlement.chargeback WHERE id = ANY($1::uuid[]) ORDER BY id"
_NAMED = f"SELECT {_COLUMNS} FROM settlement.chargeback WHERE provider_ref = $1 FOR UPDATE"
_LIVE = f"""
SELECT {_COLUMNS} FROM settlement.chargeback WHERE order_id = $1 AND withdrawn AND closed_at IS NULL ORDER BY id"""
_NO_CASE = f"""
SELECT {_COLUMNS} FROM settlement.chargeback c WHERE order_id IS NOT NULL AND withdrawn AND closed_at IS NULL
    AND NOT EXISTS (SELECT FROM settlement.dispute d WHERE d.id = c.id OR (d.source_id = c.order_id
        AND d.state <> 'closed' AND d.kind <> 'split'))
ORDER BY id LIMIT $1"""
_HELD = "SELECT amount_units FROM settlement.hold WHERE id = $1"
_UPDATE = """
UPDATE settlement.chargeback SET state = $2, withdrawn = $3, reinstated = $4, fee_units = $5, fee_currency = $6, due_at = $7,
    evidence_sha256 = $8, note = $9, answered_at = $10, covered_units = $11, closed_at = $12, reason = $13 WHERE id = $1"""


async def insert_chargeback(tx: Tx, one: Chargeback) -> None:
    """Write a chargeback that was never seen before."""
    await (await tx.driver()).execute(
        _INSERT, one.id, one.provider_ref, one.payment_id, one.organisation_id, one.order_id, one.amount.units,
        one.amount.currency, one.reason, one.state.value, one.withdrawn, one.reinstated, one.fee.units, one.fee.currency,
        one.due_at, one.evidence_sha256, one.note, one.answered_at, one.covered, one.created_at, one.closed_at,
    )  # fmt: skip


async def save_chargeback(tx: Tx, one: Chargeback) -> None:
    """Write how a locked chargeback stands now."""
    await (await tx.driver()).execute(
        _UPDATE, one.id, one.state.value, one.withdrawn, one.reinstated, one.fee.units, one.fee.currency, one.due_at,
        one.evidence_sha256, one.note, one.answered_at, one.covered, one.closed_at, one.reason,
    )  # fmt: skip


async def get_chargebacks(tx: Tx, wanted: Sequence[UUID], *, lock: bool = False) -> dict[UUID, Chargeback]:
    """Chargebacks by id; locked in id order until the transaction ends when `lock`."""
    rows = await (await tx.driver()).fetch(f"{_GET} FOR UPDATE" if lock else _GET, list(wanted))
    return {row["id"]: chargeback_of(row) for row in rows}


async def named(tx: Tx, provider_ref: str) -> Chargeback | None:
    """The chargeback that the provider calls so, locked until the transaction ends."""
    row = await (await tx.driver()).fetchrow(_NAMED, provider_ref)
    return chargeback_of(row) if row else None


async def held(tx: Tx, chargeback_id: UUID) -> int:
    """What was once reserved of the payer's wallet for a chargeback, in millionths."""
    return await (await tx.driver()).fetchval(_HELD, chargeback_id) or 0


async def live_of_order(tx: Tx, order_id: UUID) -> list[Chargeback]:
    """The chargebacks of an order's payment that took money and are not over, the oldest first."""
    return [chargeback_of(row) for row in await (await tx.driver()).fetch(_LIVE, order_id)]


async def without_case(tx: Tx, limit: int) -> list[Chargeback]:
    """Chargebacks of orders that took money, are not over, and on whose order no dispute is open: nobody's part is held."""
    return [chargeback_of(row) for row in await (await tx.driver()).fetch(_NO_CASE, limit)]


async def list_chargebacks(tx: Tx, request: PageRequest) -> Page[Chargeback]:
    """Everybody's chargebacks, newest first, for the operator."""
    query = select(_t).order_by(_t.c.id.desc()).limit(request.limit + 1)
    if request.after:
        query = query.where(_t.c.id < UUID(request.after[0]))
    rows = (await tx.conn.execute(query)).mappings().all()
    return page_of([chargeback_of(row) for row in rows], request, lambda one: (str(one.id),))


def chargeback_of(row: Any) -> Chargeback:
    """A chargeback from a row of either driver."""
    return Chargeback(
        row["id"],
        row["provider_ref"],
        row["payment_id"],
        row["organisation_id"],
        row["order_id"],
        Money(row["amount_units"], row["currency"]),
        row["reason"],
        ChargebackState(row["state"]),
        row["created_at"],
        Money(row["fee_units"], row["fee_currency"]),
        row["withdrawn"],
        row["reinstated"],
        row["due_at"],
        row["evidence_sha256"],
        row["note"],
        row["answered_at"],
        row["covered_units"],
        row["closed_at"],
    )
