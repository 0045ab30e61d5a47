"""A supplier's plans: versions are inserted, their standing moves. Flows see all rows; portal reads narrow to their own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import func, insert, select, text, update

from exchange.catalog.plans import PlanStanding, PlanVersion, StoredPlan
from exchange.catalog.tables import plan, plan_standing
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.pages import Page, PageRequest, page_of
from exchange.kernel.store import mine

_SELECT = select(*plan.c, plan_standing.c.state).join(plan_standing, plan_standing.c.plan_id == plan.c.id)
# Two versions of one plan, and two first plans of one supplier, follow one another.
_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('catalog.plan/' || :supplier, 0))"


async def lock_library(tx: Tx, supplier_id: UUID) -> None:
    """Let this supplier's plans change one after another, until the transaction ends."""
    await tx.conn.execute(text(_LOCK), {"supplier": str(supplier_id)})


async def latest(tx: Tx, supplier_id: UUID, code: str) -> PlanVersion | None:
    """The newest version of a plan, whatever its standing."""
    statement = (
        _SELECT.where(plan.c.supplier_id == supplier_id, plan.c.code == code).order_by(plan.c.version.desc()).limit(1)
    )
    row = (await tx.conn.execute(statement)).mappings().one_or_none()
    return _version(row) if row else None


async def count(tx: Tx, supplier_id: UUID) -> int:
    """How many plans of a supplier have a current version."""
    statement = select(func.count()).where(
        plan_standing.c.supplier_id == supplier_id, plan_standing.c.state == PlanStanding.CURRENT.value
    )
    return int((await tx.conn.execute(statement)).scalar_one())


async def insert_plan(tx: Tx, new: StoredPlan) -> None:
    """Write a version of a plan; the version before it is superseded."""
    standing = plan_standing.c
    await tx.conn.execute(
        update(plan_standing)
        .where(
            standing.supplier_id == new.supplier_id,
            standing.code == new.code,
            standing.state == PlanStanding.CURRENT.value,
        )
        .values(state=PlanStanding.SUPERSEDED.value, changed_at=tx.now)
    )
    await tx.conn.execute(
        insert(plan).values(
            id=new.id,
            supplier_id=new.supplier_id,
            code=new.code,
            version=new.version,
            title=dict(new.title),
            document=new.document,
            sha256=new.sha256,
            created_at=new.created_at,
        )
    )
    await tx.conn.execute(
        insert(plan_standing).values(
            plan_id=new.id,
            supplier_id=new.supplier_id,
            code=new.code,
            state=PlanStanding.CURRENT.value,
            changed_at=tx.now,
        )
    )


async def retire(tx: Tx, plan_id: UUID) -> None:
    """Let no new offer use this version."""
    await tx.conn.execute(
        update(plan_standing)
        .where(plan_standing.c.plan_id == plan_id)
        .values(state=PlanStanding.RETIRED.value, changed_at=tx.now)
    )


async def find(tx: Tx, plan_id: UUID) -> PlanVersion | None:
    """Read one version of a plan, whoever's it is."""
    row = (await tx.conn.execute(_SELECT.where(plan.c.id == plan_id))).mappings().one_or_none()
    return _version(row) if row else None


async def own_plan(tx: Tx, actor: Actor, plan_id: UUID) -> PlanVersion | None:
    """Read one version of one of the supplier's plans."""
    statement = _SELECT.where(plan.c.id == plan_id, mine(plan.c.supplier_id, actor))
    row = (await tx.conn.execute(statement)).mappings().one_or_none()
    return _version(row) if row else None


async def own_plans(tx: Tx, actor: Actor, page: PageRequest) -> Page[PlanVersion]:
    """List every version of the supplier's plans, newest first."""
    statement = _SELECT.where(mine(plan.c.supplier_id, actor)).order_by(plan.c.id.desc())
    if page.after:
        statement = statement.where(plan.c.id < UUID(page.after[0]))
    rows = (await tx.conn.execute(statement.limit(page.limit + 1))).mappings()
    return page_of([_version(row) for row in rows], page, lambda one: (str(one.plan.id),))


def _version(row: Mapping[Any, Any]) -> PlanVersion:
    fields = dict(row)
    standing = PlanStanding(fields.pop("state"))
    return PlanVersion(StoredPlan(**fields), standing)
