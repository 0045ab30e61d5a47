"""The operator publishes rates: each holds from its beginning until it ends or the next one of its pair begins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from math import prod

import msgspec

from compliance import store as audit
from exchange.flows.once import done
from exchange.kernel import ids
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.errors import FORBIDDEN, Problem
from exchange.kernel.text import Text
from settlement.conversion import SCALE, BadRate, Rate, money_pump, value_of, value_text
from settlement.problems import RATE_EXISTS, RATE_INVALID, RATE_ROUND_TRIP
from settlement.store import rates

_PAST = Text("it begins in the past; what was converted stands", "生效时间已过，既有兑换不受影响")


@dataclass(frozen=True, slots=True)
class RateWish:
    """One unit of `sell` buys `value` of `buy`; a rate without a beginning begins now."""

    sell: str
    buy: str
    value: str
    source: str
    valid_to: datetime
    valid_from: datetime | None = None


class RatePublished(msgspec.Struct, frozen=True):
    """A rate as it was published."""

    id: str
    sell: str
    buy: str
    value: str
    source: str
    valid_from: str
    valid_to: str


class RatesPublished(msgspec.Struct, frozen=True):
    """The rates of one request, in its order."""

    rates: list[RatePublished]


async def publish_rates(tx: Tx, actor: Actor, wishes: Sequence[RateWish]) -> RatesPublished | Problem:
    """Publish all of these rates or none.

    errors   answers forbidden, rate-invalid, rate-exists, rate-round-trip
    """
    if "operator" not in actor.roles:
        return FORBIDDEN(needs="operator")
    await rates.publish_alone(tx)
    fresh: list[Rate] = []
    for wish in wishes:
        made = _rate(tx, actor, wish)
        if isinstance(made, Problem):
            return made
        fresh.append(made)
    known = await rates.standing(tx, tx.now)
    begins = {(*one.pair, one.valid_from) for one in known}
    for one in fresh:
        if (*one.pair, one.valid_from) in begins:
            return RATE_EXISTS(sell=one.sell, buy=one.buy, at=_stamp(one.valid_from))
        begins.add((*one.pair, one.valid_from))
    if (pump := money_pump([*known, *fresh], fresh)) is not None:
        return _gains(pump)
    await rates.publish(tx, fresh)
    await audit.append(tx, [done(actor, "rate.publish", ids.text("rte", one.id)) for one in fresh])
    return RatesPublished([_published(one) for one in fresh])


def _rate(tx: Tx, actor: Actor, wish: RateWish) -> Rate | Problem:
    begins = wish.valid_from or tx.now
    try:
        if begins < tx.now:
            raise BadRate(_PAST)
        value = value_of(wish.value)
        return Rate(
            tx.new_id(), wish.sell, wish.buy, value, begins, wish.valid_to, wish.source, actor.organisation_id, tx.now
        )
    except BadRate as error:
        return RATE_INVALID(sell=wish.sell, buy=wish.buy, reason=error.why)


def _gains(pump: Sequence[Rate]) -> Problem:
    # Six digits for people; the round gains, so what is shown is never 1 or less.
    gain = prod((Fraction(one.scaled, SCALE) for one in pump), start=Fraction(1))
    shown = -(-gain * 10**6 // 1)
    way = " → ".join([pump[0].sell, *(one.buy for one in pump)])
    at = max(one.valid_from for one in pump)
    return RATE_ROUND_TRIP(round=way, gain=f"{shown // 10**6}.{shown % 10**6:06d}", at=_stamp(at))


def _published(one: Rate) -> RatePublished:
    return RatePublished(
        ids.text("rte", one.id),
        one.sell,
        one.buy,
        value_text(one.value),
        one.source,
        _stamp(one.valid_from),
        _stamp(one.valid_to),
    )


def _stamp(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
