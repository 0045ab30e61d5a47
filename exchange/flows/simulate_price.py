"""What a forecast of use would cost under each offer of a listing, and which is cheapest from where on. Binds nobody."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Inexact
from typing import Any
from uuid import UUID

import msgspec

from exchange.access.grants import QUANTITY_MAX
from exchange.access.meters import BY_KEY, is_usage_key
from exchange.catalog.offers import Offer
from exchange.catalog.store import public
from exchange.flows.problems import FORECAST_INVALID
from exchange.kernel import ids
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.errors import Problem
from exchange.kernel.money import BadMoney, Money
from exchange.kernel.text import LocaleMap, Text
from exchange.parties import store as parties
from pricing import quotes
from pricing.basis import EMPTY, Basis
from pricing.binding import bind
from pricing.compare import Comparison, Mix, compare, steady, unmeasured
from pricing.components import Plan
from pricing.quotes import Month

MONTHS_MAX = 36
METERS_MAX = 16
# An offer that is priced by the day has a line a day; beyond this many, the lines of a month are added up.
# How many lines all offers of a listing may rate together: under a second on one core.
LINES_RATED_MAX = 20_000
_NOT_AGREED = Text("its price is agreed on with each buyer", "价格须与买方逐一议定")


@dataclass(frozen=True, slots=True)
class Wish:
    """The use foreseen, what the buyer chooses, and the meter that a comparison counts volumes in (None: the first)."""

    forecast: Sequence[Mapping[str, int]]
    choices: Basis = EMPTY
    meter: str | None = None


@dataclass(frozen=True, slots=True)
class OnShow:
    """The current offers of a published listing, and the class of the buyer who asks."""

    listing_id: UUID
    offers: Sequence[Offer]
    buyer_class: str | None


class OfferCost(msgspec.Struct, frozen=True):
    """One offer's cost of the forecast: in all, and month by month with its arithmetic, discounts and drawn credits.

    shapes   not_offered: choices of the buyer that this offer does not know; its cost is without them
             a line holds its arithmetic, or, where there are more than LINES_MAX, is the sum of a month's lines of its id
    """

    offer: str
    code: str
    kind: str
    total: dict[str, str]
    not_offered: list[str]
    months: list[dict[str, Any]]


class LeftOut(msgspec.Struct, frozen=True):
    """An offer without a cost, and why."""

    offer: str
    code: str
    why: LocaleMap


class CostCurve(msgspec.Struct, frozen=True):
    """What one offer costs at each of the comparison's volumes; null where it allows no such use."""

    offer: str
    amounts: list[str | None]


class CheapestFrom(msgspec.Struct, frozen=True):
    """From this volume on the offer costs least, up to the next entry.

    shapes   exact: proven to the unit; else rounding or steps between the points may move it a little
    """

    from_volume: int
    offer: str | None
    amount: str | None
    exact: bool


class OfferComparison(msgspec.Struct, frozen=True):
    """The offers of one currency over the same steady use.

    shapes   a month has a volume of `meter`, and of the other meters what the forecast's proportions say
    """

    currency: str
    meter: str
    proportions: dict[str, int]
    months: int
    cheapest_from: list[CheapestFrom]
    volumes: list[int]
    curves: list[CostCurve]
    left_out: list[LeftOut]


class Simulation(msgspec.Struct, frozen=True):
    """The offers of a listing, cheapest first within each currency; `cheapest` names the best of each. Without tax."""

    listing: str
    offers: list[OfferCost]
    cheapest: dict[str, str]
    left_out: list[LeftOut]
    comparisons: list[OfferComparison]


async def offers_on_show(tx: Tx, listing_id: UUID, actor: Actor | None) -> OnShow | None:
    """Load what a simulation needs; None for a listing that is not published or has no offer."""
    offers = (await public.offers(tx, [listing_id]))[listing_id]
    if not offers:
        return None
    standing = (await parties.standing(tx, [actor.organisation_id])).get(actor.organisation_id) if actor else None
    return OnShow(listing_id, offers, standing.buyer_class if standing else None)


