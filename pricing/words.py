"""A price plan in plain words, in both languages: one sentence for each component, one for each condition."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from exchange.kernel.text import LocaleMap, Text
from pricing.components import COMMITMENT, Component, Limit, Plan
from pricing.exact import ZERO, decimal, grouped, plain
from pricing.fixed import Agreed, Credits, Fixed, Flat, Instalments, Milestone, OneOff, Outcome
from pricing.models import (
    CostRecovery,
    Free,
    Graduated,
    Included,
    Metered,
    Package,
    Packs,
    PerUnit,
    Tier,
    Volume,
)
from pricing.word_parts import BUYER_CLASSES, joined, listed, money, per_unit, percent, scale, span, unit

_TAX_INCLUDED = Text("Prices include value added tax where it is due", "价格已含应缴增值税")
_TAX_ADDED = Text("Value added tax is added where it is due, as a line of its own", "应缴增值税另计，单列一行")
_ORDER = Text(
    "Discounts are taken off one after another: by volume, commitment, term, kind of buyer, coupon",
    "折扣依次扣减：用量、承诺、期限、买方类别、优惠码",
)


def describe(plan: Plan) -> list[Text]:
    """Say what a plan costs and under which conditions, in the order of the plan.

    shapes   a plan without limits, discounts and the like has one sentence per component
    """
    return [*components(plan), *conditions(plan)]


def components(plan: Plan) -> list[Text]:
    """Say what each component costs."""
    return [_component(component, plan) for component in plan.components]


def conditions(plan: Plan) -> list[Text]:
    """Say what else the plan's author wrote: trial, limits, discounts, tax, calendar, other price lists."""
    return [*_time(plan), *_limits(plan), *_discounts(plan), *_tax(plan), *_lists(plan)]


def tax(plan: Plan) -> Text:
    """Whether prices are with or without value added tax."""
    return _TAX_INCLUDED if plan.tax_included else _TAX_ADDED


def discount(item: Mapping[str, Any], plan: Plan) -> Text:
    """One discount of a plan document in words."""
    words = _discount(item, plan)
    names = item.get("components")
    if names:
        of = listed(_name(plan, name) for name in names)
        words = Text(f"{words.en}, on {of.en}", f"{words.zh}（适用于{of.zh}）")
    return _titled(item.get("title", {}), words)


def limit(item: Limit, plan: Plan) -> Text:
    """One minimum or maximum in words."""
    price, each = money(item.amount, plan.currency), span(item.period)
    among = {one.id for one in plan.by_cadence[item.period].components} if item.period in plan.by_cadence else set()
    of = "", ""
    if item.components < among:
        names = listed(_name(plan, one.id) for one in plan.components if one.id in item.components)
        of = f" for {names.en}", f"（{names.zh}）"
    if item.kind == "maximum":
        words = Text(f"never more than {price} per {each.en}{of[0]}", f"每{each.zh}最多收取 {price}{of[1]}")
    else:
        words = Text(
            f"at least {price} per {each.en}{of[0]}; what is missing is charged when the {each.en} is over",
            f"每{each.zh}最低消费 {price}{of[1]}，不足部分期末补足",
        )
    if item.prorate:
        words = Text(f"{words.en}; a part of a {each.en} counts by its length", f"{words.zh}；不足一期按时长折算")
    if item.id.startswith(COMMITMENT) and not item.title:
        words = Text(f"your commitment: {words.en}", f"您的承诺：{words.zh}")
    return _titled(item.title, words)


def _component(component: Component, plan: Plan) -> Text:
    return _titled(component.title, _model(component, plan))


def _titled(title: LocaleMap, words: Text) -> Text:
    if not title:
        return words
    english = title.get("en") or next(iter(title.values()))
    return Text(f"{english}: {words.en}", f"{title.get('zh', english)}：{words.zh}")


def _model(component: Component, plan: Plan) -> Text:
    model, currency = component.model, plan.currency
    if isinstance(model, Agreed):
        return _agreed(model, currency, _guide(component, plan))
    if isinstance(model, OneOff | Flat | Instalments | Credits | Outcome | Milestone):
        return _fixed(model, component, plan)
    return _metered(model, component.meter, component.period, currency)


