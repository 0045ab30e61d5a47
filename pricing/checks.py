"""Notes on a plan that is well formed but may surprise its author, each with a counter-example in numbers."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from exchange.kernel.errors import Problem
from exchange.kernel.schemas import pointer
from exchange.kernel.text import Text
from pricing.exact import EXACT, ONE, grouped, plain
from pricing.models import Graduated, Included, Model, Volume
from pricing.plans import Plan
from pricing.problems import PLAN_NOTE

_FREE = Text("no use of any size costs anything", "任何用量均不收费")


def check(plan: Plan) -> list[Problem]:
    """What a supplier should know before publishing: none of it is forbidden, all of it has an example.

    shapes   `plan-note` problems with the fields field, why, and where numbers show it: smaller, larger
    source   Koutris et al., Query-Based Data Pricing, J. ACM 62(5), 2015: arbitrage by splitting a purchase
    """
    found: list[Problem] = []
    for number, component in enumerate(plan.components):
        at: tuple[object, ...] = ("components", number, "model")
        model: Model = component.model
        if isinstance(model, Included) and model.overage is not None:
            model, at = model.overage, (*at, "overage")
        if isinstance(model, Volume):
            found += _falls(model, at)
        if isinstance(model, Graduated):
            found += _splits(model, at)
    if not any(_charges(component.model) for component in plan.components):
        found.append(PLAN_NOTE(field="/components", why=_FREE))
    return found


def _falls(model: Volume, at: tuple[object, ...]) -> Iterator[Problem]:
    """One more unit at a tier's end costs less than the tier's last unit did."""
    for number, end in enumerate(model.ends):
        less, more = model.cost(end), model.cost(EXACT.add(end, ONE))
        if more < less:
            why = Text(
                f"{grouped(end)} units cost {plain(less)} but {grouped(end + ONE)} cost only {plain(more)}; "
                "graduated tiers never do this",
                f"{grouped(end)} 单位收费 {plain(less)}，而 {grouped(end + ONE)} 单位仅收费 {plain(more)}；改用累进分档可避免",
            )
            yield _note(at, number, why, end, EXACT.add(end, ONE))


def _splits(model: Graduated, at: tuple[object, ...]) -> Iterator[Problem]:
    """A later tier costs more per unit than an earlier one, so two small orders beat a large one."""
    for number, end in enumerate(model.ends):
        if model.tiers[number + 1].unit_price > model.tiers[number].unit_price:
            width = EXACT.subtract(end, model.starts[number])
            whole = EXACT.add(end, min(width, end))
            parts = EXACT.add(model.cost(end), model.cost(EXACT.subtract(whole, end)))
            if parts < model.cost(whole):
                why = Text(
                    f"{grouped(whole)} units cost {plain(model.cost(whole))}, but as two orders only {plain(parts)}",
                    f"一次购买 {grouped(whole)} 单位收费 {plain(model.cost(whole))}，分两次购买仅需 {plain(parts)}",
                )
                yield _note(at, number + 1, why, end, whole)
                return


def _note(at: tuple[object, ...], tier: int, why: Text, smaller: Decimal, larger: Decimal) -> Problem:
    return PLAN_NOTE(field=pointer(*at, "tiers", tier), why=why, smaller=plain(smaller), larger=plain(larger))


def _charges(model: Model) -> bool:
    if isinstance(model, Included):
        return model.overage is not None and _charges(model.overage)
    if isinstance(model, Graduated | Volume):
        return any(tier.unit_price for tier in model.tiers)
    # Every other model has one price; a block of 1 shows it.
    return bool(model.cost(ONE))
