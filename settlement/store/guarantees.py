"""What rules promise payees of each month, what months gave them, and what guarantors paid, in the database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import or_, select

from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.pages import Page, PageRequest, page_of
from exchange.kernel.store import mine
from settlement.guarantees import Guarantor, Promise
from settlement.pool_tables import split_guarantee

_PROMISE = """
INSERT INTO settlement.split_promise (rule_id, step, supplier_id, organisation_id, guarantor, amount_units, recouped, currency)
SELECT * FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::uuid[], $5::text[], $6::bigint[], $7::boolean[], $8::text[])"""
_ACCEPT = """
INSERT INTO settlement.split_promise_accepted (rule_id, accepted_by, created_at) SELECT $1, $2, $3
WHERE EXISTS (SELECT FROM settlement.split_promise WHERE rule_id = $1 AND guarantor = 'platform')
ON CONFLICT (rule_id) DO NOTHING RETURNING rule_id"""
# Every version of the rules that promise anything in a currency, and what each promises.
_VERSIONS = """
SELECT r.id, r.dataset_id, r.code, r.version, greatest(r.effective_from, r.created_at) AS since, r.effective_until,
    r.document, a.rule_id IS NOT NULL AS accepted
FROM settlement.split_rule r LEFT JOIN settlement.split_promise_accepted a ON a.rule_id = r.id
WHERE r.currency = $1 AND (r.dataset_id, r.code) IN (SELECT d.dataset_id, d.code FROM settlement.split_rule d
    JOIN settlement.split_promise p ON p.rule_id = d.id WHERE d.currency = $1)
ORDER BY r.dataset_id, r.code, r.version"""
_PROMISES = """
SELECT rule_id, step, supplier_id, organisation_id, guarantor, amount_units, recouped, currency
FROM settlement.split_promise WHERE rule_id = ANY($1::uuid[]) ORDER BY rule_id, step"""
_FIRST = """
SELECT rule_id, min(period) FROM settlement.split_level WHERE rule_id = ANY($1::uuid[]) AND per = 'month' GROUP BY 1"""
# What the steps per month of some rules gave some organisations, month by month: the newest row of each step says it.
_GOT = """
SELECT rule_id, period, organisation_id, sum(cumulative)::bigint FROM (
    SELECT DISTINCT ON (rule_id, step, period, role, organisation_id) rule_id, period, organisation_id, cumulative
    FROM settlement.split_booked WHERE rule_id = ANY($1::uuid[]) AND per = 'month' AND organisation_id = ANY($2::uuid[])
    ORDER BY rule_id, step, period, role, organisation_id, run_seq DESC) b GROUP BY 1, 2, 3"""
_PAID = """
SELECT DISTINCT ON (dataset_id, code, step, period, organisation_id) dataset_id, code, step, period, organisation_id,
    cumulative_units, number FROM settlement.split_guarantee WHERE currency = $1
ORDER BY dataset_id, code, step, period, organisation_id, number DESC"""
_BOOK = """
INSERT INTO settlement.split_guarantee (id, rule_id, dataset_id, code, step, period, number, supplier_id, organisation_id,
    guarantor, recouped, promised_units, got_units, outstanding_units, cumulative_units, amount_units, owed_units, currency,
    journal_id, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)"""
_COLUMNS = """id, rule_id, dataset_id, code, step, period, number, supplier_id, organisation_id, guarantor, recouped,
    promised_units, got_units, outstanding_units, cumulative_units, amount_units, owed_units, currency, journal_id, created_at"""
_BY_ID = f"SELECT {_COLUMNS} FROM settlement.split_guarantee WHERE id = ANY($1::uuid[])"
_WAITING = """
SELECT p.rule_id, p.step, p.supplier_id, p.organisation_id, p.guarantor, p.amount_units, p.recouped, p.currency
FROM settlement.split_promise p LEFT JOIN settlement.split_promise_accepted a ON a.rule_id = p.rule_id
WHERE p.guarantor = 'platform' AND a.rule_id IS NULL AND ($1::uuid IS NULL OR p.rule_id < $1)
ORDER BY p.rule_id DESC, p.step LIMIT $2"""


@dataclass(frozen=True, slots=True)
class Version:
    """A version of a rule among those of its name: from when to when it promises, and whether the operator accepted it."""

    id: UUID
    dataset_id: UUID
    code: str
    version: int
    since: datetime
    until: datetime | None
    document: bytes
    accepted: bool


class PaidKey(NamedTuple):
    """Under what top-ups add up: a payee of a step of a rule in one month."""

    dataset_id: UUID
    code: str
    step: str
    period: str
    organisation_id: UUID


@dataclass(frozen=True, slots=True)
class Guaranteed:
    """What a guarantor paid a payee of one month with one booking, and in all; below zero it got back.

    units    owed: what of the amount the side that gives had not, and owes now
    """

    id: UUID
    rule_id: UUID
    dataset_id: UUID
    code: str
    step: str
    period: str
    number: int
    supplier_id: UUID
    organisation_id: UUID
    guarantor: Guarantor
    recouped: bool
    promised: int
    got: int
    outstanding: int
    cumulative: int
    amount: int
    owed: int
    currency: str
    journal_id: UUID
    created_at: datetime


async def insert_promises(tx: Tx, promises: Sequence[Promise]) -> None:
    """Write what a version of a rule promises."""
    if not promises:
        return
    await (await tx.driver()).execute(
        _PROMISE,
        [one.rule_id for one in promises],
        [one.step for one in promises],
        [one.supplier_id for one in promises],
        [one.organisation_id for one in promises],
        [one.guarantor.value for one in promises],
        [one.amount for one in promises],
        [one.recouped for one in promises],
        [one.currency for one in promises],
    )


async def accept(tx: Tx, rule_id: UUID, organisation_id: UUID) -> bool:
    """Write that the exchange stands for what a rule promises in its name; False where it does not, or was accepted."""
    return await (await tx.driver()).fetchval(_ACCEPT, rule_id, organisation_id, tx.now) is not None


async def waiting(tx: Tx, request: PageRequest) -> Page[Promise]:
    """What rules promise in the exchange's name and no operator accepted, the newest rule first."""
    after = UUID(request.after[0]) if request.after else None
    rows = await (await tx.driver()).fetch(_WAITING, after, request.limit + 1)
    return page_of([_promise(row) for row in rows], request, lambda one: (str(one.rule_id),))


