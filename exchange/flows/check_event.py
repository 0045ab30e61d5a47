"""May this event come into force now? Asked when it is proposed, and again when the last signature is there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from compliance import store as compliance
from contracts import chain, lifecycle
from contracts import terms as licence
from contracts.evaluation import permits
from contracts.life_events import Kind, Party, Wish, instant
from contracts.lifecycle import State
from contracts.lifecycle_problems import (
    AGREEMENT_NOT_RUNNING,
    EVENT_FIELD,
    NOTICE_TOO_SHORT,
    SUCCESSOR_UNFIT,
    TRANSFER_HAS_CHARGES,
)
from contracts.terms import Terms
from exchange.access.reads import freezable
from exchange.catalog.store.exclusive import hold_dataset_of
from exchange.catalog.store.listings import load_offers
from exchange.flows.agreement_life import Standing
from exchange.flows.auctioned import sold_exclusively
from exchange.flows.chain_of_rights import declared_now, refuse_wider
from exchange.flows.end_grant import bound_until
from exchange.flows.problems import FROZEN
from exchange.flows.sale import Sale, Sales
from exchange.flows.settle_books import goes_on
from exchange.flows.upstreams import refuse_conflict
from exchange.kernel import ids
from exchange.kernel.db import Tx
from exchange.kernel.errors import Problem
from exchange.kernel.text import Text
from exchange.parties import store as parties
from settlement.orders import Order
from settlement.store import orders

_OVER = frozenset({State.ENDED, State.TERMINATED})
_HOLDERS = frozenset({Kind.AMENDMENT, Kind.RENEWAL, Kind.TRANSFER})


async def refused(tx: Tx, sales: Sales, now_at: Standing, wish: Wish, by: Party) -> Problem | None:
    """The first reason why this event may not come into force, or None.

    errors   answers agreement-event-not-allowed, agreement-event-field, notice-too-short, agreement-not-running,
             trade-frozen, and what the kind of event asks for
    """
    life = now_at.life
    if problem := lifecycle.may(life, wish.kind, by, tx.now) or lifecycle.wrong(life, wish, by, tx.now):
        # Days alone do not say when a notice may end: what is paid for counts too.
        by_days = problem.slug == NOTICE_TOO_SHORT.slug
        return await _too_short(tx, sales, now_at, wish, by) if by_days else problem
    there = now_at.held if wish.kind in _HOLDERS else now_at.running
    if not there and not (wish.kind is Kind.RETIREMENT and life.state(tx.now) in _OVER):
        return AGREEMENT_NOT_RUNNING(agreement=ids.text("agr", life.agreement_id))
    match wish.kind:
        case Kind.AMENDMENT:
            return await _amendment(tx, now_at, wish)
        case Kind.RENEWAL:
            return await _renewal(tx, now_at, wish)
        case Kind.TRANSFER:
            return await _transfer(tx, sales, now_at, wish)
        case Kind.TERMINATION if wish.ground == "notice" and by is Party.BUYER:
            return await _notice(tx, sales, now_at, wish)
        case _:
            return None


async def dated(tx: Tx, sales: Sales, now_at: Standing, wish: Wish, by: Party) -> Wish:
    """The same wish; a notice that names no moment takes the earliest one that there is before the agreement's end."""
    life = now_at.life
    notice = wish.kind is Kind.TERMINATION and wish.ground == "notice" and wish.effective_at is None
    if not notice or (by is Party.SELLER and life.ends_at is not None):
        return wish
    earliest = await _earliest(tx, sales, now_at, by, lifecycle.notice_until(tx.now))
    return wish if life.ends_at is not None and earliest >= life.ends_at else replace(wish, effective_at=earliest)


