"""A supplier retires a version of a plan: no new offer may use it. Offers that hold it keep it."""

from __future__ import annotations

from uuid import UUID

import msgspec

from compliance import store as audit
from exchange.catalog.plans import PlanStanding, usable
from exchange.catalog.store import plans as store
from exchange.flows.once import done
from exchange.kernel import ids
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.errors import NOT_FOUND, Problem


class RetiredReceipt(msgspec.Struct, frozen=True):
    """A version of a plan that no new offer may use."""

    id: str
    code: str
    version: int
    standing: str


async def retire_plan(tx: Tx, actor: Actor, plan_id: UUID) -> RetiredReceipt | Problem:
    """Retire one version of one of the supplier's plans.

    errors   answers not-found, plan-retired
    """
    await store.lock_library(tx, actor.organisation_id)
    found = await store.find(tx, plan_id)
    if found is None or found.plan.supplier_id != actor.organisation_id:
        return NOT_FOUND()
    if problem := usable(found):
        return problem
    await store.retire(tx, plan_id)
    name = ids.text("pln", plan_id)
    await audit.append(tx, [done(actor, "plan.retire", name)])
    return RetiredReceipt(name, found.plan.code, found.plan.version, PlanStanding.RETIRED.value)
