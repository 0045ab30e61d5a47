"""Withheld tax in the database: what was withheld from which payout, and the reliefs that offices have granted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.money import Money
from settlement.withholding import Certificate, Income, Withheld

_RELIEF = "r.id, r.organisation_id, r.payer, r.income, r.rate, r.number, r.valid_from, r.valid_to"
_LIVE = f"""
SELECT {_RELIEF} FROM settlement.withholding_relief r
WHERE r.organisation_id = ANY($1::uuid[])
AND NOT EXISTS (SELECT FROM settlement.withholding_relief_end e WHERE e.relief_id = r.id) ORDER BY r.id"""
_ONE = f"SELECT {_RELIEF} FROM settlement.withholding_relief r WHERE r.id = $1"
_INSERT_RELIEF = """
INSERT INTO settlement.withholding_relief (id, organisation_id, payer, income, rate, number, valid_from, valid_to,
    recorded_by, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"""
_END_RELIEF = """
INSERT INTO settlement.withholding_relief_end (relief_id, organisation_id, ended_by, ended_at) VALUES ($1, $2, $3, $4)
ON CONFLICT DO NOTHING"""
_INSERT = """
INSERT INTO settlement.withholding (payout_id, organisation_id, payer, payee, income, currency, gross_units,
    withheld_units, rate, source, relief_id, created_at)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[], $8::bigint[],
    $9::text[], $10::text[], $11::uuid[], $12::timestamptz[])"""
_KEPT = """
SELECT payout_id, currency, withheld_units FROM settlement.withholding
WHERE payout_id = ANY($1::uuid[]) AND withheld_units > 0"""
_OF = """
SELECT w.payout_id, w.organisation_id, w.payer, w.payee, w.income, w.currency, w.gross_units, w.withheld_units, w.rate,
    w.source, w.relief_id, w.created_at, p.state IN ('failed', 'reversed') AS back
FROM settlement.withholding w JOIN settlement.payout p ON p.id = w.payout_id
WHERE w.organisation_id = $1 AND w.created_at >= $2 AND w.created_at < $3 ORDER BY w.payout_id"""


@dataclass(frozen=True, slots=True)
class Kept:
    """What was withheld from one payout, under which rule; `back` once the payout failed or came back."""

    payout_id: UUID
    organisation_id: UUID
    payer: str
    payee: str
    income: Income
    gross: Money
    withheld: Money
    rate: Decimal
    source: str
    relief_id: UUID | None
    created_at: datetime
    back: bool = False


async def reliefs(tx: Tx, organisation_ids: Sequence[UUID]) -> list[Certificate]:
    """The reliefs of these organisations that nobody has ended, the oldest first."""
    return [_relief(row) for row in await (await tx.driver()).fetch(_LIVE, list(organisation_ids))]


async def get_relief(tx: Tx, relief_id: UUID) -> Certificate | None:
    """One relief, ended or not."""
    row = await (await tx.driver()).fetchrow(_ONE, relief_id)
    return None if row is None else _relief(row)


async def insert_relief(tx: Tx, one: Certificate, actor: Actor) -> None:
    """Keep a relief as the operator has read it."""
    days = (one.valid_from, one.valid_to)
    values = (one.id, one.organisation_id, one.payer, one.income.value, f"{one.rate:f}", one.number, *days)
    await (await tx.driver()).execute(_INSERT_RELIEF, *values, actor.client_id, tx.now)


async def end_relief(tx: Tx, one: Certificate, actor: Actor) -> None:
    """End a relief for payouts from now on; once."""
    await (await tx.driver()).execute(_END_RELIEF, one.id, one.organisation_id, actor.client_id, tx.now)


async def insert_withheld(tx: Tx, made: Mapping[UUID, tuple[UUID, str, Withheld]]) -> None:
    """Keep what is withheld from each payout: its payee, the payee's country, and the sum."""
    rows = [
        (
            payout_id,
            payee_id,
            one.rule.payer,
            country,
            one.rule.income.value,
            one.gross.currency,
            one.gross.units,
            one.withheld.units,
            f"{one.rate:f}",
            f"{one.rule.source} ({one.rule.source_date.isoformat()})",
            one.certificate_id,
            tx.now,
        )
        for payout_id, (payee_id, country, one) in made.items()
    ]
    if rows:
        await (await tx.driver()).execute(_INSERT, *map(list, zip(*rows, strict=True)))


async def withheld_of(tx: Tx, payout_ids: Sequence[UUID]) -> dict[UUID, Money]:
    """What was withheld from each payout; those of which nothing was are missing."""
    rows = await (await tx.driver()).fetch(_KEPT, list(payout_ids))
    return {row[0]: Money(row[2], row[1]) for row in rows}


async def kept_of(tx: Tx, organisation_id: UUID, since: datetime, until: datetime) -> list[Kept]:
    """All of one payee's payouts under a rule that were ordered from `since` on and before `until`, in their order."""
    return [_kept(row) for row in await (await tx.driver()).fetch(_OF, organisation_id, since, until)]


def _relief(row: Any) -> Certificate:
    return Certificate(row[0], row[1], row[2], Income(row[3]), Decimal(row[4]), *row[5:])


def _kept(row: Any) -> Kept:
    gross, withheld = Money(row[6], row[5]), Money(row[7], row[5])
    said = (Decimal(row[8]), row[9], row[10], row[11], row[12])
    return Kept(row[0], row[1], row[2], row[3], Income(row[4]), gross, withheld, *said)
