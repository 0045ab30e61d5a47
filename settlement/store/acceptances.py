"""What was said of deliveries, and whose shares may become payable: read from the facts, nothing kept for silence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import exists, or_, select

from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.ids import array
from exchange.kernel.pages import Page, PageRequest, page_of
from exchange.kernel.store import mine
from settlement import tables
from settlement.acceptances import (
    DAYS_MAX,
    ON_HOLD,
    Fact,
    Ground,
    Inspection,
    Outcome,
    Said,
    standing,
)
from settlement.orders import Order
from settlement.refund_tables import acceptance
from settlement.store.orders import order_of

_INSERT = """
INSERT INTO settlement.acceptance (id, order_id, buyer_id, seller_id, said, ground, evidence_sha256, outcome, refund_id,
    organisation_id, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"""
_OF = """
SELECT id, order_id, buyer_id, seller_id, said, created_at, ground, evidence_sha256, outcome, refund_id, organisation_id
FROM settlement.acceptance WHERE order_id = ANY($1::uuid[]) ORDER BY created_at, id"""
# `waits`: its shares were never released, and not all of it went back.
_WAITING = """
SELECT o.id, o.seller_id, o.offer_id, o.paid_at, o.price_units > 0 AND NOT EXISTS (
        SELECT FROM settlement.journal j WHERE j.kind = 'release' AND j.source_id = o.id)
    AND NOT EXISTS (SELECT FROM settlement.split_source s WHERE s.source_id = o.id)
    AND NOT EXISTS (SELECT FROM settlement.refund r WHERE r.source_id = o.id AND r.cumulative_units = r.paid_units) AS waits,
    (SELECT array_agg(a.said ORDER BY a.created_at, a.id) FROM settlement.acceptance a WHERE a.order_id = o.id) AS said,
    EXISTS (SELECT FROM settlement.credit_order c WHERE c.order_id = o.id AND c.unpaid_units > 0) AS owed
FROM settlement.orders o WHERE o.id = ANY($1::text::uuid[]) ORDER BY o.id"""
_LOCK = "SELECT id FROM settlement.orders WHERE id = ANY($1::uuid[]) ORDER BY id FOR UPDATE"


@dataclass(frozen=True, slots=True)
class Releasable:
    """Orders whose shares become payable, by seller; and all orders of these sellers whose shares are on hold."""

    orders: Mapping[UUID, Sequence[UUID]]
    held: frozenset[UUID]


@dataclass(frozen=True, slots=True)
class Delivery:
    """An order with what was said of its delivery."""

    order: Order
    facts: tuple[Fact, ...]


async def insert_fact(tx: Tx, fact: Fact) -> None:
    """Write what was said; the schema takes each word once per order."""
    await (await tx.driver()).execute(
        _INSERT,
        fact.id,
        fact.order_id,
        fact.buyer_id,
        fact.seller_id,
        fact.said.value,
        fact.ground.value if fact.ground else None,
        fact.evidence_sha256,
        fact.outcome.value if fact.outcome else None,
        fact.refund_id,
        fact.organisation_id,
        fact.created_at,
    )


async def facts_of(tx: Tx, order_ids: Sequence[UUID]) -> dict[UUID, list[Fact]]:
    """What was said of these orders, each in the order in which it was said; whoever asks."""
    found: dict[UUID, list[Fact]] = {one: [] for one in order_ids}
    for row in await (await tx.driver()).fetch(_OF, list(order_ids)):
        found[row["order_id"]].append(_fact(row))
    return found


async def releasable_sources(
    tx: Tx, order_ids: Sequence[UUID], at: datetime, windows: Mapping[UUID, Inspection], *, lock: bool = True
) -> Releasable:
    """Of some paid orders, whose shares may become payable as of `at`: accepted, decided, or past a window in silence.

    One on account waits until its buyer has paid it, as charges do.

    As of the end of a run's period and not of the moment at which it runs, so a run that is done again answers the same.

    shapes   windows: the inspection of each offer that they were sold by, by offer id; lock: whether the releasable ones
             stay as they are until the transaction ends
    """
    driver = await tx.driver()
    rows = await driver.fetch(_WAITING, array(order_ids)) if order_ids else []
    free: dict[UUID, list[UUID]] = {}
    held: set[UUID] = set()
    for row in rows:
        said = [Said(one) for one in row["said"] or ()]
        if row["owed"] or standing(row["paid_at"], windows[row["offer_id"]], said, at) in ON_HOLD:
            held.add(row["id"])
        elif row["waits"]:
            free.setdefault(row["seller_id"], []).append(row["id"])
    if free and lock:
        # A refund takes this lock too, so it is booked wholly before the release or wholly after it.
        await driver.fetch(_LOCK, [one for found in free.values() for one in found])
    return Releasable(free, frozenset(held))


async def deliveries(tx: Tx, actor: Actor, request: PageRequest, *, selling: bool = False) -> Page[Delivery]:
    """Paid orders of the actor's organisation whose inspection may not be over, newest first.

    shapes   at most a year old, or rejected and not settled since; whether one still is on hold, its window says
    """
    t = tables.orders
    side = t.c.seller_id if selling else t.c.buyer_id
    return await _deliveries(tx, [mine(side, actor)], request)


async def open_deliveries(tx: Tx, request: PageRequest, *, rejected: bool = False) -> Page[Delivery]:
    """The same of everybody, for the operator; only those that were rejected where it asks for them."""
    return await _deliveries(tx, [_said(Said.REJECTED)] if rejected else [], request)


async def find_delivery(tx: Tx, actor: Actor, order_id: UUID, *, selling: bool = False) -> Delivery | None:
    """One paid order that the actor's organisation bought, or sold, with what was said of its delivery."""
    t = tables.orders
    side = t.c.seller_id if selling else t.c.buyer_id
    statement = select(t).where(t.c.id == order_id, mine(side, actor), t.c.state == "paid")
    row = (await tx.conn.execute(statement)).mappings().one_or_none()
    return None if row is None else (await _with_facts(tx, [order_of(row)]))[0]


async def _deliveries(tx: Tx, conditions: Sequence[Any], request: PageRequest) -> Page[Delivery]:
    t = tables.orders
    statement = (
        select(t)
        .where(
            t.c.state == "paid",
            ~_said(Said.ACCEPTED, Said.DECIDED),
            or_(t.c.paid_at > tx.now - timedelta(days=DAYS_MAX), _said(Said.REJECTED)),
            *conditions,
        )
        .order_by(t.c.id.desc())
        .limit(request.limit + 1)
    )
    if request.after:
        statement = statement.where(t.c.id < UUID(request.after[0]))
    rows = (await tx.conn.execute(statement)).mappings().all()
    found = await _with_facts(tx, [order_of(row) for row in rows])
    return page_of(found, request, lambda one: (str(one.order.id),))


async def _with_facts(tx: Tx, orders: Sequence[Order]) -> list[Delivery]:
    a = acceptance.c
    statement = select(acceptance).where(a.order_id.in_([one.id for one in orders])).order_by(a.created_at, a.id)
    facts: dict[UUID, list[Fact]] = {one.id: [] for one in orders}
    for row in (await tx.conn.execute(statement)).mappings() if orders else ():
        facts[row["order_id"]].append(_fact(row))
    return [Delivery(one, tuple(facts[one.id])) for one in orders]


def _said(*words: Said) -> Any:
    a = acceptance.c
    return exists().where(a.order_id == tables.orders.c.id, a.said.in_([one.value for one in words]))


def _fact(row: Any) -> Fact:
    evidence = row["evidence_sha256"]
    return Fact(
        row["id"],
        row["order_id"],
        row["buyer_id"],
        row["seller_id"],
        Said(row["said"]),
        row["created_at"],
        Ground(row["ground"]) if row["ground"] else None,
        bytes(evidence) if evidence is not None else None,
        Outcome(row["outcome"]) if row["outcome"] else None,
        row["refund_id"],
        row["organisation_id"],
    )
