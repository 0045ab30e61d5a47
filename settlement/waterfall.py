"""Waterfalls: ordered steps that take their parts of what was sold, in the cumulative form.

What a step has taken of a period is a function of what that period sold in all, never of the order in which it came. What is
booked is that function minus what was booked before, so batches, period cuts and partial refunds change nothing.

Steps work on sales, then on months, then on the life of the rule: a step of a month sees what all steps of its sales left.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import gcd, lcm
from typing import NamedTuple
from uuid import UUID

from exchange.kernel.money import allocate_units
from settlement.splits import WEIGHT_MAX, Role, Share, ordered

# A percentage is held as a number of these: six decimals of a hundredth.
WHOLE = 100_000_000
LIFETIME = "all"


class Op(StrEnum):
    """What a step takes; `settlement/waterfall.schema.json` says which fields each has."""

    FIXED = "fixed"
    SHARE_OF_GROSS = "share_of_gross"
    SHARE_OF_NET = "share_of_net"
    TIERS = "tiers"
    MANDATE = "mandate"
    RECOUP = "recoup"
    GUARANTEE = "guarantee"
    RESIDUAL = "residual"


class Per(StrEnum):
    """Over what a step counts, the narrower first."""

    SALE = "sale"
    MONTH = "month"
    LIFETIME = "lifetime"


@dataclass(frozen=True, slots=True)
class Payee:
    """Who is paid by a step; organisation None = an account of the exchange, or a broker that the sale names."""

    role: Role
    organisation_id: UUID | None
    weight: int = 1


@dataclass(frozen=True, slots=True)
class Band:
    """One band of cumulative sales; `up_to` None = all above.

    units    up_to in millionths; share in parts of WHOLE
    """

    up_to: int | None
    share: int


@dataclass(frozen=True, slots=True)
class Step:
    """One step, with payees who are organisations.

    shapes   on_net: tiers count what is left, and not the gross; advance_of: whose advance a recoupment pays back;
             carries: a step per lifetime goes on from where earlier versions of the rule left it
    units    share in parts of WHOLE; amount, at_least and at_most in millionths per sale, month or life
    """

    id: str
    op: Op
    per: Per
    payees: tuple[Payee, ...]
    share: int = 0
    amount: int = 0
    at_least: int | None = None
    at_most: int | None = None
    bands: tuple[Band, ...] = ()
    on_net: bool = False
    advance_of: UUID | None = None
    carries: bool = False


@dataclass(frozen=True, slots=True)
class Waterfall:
    """A rule, understood: steps in their order, those of narrower periods first, the residual last."""

    currency: str
    time_zone: str
    steps: tuple[Step, ...]

    def of(self, per: Per) -> tuple[Step, ...]:
        """The steps that count over such periods."""
        return tuple(step for step in self.steps if step.per is per)


@dataclass(frozen=True, slots=True)
class Introduced:
    """The broker whose claim on the buyer stood when the sale was made, and its share of the gross.

    units    share in parts of WHOLE
    """

    broker_id: UUID
    share: int


@dataclass(frozen=True, slots=True)
class Sold:
    """What one sale brought, or gave back: many of one sale add up.

    shapes   month: of the sale itself, as 2026-01; a refund has the month of what it gives back
    units    millionths without tax, below zero for what went back
    """

    sale_id: UUID
    month: str
    units: int
    introduced: Introduced | None = None


class Bucket(NamedTuple):
    """One period of one width: a sale's id, a month, or LIFETIME."""

    per: Per
    period: str


LIFE = Bucket(Per.LIFETIME, LIFETIME)


@dataclass(frozen=True, slots=True)
class Level:
    """What has come into a bucket in all, and what its steps left of it.

    units    millionths, cumulative; `gross` is what was sold, `came_in` what the narrower steps left of that
    """

    gross: int = 0
    came_in: int = 0
    left: int = 0


@dataclass(frozen=True, slots=True)
class Carried:
    """From where a step per lifetime goes on: what the steps of its name took in earlier versions of the rule, and of what.

    units    millionths, none below zero; `had` is what the payees had of the steps before
    """

    taken: int = 0
    gross: int = 0
    came_in: int = 0
    had: int = 0


NOTHING: Mapping[str, Carried] = {}


class Key(NamedTuple):
    """Under what a cumulative amount is booked: one payee of one step in one period."""

    step: str
    period: str
    role: Role
    organisation_id: UUID | None


@dataclass(frozen=True, slots=True)
class StepPart:
    """What a step gave one payee in one period, and where that leaves the period.

    shapes   advance_of: see Step
    units    millionths; over the parts of a step and a period: came_in = sum of cumulative + left;
             `short` is what a guarantee could not cover
    """

    key: Key
    per: Per
    gross: int
    came_in: int
    cumulative: int
    booked: int
    left: int
    short: int = 0
    advance_of: UUID | None = None

    @property
    def amount(self) -> int:
        """What is still to book: below zero where a refund takes back."""
        return self.cumulative - self.booked


