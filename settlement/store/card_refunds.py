"""Refunds to cards in the database."""

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
from settlement.card_refunds import TRANSITIONS, CardRefund, CardRefundState
from settlement.stripe_tables import card_refund as _t

_COLUMNS = (
    "id, organisation_id, payment_id, amount_units, currency, state, provider_ref, failure, created_at, finished_at"
)
_INSERT = """
INSERT INTO settlement.card_refund (id, organisation_id, payment_id, amount_units, currency, state, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7)"""
_GET = f"SELECT {_COLUMNS} FROM settlement.card_refund WHERE id = ANY($1::uuid[]) ORDER BY id"
# What went back of a payment, or is on its way back: to its card, or by the payer's bank.
_BACK = """
SELECT coalesce((SELECT sum(amount_units) FROM settlement.card_refund WHERE payment_id = $1 AND state <> 'failed'), 0)::bigint
    + coalesce((SELECT sum(amount_units) FROM settlement.chargeback
        WHERE payment_id = $1 AND state NOT IN ('won', 'closed', 'inquiry')), 0)::bigint"""
_MOVE = """
UPDATE settlement.card_refund SET state = $2, provider_ref = coalesce($3, provider_ref), failure = $4,
    finished_at = CASE WHEN $2 IN ('succeeded', 'failed') THEN $5::timestamptz END
WHERE id = $1 AND state = ANY($6::text[]) RETURNING id"""


async def insert_card_refund(tx: Tx, one: CardRefund) -> None:
    """Write a refund to a card."""
    await (await tx.driver()).execute(
        _INSERT, one.id, one.organisation_id, one.payment_id, one.amount.units, one.amount.currency, one.state.value,
        one.created_at,
    )  # fmt: skip


async def get_card_refunds(tx: Tx, refund_ids: Sequence[UUID], *, lock: bool = False) -> dict[UUID, CardRefund]:
    """Refunds to cards by id, whoever asks; locked in id order until the transaction ends when `lock`."""
    rows = await (await tx.driver()).fetch(f"{_GET} FOR UPDATE" if lock else _GET, list(refund_ids))
    return {row["id"]: card_refund_of(row) for row in rows}


async def gone_back(tx: Tx, payment_id: UUID) -> int:
    """How much of a payment went back, or is on its way back.

    units    millionths; the payment is locked by whoever decides by it
    """
    found: int = await (await tx.driver()).fetchval(_BACK, payment_id)
    return found


async def move_card_refund(
    tx: Tx, refund_id: UUID, target: CardRefundState, provider_ref: str | None = None, failure: str | None = None
) -> bool:
    """Move a refund along its transition table; False when it does not stand where that step begins."""
    sources = [state.value for state, targets in TRANSITIONS.items() if target in targets]
    driver = await tx.driver()
    return await driver.fetchrow(_MOVE, refund_id, target.value, provider_ref, failure, tx.now, sources) is not None


async def list_card_refunds(tx: Tx, actor: Actor, request: PageRequest) -> Page[CardRefund]:
    """The actor's organisation's refunds to cards, newest first."""
    query = select(_t).where(mine(_t.c.organisation_id, actor)).order_by(_t.c.id.desc()).limit(request.limit + 1)
    if request.after:
        query = query.where(_t.c.id < UUID(request.after[0]))
    rows = (await tx.conn.execute(query)).mappings().all()
    return page_of([card_refund_of(row) for row in rows], request, lambda one: (str(one.id),))


def card_refund_of(row: Any) -> CardRefund:
    """A refund to a card from a row of either driver."""
    return CardRefund(
        row["id"],
        row["organisation_id"],
        row["payment_id"],
        Money(row["amount_units"], row["currency"]),
        CardRefundState(row["state"]),
        row["created_at"],
        row["provider_ref"],
        row["failure"],
        row["finished_at"],
    )
