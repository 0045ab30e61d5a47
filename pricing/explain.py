"""Why a line costs what it costs: arithmetic that a person can follow and a program can repeat."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from exchange.kernel.money import Money
from pricing.exact import EXACT, ROUNDING, ZERO, decimal, grouped, plain, to_units
from pricing.models import Step

_METERS = {
    "bytes": ("bytes", "字节"),
    "records": ("records", "条记录"),
    "tokens": ("tokens", "词元"),
    "requests": ("requests", "次请求"),
    "files": ("files", "个文件"),
}
_EN = {
    "fixed": "fixed amount {price}",
    "unit": "{count} {meter} × {price} = {amount}",
    "tier": "{count} {meter} in the tier from {first} to {last} × {price} = {amount}",
    "volume": "{count} {meter}, all at the price of the tier from {first} to {last} × {price} = {amount}",
    "block": "{count} blocks of {size} {meter} begun × {price} = {amount}",
    "included": "{count} of {last} {meter} included at no charge",
}
_ZH = {
    "fixed": "固定金额 {price}",
    "unit": "{count} {meter} × {price} = {amount}",
    "tier": "第 {first} 至 {last} 档内 {count} {meter} × {price} = {amount}",
    "volume": "{count} {meter} 全部按第 {first} 至 {last} 档单价 × {price} = {amount}",
    "block": "已开始的 {count} 个数据包（每包 {size} {meter}）× {price} = {amount}",
    "included": "包含额度 {last} {meter}，已使用 {count}，不另收费",
}


def explanation(steps: Iterable[Step], meter: str | None, currency: str) -> dict[str, Any]:
    """The arithmetic of one line, as text in both languages and as steps.

    shapes   {text, steps: [{what, count, price, amount, ...}], exact, rounding, amount}; every number is a text
    """
    steps = list(steps)
    exact = ZERO
    for step in steps:
        exact = EXACT.add(exact, step.amount)
    amount = Money(to_units(exact), currency)
    return {
        "text": {
            "en": _sentence(steps, _METERS.get(meter or "", ("", ""))[0], _EN, "; ", exact, amount),
            "zh": _sentence(steps, _METERS.get(meter or "", ("", ""))[1], _ZH, "；", exact, amount),
        },
        "steps": [_step(step) for step in steps],
        "exact": plain(exact),
        "rounding": ROUNDING,
        "amount": amount.to_wire(),
    }


def recompute(document: Mapping[str, Any]) -> Money:
    """Repeat an explanation's arithmetic from its steps alone.

    errors   ValueError when its rounding is one we do not know
    """
    if document["rounding"] != ROUNDING:
        raise ValueError(f"unknown rounding {document['rounding']}")
    exact = ZERO
    for step in document["steps"]:
        exact = EXACT.add(exact, EXACT.multiply(decimal(step["count"]), decimal(step["price"])))
    return Money(to_units(exact), document["amount"]["currency"])


def _step(step: Step) -> dict[str, str]:
    named = {"first": step.first, "last": step.last, "size": step.size}
    return {
        "what": step.what,
        "count": plain(step.count),
        "price": plain(step.price),
        "amount": plain(step.amount),
        **{name: plain(value) for name, value in named.items() if value is not None},
    }


def _sentence(steps: list[Step], meter: str, words: Mapping[str, str], join: str, exact: Decimal, amount: Money) -> str:
    parts = [
        words[step.what].format(
            count=grouped(step.count),
            price=grouped(step.price),
            amount=grouped(step.amount),
            meter=meter,
            first=_bound(step.first, "0"),
            last=_bound(step.last, "∞"),
            size=_bound(step.size, ""),
        )
        for step in steps
    ]
    rounded = "=" if to_units(exact) == EXACT.scaleb(exact, 6) else "≈"
    return f"{join.join(parts) or '0'} {rounded} {amount}"


def _bound(value: Decimal | None, otherwise: str) -> str:
    return otherwise if value is None else grouped(value)