def _fixed(model: Fixed, component: Component, plan: Plan) -> Text:
    currency, each = plan.currency, span(component.period)
    if isinstance(model, OneOff):
        price = money(model.amount, currency)
        return Text(f"{price} once, when you order", f"下单时一次性支付 {price}")
    if isinstance(model, Flat):
        price = money(model.amount, currency)
        when = Text("in advance", "期初支付") if model.in_advance else Text("in arrears", "期末支付")
        words = Text(f"{price} per {each.en}, {when.en}", f"每{each.zh} {price}，{when.zh}")
        if model.prorate:
            words = Text(f"{words.en}; a part of a {each.en} costs its part", f"{words.zh}；不足一期按时长折算")
        return words
    if isinstance(model, Instalments):
        price, count = money(model.total, currency), len(model.parts)
        return Text(
            f"{price} in {count} instalments, one when each {each.en} begins; the rest falls due if you end earlier",
            f"总价 {price}，分 {count} 期，每{each.zh}期初支付一期；提前终止时结清余款",
        )
    if isinstance(model, Credits):
        return _credits(model, component, plan)
    if isinstance(model, Milestone):
        return _milestone(model, currency)
    assert isinstance(model, Outcome)
    return _outcome(model, currency)


def _milestone(model: Milestone, currency: str) -> Text:
    price, days = money(model.amount, currency), model.after_days
    if model.on_date:
        return Text(f"{price} on day {days} after you order", f"下单后第 {days} 天支付 {price}")
    words = Text(f"{price} when you accept this milestone", f"该里程碑验收后支付 {price}")
    if days is not None:
        words = Text(f"{words.en}, to be done within {days} days", f"{words.zh}，应于 {days} 天内完成")
    if model.escrow:
        words = Text(f"{words.en}; the money is reserved before the work begins", f"{words.zh}；款项在开工前预先冻结")
    return words


def _credits(model: Credits, component: Component, plan: Plan) -> Text:
    price, credit = money(model.amount, plan.currency), money(model.credit, plan.currency)
    each = span(component.period)
    when = Text(f" per {each.en}", f"每{each.zh} ") if component.period else Text(" once", "一次性 ")
    of = listed(_name(plan, name) for name in model.draws_for)
    return Text(
        f"{price}{when.en} for a credit of {credit}, which pays for {of.en} during {model.valid_days} days; "
        "what is left then is lost",
        f"{when.zh}{price} 购买 {credit} 预付额度，用于抵扣{of.zh}，有效期 {model.valid_days} 天，逾期作废",
    )


def _outcome(model: Outcome, currency: str) -> Text:
    price, floor, cap = (money(amount, currency) for amount in (model.unit_price, model.floor, model.cap))
    metric_en = model.metric.get("en") or next(iter(model.metric.values()), "")
    metric_zh = model.metric.get("zh", metric_en)
    base = plain(model.baseline)
    moves = Text("rises above", "高于") if model.up else Text("falls below", "低于")
    return Text(
        f"{price} for each {model.unit} by which {metric_en} {moves.en} {base}, at least {floor} and at most {cap}; "
        f"measured by {model.evaluator}, nothing is due before both sides signed the measurement",
        f"{metric_zh}{moves.zh} {base} 的部分，每 {model.unit} {price}，最低 {floor}，最高 {cap}；"
        f"由 {model.evaluator} 评估，双方签署结果后才收费",
    )


def _agreed(model: Agreed, currency: str, guide: Decimal | None) -> Text:
    price = None if model.amount is None else money(model.amount, currency)
    if model.how == "chosen":
        floor = money(model.floor, currency)
        return Text(
            f"you name the amount, at least {floor}; {price} if you name none",
            f"金额由您决定，不低于 {floor}；未指定时为 {price}",
        )
    if price is not None:
        how = Text("as negotiated", "协商确定") if model.how == "negotiated" else Text("as won at auction", "拍卖成交")
        return Text(f"{price} once, {how.en}", f"一次性支付 {price}（{how.zh}）")
    if model.how == "auction":
        return Text(
            "sold by sealed-bid auction; the winner pays the second-highest bid, or the reserve price",
            "密封拍卖；得标者支付次高出价或保留价",
        )
    if guide is not None:
        about = money(guide, currency)
        return Text(f"price by negotiation; about {about} as a guide", f"价格面议，参考价 {about}")
    return Text("price by negotiation", "价格面议")