async def _amendment(tx: Tx, now_at: Standing, wish: Wish) -> Problem | None:
    """Purposes and places stay within the terms: the offer's, or those that both agree to put in their place."""
    # Empty terms are terms that do not parse, not those of before.
    terms = await _terms(tx, now_at, now_at.life.terms if wish.terms is None else wish.terms)
    if isinstance(terms, Problem):
        return terms
    dataset_id, life = now_at.running[0].dataset_id, now_at.life
    if wish.terms is not None:
        written = [wish.terms]
        if problem := await refuse_wider(tx, dataset_id, written) or await refuse_conflict(tx, dataset_id, written):
            return problem
    country = await _country(tx, now_at)
    places, before = wish.territory or life.territory or (country,), life.territory or (country,)
    if country not in places:
        return EVENT_FIELD(field="territory", why=_NOT_THERE)
    purposes = wish.purposes or life.purposes
    if problem := _unpermitted(terms, now_at, purposes, places):
        return problem
    # The terms may be older than what the rights allow now: more use of them is held against today's rights.
    return await _beyond(tx, now_at, purposes=set(purposes) - set(life.purposes), places=set(places) - set(before))


async def _renewal(tx: Tx, now_at: Standing, wish: Wish) -> Problem | None:
    """Nothing is prolonged that was frozen, sold to somebody else alone, or that the rights do not allow any more."""
    life, grant = now_at.life, now_at.held[0]
    if problem := await _frozen(tx, now_at):
        return problem
    await hold_dataset_of(tx, grant.listing_id)
    if problem := await sold_exclusively(tx, grant.dataset_id, to_others_than=life.holder_id):
        return problem
    terms = await _terms(tx, now_at, life.terms)
    if isinstance(terms, Problem):
        return terms
    places = life.territory or (await _country(tx, now_at),)
    return await _beyond(
        tx, now_at, purposes=life.purposes, places=places, until=wish.ends_at, commercial=_commercial(terms)
    )


async def _transfer(tx: Tx, sales: Sales, now_at: Standing, wish: Wish) -> Problem | None:
    assert wish.successor_id is not None
    name = ids.text("org", wish.successor_id)
    there = (await parties.standing(tx, [wish.successor_id])).get(wish.successor_id)
    if there is None or there.state != "verified" or "buyer" not in there.roles:
        return SUCCESSOR_UNFIT(organisation=name, why=_UNVERIFIED)
    if await compliance.off_sale(tx, [wish.successor_id]):
        return FROZEN(object=name)
    if problem := await _frozen(tx, now_at):
        return problem
    sale, _ = await _sold(tx, sales, now_at)
    if goes_on(sale) or any(one.quotas for one in now_at.running):
        return TRANSFER_HAS_CHARGES(agreement=ids.text("agr", now_at.life.agreement_id))
    territory = now_at.life.territory
    if territory is not None and there.country not in territory:
        return SUCCESSOR_UNFIT(organisation=name, why=_ELSEWHERE)
    terms = await _terms(tx, now_at, now_at.life.terms)
    if isinstance(terms, Problem):
        return terms
    places = (there.country,)
    return _unpermitted(terms, now_at, now_at.life.purposes, places) or await _beyond(
        tx, now_at, purposes=now_at.life.purposes, places=places, commercial=_commercial(terms)
    )


async def _notice(tx: Tx, sales: Sales, now_at: Standing, wish: Wish) -> Problem | None:
    """By notice nobody leaves what is committed or paid in advance: it ends with that."""
    assert wish.effective_at is not None, "a notice names its moment"
    free = await _earliest(tx, sales, now_at, Party.BUYER, wish.effective_at)
    return await _too_short(tx, sales, now_at, wish, Party.BUYER) if free > wish.effective_at else None


async def _too_short(tx: Tx, sales: Sales, now_at: Standing, wish: Wish, by: Party) -> Problem:
    """Name the earliest moment that will not be refused, or say that there is none before the agreement ends anyway."""
    least, ends_at = lifecycle.notice_until(tx.now), now_at.life.ends_at
    earliest = await _earliest(tx, sales, now_at, by, least)
    if ends_at is not None and earliest >= ends_at:
        return EVENT_FIELD(field="ground", why=Text(_NO_NOTICE.en + instant(ends_at), _NO_NOTICE.zh + instant(ends_at)))
    asked = wish.effective_at
    following = earliest if asked is None or asked <= earliest else await _earliest(tx, sales, now_at, by, asked)
    reachable = following if ends_at is None or following < ends_at else earliest
    return lifecycle.notice_too_short(earliest, reachable)


