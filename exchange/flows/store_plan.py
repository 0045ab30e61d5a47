"""A supplier keeps a price plan in its library, or the next version of one."""

from __future__ import annotations

import dataclasses

import msgspec

from compliance import store as audit
from exchange.catalog import plans as library
from exchange.catalog.plans import PlanRequest
from exchange.catalog.settings import CatalogSettings
from exchange.catalog.store import plans as store
from exchange.flows.once import done
from exchange.kernel import ids
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.errors import Problem
from pricing import checks, plans
from pricing.effort import WORK_BRIEF
from pricing.plans import Plan


class PlanReceipt(msgspec.Struct, frozen=True):
    """A new version of a plan; `notes` say what may surprise its author, in both languages."""

    id: str
    code: str
    version: int
    sha256: str
    notes: list[dict[str, str]]


async def store_plan(tx: Tx, actor: Actor, request: PlanRequest, settings: CatalogSettings) -> PlanReceipt | Problem:
    """Check a plan document and keep it as an immutable version; nobody sees it until an offer uses it.

    errors   answers plan-invalid, plan-unchanged, plans-too-many, and plan-field-wrong
    """
    # A number without quotes is exact where it is whole; those with a point were read as text.
    request = dataclasses.replace(request, document=plans.SHAPE.settled(request.document))
    understood = plans.parse(request.document)
    if not isinstance(understood, Plan):
        return understood[0]
    await store.lock_library(tx, actor.organisation_id)
    made = library.version(
        request,
        actor.organisation_id,
        await store.latest(tx, actor.organisation_id, request.code),
        plans=await store.count(tx, actor.organisation_id),
        new_id=tx.new_id(),
        now=tx.now,
        settings=settings,
    )
    if isinstance(made, Problem):
        return made
    await store.insert_plan(tx, made)
    name = ids.text("pln", made.id)
    await audit.append(tx, [done(actor, "plan.store", name, document=made.sha256)])
    notes = checks.check(understood, work=WORK_BRIEF)
    return PlanReceipt(
        id=name,
        code=made.code,
        version=made.version,
        sha256=made.sha256.hex(),
        notes=[{"en": note.detail("en"), "zh": note.detail("zh")} for note in notes],
    )
