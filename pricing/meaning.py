"""What a plan's schema cannot say: rules between its fields, each with what would be right."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from exchange.kernel.errors import Problem
from exchange.kernel.meant import nearest
from exchange.kernel.schemas import pointer
from exchange.kernel.text import Text
from pricing.components import COMMITMENT
from pricing.exact import decimal
from pricing.problems import PLAN_FIELD
from pricing.tiers import tier_faults

Json = Mapping[str, Any]
At = tuple[object, ...]

# Which models measure nothing, and which of those need a period, may have one, or must not.
UNMEASURED = frozenset(
    {"one_off", "flat", "instalments", "pay_what_you_want", "negotiated", "auction", "credits", "outcome", "milestone"}
)
_PERIODIC = frozenset({"flat", "instalments"})
_TIMELESS = frozenset({"one_off", "pay_what_you_want", "negotiated", "auction", "outcome", "milestone"})
# What costs nothing by itself needs no price in another currency.
_PRICELESS = frozenset({"free", "negotiated", "auction"})

# Each component may have a thousand; a plan that has more in all is a table of data and no price list.
TIERS_MAX = 2_000
_NO_METER = Text("must be null: this model does not measure use", "必须为 null：该模式不计量使用")
_NO_PERIOD = Text("must be null: this model charges once", "必须为 null：该模式只收费一次")
_NEEDS_METER = Text("must name what is measured, such as records", "必须指定计量项，例如 records")
_NEEDS_PERIOD = Text("must name how often the amount is due, such as month", "必须指定收费周期，例如 month")
_NO_CLASS = Text("must be absent where nothing is measured", "不计量时不得填写")
_TWICE = Text(
    "is used before; each component, limit and discount needs its own", "名称重复；每个组成部分、限额和折扣须有唯一名称"
)
_RESERVED = Text("is kept for the buyer's own commitment; choose another name", "该名称保留给买方承诺使用，请更换名称")
_OPEN = Text(
    "must be absent on the last tier, so that every use has a price", "最后一档不得设上限，以保证任何用量都有价格"
)
_CLOSED = Text("is missing: only the last tier may be open", "缺失：只有最后一档可以不设上限")
_RISING = Text("must be above the tier before it", "必须大于前一档的上限")
_BANDS = Text("must be above the band before it", "必须大于前一档的起点")
_ZONES = {
    "beijing": "Asia/Shanghai",
    "china": "Asia/Shanghai",
    "北京": "Asia/Shanghai",
    "上海": "Asia/Shanghai",
    "utc+8": "Asia/Shanghai",
    "gmt+8": "Asia/Shanghai",
    "utc+08:00": "Asia/Shanghai",
    "+08:00": "Asia/Shanghai",
    "香港": "Asia/Hong_Kong",
    "台北": "Asia/Taipei",
}
# Files beside the time zones that mean another thing on each machine, or count leap seconds.
_NO_ZONES = frozenset({"localtime", "posixrules", "Factory"})
_OTHER_PERIOD = Text("has another period than the limit", "其周期与限额不一致")
_NO_MEMBER = Text("no component has this period", "没有使用该周期的组成部分")
_ONE_PERIOD = Text("must be the same in every commitment discount", "所有承诺折扣的周期必须一致")
_CODE_TWICE = Text("is the code of an earlier coupon; each needs its own", "与前面的优惠码相同；每个优惠码须不同")
_MARGIN = Text(
    "would charge more than the stated costs of a cost_recovery component",
    "会使 cost_recovery 组成部分的收费超过所列成本",
)
_BACKWARDS = Text("must be after valid_from", "必须晚于 valid_from")
_NO_TIME = Text("is no moment of the calendar", "不是有效的时间")
_NOT_MEASURED = Text("measures nothing; credits pay for use", "不计量使用；预付额度只能抵扣用量费用")
_NOTHING_DRAWN = Text("no component measures use that the credits could pay", "没有可由预付额度抵扣的计量组成部分")
_CAP = Text("must not be below the floor", "不得低于 floor")
_SUGGESTED = Text("must not be below the floor", "不得低于 floor")
_WHOM = Text("needs a currency, a buyer_class or both", "需要填写 currency 或 buyer_class，或两者都填")
_LIST_TWICE = Text("is for the same currency and class as an earlier list", "与前面的价目表适用的货币和买方类别相同")
_NO_LIST = Text(
    "has prices for a class only; add a list in this currency without buyer_class",
    "仅有特定买方类别的价格；请为该货币增加不含 buyer_class 的价目表",
)
_UNPRICED = Text("is missing: another currency prices every component", "缺失：其他货币的价目表须为每个组成部分定价")
_NO_LIMIT = Text("is missing: another currency needs the amount of every limit", "缺失：其他货币须填写每个限额的金额")
_LIMIT_UNKNOWN = Text("is no limit of this plan", "不是本方案的限额")
_MAIN_MONEY = Text(
    "names amounts of one currency, but the plan has price lists in others",
    "以单一货币的金额为条件，但方案含其他货币的价目表",
)
_NO_DAY = Text("is missing; say how many days after the agreement begins", "缺失；请填写合约开始后的天数")
_DATE_ESCROW = Text("belongs to a milestone that the buyer accepts", "仅适用于须经买方验收的里程碑")
_SAME_KIND = Text("must keep its type, so that the same choices hold", "必须保持原有类型，以使相同选项仍然适用")
_KEEPS_TYPE = frozenset({"pay_what_you_want", "negotiated", "auction", "credits", "outcome", "milestone"})


def meaning(document: Json) -> list[Problem]:
    """What is wrong between the fields of a document that fits the schema; nothing when it makes sense."""
    return [PLAN_FIELD(field=pointer(*at), why=why) for at, why in _rules(document)]


def _rules(document: Json) -> Iterator[tuple[At, Text]]:
    if "time_zone" in document and not _zone_exists(document["time_zone"]):
        yield ("time_zone",), _no_zone(document["time_zone"])
    if (count := tiers_in(document)) > TIERS_MAX:
        yield ("components",), _too_many(count)
        return
    yield from _names(document)
    for number, component in enumerate(document["components"]):
        yield from _component(document, component, number)
    for number, limit in enumerate(document.get("limits", ())):
        yield from _limit(document, limit, number)
    yield from _no_margin(document)
    yield from _discounts(document)
    yield from _price_lists(document)


def tiers_in(document: Json) -> int:
    """How many tiers a plan has in all, those of its price lists included."""
    found = [one["model"] for one in document["components"]]
    found += [model for one in document.get("price_lists", ()) for model in one["models"].values()]
    return sum(len((model.get("overage") or model).get("tiers", ())) for model in found)


def _too_many(count: int) -> Text:
    return Text(
        f"and price lists have {count} tiers in all; a plan has at most {TIERS_MAX}",
        f"及价目表共有 {count} 个分档；每个方案最多 {TIERS_MAX} 个",
    )


def _names(document: Json) -> Iterator[tuple[At, Text]]:
    seen: set[str] = set()
    for part in ("components", "limits", "discounts"):
        for number, item in enumerate(document.get(part, ())):
            if item["id"] in seen:
                yield (part, number, "id"), _TWICE
            if item["id"] == COMMITMENT:
                yield (part, number, "id"), _RESERVED
            seen.add(item["id"])


def _component(document: Json, component: Json, number: int) -> Iterator[tuple[At, Text]]:
    at: At = ("components", number)
    yield from _fits(component, component["model"], at, at)
    if "data_class" in component and component["meter"] is None:
        yield (*at, "data_class"), _NO_CLASS
    yield from _model(document, component["model"], (*at, "model"))


def _fits(component: Json, model: Json, at: At, model_at: At) -> Iterator[tuple[At, Text]]:
    """Whether a model suits the component's meter and period; in a price list the model is to blame."""
    kind, meter, period = model["type"], component["meter"], component["period"]
    inside = model_at != at
    rules = [
        (kind in UNMEASURED and meter is not None, "meter", _NO_METER),
        (kind not in UNMEASURED and kind != "free" and meter is None, "meter", _NEEDS_METER),
        (kind in _TIMELESS and period is not None, "period", _NO_PERIOD),
        (kind in _PERIODIC and period is None, "period", _NEEDS_PERIOD),
    ]
    for broken, name, why in rules:
        if broken:
            yield (model_at if inside else (*at, name)), (_in_list(name, why) if inside else why)