def simulate_price(shown: OnShow, wish: Wish, at: datetime) -> Simulation | Problem:
    """Compare the offers over the forecast, each with those of the buyer's choices that it offers. Pure, and not quick.

    shapes   forecast: usage key -> use, one mapping per month, 1 to 36 months
    errors   answers forecast-invalid
    """
    if not wish.forecast:
        return _wrong("there is no month in it", "未包含任何月份")
    bound: dict[str, tuple[Offer, Plan]] = {}
    costs: list[tuple[Money, OfferCost]] = []
    left_out = []
    for offer in shown.offers:
        name = ids.text("ofr", offer.id)
        plan, not_offered = _bind(offer, replace(wish.choices, buyer_class=shown.buyer_class), at)
        if isinstance(plan, Problem):
            left_out.append(LeftOut(name, offer.code, {"en": plan.detail("en"), "zh": plan.detail("zh")}))
        elif plan.unpriced:
            left_out.append(LeftOut(name, offer.code, _NOT_AGREED.map()))
        else:
            months = foresee(plan, wish.forecast, at, lines_max=LINES_RATED_MAX // len(shown.offers))
            if isinstance(months, Problem):
                if months.fields.get("lines") is None:
                    return months
                left_out.append(LeftOut(name, offer.code, {"en": months.detail("en"), "zh": months.detail("zh")}))
                continue
            bound[name] = offer, plan
            costs.append((months[-1].running, _cost(name, offer, not_offered, months)))
    costs.sort(key=lambda pair: (pair[0].currency, pair[0].units))
    cheapest: dict[str, str] = {}
    for total, cost in costs:
        cheapest.setdefault(total.currency, cost.offer)
    return Simulation(
        listing=ids.text("lst", shown.listing_id),
        offers=[cost for _, cost in costs],
        cheapest=cheapest,
        left_out=left_out,
        comparisons=_comparisons(bound, wish, at),
    )


def foresee(
    plan: Plan, forecast: Sequence[Mapping[str, int]], starts_at: datetime, *, lines_max: int
) -> list[Month] | Problem:
    """Price a forecast month by month, or say what is wrong with it.

    shapes   lines_max: how many lines it may rate, so that nobody waits for somebody else's daily prices
    errors   answers forecast-invalid
    """
    if (refused := _refuse(forecast)) is not None:
        return refused
    if forecast and (lines := quotes.lines_at_most(plan, len(forecast))) > lines_max:
        fewer = range(len(forecast) - 1, 1, -1)
        months = next((one for one in fewer if quotes.lines_at_most(plan, one) <= lines_max), 1)
        reason = Text(
            f"its periods and components make {lines} lines, more than {lines_max}: ask for at most {months} months",
            f"其周期与组成部分共 {lines} 行，超过 {lines_max} 行：请将预测缩短至最多 {months} 个月",
        )
        return FORECAST_INVALID(reason=reason, lines=lines)
    try:
        return quotes.simulate(plan, forecast, starts_at)
    except (BadMoney, Inexact):
        return _wrong("it costs more than an account can hold", "金额超出账户可容纳的范围")


def _bind(offer: Offer, choices: Basis, at: datetime) -> tuple[Plan | Problem, list[str]]:
    """The plan with as many of the choices as it offers, and the names of the others."""
    document = msgspec.json.decode(offer.document)["plan"]
    mine = {item["id"] for item in document["components"]}
    strange = [f"amounts/{name}" for name in choices.amounts if name not in mine]
    wanted = replace(choices, amounts={name: choices.amounts[name] for name in choices.amounts if name in mine})
    first: Plan | Problem | None = None
    for without in _fewer(wanted):
        nothing: dict[str, Any] = dict.fromkeys(without)
        plan = bind(document, replace(wanted, **nothing), at=at)
        if isinstance(plan, Plan):
            return plan, [*without, *strange]
        first = first or plan
    assert first is not None
    return first, []


def _fewer(choices: Basis) -> Iterator[tuple[str, ...]]:
    """Which choices to leave out, the fewest first; a currency is never left out."""
    made = [name for name in ("coupon", "commitment", "term_months") if getattr(choices, name) is not None]
    yield ()
    yield from ((name,) for name in made)
    yield from (tuple(one for one in made if one != kept) for kept in made if len(made) > 2)
    if len(made) > 1:
        yield tuple(made)


def _comparisons(bound: Mapping[str, tuple[Offer, Plan]], wish: Wish, at: datetime) -> list[OfferComparison]:
    mix = steady(wish.forecast, wish.meter)
    if mix is None:
        return []
    known: dict[str, Plan] = {}
    unknown: dict[str, list[LeftOut]] = {}
    for name, (offer, plan) in bound.items():
        if missing := unmeasured(plan, mix):
            unknown.setdefault(plan.currency, []).append(LeftOut(name, offer.code, _unmeasured(missing)))
        else:
            known[name] = plan
    months = len(wish.forecast)
    around = max(month.get(mix.lead, 0) for month in wish.forecast)
    return [
        _comparison(one, mix, unknown.get(one.currency, [])) for one in compare(known, mix, months, at, around=around)
    ]


def _comparison(one: Comparison, mix: Mix, left_out: list[LeftOut]) -> OfferComparison:
    return OfferComparison(
        currency=one.currency,
        meter=mix.lead,
        proportions=dict(mix.parts),
        months=one.months,
        cheapest_from=[CheapestFrom(best.volume, best.name, _amount(best.amount), best.exact) for best in one.cheapest],
        volumes=list(one.volumes),
        curves=[CostCurve(curve.name, [_amount(amount) for amount in curve.amounts]) for curve in one.curves],
        left_out=left_out,
    )


def _unmeasured(missing: Sequence[str]) -> LocaleMap:
    names = ", ".join(missing)
    return {
        "en": f"it charges for {names}, of which the forecast says nothing",
        "zh": f"按 {names} 计费，而用量预测未包含",
    }


def _refuse(forecast: Sequence[Mapping[str, int]]) -> Problem | None:
    if len(forecast) > MONTHS_MAX:
        return _wrong(f"it has more than {MONTHS_MAX} months", f"超过 {MONTHS_MAX} 个月")
    if len({meter for month in forecast for meter in month}) > METERS_MAX:
        return _wrong(f"it has more than {METERS_MAX} meters", f"计量项超过 {METERS_MAX} 个")
    for month in forecast:
        for meter, quantity in month.items():
            if not is_usage_key(meter):
                names = ", ".join(BY_KEY)
                return _wrong(
                    f"a meter is one of {names}, or x_<name>, perhaps with /<data class>",
                    f"计量项须为 {names} 之一或 x_<名称>，可附加 /<数据类别>",
                )
            if not 0 <= quantity <= QUANTITY_MAX:
                return _wrong("a quantity is a whole number from 0 to 2^53 - 1", "用量须为 0 至 2^53 - 1 的整数")
    return None


def _cost(name: str, offer: Offer, not_offered: list[str], months: Sequence[Month]) -> OfferCost:
    return OfferCost(
        offer=name,
        code=offer.code,
        kind=offer.kind.value,
        total=months[-1].running.to_wire(),
        not_offered=not_offered,
        months=quotes.estimate(months),
    )


def _amount(money: Money | None) -> str | None:
    return None if money is None else money.to_wire()["amount"]


def _wrong(english: str, chinese: str) -> Problem:
    return FORECAST_INVALID(reason=Text(english, chinese))
