"""What grants still cost: their use rated from the start of each service period, minus what was booked before."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from exchange.access.grants import Grant
from exchange.access.store import seal
from exchange.flows.sale import Sale
from exchange.kernel.db import Tx
from exchange.kernel.money import BadMoney
from pricing.periods import Period, periods_begun
from pricing.rating import outstanding, price_now
from settlement.runs import Charge, Run
from settlement.store import runs

# How far back a service period may have ended and still be rated again for use that came late.
LATE = timedelta(days=62)

# What no order of ours costs and no account could add up: a grant that comes to more is held back for a person to see,
# so that one absurd report never stops everybody else's settlement.
CHARGE_MOST_UNITS = 10**17

Window = tuple[datetime, datetime]


async def rate_usage(
    tx: Tx, run: Run, found: Sequence[Grant], sold: Mapping[UUID, Sale]
) -> tuple[list[Charge], list[Grant]]:
    """Rate every service period that the run's period touches, or that ended within `LATE` before it.

    A grant that comes to more than an account holds is not charged but answered second: held back.

    Rating is cumulative, so late use, corrections and a second run over the same period come out right.
    """
    periods = {grant.id: _periods(run, grant, sold[grant.id]) for grant in found}
    usage = await _usage(tx, run, found, periods)
    booked = await runs.booked(tx, [grant.id for grant in found]) if found else {}
    charges: list[Charge] = []
    held: list[Grant] = []
    for grant in found:
        try:
            rated = _rate(tx, run, grant, sold[grant.id], periods[grant.id], usage, booked.get(grant.id, {}))
        except BadMoney:
            rated = None
        if rated is None or any(abs(one.amount.units) > CHARGE_MOST_UNITS for one in rated):
            held.append(grant)
        else:
            charges += rated
    return charges, held


def _rate(
    tx: Tx,
    run: Run,
    grant: Grant,
    sale: Sale,
    periods: Sequence[Period],
    usage: Mapping[tuple[UUID, Window], Mapping[str, int]],
    booked: Mapping[tuple[str, int], int],
) -> list[Charge]:
    plan, before = sale.plan, dict(booked)
    for line in price_now(plan):
        # The order paid these already; charges only ever hold what came after.
        before[line.key] = before.get(line.key, 0) + line.amount.units
    charges = []
    for period in periods:
        cut_off = None if period.end is not None and period.end <= run.period_end else run.period_end
        used = usage.get((grant.id, _window(run, period)), {})
        for due in outstanding(plan, used, period, before, as_of=cut_off):
            line = due.line
            charges.append(
                Charge(
                    tx.new_id(),
                    run.id,
                    grant.id,
                    grant.order_id,
                    grant.offer_id,
                    grant.buyer_id,
                    grant.seller_id,
                    line.component.id,
                    line.key[1],
                    period.start,
                    period.end,
                    line.quantity,
                    line.amount,
                    due.amount,
                    line.explain(),
                )
            )
    return charges


def _periods(run: Run, grant: Grant, sale: Sale) -> list[Period]:
    until = run.period_end if grant.ends_at is None else min(run.period_end, grant.ends_at)
    begun = [
        period
        for cadence in sale.plan.cadences
        for period in periods_begun(cadence, grant.starts_at, until, sale.plan.time_zone)
    ]
    return [period for period in begun if period.end is None or period.end > run.period_start - LATE]


def _window(run: Run, period: Period) -> Window:
    return period.start, run.period_end if period.end is None else min(period.end, run.period_end)


async def _usage(
    tx: Tx, run: Run, found: Sequence[Grant], periods: Mapping[UUID, Sequence[Period]]
) -> dict[tuple[UUID, Window], dict[str, int]]:
    """What each grant used in each window, one look per window however many grants share it."""
    sharing: dict[Window, set[UUID]] = defaultdict(set)
    for grant in found:
        for period in periods[grant.id]:
            sharing[_window(run, period)].add(grant.id)
    usage: dict[tuple[UUID, Window], dict[str, int]] = defaultdict(dict)
    for window, grant_ids in sorted(sharing.items()):
        for total in await seal.usage_totals(tx, *window, sorted(grant_ids)):
            usage[total.grant_id, window][total.meter.key] = total.quantity
    return usage
