"""The operator closes a currency's books up to a moment; what counts earlier can only be corrected by what counts later."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec

from compliance import store as audit
from compliance.entries import Entry
from exchange.flows.close_checklist import check_month, open_points
from exchange.flows.once import done, worded
from exchange.kernel import ids
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.errors import FORBIDDEN, INVALID_REQUEST, Problem
from settlement.periods import CLOSES_AFTER, ClosedFurther, ClosedPeriod, TooEarly
from settlement.problems import BOOKS_WAIT_FOR_RUN, PERIOD_CLOSED_FURTHER, PERIOD_NOT_OVER
from settlement.recon_problems import MONTH_NOT_READY
from settlement.store import periods, runs

_MS = timedelta(milliseconds=1)


class BooksClosed(msgspec.Struct, frozen=True):
    """Books that are closed until `end`: how many accounts were carried forward, after how many more entries."""

    currency: str
    end: str
    accounts: int
    entries: int
    closed_at: str


async def close_months(tx: Tx, after_days: int) -> list[BooksClosed]:
    """Close the books of the month before, of each currency that is settled to its end: some days later, by the clock.

    A currency waits while a point of the checklist is open, its runs among them, and while transactions are under way.

    shapes   after_days: how many whole days after the end of a month (UTC) its books are closed
    """
    first = (tx.now.astimezone(UTC) - timedelta(days=after_days)).replace(
        day=1, hour=0, minute=0, second=0, microsecond=0
    )
    made = []
    for currency in await runs.currencies_settled(tx, first):
        if not await periods.period_open(tx, currency, first - _MS):
            continue
        if open_points(await check_month(tx, currency, first)):
            continue
        closed = await periods.close_period(tx, currency, first)
        if isinstance(closed, ClosedPeriod):
            said = f"{currency}/{_time(first)}"
            await audit.append(tx, [Entry(action="books.close", organisation_id=None, object_id=said)])
            made.append(receipt(closed))
    return made


async def close_books(
    tx: Tx, actor: Actor, currency: str, end: datetime, despite: str | None = None
) -> BooksClosed | Problem:
    """Close a period; the same end again answers the same.

    A month (of UTC) is closed only once its checklist is done, or `despite` that, with the reason in the log.

    errors   answers forbidden, invalid-request, period-not-over, period-closed-further, books-wait-for-run, month-not-ready
    """
    if "operator" not in actor.roles:
        return FORBIDDEN(needs="operator")
    if end.microsecond or end.second:
        return INVALID_REQUEST(reason="books are closed at a whole minute")
    run = await runs.opened_before(tx, currency, end)
    if run is not None:
        # All that a run books counts from its opening, whenever it comes to it.
        return BOOKS_WAIT_FOR_RUN(run=ids.text("run", run.id), opened_at=_time(run.opened_at))
    if despite is None and _is_month(end) and await periods.period_open(tx, currency, end - _MS):
        missing = open_points(await check_month(tx, currency, end))
        if missing and end + CLOSES_AFTER <= tx.now:
            return MONTH_NOT_READY(currency=currency, end=_time(end), open=missing)
    match await periods.close_period(tx, currency, end):
        case TooEarly(again_at=again_at):
            return PERIOD_NOT_OVER(end=_time(end), again_at=_time(again_at))
        case ClosedFurther(until=until):
            return PERIOD_CLOSED_FURTHER(currency=currency, until=_time(until))
        case ClosedPeriod() as closed:
            if closed.closed_at == tx.now:
                entry = done(actor, "books.close", f"{currency}/{_time(end)}")
                await audit.append(tx, [entry if despite is None else worded(entry, despite=despite.encode())])
            return receipt(closed)


def receipt(one: ClosedPeriod) -> BooksClosed:
    """A closed period as the API shows it."""
    return BooksClosed(one.currency, _time(one.end), one.accounts, one.entries, _time(one.closed_at))


def _is_month(end: datetime) -> bool:
    at = end.astimezone(UTC)
    return (at.day, at.hour, at.minute) == (1, 0, 0)


def _time(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
