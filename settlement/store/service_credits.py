"""Service credits in the database: what buyers got back because a seller did not keep what it promised."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy import select

from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.money import Money
from exchange.kernel.store import mine
from exchange.kernel.text import LocaleMap
from settlement.accounts import debt, payable, pending
from settlement.store import ledger, payouts, runs
from settlement.store.accounts import account_ids
from settlement.tables import service_credit

_INSERT = """
INSERT INTO settlement.service_credit (id, cause_id, grant_id, buyer_id, seller_id, amount_units, short_units, currency,
    period_start, explanation, created_at)
SELECT i, c, g, b, s, a, h, u, p, e, $1 FROM unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], $6::uuid[], $7::bigint[],
    $8::bigint[], $9::text[], $10::timestamptz[], $11::text[]::jsonb[]) AS t(i, c, g, b, s, a, h, u, p, e)"""
_GIVEN = """
SELECT k.g, k.p, k.u, sum(c.amount_units)::bigint FROM unnest($1::uuid[], $2::timestamptz[], $3::text[]) AS k(g, p, u) JOIN settlement.service_credit c ON c.grant_id = k.g AND c.period_start = k.p AND c.currency = k.u
GROUP BY 1, 2, 3"""
# Orders on account and charges of a seller that their buyers have not paid.
_UNPAID = """
SELECT order_id FROM settlement.credit_order WHERE unpaid_units > 0 AND seller_id = $1 AND currency = $2
UNION ALL SELECT id FROM settlement.due WHERE NOT released AND unpaid_units > 0 AND seller_id = $1 AND currency = $2"""
_KNOWN = "SELECT grant_id FROM settlement.service_credit WHERE cause_id = $1"


@dataclass(frozen=True, slots=True)
class ServiceCredit:
    """What a buyer got for a breach, once per cause and grant.

    units    `short` is what the seller had no money here for: it was not credited; `owed` the part of the amount that is
             covered by shares that still wait, so it is the seller's debt for now (not stored: its journal says it)
    """

    id: UUID
    cause_id: UUID
    grant_id: UUID
    buyer_id: UUID
    seller_id: UUID
    amount: Money
    short_units: int
    period_start: datetime
    explanation: LocaleMap
    owed_units: int = 0


async def insert_credits(tx: Tx, credits_: Sequence[ServiceCredit]) -> None:
    """Write credits in one statement; their journals are written beside them."""
    if not credits_:
        return
    names = ("id", "cause_id", "grant_id", "buyer_id", "seller_id")
    await (await tx.driver()).execute(
        _INSERT,
        tx.now,
        *[[getattr(one, name) for one in credits_] for name in names],
        [one.amount.units for one in credits_],
        [one.short_units for one in credits_],
        [one.amount.currency for one in credits_],
        [one.period_start for one in credits_],
        [msgspec.json.encode(one.explanation).decode() for one in credits_],
    )


async def credited(tx: Tx, cause_id: UUID) -> set[UUID]:
    """The grants that got their credit for this cause."""
    return {row[0] for row in await (await tx.driver()).fetch(_KNOWN, cause_id)}


async def given(tx: Tx, keys: Sequence[tuple[UUID, datetime, str]]) -> Mapping[tuple[UUID, datetime, str], int]:
    """What grants got in one period for any cause, those that got something.

    shapes   keys: (grant, start of the period, currency)
    units    millionths
    """
    rows = await (await tx.driver()).fetch(_GIVEN, *[[key[n] for key in keys] for n in range(3)])
    return {(row[0], row[1], row[2]): row[3] for row in rows}


@dataclass(frozen=True, slots=True)
class Means:
    """What a seller can give: `payable` now, and `all` with what waits of sales that are paid, its debt taken off.

    units    millionths, not below zero
    """

    payable: int
    all: int


async def available(tx: Tx, seller_id: UUID, currency: str) -> Means:
    """What a seller has payable, and pending of what was paid; nobody else takes from it until the transaction ends."""
    ready, waiting, owed = payable(seller_id, currency), pending(seller_id, currency), debt(seller_id, currency)
    await account_ids(tx, [ready])
    await payouts.lock_payable(tx, [ready])
    there = await ledger.sums(tx, [ready, waiting, owed])
    # Read after the sums: a sale that is made meanwhile makes this less, never more. What nobody has paid backs no credit.
    unpaid = [row[0] for row in await (await tx.driver()).fetch(_UNPAID, seller_id, currency)]
    shares = await runs.pending_shares(tx, unpaid) if unpaid else {}
    unbacked = sum(amount.units for found in shares.values() for payee, amount in found if payee == seller_id)
    return Means(max(0, there[ready]), max(0, sum(there.values()) - unbacked))


async def of_causes(tx: Tx, actor: Actor, cause_ids: Sequence[UUID]) -> dict[tuple[UUID, UUID], Money]:
    """What the actor's organisation got for these causes: (cause, grant) -> amount."""
    c = service_credit.c
    statement = select(c.cause_id, c.grant_id, c.amount_units, c.currency).where(
        c.cause_id.in_(cause_ids), mine(c.buyer_id, actor)
    )
    return {(row[0], row[1]): Money(row[2], row[3]) for row in await tx.conn.execute(statement)}