def _in_list(name: str, why: Text) -> Text:
    return Text(f"does not suit the component: its {name} {why.en}", f"与组成部分不符：其 {name} {why.zh}")


def _model(document: Json, model: Json, at: At) -> Iterator[tuple[At, Text]]:
    kind = model["type"]
    if kind in ("graduated", "volume"):
        yield from _tiers(model["tiers"], at)
    elif kind == "included" and model["overage"] is not None:
        yield from _model(document, model["overage"], (*at, "overage"))
    elif kind == "outcome" and decimal(model["cap"]) < decimal(model["floor"]):
        yield (*at, "cap"), _CAP
    elif kind == "milestone":
        yield from _milestone(model, at)
    elif kind == "pay_what_you_want" and decimal(model["suggested"]) < decimal(model["floor"]):
        yield (*at, "suggested"), _SUGGESTED
    elif kind == "credits":
        yield from _draws(document, model, at)


def _milestone(model: Json, at: At) -> Iterator[tuple[At, Text]]:
    on_date = model.get("due", "acceptance") == "date"
    if (on_date or model.get("escrow", False)) and "after_days" not in model:
        yield (*at, "after_days"), _NO_DAY
    if on_date and model.get("escrow", False):
        yield (*at, "escrow"), _DATE_ESCROW


