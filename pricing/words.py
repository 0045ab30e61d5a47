"""A price plan in plain words, one sentence per component, in both languages."""

from __future__ import annotations

from decimal import Decimal

from exchange.kernel.text import Text
from pricing.exact import EXACT, grouped
from pricing.models import Flat, Graduated, Included, Model, OneOff, Package, PerUnit, Tier, Volume
from pricing.plans import Component, Plan

_UNITS = {
    "bytes": Text("byte", "字节"),
    "records": Text("record", "条记录"),
    "tokens": Text("token", "词元"),
    "requests": Text("request", "次请求"),
    "files": Text("file", "个文件"),
}
_MANY = {
    "bytes": Text("bytes", "字节"),
    "records": Text("records", "条记录"),
    "tokens": Text("tokens", "词元"),
    "requests": Text("requests", "次请求"),
    "files": Text("files", "个文件"),
}
_PERIODS = {
    "day": Text("day", "天"),
    "week": Text("week", "周"),
    "month": Text("month", "月"),
    "quarter": Text("quarter", "季度"),
    "year": Text("year", "年"),
}
_MILLION = Decimal(1_000_000)
_TINY = Decimal("0.01")


def describe(plan: Plan) -> list[Text]:
    """Say what each component of a plan costs, in the order of the plan."""
    return [_component(component, plan.currency) for component in plan.components]


def _component(component: Component, currency: str) -> Text:
    words = _model(component.model, component.meter or "", component.period, currency)
    name = component.title
    if not name:
        return words
    return Text(f"{name.get('en', component.id)}: {words.en}", f"{name.get('zh', component.id)}：{words.zh}")


def _model(model: Model, meter: str, period: str | None, currency: str) -> Text:
    each = _PERIODS.get(period or "", Text("agreement", "合约期"))
    if isinstance(model, OneOff):
        price = _price(model.amount, currency)
        return Text(f"{price} once, when you order", f"下单时一次性支付 {price}")
    if isinstance(model, Flat):
        price = _price(model.amount, currency)
        when = Text("in advance", "期初支付") if model.in_advance else Text("in arrears", "期末支付")
        return Text(f"{price} per {each.en}, {when.en}", f"每{each.zh} {price}，{when.zh}")
    if isinstance(model, Included):
        many, quantity = _many(meter), grouped(model.quantity)
        head = Text(f"{quantity} {many.en} per {each.en} included", f"每{each.zh}包含 {quantity} {many.zh}")
        if model.overage is None:
            return Text(f"{head.en}; use stops there", f"{head.zh}，用完即止")
        rest = _model(model.overage, meter, period, currency)
        return Text(f"{head.en}; above that {rest.en}", f"{head.zh}；超出部分{rest.zh}")
    if isinstance(model, PerUnit):
        return _rate(model.unit_price, meter, currency)
    if isinstance(model, Package):
        price, size, many = _price(model.amount, currency), grouped(model.size), _many(meter)
        return Text(
            f"{price} for each block of {size} {many.en} begun", f"每 {size} {many.zh}（不足一包按一包计）{price}"
        )
    return _tiered(model, meter, currency)


def _tiered(model: Graduated | Volume, meter: str, currency: str) -> Text:
    steps = [_tier(tier, meter, currency) for tier in model.tiers]
    if isinstance(model, Volume):
        how = Text("the whole quantity at the price of the tier it reaches", "按总量所在档的单价计算全部用量")
    else:
        how = Text("each tier's price for the units inside it", "分段累进计价")
    return Text(
        f"{how.en}: {'; '.join(step.en for step in steps)}", f"{how.zh}：{'；'.join(step.zh for step in steps)}"
    )


def _tier(tier: Tier, meter: str, currency: str) -> Text:
    rate = _rate(tier.unit_price, meter, currency)
    if tier.up_to is None:
        return Text(f"{rate.en} beyond", f"以上部分 {rate.zh}")
    end = grouped(tier.up_to)
    return Text(f"{rate.en} up to {end}", f"{end} 以内 {rate.zh}")


def _rate(unit_price: Decimal, meter: str, currency: str) -> Text:
    """A price per unit; a tiny one per million, because nobody reads 0.000002."""
    if 0 < unit_price < _TINY:
        price, many = _price(EXACT.multiply(unit_price, _MILLION), currency), _many(meter)
        return Text(f"{price} per million {many.en}", f"每百万{many.zh} {price}")
    price, one = _price(unit_price, currency), _UNITS.get(meter, Text(meter, meter))
    return Text(f"{price} per {one.en}", f"每{one.zh} {price}")


def _many(meter: str) -> Text:
    return _MANY.get(meter, Text(meter, meter))


def _price(amount: Decimal, currency: str) -> str:
    text = grouped(amount)
    whole, _, decimals = text.partition(".")
    return f"{currency} {whole}.{decimals.ljust(2, '0')}"
