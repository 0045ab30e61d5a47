"""Use that no grant plausibly had in a day is accepted, proven and shown, but not charged before a person has looked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import date, datetime
from uuid import UUID

import msgspec

from compliance import store as audit
from compliance.entries import Entry
from contracts.measurements import fault_of_words
from exchange.access.plausibility import Aside, Decision, counting, limit_of
from exchange.access.problems import HELD_USAGE_DECIDED, HELD_USAGE_REASON
from exchange.access.settings import AccessSettings
from exchange.access.store import aside as store
from exchange.access.store import seal
from exchange.access.store.aside import Place
from exchange.flows.once import done
from exchange.kernel import ids
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.errors import FORBIDDEN, NOT_FOUND, Problem

DAYS_PER_STEP = 5
REASON_MAX = 1_000
Window = tuple[datetime, datetime]


class UsageDecided(msgspec.Struct, frozen=True):
    """What was decided of use that was held aside; the next settlement run follows it."""

    id: str
    grant: str
    let_through: bool


async def hold_usage(tx: Tx, settings: AccessSettings) -> int:
    """Look at days since they were sealed last, a few at a time; how many were looked at.

    What is above a limit is held aside, with a fact and an audit entry; a day that grew beyond what was held, or let
    through, before is held anew.
    """
    days = await store.due_days(tx, DAYS_PER_STEP)
    for day, sealed_at in days:
        await _look_at(tx, settings, day)
        await store.mark_checked(tx, day, sealed_at)
    return len(days)


async def _look_at(tx: Tx, settings: AccessSettings, day: date) -> None:
    # A day below this is only looked at where a quota may be broken.
    least = min(settings.day_use_least, settings.day_bytes_most, settings.day_units_most)
    uses = await store.large_uses(tx, day, least)
    before = await store.known(tx, sorted({use.grant_id for use, _, _ in uses})) if uses else {}
    for use, buyer_id, seller_id in uses:
        most, why = limit_of(use, settings)
        known = before.get(Place(use.grant_id, day, use.meter))
        counts = most if known is None else max(most, known.allowed)
        if use.quantity <= counts or (known is not None and known.counted == use.quantity):
            continue
        number = 1 if known is None else known.number + 1
        parties = buyer_id, seller_id
        made = Aside(tx.new_id(), use.grant_id, day, use.meter, number, use.quantity, most, why, *parties, tx.now)
        await store.insert(tx, made)
        await audit.append(tx, [_entry(made)])


async def without_held(
    tx: Tx, usage: Mapping[tuple[UUID, Window], Mapping[str, int]]
) -> Mapping[tuple[UUID, Window], Mapping[str, int]]:
    """What each grant used in each window, without what is held aside; of a day that counts in part, what came first counts."""
    held = await store.known(tx, sorted({grant_id for grant_id, _ in usage})) if usage else {}
    if not held:
        return usage
    keys = await store.keys_of(tx, {place.meter for place in held})
    by_grant: dict[UUID, list[Place]] = defaultdict(list)
    for place in held:
        by_grant[place.grant_id].append(place)
    found = {key: dict(used) for key, used in usage.items()}
    for (grant_id, (since, until)), used in found.items():
        for place in by_grant.get(grant_id, ()):
            low, high = store.edges(place.day)
            first, last = max(since, low), min(until, high)
            if first >= last:
                continue
            key = keys[place.meter]
            before = await _used(tx, place, key, low, first)
            upto = before + await _used(tx, place, key, first, last)
            used[key] = used.get(key, 0) - (upto - before) + counting(before, upto, held[place].allowed)
    return found


async def _used(tx: Tx, place: Place, key: str, since: datetime, until: datetime) -> int:
    if since >= until:
        return 0
    totals = await seal.usage_totals(tx, since, until, [place.grant_id])
    return sum(one.quantity for one in totals if one.meter == key)


async def decide_usage(
    tx: Tx, actor: Actor, aside_id: UUID, reason: Mapping[str, str], *, let_through: bool
) -> UsageDecided | Problem:
    """Let use that was held aside count, or refuse it for good, and say why; each exception is decided once.

    errors   answers forbidden, not-found, held-usage-reason, held-usage-decided
    """
    if "operator" not in actor.roles:
        return FORBIDDEN(needs="operator")
    held = await store.find(tx, aside_id)
    if held is None:
        return NOT_FOUND()
    if (fault := fault_of_words(reason, REASON_MAX)) is not None:
        return HELD_USAGE_REASON(reason=fault)
    name = ids.text("hlu", aside_id)
    decision = Decision(let_through, dict(reason), actor.organisation_id, tx.now)
    if not await store.is_newest(tx, aside_id) or not await store.decide(tx, held.aside, decision):
        return HELD_USAGE_DECIDED(exception=name)
    one = held.aside
    action = "usage.let_through" if let_through else "usage.refuse"
    await audit.append(tx, [done(actor, action, name, one.buyer_id, one.seller_id)])
    return UsageDecided(name, ids.text("grt", one.grant_id), let_through)


def _entry(one: Aside) -> Entry:
    return Entry(
        action="usage.hold",
        organisation_id=None,
        object_id=ids.text("hlu", one.id),
        object_version=ids.text("grt", one.grant_id),
        concerns=tuple(sorted({one.buyer_id, one.seller_id})),
    )