@dataclass(frozen=True, slots=True)
class Poured:
    """What new sales made of the buckets that they touched: the new levels, and all parts of their steps."""

    levels: Mapping[Bucket, Level]
    parts: tuple[StepPart, ...]


def apply(
    rule: Waterfall,
    sold: Iterable[Sold],
    booked: Mapping[Key, int] | None = None,
    carried: Mapping[str, Carried] = NOTHING,
) -> list[StepPart]:
    """Say what each step gives each payee of all that was sold, and what of that is not booked yet.

    shapes   sold: everything, in any order and any pieces -> the steps in their order, period by period; a key that was
             booked and is not sold any more comes back with nothing
    units    millionths; at every step the parts and what is left equal what came in
    source   cumulative rounding: f(total) - booked, as in settlement.md section 6.4
    """
    before = {} if booked is None else booked
    found = list(pour(rule, sold, {}, before, carried).parts)
    there = {part.key for part in found}
    per = {step.id: step.per for step in rule.steps}
    gone = [key for key in before if key not in there and before[key] and key.step in per]
    return found + [StepPart(key, per[key.step], 0, 0, 0, before[key], 0) for key in gone]


def pour(
    rule: Waterfall,
    sold: Iterable[Sold],
    before: Mapping[Bucket, Level],
    booked: Mapping[Key, int],
    carried: Mapping[str, Carried] = NOTHING,
) -> Poured:
    """Add sales to what was sold before; only the buckets that they touch are worked out again, and always the lifetime's.

    shapes   before: the levels of those buckets, an empty one where one is missing; booked: what their steps booked;
             carried: what `carry` says of the version before
    """
    sales: dict[UUID, list[Sold]] = {}
    for one in sold:
        sales.setdefault(one.sale_id, []).append(one)
    levels: dict[Bucket, Level] = {}
    parts: list[StepPart] = []
    # Of each month: how much more gross, and how much more that its sales' steps left.
    months: dict[str, tuple[int, int]] = {}
    for sale_id, pieces in sales.items():
        units = sum(piece.units for piece in pieces)
        bucket = Bucket(Per.SALE, str(sale_id))
        left = _fill(rule, bucket, (units, units), before, booked, pieces[0].introduced, levels, parts, NOTHING)
        gross, more = months.get(pieces[0].month, (0, 0))
        months[pieces[0].month] = gross + units, more + left
    gross = more = 0
    for month, added in sorted(months.items()):
        left = _fill(rule, Bucket(Per.MONTH, month), added, before, booked, None, levels, parts, NOTHING)
        gross, more = gross + added[0], more + left
    _fill(rule, LIFE, (gross, more), before, booked, None, levels, parts, carried)
    return Poured(levels, tuple(parts))


def carry(rule: Waterfall, level: Level, before: Mapping[str, Carried] = NOTHING) -> dict[str, Carried]:
    """From where the next version of a rule goes on, by step: what this one took in its life, and what it went on from.

    It depends on what was sold by the earlier versions in all, and on nothing else; so the parts of a later version are
    worked out again when one of those sells more, or gives back.
    """
    found = dict(before)
    got: dict[tuple[Role, UUID | None], int] = {}
    parts: list[StepPart] = []
    _fill(rule, LIFE, (0, 0), {LIFE: level}, {}, None, {}, parts, before)
    for step in rule.of(Per.LIFETIME):
        mine = [part for part in parts if part.key.step == step.id]
        had = sum(got.get((payee.role, payee.organisation_id), 0) for payee in step.payees)
        for part in mine:
            holder = part.key.role, part.key.organisation_id
            got[holder] = got.get(holder, 0) + part.cumulative
        one = before.get(step.id, Carried()) if step.carries else Carried()
        found[step.id] = Carried(
            one.taken + max(sum(part.cumulative for part in mine), 0),
            one.gross + max(level.gross, 0),
            one.came_in + max(mine[0].came_in if mine else 0, 0),
            one.had + max(had, 0),
        )
    return found


def touched(sold: Iterable[Sold]) -> list[Bucket]:
    """The buckets whose levels `pour` wants to know."""
    found: dict[Bucket, None] = {}
    for one in sold:
        found[Bucket(Per.SALE, str(one.sale_id))] = None
        found[Bucket(Per.MONTH, one.month)] = None
    return [*found, LIFE]