def _guide(component: Component, plan: Plan) -> Decimal | None:
    item = _documented(plan, component.id)
    guide = item.get("model", {}).get("guide") if item.get("model", {}).get("type") == "negotiated" else None
    # A guide is in the document's currency.
    return decimal(guide) if guide is not None and plan.currency == plan.offered.get("currency") else None


def _metered(model: Metered | Any, meter: str | None, period: str | None, currency: str) -> Text:
    each, words = span(period), unit(meter)
    if isinstance(model, Free):
        name = words.name if meter else Text("", "")
        return Text(f"{name.en} free of charge".strip(), f"{name.zh}免费")
    if isinstance(model, Included):
        head = Text(
            f"{grouped(model.quantity)} {words.many.en} per {each.en} included",
            f"每{each.zh}包含 {grouped(model.quantity)} {words.many.zh}",
        )
        if model.overage is None:
            return Text(f"{head.en}; use stops there", f"{head.zh}，用完即止")
        rest = _metered(model.overage, meter, period, currency)
        return Text(f"{head.en}; above that {rest.en}", f"{head.zh}；超出部分{rest.zh}")
    if isinstance(model, PerUnit):
        return per_unit(model.unit_price, meter, currency)
    if isinstance(model, Package):
        price, size = money(model.amount, currency), grouped(model.size)
        return Text(
            f"{price} for each block of {size} {words.many.en} begun",
            f"每 {size} {words.many.zh}（不足一包按一包计）{price}",
        )
    if isinstance(model, Packs):
        return _base_pack(model, meter, period, currency)
    if isinstance(model, CostRecovery):
        return _recovery(model, meter, currency)
    return _tiered(model, meter, currency)


def _base_pack(model: Packs, meter: str | None, period: str | None, currency: str) -> Text:
    each, many, base = span(period), unit(meter).many, money(model.base_amount, currency)
    more = money(model.increment.amount, currency)
    when = Text(f"per {each.en}", f"每{each.zh}") if period else Text("once", "一次性")
    return Text(
        f"{base} {when.en} for a base pack of {grouped(model.base_size)} {many.en}, used or not; "
        f"above it {more} for each pack of {grouped(model.increment.size)} {many.en} begun",
        f"{when.zh}基础包 {base}（含 {grouped(model.base_size)} {many.zh}，不论是否用完）；"
        f"超出后每个增量包（{grouped(model.increment.size)} {many.zh}，不足一包按一包计）{more}",
    )


def _recovery(model: CostRecovery, meter: str | None, currency: str) -> Text:
    words = unit(meter)
    costs = listed(
        Text(
            f"{cost.title.get('en') or next(iter(cost.title.values()), '')} {money(cost.amount, currency)}",
            f"{cost.title.get('zh') or next(iter(cost.title.values()), '')} {money(cost.amount, currency)}",
        )
        for cost in model.costs
    )
    total, count = money(model.total, currency), grouped(Decimal(model.units))
    return Text(
        f"each {words.one.en} bears its part of the stated costs, {total} over {count} {words.many.en}, without margin "
        f"({costs.en})",
        f"按成本补偿收费：总成本 {total} 由 {count} {words.many.zh}均摊，不含利润（{costs.zh}）",
    )


def _tiered(model: Graduated | Volume, meter: str | None, currency: str) -> Text:
    count = scale(tier.unit_price for tier in model.tiers)
    steps = [_tier(tier, meter, currency, count) for tier in model.tiers]
    if isinstance(model, Volume):
        how = Text("the whole quantity at the price of the tier it reaches", "按总量所在档的单价计算全部用量")
    else:
        how = Text("each tier's price for the units inside it", "分段累进计价")
    said = joined(steps)
    return Text(f"{how.en}: {said.en}", f"{how.zh}：{said.zh}")


def _tier(tier: Tier, meter: str | None, currency: str, count: int) -> Text:
    rate = per_unit(tier.unit_price, meter, currency, count)
    if tier.up_to is None:
        return Text(f"{rate.en} beyond", f"以上部分 {rate.zh}")
    end = grouped(tier.up_to)
    return Text(f"{rate.en} up to {end}", f"{end} 以内 {rate.zh}")