def _draws(document: Json, model: Json, at: At) -> Iterator[tuple[At, Text]]:
    measured = {one["id"]: one["meter"] is not None for one in document["components"]}
    if "components" not in model and not any(measured.values()):
        yield at, _NOTHING_DRAWN
    for number, name in enumerate(model.get("components", ())):
        if not measured.get(name, False):
            yield (*at, "components", number), (_NOT_MEASURED if name in measured else _unknown(name, measured))


def _tiers(tiers: Iterable[Json], at: At) -> Iterator[tuple[At, Text]]:
    tiers, before, rising = list(tiers), 0, True
    for number, tier in enumerate(tiers):
        field: At = (*at, "tiers", number, "up_to")
        end = tier.get("up_to")
        if number == len(tiers) - 1:
            if end is not None:
                yield field, _OPEN
        elif end is None:
            yield field, _CLOSED
            rising = False
        elif end <= before:
            yield field, _RISING
            rising = False
        before = end if end is not None else before
    if rising:
        for fault in tier_faults(tiers):
            yield (*at, "tiers", fault.number, fault.name), fault.why


def _limit(document: Json, limit: Json, number: int) -> Iterator[tuple[At, Text]]:
    at: At = ("limits", number)
    periods = {one["id"]: one["period"] for one in document["components"]}
    for position, name in enumerate(limit.get("components", ())):
        if name not in periods:
            yield (*at, "components", position), _unknown(name, periods)
        elif periods[name] != limit["period"]:
            yield (*at, "components", position), _OTHER_PERIOD
    if limit["period"] not in periods.values():
        yield (*at, "period"), _NO_MEMBER


def _no_margin(document: Json) -> Iterator[tuple[At, Text]]:
    """Nothing may raise what public data costs above its stated costs."""
    at_cost = {one["id"] for one in document["components"] if one["model"]["type"] == "cost_recovery"}
    for one in document.get("price_lists", ()):
        at_cost |= {name for name, model in one["models"].items() if model["type"] == "cost_recovery"}
    periods = {one["period"] for one in document["components"] if one["id"] in at_cost}
    for number, limit in enumerate(document.get("limits", ())):
        held = at_cost & set(limit["components"]) if "components" in limit else limit["period"] in periods
        if limit["type"] == "minimum" and held:
            yield ("limits", number), _MARGIN
    for number, item in enumerate(document.get("discounts", ())):
        if item["type"] == "commitment" and item["period"] in periods:
            yield ("discounts", number), _MARGIN


def _discounts(document: Json) -> Iterator[tuple[At, Text]]:
    periods = {one["id"]: one["period"] for one in document["components"]}
    committed: str | None = None
    codes: set[str] = set()
    for number, item in enumerate(document.get("discounts", ())):
        at: At = ("discounts", number)
        for position, name in enumerate(item.get("components", ())):
            if name not in periods:
                yield (*at, "components", position), _unknown(name, periods)
        if item["type"] == "volume":
            yield from _bands(item, at)
        elif item["type"] == "coupon":
            yield from _dates(item, at)
            if item["code_sha256"] in codes:
                yield (*at, "code_sha256"), _CODE_TWICE
            codes.add(item["code_sha256"])
        elif item["type"] == "commitment":
            if item["period"] not in periods.values():
                yield (*at, "period"), _NO_MEMBER
            if committed not in (None, item["period"]):
                yield (*at, "period"), _ONE_PERIOD
            committed = item["period"]