async def _earliest(tx: Tx, sales: Sales, now_at: Standing, by: Party, at: datetime) -> datetime:
    """The first moment from `at` on with which the periods that run just before it end, and with which the term is over."""
    if by is Party.SELLER:
        return at
    sale, order = await _sold(tx, sales, now_at)
    # Periods of several lengths end together after a few steps.
    for _ in range(_STEPS_MAX):
        before = at - timedelta(microseconds=1)
        later = max((end for one in now_at.running if (end := bound_until(sale, order, one, before))), default=at)
        if later <= at:
            break
        at = later
    return at


async def _terms(tx: Tx, now_at: Standing, put: Mapping[str, Any] | None) -> Terms | Problem:
    if put is None:
        offer = (await load_offers(tx, [now_at.row.offer_id]))[now_at.row.offer_id]
        put = msgspec.json.decode(offer.document)["terms"]
    terms = licence.parse(put)
    return terms if isinstance(terms, Terms) else terms[0]


def _unpermitted(terms: Terms, now_at: Standing, purposes: tuple[str, ...], places: tuple[str, ...]) -> Problem | None:
    zone = ZoneInfo(msgspec.json.decode(now_at.row.document)["time_zone"])
    starts_at = now_at.life.starts_at
    # Both sides may have prolonged it beyond the terms' own duration: what else they allow is asked of its beginning.
    for purpose in purposes:
        for place in places:
            decision = permits(terms, purpose, place, starts_at, starts_at=starts_at, zone=zone)
            if problem := decision.problem():
                return problem
    return None


async def _beyond(tx: Tx, now_at: Standing, **given: Any) -> Problem | None:
    """Why the dataset's chain of rights does not allow what would be given now, or None; also where there is no chain."""
    declared = await declared_now(tx, now_at.running[0].dataset_id)
    return None if declared is None else chain.joined(chain.beyond(declared, **given))


def _commercial(terms: Terms) -> bool:
    return any(all(one.commercial for one in alternative) for alternative in terms.alternatives)


async def _country(tx: Tx, now_at: Standing) -> str:
    holder_id = now_at.life.holder_id
    return (await parties.standing(tx, [holder_id]))[holder_id].country


async def _sold(tx: Tx, sales: Sales, now_at: Standing) -> tuple[Sale, Order]:
    order = (await orders.get_orders(tx, [now_at.row.order_id]))[now_at.row.order_id]
    offers = await load_offers(tx, [now_at.row.offer_id])
    return sales.sold(offers[now_at.row.offer_id], order), order


async def _frozen(tx: Tx, now_at: Standing) -> Problem | None:
    """What a regulator has frozen is neither prolonged nor passed on: no grant, nor anything that stops reads under one."""
    concerned = [("org", now_at.life.holder_id)]
    concerned += [pair for grant in now_at.running for pair in freezable(grant)]
    frozen = await compliance.frozen(tx, [one for _, one in concerned])
    found = next((ids.text(prefix, one) for prefix, one in concerned if one in frozen), None)
    return None if found is None else FROZEN(object=found)


_STEPS_MAX = 60
_NO_NOTICE = Text(
    "must be breach, not notice: no notice ends the agreement before it ends anyway, at ",
    "须为 breach（违约），不能为 notice（通知）：通知终止不会早于合约的终止时间 ",
)
_NOT_THERE = Text("leaves out the country of the holder", "未包含持有方所在国家或地区")
_UNVERIFIED = Text("is no verified buyer", "不是已核验的采购机构")
_ELSEWHERE = Text("lies outside the territory of the agreement", "不在合约的地域范围内")
