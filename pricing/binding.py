"""Binding a plan: checking one buyer's basis against what is offered, and understanding the plan for it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from exchange.kernel.errors import Problem
from exchange.kernel.text import Text
from pricing.basis import EMPTY as EMPTY
from pricing.basis import Basis as Basis
from pricing.components import Plan
from pricing.exact import decimal, plain
from pricing.problems import CHOICE_INVALID, COUPON_INVALID, CURRENCY_NOT_OFFERED, PRICE_BELOW_FLOOR
from pricing.understanding import lists_of, understand

AMOUNT_MAX = Decimal(10**10)
TERM_MAX = 120
_AGREED = ("pay_what_you_want", "negotiated", "auction")

_NO_COMMITMENT = Text("this offer has no discount for a commitment", "该报价方案不提供承诺用量折扣")
_NO_TERM = Text("this offer has no discount for a term", "该报价方案不提供期限折扣")
_TERM = Text(f"a term is 1 to {TERM_MAX} months", f"期限应为 1 至 {TERM_MAX} 个月")
_FIXED_PRICE = Text("the price of this component cannot be chosen", "该组成部分的价格不能自选")
_AMOUNT = Text(
    "an amount is not negative, below 10000000000, with at most 6 decimals",
    "金额应为非负数，小于 10000000000，最多 6 位小数",
)


def bind(document: Mapping[str, Any], basis: Basis, *, at: datetime) -> Plan | Problem:
    """Understand a stored plan for one buyer, or say which choice it does not offer.

    shapes   at: when the order or the quote is made, which a coupon must be valid at
    errors   answers currency-not-offered, choice-invalid, price-below-floor, coupon-invalid
    """
    return refused(document, basis, at) or understand(document, basis)


def refused(document: Mapping[str, Any], basis: Basis, at: datetime) -> Problem | None:
    """The first choice that the plan does not offer, or None."""
    discounts = document.get("discounts", ())
    if basis.currency not in (None, document["currency"]):
        offered = [
            document["currency"],
            *(one["currency"] for one in document.get("price_lists", ()) if "currency" in one),
        ]
        if basis.currency not in offered:
            return CURRENCY_NOT_OFFERED(currency=basis.currency, offered=", ".join(dict.fromkeys(offered)))
    if basis.commitment is not None and (problem := _commitment(discounts, basis.commitment)):
        return problem
    if basis.term_months is not None:
        if not any(one["type"] == "term" for one in discounts):
            return CHOICE_INVALID(field="term_months", why=_NO_TERM)
        if not 1 <= basis.term_months <= TERM_MAX:
            return CHOICE_INVALID(field="term_months", why=_TERM)
    if basis.coupon is not None and not any(_coupon_holds(one, basis.coupon, at) for one in discounts):
        return COUPON_INVALID()
    return _amounts(document, basis)


def _commitment(discounts: Any, commitment: Decimal) -> Problem | None:
    levels = [decimal(one["at_least"]) for one in discounts if one["type"] == "commitment"]
    if not levels:
        return CHOICE_INVALID(field="commitment", why=_NO_COMMITMENT)
    if not _is_amount(commitment):
        return CHOICE_INVALID(field="commitment", why=_AMOUNT)
    if commitment < min(levels):
        least = plain(min(levels))
        return CHOICE_INVALID(field="commitment", why=Text(f"it begins at {least}", f"最低承诺金额为 {least}"))
    return None


def _coupon_holds(item: Mapping[str, Any], coupon: str, at: datetime) -> bool:
    if item["type"] != "coupon" or item["code_sha256"] != coupon:
        return False
    since, until = item.get("valid_from"), item.get("valid_until")
    return (since is None or datetime.fromisoformat(since) <= at) and (
        until is None or at < datetime.fromisoformat(until)
    )


def _amounts(document: Mapping[str, Any], basis: Basis) -> Problem | None:
    overrides: dict[str, Mapping[str, Any]] = {}
    for one in lists_of(document, basis.currency or document["currency"], basis.buyer_class):
        overrides.update(one["models"])
    models = {item["id"]: overrides.get(item["id"], item["model"]) for item in document["components"]}
    for name, amount in basis.amounts.items():
        field = f"amounts/{name}"
        if name not in models or models[name]["type"] not in _AGREED:
            return CHOICE_INVALID(field=field, why=_FIXED_PRICE)
        if not _is_amount(amount):
            return CHOICE_INVALID(field=field, why=_AMOUNT)
        floor = models[name].get("floor", "0")
        if amount < decimal(floor):
            return PRICE_BELOW_FLOOR(component=name, floor=floor, currency=basis.currency or document["currency"])
    return None


def _is_amount(amount: Decimal) -> bool:
    exponent = amount.as_tuple().exponent
    return amount.is_finite() and 0 <= amount < AMOUNT_MAX and isinstance(exponent, int) and exponent >= -6
