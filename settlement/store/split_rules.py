"""Split rules and the exchange's minimum shares in the database. Flows see all rows; portal reads narrow to their own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import exists, func, insert, or_, select, text

from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.pages import Page, PageRequest, page_of
from exchange.kernel.store import mine
from settlement.rule_tables import split_minimum, split_payee, split_rule
from settlement.splits import Role
from settlement.waterfall_document import SplitRule

_r, _m = split_rule.c, split_minimum.c
_IN_FORCE = """
SELECT DISTINCT ON (dataset_id) * FROM settlement.split_rule WHERE dataset_id = ANY($1::uuid[]) AND effective_from <= $2
    AND (effective_until IS NULL OR effective_until > $2) ORDER BY dataset_id, id DESC"""
_MINIMUMS = """
SELECT DISTINCT ON (role) role, parts FROM settlement.split_minimum WHERE valid_from <= $1 ORDER BY role, valid_from DESC"""
# Two versions of one rule follow one another.
_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('split/dataset/' || :dataset, 0))"


@dataclass(frozen=True, slots=True)
class Minimum:
    """What the operator asks for of each sale from a moment on.

    units    share in parts of `waterfall.WHOLE`
    """

    id: UUID
    role: Role
    share: int
    valid_from: datetime
    set_by: UUID
    created_at: datetime


async def lock_rules(tx: Tx, dataset_id: UUID) -> None:
    """Let this dataset's rules change one after another, until the transaction ends."""
    await tx.conn.execute(text(_LOCK), {"dataset": str(dataset_id)})


async def insert_rule(tx: Tx, one: SplitRule, payees: Sequence[UUID]) -> None:
    """Write a version of a rule, and who may read it because it pays them."""
    names = [column.name for column in split_rule.columns]
    await tx.conn.execute(insert(split_rule).values({name: getattr(one, name) for name in names}))
    rows = [{"rule_id": one.id, "organisation_id": payee} for payee in sorted(set(payees))]
    if rows:
        await tx.conn.execute(insert(split_payee), rows)


async def find_rules(tx: Tx, rule_ids: Sequence[UUID]) -> dict[UUID, SplitRule]:
    """Rules by id, whoever asks."""
    rows = await tx.conn.execute(select(split_rule).where(_r.id.in_(rule_ids)))
    return {row["id"]: _rule(row) for row in rows.mappings()}


async def latest(tx: Tx, dataset_id: UUID, code: str) -> SplitRule | None:
    """The newest version of one rule of a dataset."""
    statement = select(split_rule).where(_r.dataset_id == dataset_id, _r.code == code)
    row = (await tx.conn.execute(statement.order_by(_r.version.desc()).limit(1))).mappings().one_or_none()
    return _rule(row) if row else None


async def family(tx: Tx, rule: SplitRule) -> list[SplitRule]:
    """Every version of a rule in its currency, the first first."""
    statement = select(split_rule).where(
        _r.dataset_id == rule.dataset_id, _r.code == rule.code, _r.currency == rule.currency
    )
    return [_rule(row) for row in (await tx.conn.execute(statement.order_by(_r.version))).mappings()]


async def count(tx: Tx, dataset_id: UUID) -> int:
    """How many versions of rules a dataset has."""
    statement = select(func.count()).select_from(split_rule).where(_r.dataset_id == dataset_id)
    return int((await tx.conn.execute(statement)).scalar_one())


async def in_force(tx: Tx, dataset_ids: Sequence[UUID], at: datetime) -> dict[UUID, SplitRule]:
    """The rule of each dataset that was made last of those in force at a moment; datasets without one are left out."""
    rows = await (await tx.driver()).fetch(_IN_FORCE, list(dataset_ids), at)
    return {row["dataset_id"]: _rule(row) for row in rows}


async def own_rules(tx: Tx, actor: Actor, dataset_id: UUID, request: PageRequest) -> Page[SplitRule]:
    """Every version of the rules of one's own dataset, newest first."""
    statement = select(split_rule).where(_r.dataset_id == dataset_id, mine(_r.supplier_id, actor))
    return await _page(tx, statement, request)


async def paying_rules(tx: Tx, actor: Actor, request: PageRequest) -> Page[SplitRule]:
    """The rules of others that pay the actor's organisation, newest first."""
    return await _page(tx, select(split_rule).where(_paid(actor)), request)


async def visible_rule(tx: Tx, actor: Actor, rule_id: UUID) -> SplitRule | None:
    """One rule: of one's own dataset, or one that pays one."""
    statement = select(split_rule).where(_r.id == rule_id, or_(mine(_r.supplier_id, actor), _paid(actor)))
    row = (await tx.conn.execute(statement)).mappings().one_or_none()
    return _rule(row) if row else None


async def insert_minimum(tx: Tx, one: Minimum) -> bool:
    """Write a minimum; False where one of the same role begins at the same moment."""
    statement = text(
        "INSERT INTO settlement.split_minimum (id, role, parts, valid_from, set_by, created_at) "
        "VALUES (:id, :role, :parts, :at, :by, :now) ON CONFLICT (role, valid_from) DO NOTHING RETURNING id"
    )
    values = {"id": one.id, "role": one.role.value, "parts": one.share, "at": one.valid_from, "by": one.set_by}
    return (await tx.conn.execute(statement, {**values, "now": one.created_at})).one_or_none() is not None


async def minimums(tx: Tx, at: datetime) -> dict[Role, int]:
    """What is asked for of each sale at a moment, by role.

    units    parts of `waterfall.WHOLE`
    """
    return {Role(role): parts for role, parts in await (await tx.driver()).fetch(_MINIMUMS, at)}


async def list_minimums(tx: Tx, request: PageRequest) -> Page[Minimum]:
    """Every minimum that was ever set, newest first."""
    statement = select(split_minimum).order_by(_m.id.desc()).limit(request.limit + 1)
    if request.after:
        statement = statement.where(_m.id < UUID(request.after[0]))
    rows = (await tx.conn.execute(statement)).all()
    found = [Minimum(row[0], Role(row[1]), *row[2:]) for row in rows]
    return page_of(found, request, lambda one: (str(one.id),))


def _paid(actor: Actor) -> Any:
    p = split_payee.c
    return exists().where(p.rule_id == _r.id, mine(p.organisation_id, actor))


async def _page(tx: Tx, statement: Any, request: PageRequest) -> Page[SplitRule]:
    statement = statement.order_by(_r.id.desc()).limit(request.limit + 1)
    if request.after:
        statement = statement.where(_r.id < UUID(request.after[0]))
    rows = (await tx.conn.execute(statement)).mappings().all()
    return page_of([_rule(row) for row in rows], request, lambda one: (str(one.id),))


def _rule(row: Any) -> SplitRule:
    return SplitRule(**{name: row[name] for name in SplitRule.__dataclass_fields__})
