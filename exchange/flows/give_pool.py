"""A month's incentive pool goes to suppliers by the policy that holds for the month: once, and payable at once."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from uuid import UUID

import msgspec

from compliance import store as audit
from exchange.catalog.store import listings
from exchange.flows.directive_scope import pages
from exchange.flows.once import done
from exchange.kernel import ids
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.errors import FORBIDDEN, Problem
from exchange.kernel.money import Money
from exchange.kernel.text import Text
from exchange.quality import store as quality
from settlement import pools, postings
from settlement.accounts import AccountKind, platform
from settlement.journals import Posted
from settlement.pools import By, PoolPolicy
from settlement.problems import POOL_NOT_GIVEN
from settlement.store import ledger, periods, weights
from settlement.store import pools as store
from settlement.store.pools import Distribution

_NO_MONTH = Text("that is no month such as 2026-01", "不是月份，例如 2026-01")
_NO_POLICY = Text("no policy holds for this month", "该月没有适用的分配规则")
_NOT_OVER = Text("the month is not over", "该月尚未结束")
_EMPTY = Text("the pool holds nothing to give", "池中没有可分配的金额")
_NOBODY = Text("nobody has a weight in this month", "该月没有任何供应方取得权重")


class PoolGiven(msgspec.Struct, frozen=True):
    """What was given of a month: what the pool held, the policy's part of it, and what suppliers got."""

    id: str
    policy: str
    currency: str
    month: str
    available: dict[str, str]
    total: dict[str, str]
    given: dict[str, str]


async def give_pool(tx: Tx, actor: Actor, currency: str, month: str) -> PoolGiven | Problem:
    """Give a month's pool away; a month that was given before answers what was given then.

    Of what the pool held when the month ended, no more is given than it holds now: a refund since comes first. What no
    weight takes stays in the pool.

    errors   answers forbidden, pool-not-given
    """
    if "operator" not in actor.roles:
        return FORBIDDEN(needs="operator")
    await store.lock_pool(tx, currency)
    before = await store.distribution_of(tx, currency, month)
    if before is not None:
        return _given(before)
    policy = await store.policy_for(tx, currency, month)
    if policy is None:
        return POOL_NOT_GIVEN(currency=currency, month=month, why=_NO_POLICY)
    window = pools.month_window(month, policy.time_zone)
    if window is None:
        return POOL_NOT_GIVEN(currency=currency, month=month, why=_NO_MONTH)
    if tx.now < window[1]:
        return POOL_NOT_GIVEN(currency=currency, month=month, why=_NOT_OVER)
    key = platform(AccountKind.POOL, currency)
    then = (await periods.balances_at(tx, [key], window[1]))[key]
    available = min(then, (await ledger.sums(tx, [key]))[key])
    total = pools.to_give(available, policy.share)
    if not total:
        return POOL_NOT_GIVEN(currency=currency, month=month, why=_EMPTY)
    found, whole = await _weights(tx, policy, window)
    parts = pools.parts(total, sorted(found.items()), whole) if found else []
    given = sum(part.amount for part in parts)
    if not given:
        return POOL_NOT_GIVEN(currency=currency, month=month, why=_NOBODY)
    made_id = tx.new_id()
    journal = postings.give_pool(made_id, currency, [(part.organisation_id, part.amount) for part in parts])
    (posted,) = await ledger.post(tx, [journal])
    assert isinstance(posted, Posted), posted
    made = Distribution(
        made_id, policy.id, currency, month, available, total, given, whole, posted.journal_id,
        actor.organisation_id, tx.now,
    )  # fmt: skip
    await store.insert_distribution(tx, made, parts)
    name = ids.text("pds", made_id)
    await audit.append(tx, [done(actor, "pool.give", name, *part, policy=policy.sha256) for part in pages(found)])
    return _given(made)


async def _weights(tx: Tx, policy: PoolPolicy, window: tuple[datetime, datetime]) -> tuple[dict[UUID, int], int]:
    """Each supplier's weight, and the sum of all: in a vector also of what is nobody's."""
    if policy.vector_id is not None:
        vector = await weights.find_vector(tx, policy.vector_id)
        assert vector is not None, "a measured vector stays"
        found = {one.organisation_id: one.weight for one in vector.players if one.weight}
        return found, sum(found.values()) + vector.residual_weight
    sold = await store.sold_by_listing(tx, policy.currency, window)
    scores: dict[UUID, int] = {}
    if policy.by is By.QUALITY:
        scores = await _scores(tx, sorted({listing for _, listing, _ in sold}))
    sums: dict[UUID, int] = defaultdict(int)
    for seller, listing, units in sold:
        sums[seller] += units * scores.get(listing, 0) if policy.by is By.QUALITY else units
    found = {seller: weight for seller, weight in sums.items() if weight > 0}
    return found, sum(found.values())


async def _scores(tx: Tx, listing_ids: list[UUID]) -> dict[UUID, int]:
    """The disclosed quality score of what each listing sells now; a listing without one has none."""
    revisions = await listings.revisions_behind(tx, listing_ids)
    scores = await quality.disclosed_scores(tx, sorted(set(revisions.values())))
    return {one: scores[revision][0] or 0 for one, revision in revisions.items() if revision in scores}


def _given(one: Distribution) -> PoolGiven:
    available, total, given = (Money(n, one.currency).to_wire() for n in (one.available, one.total, one.given))
    return PoolGiven(
        ids.text("pds", one.id),
        ids.text("ppl", one.policy_id),
        one.currency,
        one.month,
        available,
        total,
        given,
    )
