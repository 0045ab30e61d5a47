"""Why a line costs what it costs: arithmetic that a person can follow and a program can repeat."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Any

from exchange.kernel.money import Money
from pricing.exact import ROUNDING, ZERO, Exact, decimal, grouped, plain, plus, product, to_units
from pricing.steps import Step, summed

_METERS = {
    "bytes": ("bytes", "字节"),
    "records": ("records", "条记录"),
    "tokens": ("tokens", "词元"),
    "requests": ("requests", "次请求"),
    "files": ("files", "个文件"),
    "media_seconds": ("seconds of media", "秒媒体内容"),
    "compute_minutes": ("minutes of computing", "分钟算力"),
}
_EN = {
    "fixed": "fixed amount {price}",
    "unit": "{count} {meter} × {price} = {amount}",
    "tier": "{count} {meter} in the tier from {first} to {last} × {price} = {amount}",
    "volume": "{count} {meter}, all at the price of the tier from {first} to {last} × {price} = {amount}",
    "block": "{count} blocks of {size} {meter} begun × {price} = {amount}",
    "included": "{count} of {last} {meter} included at no charge",
    "free": "{count} {meter} at no charge",
    "base": "base pack of {size} {meter}: {price}",
    "recovery": "{count} of {size} {meter}, over which costs of {price} are shared = {amount}",
    "prorated": "{count} of {size} seconds of the period × {price} = {amount}",
    "instalment": "instalment {first} of {last}: {price}",
    "negotiated": "negotiated price {price}",
    "auction": "price of the auction {price}",
    "chosen": "amount chosen by the buyer {price}",
    "credit": "credit of {size} for {price}",
    "outcome": "improvement of {count} from {first} to {measured} × {price} = {amount}",
    "outcome_floor": "improvement of {size} from {first} to {measured}: at least {price}",
    "outcome_cap": "improvement of {size} from {first} to {measured}: at most {price}",
    "milestone": "milestone accepted: {price}",
    "milestone_date": "milestone due on its day: {price}",
    "discount": "{size}% off {count}: {amount}",
    "discount_band": "{size}% off {count}, the part from {first} to {last}: {amount}",
    "over": "sum before the cap {count}, taken back",
    "maximum": "at most {amount}",
    "minimum": "at least {amount}",
    "reached": "minus {count} already reached",
    "drawn": "{count} drawn from prepaid credit no. {first}",
}
_ZH = {
    "fixed": "固定金额 {price}",
    "unit": "{count} {meter} × {price} = {amount}",
    "tier": "第 {first} 至 {last} 档内 {count} {meter} × {price} = {amount}",
    "volume": "{count} {meter} 全部按第 {first} 至 {last} 档单价 × {price} = {amount}",
    "block": "已开始的 {count} 个数据包（每包 {size} {meter}）× {price} = {amount}",
    "included": "包含额度 {last} {meter}，已使用 {count}，不另收费",
    "free": "{count} {meter}，免费",
    "base": "基础包（含 {size} {meter}）{price}",
    "recovery": "共 {size} {meter} 分摊成本 {price}，其中 {count} = {amount}",
    "prorated": "周期共 {size} 秒，计费 {count} 秒 × {price} = {amount}",
    "instalment": "第 {first} 期，共 {last} 期：{price}",
    "negotiated": "协商价格 {price}",
    "auction": "拍卖成交价 {price}",
    "chosen": "买方自定金额 {price}",
    "credit": "预付额度 {size}，售价 {price}",
    "outcome": "指标由 {first} 到 {measured}，改善 {count} × {price} = {amount}",
    "outcome_floor": "指标由 {first} 到 {measured}，改善 {size}，按最低 {price} 收取",
    "outcome_cap": "指标由 {first} 到 {measured}，改善 {size}，按最高 {price} 收取",
    "milestone": "里程碑已验收：{price}",
    "milestone_date": "里程碑到期：{price}",
    "discount": "{count} 优惠 {size}%：{amount}",
    "discount_band": "{first} 至 {last} 部分 {count} 优惠 {size}%：{amount}",
    "over": "封顶前合计 {count}，先行冲回",
    "maximum": "最高收取 {amount}",
    "minimum": "最低承诺 {amount}",
    "reached": "减去已发生的 {count}",
    "drawn": "由第 {first} 份预付额度抵扣 {count}",
}


def explanation(steps: Iterable[Step], meter: str | None, currency: str) -> dict[str, Any]:
    """The arithmetic of one line, as text in both languages and as steps.

    shapes   {text, steps: [{what, count, price, amount, ...}], exact, rounding, amount}; every number is a text
    """
    steps = list(steps)
    exact = summed(steps)
    amount = Money(to_units(exact), currency)
    en, zh = meter_words(meter)
    # Both languages say the same numbers, so that they are written once.
    said = [_numbers(step) for step in steps]
    rounded = "=" if Fraction(exact) * 1_000_000 == amount.units else "≈"
    return {
        "text": {
            "en": f"{_sentence(said, en, _EN, '; ')} {rounded} {amount}",
            "zh": f"{_sentence(said, zh, _ZH, '；')} {rounded} {amount}",
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
    exact: Exact = ZERO
    for step in document["steps"]:
        per = int(step.get("per", "1"))
        exact = plus(exact, product(decimal(step["count"]), decimal(step["price"]), per))
    return Money(to_units(exact), document["amount"]["currency"])


def meter_words(meter: str | None) -> tuple[str, str]:
    """What a usage key counts, in English and Chinese: `tokens/medical` is "tokens (medical)"."""
    if meter is None:
        return "", ""
    name, _, data_class = meter.partition("/")
    own = name.removeprefix("x_").replace("_", " ")
    en, zh = _METERS.get(name, (own, own))
    return (f"{en} ({data_class})", f"{zh}（{data_class}）") if data_class else (en, zh)


def _step(step: Step) -> dict[str, str]:
    named = {"first": step.first, "last": step.last, "size": step.size}
    return {
        "what": step.what,
        "count": plain(step.count),
        "price": plain(step.price),
        "amount": plain(step.amount),
        **{name: plain(value) for name, value in named.items() if value is not None},
        **({"per": str(step.per)} if step.per != 1 else {}),
    }


def _numbers(step: Step) -> tuple[str, dict[str, str]]:
    """What happened in a step, and its numbers as people read them."""
    last = None if step.last is None else grouped(step.last)
    return step.what, {
        "count": grouped(step.count),
        "price": grouped(step.price),
        "amount": grouped(step.amount),
        "first": "0" if step.first is None else grouped(step.first),
        "last": "∞" if last is None else last,
        "measured": last or "",
        "size": "" if step.size is None else grouped(step.size),
    }


def _sentence(said: list[tuple[str, dict[str, str]]], meter: str, words: Mapping[str, str], join: str) -> str:
    return join.join([words[what].format(meter=meter, **numbers) for what, numbers in said]) or "0"
