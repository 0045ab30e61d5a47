"""What grants still cost: their use rated from the start of each service period, minus what was booked before.

Settlement books what this answers, and a draft invoice shows it: both ask here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Inexact
from types import MappingProxyType
from typing import Any
from uuid import UUID

from contracts import measurements_store as measurements
from exchange.access.grants import Grant
from exchange.access.store import seal
from exchange.access.store.windows import windowed_totals
from exchange.flows.hold_usage import without_held
from exchange.flows.milestones import reached
from exchange.flows.sale import Sale
from exchange.flows.taxing import Taxing, taxing
from exchange.kernel import ids
from exchange.kernel.db import Tx
from exchange.kernel.errors import Problem
from exchange.kernel.money import BadMoney, Money
from exchange.parties import store as parties
from exchange.parties.organisations import Standing
from pricing.exact import Quantity
from pricing.periods import Period
from pricing.rating import Due, bill, price_now
from settlement.orders import Order
from settlement.runs import Booked, Charge, Run, Settled
from settlement.store import runs

# How long before what a seller was settled to a service period may have ended and still be rated again, come what may;
# older ones are rated again where a day of theirs changed since the seller's last run was opened, less some room for
# what was being written just then.
LATE = timedelta(days=62)
_ROOM = timedelta(days=1)
_DAY = timedelta(days=1)

# What no order of ours costs and no account could add up: a grant that comes to more is held back for a person to see,
# so that one absurd report never stops everybody else's settlement.
CHARGE_MOST_UNITS = 10**17

_NOWHERE: Mapping[UUID, int] = MappingProxyType({})
Window = tuple[datetime, datetime]
Use = tuple[Period, Mapping[str, Quantity]]
LineKey = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Sold:
    """A grant that may still cost something, with its order and what was sold."""

    grant: Grant
    order: Order
    sale: Sale


@dataclass(frozen=True, slots=True)
class Facts:
    """What was used and what was booked, as one moment saw it."""

    periods: Mapping[UUID, Sequence[Period]]
    usage: Mapping[tuple[UUID, Window], Mapping[str, int]]
    outcomes: Mapping[UUID, Mapping[str, Any]]
    milestones: Mapping[UUID, Mapping[str, int]]
    booked: Mapping[UUID, Mapping[LineKey, Booked]]
    settled: Mapping[UUID, Settled]
    standings: Mapping[UUID, Standing]


async def rate_usage(
    tx: Tx, run: Run, sold: Sequence[Sold], places: Mapping[UUID, int] = _NOWHERE
) -> tuple[list[Charge], list[Grant]]:
    """Rate every service period that the run's period touches, that ended within `LATE` before it, or whose use changed.

    A grant that comes to more than an account holds, or whose tax is not known, is not charged but answered second: held.

    Rating is cumulative, so late use, corrections and a second run over the same period come out right. The ids of
    charges follow from the run and from what is charged.

    shapes   sold: the grants of a seller in the order of their ids; places: where each seller stands among those of the run
    """
    if not sold:
        return [], []
    facts = await _facts(tx, run, sold)
    charges: list[Charge] = []
    held: list[Grant] = []
    counts: dict[UUID, int] = defaultdict(int)
    for one in sold:
        seller = one.grant.seller_id
        try:
            rated = _rate(run, one, facts, places.get(seller, 0) * ids.PART_ROOM + counts[seller])
        except (BadMoney, Inexact):
            rated = None
        if rated is None or any(abs(charge.amount.units) > CHARGE_MOST_UNITS for charge in rated):
            held.append(one.grant)
        else:
            charges += rated
            counts[seller] += len(rated)
    return charges, held


async def _facts(tx: Tx, run: Run, sold: Sequence[Sold]) -> Facts:
    grant_ids = [one.grant.id for one in sold]
    sellers = sorted({one.grant.seller_id for one in sold})
    settled = await runs.settled_until(tx, sellers, run.currency)
    changed = await _changed(tx, run, sold, settled)
    periods = {one.grant.id: _periods(run, one, settled, changed.get(one.grant.id, ())) for one in sold}
    measured = [one.grant.id for one in sold if one.sale.plan.outcomes]
    return Facts(
        periods,
        await without_held(tx, await _usage(tx, run, periods)),
        await measurements.agreed(tx, measured, run.period_end) if measured else {},
        await reached(tx, sold, run.period_end),
        await runs.booked(tx, grant_ids),
        settled,
        await parties.standing(
            tx, sorted({side for one in sold for side in (one.grant.seller_id, one.grant.buyer_id)})
        ),
    )


def _rate(run: Run, sold: Sold, facts: Facts, place: int) -> list[Charge] | None:
    grant, plan = sold.grant, sold.sale.plan
    sides = facts.standings[grant.seller_id], facts.standings[grant.buyer_id]
    taxed = taxing(sides, plan, run.period_end)
    if isinstance(taxed, Problem):
        return None
    booked = facts.booked.get(grant.id, {})
    # The order paid these already; charges only ever hold what came after.
    lines = price_now(plan, grant.starts_at, sold.sale.ends_at(grant.starts_at))
    paid = {line.key: line.amount.units for line in lines}
    before = {key: paid.get(key, 0) + (booked[key].units if key in booked else 0) for key in {*paid, *booked}}
    dues = bill(plan, _uses(run, grant, facts), before, until=run.period_end)
    charges = []
    for n, due in enumerate(dues, place):
        corrects = _corrected(run, sold, due, booked, facts)
        back = corrects is not None and (due.amount.units < 0 or _reverses(due))
        treated = _taxed_before(sold, due, booked, taxed) if back else taxed
        charges.append(_charge(run, sold, due, treated, corrects, n))
    return charges


def _uses(run: Run, grant: Grant, facts: Facts) -> list[Use]:
    """Each period with what was used in it; outcomes that both sides signed count as use of the whole agreement."""
    outcomes = {f"outcome/{name}": value for name, value in facts.outcomes.get(grant.id, {}).items()}
    outcomes |= facts.milestones.get(grant.id, {})
    found: list[Use] = []
    for period in facts.periods[grant.id]:
        used: Mapping[str, Quantity] = facts.usage.get((grant.id, _window(run, period)), {})
        found.append((period, {**used, **outcomes} if outcomes and period.unit is None else used))
    return found


def _corrected(run: Run, sold: Sold, due: Due, booked: Mapping[LineKey, Booked], facts: Facts) -> UUID | None:
    """The charge, or the order, that a line corrects: it comes after its period was settled, or takes back."""
    key, end = due.line.key, due.line.period.end if due.line.period else None
    settled = facts.settled.get(sold.grant.seller_id)
    until = None if settled is None else settled.until
    # An order that was paid after that run had never been rated by it.
    seen = until is not None and sold.order.paid_at is not None and sold.order.paid_at < until
    # A further run over a time that was settled only books what is different, whatever the line is charged by.
    late = seen and until is not None and (run.period_end <= until or (end is not None and end <= until))
    if not late and not _reverses(due):
        return None
    return booked[key].first if key in booked else sold.order.id


def _reverses(due: Due) -> bool:
    return bool(due.booked.units) and (due.amount.units < 0) != (due.booked.units < 0)


def _taxed_before(sold: Sold, due: Due, booked: Mapping[LineKey, Booked], now: Taxing | None) -> Taxing | None:
    """How that was taxed which is given back: no tax goes back that nobody paid, whatever the seller became since."""
    key = due.line.key
    if key in booked:
        document = booked[key].tax
    elif due.booked.units:
        document = sold.order.tax
    else:
        # A discount or limit that late use brought about changes what was booked for the same period.
        near = [one for (_, index), one in booked.items() if index == key[1] and one.units > 0]
        if not near:
            return now
        document = min(near, key=lambda one: one.first).tax
    return None if document is None else Taxing.stored(document)


def _charge(run: Run, sold: Sold, due: Due, taxed: Taxing | None, corrects: UUID | None, place: int) -> Charge:
    grant, line = sold.grant, due.line
    named = run.id, "charge", grant.id, line.id, line.key[1]
    tax = None if taxed is None else taxed.on(due.amount)
    period = line.period
    return Charge(
        id=ids.derived(run.opened_at, *named, place=place),
        run_id=run.id,
        grant_id=grant.id,
        order_id=grant.order_id,
        offer_id=grant.offer_id,
        buyer_id=grant.buyer_id,
        seller_id=grant.seller_id,
        component=line.id,
        period_index=line.key[1],
        service_start=period.start if period else grant.starts_at,
        service_end=period.end if period else None,
        quantity=line.quantity,
        cumulative=line.amount,
        amount=due.amount if tax is None else tax.gross,
        explanation=_explanation(sold, due, corrects),
        corrects=corrects,
        tax_units=0 if tax is None else tax.tax.units,
        tax=None if taxed is None else taxed.document(),
    )


def _explanation(sold: Sold, due: Due, corrects: UUID | None) -> dict[str, Any]:
    """The line's arithmetic; what it corrects and what was booked before, where that is not all."""
    explained = due.line.explain()
    text = dict(explained["text"])
    if due.line.component is None and due.line.title:
        text = {language: f"{due.line.title.get(language, due.line.id)}: {said}" for language, said in text.items()}
    if due.booked.units:
        text["en"] += f"; {due.booked} booked before, now {_signed(due.amount)}"
        text["zh"] += f"；此前已入账 {due.booked}，本次 {_signed(due.amount)}"
    if corrects is not None:
        name = ids.text("ord" if corrects == sold.order.id else "chg", corrects)
        text = {"en": f"Correction of {name}: {text['en']}", "zh": f"更正 {name}：{text['zh']}"}
    return {**explained, "text": text, "booked": due.booked.to_wire(), "due": due.amount.to_wire()}