def stateless(rule: Waterfall) -> tuple[Share, ...] | None:
    """The rule as plain weights, or None where a part depends on more than the amount of the sale itself.

    shapes   only shares of gross and of what is left, sale by sale, without a least or a most, to known payees
    """
    plain = {Op.SHARE_OF_GROSS, Op.SHARE_OF_NET, Op.RESIDUAL}
    if any(
        step.op not in plain or step.per is not Per.SALE or step.at_least is not None or step.at_most is not None
        for step in rule.steps
    ):
        return None
    # Fractions of the whole as pairs; what is left of it shrinks from step to step.
    left, below = 1, 1
    found: dict[tuple[Role, UUID | None], list[tuple[int, int]]] = {}
    for step in rule.steps:
        if step.op is Op.RESIDUAL:
            taken, of = left, below
        elif step.op is Op.SHARE_OF_GROSS:
            taken, of = step.share, WHOLE
        else:
            taken, of = left * step.share, below * WHOLE
        if taken * below > left * of:
            return None
        left, below = left * of - taken * below, below * of
        weights = sum(payee.weight for payee in step.payees)
        for payee in step.payees:
            found.setdefault((payee.role, payee.organisation_id), []).append((taken * payee.weight, of * weights))
    whole = lcm(*(below for pieces in found.values() for _, below in pieces))
    sums = {key: sum(part * (whole // below) for part, below in pieces) for key, pieces in found.items()}
    unit = gcd(*sums.values())
    if not unit or left or sum(sums.values()) // unit > WEIGHT_MAX:
        return None
    return ordered([Share(role, holder, units // unit) for (role, holder), units in sums.items() if units])


def _fill(
    rule: Waterfall,
    bucket: Bucket,
    added: tuple[int, int],
    before: Mapping[Bucket, Level],
    booked: Mapping[Key, int],
    introduced: Introduced | None,
    levels: dict[Bucket, Level],
    parts: list[StepPart],
    carried: Mapping[str, Carried],
) -> int:
    """Work one bucket out again with `added` (gross, came in) on top; how much more it leaves than before."""
    steps = rule.of(bucket.per)
    if not steps:
        return added[1]
    was = before.get(bucket, Level())
    gross, came_in = was.gross + added[0], was.came_in + added[1]
    left = came_in
    got: dict[tuple[Role, UUID | None], int] = {}
    for step in steps:
        on_top = carried.get(step.id, Carried()) if step.carries else Carried()
        given, short = _given(step, gross, left, got, introduced, on_top)
        into, left = left, left - sum(units for _, units in given)
        for payee, units in given:
            holder = payee.role, payee.organisation_id
            got[holder] = got.get(holder, 0) + units
            key = Key(step.id, bucket.period, *holder)
            known = booked.get(key, 0)
            parts.append(StepPart(key, step.per, gross, into, units, known, left, short, step.advance_of))
    levels[bucket] = Level(gross, came_in, left)
    return left - was.left


def _given(
    step: Step,
    gross: int,
    left: int,
    got: Mapping[tuple[Role, UUID | None], int],
    introduced: Introduced | None,
    carried: Carried,
) -> tuple[list[tuple[Payee, int]], int]:
    """What a step gives whom of what is left, and what a guarantee is short of. What went back is a sale backwards."""
    sign = -1 if left < 0 else 1
    payees: Sequence[Payee] = step.payees
    if step.op is Op.MANDATE:
        payees = [] if introduced is None else [Payee(Role.BROKER, introduced.broker_id)]
    if not payees:
        return [], 0
    there = sign * left
    had = sign * sum(got.get((payee.role, payee.organisation_id), 0) for payee in payees)
    # A version that gave back more than it sold goes on from nothing, so that it is its own mirror.
    before = carried if sign > 0 else Carried()
    wanted = _wanted(step, max(sign * gross, 0), there, had, introduced, before)
    if there and step.at_least is not None:
        wanted = max(wanted, step.at_least - before.taken)
    if step.at_most is not None:
        wanted = min(wanted, step.at_most - before.taken)
    taken = max(min(wanted, there), 0)
    short = max(wanted - taken, 0) if step.op is Op.GUARANTEE else 0
    units = allocate_units(sign * taken, [payee.weight for payee in payees])
    return list(zip(payees, units, strict=True)), short


def _wanted(step: Step, gross: int, there: int, had: int, introduced: Introduced | None, before: Carried) -> int:
    """What a step asks for before its least, its most and what there is; a fraction of a millionth is not asked for."""
    match step.op:
        case Op.FIXED:
            return step.amount - before.taken
        case Op.SHARE_OF_GROSS:
            return gross * step.share // WHOLE
        case Op.SHARE_OF_NET:
            return there * step.share // WHOLE
        case Op.TIERS:
            start, more = (before.came_in, there) if step.on_net else (before.gross, gross)
            return _tiered(step.bands, start + more) - _tiered(step.bands, start)
        case Op.MANDATE:
            return 0 if introduced is None else gross * introduced.share // WHOLE
        case Op.RECOUP:
            return min(step.amount - before.taken, there * step.share // WHOLE)
        case Op.GUARANTEE:
            return step.amount - before.taken - before.had - had
        case Op.RESIDUAL:
            return there


def _tiered(bands: Sequence[Band], units: int) -> int:
    """The sum over the bands that an amount fills, rounded down once."""
    total = start = 0
    for band in bands:
        end = units if band.up_to is None else min(units, band.up_to)
        if end > start:
            total += (end - start) * band.share
        start = max(start, end)
    return total // WHOLE
