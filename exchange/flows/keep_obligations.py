"""Obligations by the clock: worked out for new agreements, for new periods and after events, and moved as time goes by.

No purchase waits for it: an agreement has its obligations within a minute.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from compliance import store as audit
from compliance.entries import Entry
from contracts import lifecycle, lifecycle_store
from contracts import obligations as rules
from contracts import obligations_store as store
from contracts.life_events import Event, Kind
from contracts.lifecycle import Life
from contracts.obligations import Expected, Obligation, State, Term
from contracts.obligations_store import Plan, Unplanned
from contracts.rights import Duty
from contracts.terms import Terms, load
from exchange.access.store import grants
from exchange.catalog.store.listings import load_offers
from exchange.kernel import ids
from exchange.kernel.db import Tx
from exchange.kernel.text import LocaleMap

# Nothing is owed before there is a grant; an order that was never paid for is forgotten after this time.
_WAITS_FOR = timedelta(days=60)
_LOOK_AGAIN = timedelta(hours=1)
AMENDED: LocaleMap = {"en": "An amendment took this duty out of the terms.", "zh": "变更已取消该义务。"}


@dataclass(frozen=True, slots=True)
class AgreementDuties:
    """What an agreement obliges to now, under the terms that hold, and for which time."""

    life: Life
    terms: Terms
    term: Term
    duties: tuple[Duty, ...]


def duties_now(
    agreement_id: UUID, document: bytes, sha256: bytes, offer: bytes, events: Sequence[Event]
) -> AgreementDuties:
    """Read an agreement with the events of its life.

    shapes   offer: the document of the offer that was ordered
    """
    life = lifecycle.lived(lifecycle.born(agreement_id, document, sha256), events)
    said = msgspec.json.decode(document)
    terms = load(life.terms if life.terms is not None else msgspec.json.decode(offer)["terms"])
    zone = ZoneInfo(said["time_zone"])
    ends = [at for at in (life.ends_at, life.terminates_at) if at is not None]
    ends += [one.force.effective_at for one in events if one.kind is Kind.RETIREMENT and one.force is not None]
    ends_at = min(ends) if ends else terms.ends_at(life.starts_at, zone)
    return AgreementDuties(life, terms, Term(life.starts_at, ends_at, zone), rules.duties_of(terms))


async def create_obligations(tx: Tx, *, limit: int = store.BATCH_MAX) -> int:
    """Work out the obligations of a batch of new agreements; how many agreements there were.

    The same again changes nothing: an obligation is known by its agreement, path and number.
    """
    await store.lock(tx)
    return await _work_out(tx, await store.unplanned(tx, limit))


async def renew_obligations(tx: Tx, *, limit: int = store.BATCH_MAX) -> int:
    """Work out those of agreements in which a period begins or whose life has moved; how many there were."""
    await store.lock(tx)
    return await _work_out(tx, await store.stale(tx, limit))


async def _work_out(tx: Tx, found: Sequence[Unplanned]) -> int:
    if not found:
        return 0
    offers = await load_offers(tx, [one.offer_id for one in found])
    there = await grants.of_orders(tx, [one.order_id for one in found])
    granted = {one.agreement_id for one in there}
    plans, rows = [], []
    for one in found:
        events = await lifecycle_store.events_of(tx, None, one.id) if one.moved else []
        now = duties_now(one.id, one.document, one.sha256, offers[one.offer_id].document, events)
        if one.id not in granted:
            again = tx.now + _LOOK_AGAIN if tx.now < now.life.starts_at + _WAITS_FOR else None
            plans.append(Plan(one.id, now.life.number, True, again))
            continue
        if one.moved:
            await _follow(tx, now)
        rows += [_row(tx, now.life, expected) for expected in rules.expected(now.duties, now.term, tx.now)]
        plans.append(Plan(one.id, now.life.number, False, rules.next_at(now.duties, now.term, tx.now)))
    made = await store.add(tx, rows)
    new = [row for row in rows if row.id in made]
    for row in new:
        await store.add_step(tx, row)
    await store.put_plans(tx, plans)
    await audit.append(tx, _entries(new))
    return len(found)


async def _follow(tx: Tx, now: AgreementDuties) -> None:
    """Let live obligations follow events: another holder, another end, other terms."""
    duties = {duty.duty: duty for duty in now.duties}
    for one in await store.of_agreement(tx, now.life.agreement_id, for_change=True):
        if one.state not in rules.LIVE:
            continue
        moved = replace(one, buyer_id=now.life.holder_id)
        if one.parent_id is None and one.state is not State.OVERDUE:
            duty = duties.get(one.duty.duty)
            if duty is None:
                waived = replace(moved, state=State.WAIVED)
                await store.put(tx, waived)
                await store.add_step(tx, waived, None, AMENDED)
                continue
            if rules.rhythm(duty) is not rules.Rhythm.ON_REQUEST:
                moved = replace(moved, duty=duty, due_at=rules.due_at(duty, one.number, now.term))
            if moved.due_at is None or moved.due_at - tx.now > rules.NOTICE:
                moved = replace(moved, state=State.OPEN)
        if moved != one:
            await store.put(tx, moved)
            await store.add_step(tx, moved)


async def remind(tx: Tx, *, limit: int = store.BATCH_MAX) -> int:
    """Move obligations that come due or are overdue, tell whom they concern, and begin the consequences; how many.

    The buyer is told a week before and when it is overdue, the supplier when it is overdue.
    """
    ripe = await store.ripe(tx, limit)
    entries = []
    for one in ripe:
        moved = replace(one, state=one.state_at(tx.now))
        await store.put(tx, moved)
        await store.add_step(tx, moved)
        if moved.state is State.OVERDUE:
            await store.notify(tx, moved, "overdue", one.buyer_id, one.seller_id)
            await _break(tx, moved)
        else:
            await store.notify(tx, moved, "due", one.buyer_id)
        entries.append(
            Entry(
                action=f"obligation.{moved.state.value}",
                organisation_id=None,
                object_id=ids.text("obl", one.id),
                agreement_id=ids.text("agr", one.agreement_id),
                concerns=(one.buyer_id, one.seller_id),
            )
        )
    await audit.append(tx, entries)
    return len(ripe)


async def _break(tx: Tx, broken: Obligation) -> None:
    rows = [
        Obligation(
            id=tx.new_id(),
            agreement_id=broken.agreement_id,
            buyer_id=broken.buyer_id,
            seller_id=broken.seller_id,
            parent_id=broken.id,
            path=one.path,
            number=one.number,
            duty=one.duty,
            state=State.OPEN,
            due_at=one.due_at,
            created_at=tx.now,
            changed_at=tx.now,
        )
        for one in rules.consequences(broken, tx.now)
    ]
    made = await store.add(tx, rows)
    for row in rows:
        if row.id in made:
            await store.add_step(tx, row)


def _row(tx: Tx, life: Life, one: Expected) -> Obligation:
    return Obligation(
        id=tx.new_id(),
        agreement_id=life.agreement_id,
        buyer_id=life.holder_id,
        seller_id=life.seller_id,
        parent_id=None,
        path=one.path,
        number=one.number,
        duty=one.duty,
        state=State.OPEN,
        due_at=one.due_at,
        created_at=tx.now,
        changed_at=tx.now,
    )


def _entries(rows: Sequence[Obligation]) -> list[Entry]:
    """One entry per agreement."""
    first: Mapping[UUID, Obligation] = {row.agreement_id: row for row in reversed(rows)}
    return [
        Entry(
            action="obligation.create",
            organisation_id=None,
            object_id=ids.text("agr", agreement_id),
            agreement_id=ids.text("agr", agreement_id),
            concerns=(row.buyer_id, row.seller_id),
        )
        for agreement_id, row in first.items()
    ]