async def versions(tx: Tx, currency: str) -> list[Version]:
    """Every version of the rules that promise something, by dataset, name and version."""
    return [Version(*row) for row in await (await tx.driver()).fetch(_VERSIONS, currency)]


async def promises(tx: Tx, rule_ids: Sequence[UUID]) -> dict[UUID, list[Promise]]:
    """What versions of rules promise."""
    found: dict[UUID, list[Promise]] = {one: [] for one in rule_ids}
    for row in await (await tx.driver()).fetch(_PROMISES, list(rule_ids)):
        found[row[0]].append(_promise(row))
    return found


async def first_months(tx: Tx, rule_ids: Sequence[UUID]) -> dict[UUID, str]:
    """The first month in which something was sold by each of these rules."""
    return {row[0]: row[1] for row in await (await tx.driver()).fetch(_FIRST, list(rule_ids))}


async def got(tx: Tx, rule_ids: Sequence[UUID], payees: Sequence[UUID]) -> dict[tuple[UUID, str, UUID], int]:
    """What the steps per month of rules gave payees, by (rule, month, payee).

    units    millionths
    """
    rows = await (await tx.driver()).fetch(_GOT, list(rule_ids), list(payees))
    return {(row[0], row[1], row[2]): row[3] for row in rows}


async def paid(tx: Tx, currency: str) -> dict[PaidKey, tuple[int, int]]:
    """What was topped up so far: in all, and how many bookings that took."""
    rows = await (await tx.driver()).fetch(_PAID, currency)
    return {PaidKey(*row[:5]): (row[5], row[6]) for row in rows}


async def insert(tx: Tx, one: Guaranteed) -> None:
    """Write one booking."""
    values = [getattr(one, name) for name in Guaranteed.__dataclass_fields__]
    await (await tx.driver()).execute(
        _BOOK, *(value.value if isinstance(value, Guarantor) else value for value in values)
    )


async def of_ids(tx: Tx, guarantee_ids: Sequence[UUID]) -> Mapping[UUID, Guaranteed]:
    """Bookings by id."""
    if not guarantee_ids:
        return {}
    return {row[0]: _of_row(tuple(row)) for row in await (await tx.driver()).fetch(_BY_ID, list(guarantee_ids))}


async def own(tx: Tx, actor: Actor, request: PageRequest) -> Page[Guaranteed]:
    """What the actor's organisation was paid, or paid, by guarantees, newest first."""
    t = split_guarantee
    sides = or_(mine(t.c.organisation_id, actor), mine(t.c.supplier_id, actor))
    columns = [t.c[name.strip()] for name in _COLUMNS.split(",")]
    statement = select(*columns).where(sides).order_by(t.c.id.desc()).limit(request.limit + 1)
    if request.after:
        statement = statement.where(t.c.id < UUID(request.after[0]))
    rows = (await tx.conn.execute(statement)).all()
    return page_of([_of_row(tuple(row)) for row in rows], request, lambda one: (str(one.id),))


def _promise(row: Any) -> Promise:
    return Promise(row[0], row[1], row[2], row[3], Guarantor(row[4]), row[5], row[6], row[7])


def _of_row(row: tuple[Any, ...]) -> Guaranteed:
    named = dict(zip(Guaranteed.__dataclass_fields__, row, strict=True))
    return Guaranteed(**{**named, "guarantor": Guarantor(named["guarantor"])})
