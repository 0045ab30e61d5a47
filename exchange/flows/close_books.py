"""The operator closes a currency's books up to a moment; what counts earlier can only be corrected by what counts later."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from compliance import store as audit
from exchange.flows.once import done
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.errors import FORBIDDEN, INVALID_REQUEST, Problem
from settlement.periods import ClosedFurther, ClosedPeriod, TooEarly
from settlement.problems import PERIOD_CLOSED_FURTHER, PERIOD_NOT_OVER
from settlement.store import periods


class BooksClosed(msgspec.Struct, frozen=True):
    """Books that are closed until `end`: how many accounts were carried forward, after how many more entries."""

    currency: str
    end: str
    accounts: int
    entries: int
    closed_at: str


async def close_books(tx: Tx, actor: Actor, currency: str, end: datetime) -> BooksClosed | Problem:
    """Close a period; the same end again answers the same.

    errors   answers forbidden, invalid-request, period-not-over, period-closed-further
    """
    if "operator" not in actor.roles:
        return FORBIDDEN(needs="operator")
    if end.microsecond or end.second:
        return INVALID_REQUEST(reason="books are closed at a whole minute")
    match await periods.close_period(tx, currency, end):
        case TooEarly(again_at=again_at):
            return PERIOD_NOT_OVER(end=_time(end), again_at=_time(again_at))
        case ClosedFurther(until=until):
            return PERIOD_CLOSED_FURTHER(currency=currency, until=_time(until))
        case ClosedPeriod() as closed:
            if closed.closed_at == tx.now:
                await audit.append(tx, [done(actor, "books.close", f"{currency}/{_time(end)}")])
            return receipt(closed)


def receipt(one: ClosedPeriod) -> BooksClosed:
    """A closed period as the API shows it."""
    return BooksClosed(one.currency, _time(one.end), one.accounts, one.entries, _time(one.closed_at))


def _time(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
