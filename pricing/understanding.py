"""From a checked plan document, and what one buyer is or chose, to the plan as a value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from exchange.kernel.canonical import canonical, sha256_hex
from exchange.kernel.money import Money
from pricing import models
from pricing.basis import Basis
from pricing.components import (
    COMMITMENT,
    DISCOUNT_ORDER,
    Cadence,
    Component,
    Discount,
    Limit,
    Model,
    Plan,
    gives_credit,
    is_unpriced,
)
from pricing.exact import EXACT, ZERO, decimal
from pricing.fixed import Agreed, Credits, Flat, Milestone, OneOff, Outcome, instalments
from pricing.models import Cost, CostRecovery, Free, Included, Overage, Package, Packs, PerUnit, Tier
from pricing.rating import price_now, total

DEFAULT_TIME_ZONE = "Asia/Shanghai"
DEFAULT_TAX_CATEGORY = "digital_service"
Json = Mapping[str, Any]


def understand(document: Json, basis: Basis) -> Plan:
    """The plan that `basis` makes of a document that passed every check; the basis was checked against it, too."""
    currency = basis.currency or document["currency"]
    overrides, limit_amounts = _lists(document, currency, basis.buyer_class)
    components = tuple(_component(item, overrides, document, basis) for item in document["components"])
    cadences = tuple(dict.fromkeys(one.period for one in components))
    limits = _limits(document, components, limit_amounts, basis)
    discounts = _discounts(document, components, basis)
    tax = document.get("tax", {})
    plan = Plan(
        currency=currency,
        time_zone=ZoneInfo(document.get("time_zone", DEFAULT_TIME_ZONE)),
        calendar=document.get("anchor") == "calendar",
        trial_days=0 if basis.trial_used else document.get("trial", {}).get("days", 0),
        tax_included=tax.get("included", False),
        tax_category=tax.get("category", DEFAULT_TAX_CATEGORY),
        components=components,
        cadences=cadences,
        by_cadence={unit: _cadence(unit, components, limits, discounts) for unit in cadences},
        credits=tuple(one for one in components if gives_credit(one)),
        unpriced=tuple(one.id for one in components if is_unpriced(one)),
        sha256=sha256_hex(canonical(document)),
        offered=document,
        due_now_total=Money.zero(currency),
    )
    return replace(plan, due_now_total=total(plan, price_now(plan)))


def lists_of(document: Json, currency: str, buyer_class: str | None) -> list[Json]:
    """The price lists that hold for a currency and a buyer class, the more special ones later."""
    main = document["currency"]
    found = [one for one in document.get("price_lists", ()) if one.get("currency", main) == currency]
    general = [one for one in found if "buyer_class" not in one]
    special = [one for one in found if buyer_class is not None and one.get("buyer_class") == buyer_class]
    return [*general, *special]


def _lists(document: Json, currency: str, buyer_class: str | None) -> tuple[dict[str, Json], dict[str, str]]:
    overrides: dict[str, Json] = {}
    amounts: dict[str, str] = {}
    for one in lists_of(document, currency, buyer_class):
        overrides.update(one["models"])
        amounts.update(one.get("limits", {}))
    return overrides, amounts


def _cadence(
    unit: str | None, components: Sequence[Component], limits: Sequence[Limit], discounts: Sequence[Discount]
) -> Cadence:
    mine = [one for one in limits if one.period == unit]
    return Cadence(
        unit,
        tuple(one for one in components if one.period == unit),
        tuple(one for one in discounts if one.period == unit),
        tuple(one for one in mine if one.kind == "maximum"),
        tuple(one for one in mine if one.kind == "minimum"),
    )


def _component(item: Json, overrides: Mapping[str, Json], document: Json, basis: Basis) -> Component:
    name, meter = item["id"], item["meter"]
    if meter is not None and "data_class" in item:
        meter = f"{meter}/{item['data_class']}"
    found = overrides.get(name, item["model"])
    model = _model(found, name, document, basis)
    by_use = meter is not None
    if isinstance(model, Outcome):
        meter = f"outcome/{name}"
    if isinstance(model, Milestone):
        meter = f"milestone/{name}"
    return Component(name, meter, item["period"], model, item.get("title", {}), by_use)


def _model(item: Json, name: str, document: Json, basis: Basis) -> Model:
    kind = item["type"]
    if kind == "one_off":
        return OneOff(decimal(item["amount"]))
    if kind == "flat":
        return Flat(decimal(item["amount"]), item.get("in_advance", True), item.get("prorate", False))
    if kind == "instalments":
        return instalments(decimal(item["amount"]), item["count"])
    if kind == "pay_what_you_want":
        return Agreed("chosen", basis.amounts.get(name, decimal(item["suggested"])), decimal(item["floor"]))
    if kind in ("negotiated", "auction"):
        return Agreed(kind, basis.amounts.get(name))
    if kind == "credits":
        return _credits(item, document)
    if kind == "outcome":
        numbers = [decimal(item[field]) for field in ("baseline", "unit_price", "floor", "cap")]
        baseline, price, floor, cap = numbers
        up = item["direction"] == "up"
        return Outcome(item["metric"], item["unit"], baseline, up, price, floor, cap, item["evaluator"])
    if kind == "milestone":
        on_date = item.get("due", "acceptance") == "date"
        return Milestone(decimal(item["amount"]), on_date, item.get("after_days"), item.get("escrow", False))
    return _metered(item)


def _metered(item: Json) -> models.Metered:
    kind = item["type"]
    if kind == "free":
        return Free()
    if kind == "included":
        overage = item["overage"]
        return Included(decimal(item["quantity"]), None if overage is None else _overage(overage))
    if kind == "base_pack":
        base, more = item["base"], item["increment"]
        increment = Package(decimal(more["size"]), decimal(more["amount"]))
        return Packs(decimal(base["size"]), decimal(base["amount"]), increment)
    if kind == "cost_recovery":
        costs = tuple(Cost(one["title"], decimal(one["amount"])) for one in item["costs"])
        whole = ZERO
        for cost in costs:
            whole = EXACT.add(whole, cost.amount)
        return CostRecovery(costs, whole, item["quantity"])
    return _overage(item)


def _overage(item: Json) -> Overage:
    kind = item["type"]
    if kind == "per_unit":
        return PerUnit(decimal(item["unit_price"]))
    if kind == "package":
        return Package(decimal(item["size"]), decimal(item["amount"]))
    tiers = [
        Tier(None if tier.get("up_to") is None else decimal(tier["up_to"]), decimal(tier["unit_price"]))
        for tier in item["tiers"]
    ]
    return models.graduated(tiers) if kind == "graduated" else models.volume(tiers)


def _credits(item: Json, document: Json) -> Credits:
    draws = item.get("components") or [one["id"] for one in document["components"] if one["meter"] is not None]
    return Credits(
        decimal(item["amount"]),
        decimal(item["credit"]),
        item["valid_days"],
        item.get("priority", 100),
        tuple(draws),
    )


def _members(item: Json, components: Sequence[Component], period: str | None) -> frozenset[str]:
    named = item.get("components")
    return frozenset(one.id for one in components if one.period == period and (named is None or one.id in named))


def _limits(document: Json, components: Sequence[Component], amounts: Mapping[str, str], basis: Basis) -> list[Limit]:
    found = [
        Limit(
            item["id"],
            item["type"],
            decimal(amounts.get(item["id"], item["amount"])),
            item["period"],
            _members(item, components, item["period"]),
            item.get("prorate", False),
            item.get("title", {}),
        )
        for item in document.get("limits", ())
    ]
    if basis.commitment is not None:
        unit = next(one["period"] for one in document["discounts"] if one["type"] == "commitment")
        found.append(Limit(COMMITMENT, "minimum", basis.commitment, unit, _members({}, components, unit), True, {}))
    return found


def _discounts(document: Json, components: Sequence[Component], basis: Basis) -> list[Discount]:
    """Those that hold for this basis, one per cadence that they touch, in the order they are taken off."""
    found = []
    for item in sorted(holding(document, basis), key=lambda one: DISCOUNT_ORDER.index(one["type"])):
        for unit in dict.fromkeys(one.period for one in components):
            members = _members(item, components, unit)
            if members and item.get("period", unit) == unit:
                title, periods = item.get("title", {}), item.get("periods")
                bands = _bands(item)
                found.append(Discount(item["id"], item["type"], unit, members, bands, periods, title))
    return found


def holding(document: Json, basis: Basis) -> list[Json]:
    """The discounts of a document that this basis earns; of commitments and of terms only the highest one reached."""
    found: list[Json] = []
    best: dict[str, Json] = {}
    for item in document.get("discounts", ()):
        kind = item["type"]
        held = kind == "volume" or (kind == "coupon" and basis.coupon == item["code_sha256"])
        if held or (kind == "buyer_class" and basis.buyer_class in item["classes"]):
            found.append(item)
        elif kind == "commitment" and basis.commitment is not None and decimal(item["at_least"]) <= basis.commitment:
            best[kind] = max(best.get(kind, item), item, key=lambda one: decimal(one["at_least"]))
        elif kind == "term" and basis.term_months is not None and item["months"] <= basis.term_months:
            best[kind] = max(best.get(kind, item), item, key=lambda one: one["months"])
    return [one for one in document.get("discounts", ()) if one in found or one in best.values()]


def _bands(item: Json) -> tuple[tuple[Decimal, Decimal], ...]:
    if item["type"] != "volume":
        return ((ZERO, decimal(item["percent"])),)
    bands = [(decimal(band["from"]), decimal(band["percent"])) for band in item["bands"]]
    return tuple(bands if bands[0][0] == 0 else [(ZERO, ZERO), *bands])