def _bands(item: Json, at: At) -> Iterator[tuple[At, Text]]:
    starts = [decimal(band["from"]) for band in item["bands"]]
    for number, (low, high) in enumerate(pairwise(starts), 1):
        if high <= low:
            yield (*at, "bands", number, "from"), _BANDS


def _dates(item: Json, at: At) -> Iterator[tuple[At, Text]]:
    moments = {}
    for name in ("valid_from", "valid_until"):
        if name in item:
            try:
                moments[name] = datetime.fromisoformat(item[name])
            except ValueError:
                # The schema knows the form, not the calendar: 30 February comes this far.
                yield (*at, name), _NO_TIME
    if len(moments) == 2 and moments["valid_until"] <= moments["valid_from"]:
        yield (*at, "valid_until"), _BACKWARDS


def _price_lists(document: Json) -> Iterator[tuple[At, Text]]:
    lists, main = document.get("price_lists", ()), document["currency"]
    seen: set[tuple[str, str | None]] = set()
    general = {one.get("currency", main) for one in lists if "buyer_class" not in one} | {main}
    for number, one in enumerate(lists):
        at: At = ("price_lists", number)
        currency, buyer_class = one.get("currency", main), one.get("buyer_class")
        if currency == main and buyer_class is None:
            yield at, _WHOM
        if (currency, buyer_class) in seen:
            yield at, _LIST_TWICE
        if currency not in general:
            yield (*at, "currency"), _NO_LIST
        seen.add((currency, buyer_class))
        yield from _list_models(document, one, at)
        if currency != main and buyer_class is None:
            yield from _whole_list(document, one, at)
    if general != {main}:
        for number, item in enumerate(document.get("discounts", ())):
            if item["type"] in ("volume", "commitment"):
                yield ("discounts", number), _MAIN_MONEY


def _list_models(document: Json, one: Json, at: At) -> Iterator[tuple[At, Text]]:
    components = {item["id"]: item for item in document["components"]}
    for name, model in one["models"].items():
        model_at: At = (*at, "models", name)
        if name not in components:
            yield model_at, _unknown(name, components)
            continue
        component = components[name]
        yield from _fits(component, model, at, model_at)
        kinds = {model["type"], component["model"]["type"]}
        if len(kinds) == 2 and kinds & _KEEPS_TYPE:
            yield (*model_at, "type"), _SAME_KIND
        yield from _model(document, model, model_at)
    limits = {item["id"] for item in document.get("limits", ())}
    for name in one.get("limits", {}):
        if name not in limits:
            yield (*at, "limits", name), _LIMIT_UNKNOWN


def _whole_list(document: Json, one: Json, at: At) -> Iterator[tuple[At, Text]]:
    for item in document["components"]:
        if item["id"] not in one["models"] and item["model"]["type"] not in _PRICELESS:
            yield (*at, "models", item["id"]), _UNPRICED
    for item in document.get("limits", ()):
        if item["id"] not in one.get("limits", {}):
            yield (*at, "limits", item["id"]), _NO_LIMIT


def _unknown(name: str, known: Iterable[str]) -> Text:
    names = list(known)
    near = nearest(name, names, {})
    en, zh = ("", "") if near is None else (f" (did you mean {near}?)", f"（是否想写 {near}？）")
    there = ", ".join(names)
    return Text(f"is no component of this plan{en}; it has {there}", f"不是本方案的组成部分{zh}；本方案有 {there}")


def _no_zone(name: str) -> Text:
    near = nearest(name, available_timezones() - _NO_ZONES, _ZONES)
    right = near or "Asia/Shanghai"
    return Text(f"is no time zone; write an IANA name such as {right}", f"不是有效时区；请使用 IANA 名称，例如 {right}")


def _zone_exists(name: str) -> bool:
    if name in _NO_ZONES or name.startswith(("right/", "posix/")):
        return False
    try:
        ZoneInfo(name)
    except (ValueError, OSError, LookupError):
        # ZoneInfo raises each of these for some wrong name: a path, a folder, an unknown key.
        return False
    return True