def _signed(amount: Money) -> str:
    return f"+{amount}" if amount.units > 0 else str(amount)


def _since(run: Run, settled: Settled) -> datetime:
    return min(run.period_start, settled.until) - LATE


async def _changed(
    tx: Tx, run: Run, sold: Sequence[Sold], settled: Mapping[UUID, Settled]
) -> Mapping[UUID, Sequence[datetime]]:
    """The old days on which grants have use, and which changed since their sellers were last settled."""
    known = [(one.grant.id, settled[one.grant.seller_id]) for one in sold if one.grant.seller_id in settled]
    if not known:
        return {}
    before = max(_since(run, one) for _, one in known)
    opened = min(one.opened_at for _, one in known) - _ROOM
    return await seal.changed_days(tx, before, opened, [grant_id for grant_id, _ in known])


def _periods(run: Run, sold: Sold, settled: Mapping[UUID, Settled], changed: Sequence[datetime]) -> list[Period]:
    grant, plan = sold.grant, sold.sale.plan
    begun = plan.periods(grant.starts_at, run.period_end, grant.ends_at)
    before = settled.get(grant.seller_id)
    if plan.needs_history or before is None:
        return begun
    # A measurement may be signed long after the last use.
    kept = bool(plan.outcomes)
    since = _since(run, before)
    return [
        one
        for one in begun
        if one.end is None
        or one.end > since
        or (kept and one.unit is None)
        or any(_within(one, day) for day in changed)
    ]


def _within(period: Period, day: datetime) -> bool:
    until = period.used_until
    return period.start < day + _DAY and (until is None or until > day)


def _window(run: Run, period: Period) -> Window:
    until = period.used_until
    return period.start, run.period_end if until is None else min(until, run.period_end)


async def _usage(
    tx: Tx, run: Run, periods: Mapping[UUID, Sequence[Period]]
) -> dict[tuple[UUID, Window], dict[str, int]]:
    """What each grant used in each window."""
    asked = [(grant_id, *_window(run, period)) for grant_id, begun in periods.items() for period in begun]
    windows = list(dict.fromkeys(asked))
    found = await windowed_totals(tx, windows)
    return {(grant_id, (since, until)): used for (grant_id, since, until), used in zip(windows, found, strict=True)}
