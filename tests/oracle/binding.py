"""The oracle's binding: the plan document that is left once a buyer's choices are known."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from hashlib import sha256
from typing import Any

NAMED = ("pay_what_you_want", "negotiated", "auction")


class Refused(ValueError):
    """The buyer cannot have this price."""


def bound(plan: dict[str, Any], basis: dict[str, Any], at: datetime) -> dict[str, Any]:
    """A plan document without price lists, whose discounts all hold and whose amounts are all known.

    `basis` has currency, buyer_class, commitment, term_months, coupon, amounts; what is absent was not chosen.
    """
    chosen = price_list(plan, basis.get("currency", plan["currency"]), basis.get("buyer_class"))
    models, amounts = chosen.get("models", {}), chosen.get("limits", {})
    components = [
        {**component, "model": _priced(component["id"], models.get(component["id"], component["model"]), basis)}
        for component in plan["components"]
    ]
    limits = [{**limit, "amount": amounts.get(limit["id"], limit["amount"])} for limit in plan.get("limits", [])]
    discounts = [discount for discount in plan.get("discounts", []) if _holds(discount, basis, at)]
    discounts = [d for d in discounts if d["type"] not in ("commitment", "term") or d is _highest(discounts, d["type"])]
    if "commitment" in basis:
        periods = [discount["period"] for discount in discounts if discount["type"] == "commitment"]
        if not periods:
            raise Refused("no such commitment")
        own = {"id": "commitment", "type": "minimum", "period": periods[0], "amount": basis["commitment"]}
        limits.append({**own, "prorate": True})
    return {
        **{name: value for name, value in plan.items() if name != "price_lists"},
        "currency": chosen.get("currency", plan["currency"]),
        "components": components,
        "limits": limits,
        "discounts": discounts,
    }


def price_list(plan: dict[str, Any], currency: str, buyer_class: str | None) -> dict[str, Any]:
    """The list of this currency and class; else of the currency alone; else, in the main currency, none."""
    lists = plan.get("price_lists", [])
    for wanted in (buyer_class, None):
        for one in lists:
            if one.get("currency", plan["currency"]) == currency and one.get("buyer_class") == wanted:
                return dict(one)
    if currency != plan["currency"]:
        raise Refused("currency-not-offered")
    return {}


def _priced(name: str, model: dict[str, Any], basis: dict[str, Any]) -> dict[str, Any]:
    if model["type"] not in NAMED:
        return model
    named = basis.get("amounts", {}).get(name, model.get("suggested"))
    if named is None:
        raise Refused("price-not-agreed")
    if Decimal(named) < Decimal(model.get("floor", "0")):
        raise Refused("price-below-floor")
    return {**model, "amount": named}


def _holds(discount: dict[str, Any], basis: dict[str, Any], at: datetime) -> bool:
    kind = discount["type"]
    if kind == "commitment":
        return Decimal(basis.get("commitment", "0")) >= Decimal(discount["at_least"])
    if kind == "term":
        return int(basis.get("term_months", 0)) >= discount["months"]
    if kind == "buyer_class":
        return basis.get("buyer_class") in discount["classes"]
    if kind == "coupon":
        code = sha256(str(basis.get("coupon", "")).upper().encode()).hexdigest()
        return code == discount["code_sha256"] and _open(discount, at)
    return True


def _open(coupon: dict[str, Any], at: datetime) -> bool:
    early = "valid_from" in coupon and at < datetime.fromisoformat(coupon["valid_from"])
    late = "valid_until" in coupon and at >= datetime.fromisoformat(coupon["valid_until"])
    return not early and not late


def _highest(discounts: list[dict[str, Any]], kind: str) -> dict[str, Any]:
    """Of the thresholds that were reached, the highest."""
    threshold = {"commitment": "at_least", "term": "months"}[kind]
    return max((d for d in discounts if d["type"] == kind), key=lambda d: Decimal(d[threshold]))