def _time(plan: Plan) -> Iterator[Text]:
    if plan.trial_days:
        days = plan.trial_days
        yield Text(
            f"the first {days} days are free; charging begins after them", f"前 {days} 天免费试用，期满后开始计费"
        )
    if plan.calendar:
        zone = plan.time_zone.key
        yield Text(f"periods are those of the calendar in {zone}", f"计费周期为 {zone} 的自然日、周、月、年")


def _limits(plan: Plan) -> Iterator[Text]:
    for cadence in plan.by_cadence.values():
        for item in (*cadence.maxima, *cadence.minima):
            yield limit(item, plan)


def _discounts(plan: Plan) -> Iterator[Text]:
    found: Any = plan.offered.get("discounts", ())
    for item in found:
        yield discount(item, plan)
    if len(found) > 1:
        yield _ORDER


def _discount(item: Mapping[str, Any], plan: Plan) -> Text:
    kind, currency = item["type"], str(plan.offered["currency"])
    if kind == "volume":
        return joined(_band(band, currency) for band in item["bands"])
    off = percent(item["percent"])
    if kind == COMMITMENT:
        least, each = money(decimal(item["at_least"]), currency), span(item["period"])
        return Text(
            f"{off} off if you commit to at least {least} per {each.en}, which is then the least you pay",
            f"承诺每{each.zh}至少消费 {least}，优惠 {off}；承诺额即为最低消费",
        )
    if kind == "term":
        return Text(
            f"{off} off if you sign for {item['months']} months or longer",
            f"签约 {item['months']} 个月及以上，优惠 {off}",
        )
    if kind == "buyer_class":
        who = listed(BUYER_CLASSES[name] for name in item["classes"])
        return Text(f"{off} off for {who.en}", f"{who.zh}优惠 {off}")
    return _coupon(item, off, plan.time_zone)


def _band(band: Mapping[str, Any], currency: str) -> Text:
    off, start = percent(band["percent"]), decimal(band["from"])
    if start == ZERO:
        return Text(f"{off} off", f"优惠 {off}")
    above = money(start, currency)
    return Text(f"{off} off what exceeds {above} in a period", f"每期超过 {above} 的部分优惠 {off}")


def _coupon(item: Mapping[str, Any], off: str, zone: ZoneInfo) -> Text:
    words = Text(f"{off} off with a coupon code", f"凭优惠码优惠 {off}")
    if "periods" in item:
        words = Text(f"{words.en}, in the first {item['periods']} periods", f"{words.zh}，限前 {item['periods']} 期")
    # What ends at midnight holds for the whole day before.
    for name, en, zh, less_s in (("valid_from", "from", "自", 0), ("valid_until", "until", "至", 1)):
        if name in item:
            moment = datetime.fromisoformat(item[name]) - timedelta(seconds=less_s)
            day = moment.astimezone(zone).date().isoformat()
            words = Text(f"{words.en}, {en} {day}", f"{words.zh}，{zh} {day}")
    return words


def _tax(plan: Plan) -> Iterator[Text]:
    if "tax" in plan.offered:
        yield tax(plan)


def _lists(plan: Plan) -> Iterator[Text]:
    lists: Any = plan.offered.get("price_lists", ())
    kinds = [_list_name(one) for one in lists]
    if kinds:
        said = listed(kinds)
        yield Text(f"there are other prices: {said.en}", f"另有价目：{said.zh}")


def _list_name(item: Mapping[str, Any]) -> Text:
    currency, who = item.get("currency"), item.get("buyer_class")
    words = []
    if who:
        words.append(Text(f"for {BUYER_CLASSES[who].en}", f"{BUYER_CLASSES[who].zh}"))
    if currency:
        words.append(Text(f"in {currency}", f"{currency}"))
    return Text(" ".join(one.en for one in words), " ".join(one.zh for one in words))


def _documented(plan: Plan, component: str) -> Mapping[str, Any]:
    found: Any = plan.offered.get("components", ())
    return next((one for one in found if one["id"] == component), {})


def _name(plan: Plan, component: str) -> Text:
    title = next((one.title for one in plan.components if one.id == component), {})
    english = title.get("en") or next(iter(title.values()), component)
    return Text(english, title.get("zh", english))
