"""The small words of prices: amounts, units, periods, buyer classes, lists of names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from exchange.kernel.text import Text
from pricing.exact import EXACT, grouped

_SCALES = {1: ("", ""), 1_000: ("1,000", "千"), 1_000_000: ("million", "百万")}
_TINY = Decimal("0.01")
PERIODS: Mapping[str, Text] = {
    "day": Text("day", "天"),
    "week": Text("week", "周"),
    "month": Text("month", "月"),
    "quarter": Text("quarter", "季度"),
    "year": Text("year", "年"),
}
BUYER_CLASSES: Mapping[str, Text] = {
    "academic": Text("academic institutions", "高校与科研机构"),
    "small_company": Text("small companies", "小微企业"),
    "large_company": Text("large companies", "大型企业"),
    "public_body": Text("public bodies", "政府与公共机构"),
}


@dataclass(frozen=True, slots=True)
class Unit:
    """What a meter counts: one of it, several after a number, and its name alone."""

    one: Text
    many: Text
    name: Text


def _unit(one: str, many: str, chinese: str, name: str) -> Unit:
    return Unit(Text(one, chinese), Text(many, chinese), Text(many, name))


_UNITS = {
    "bytes": _unit("byte", "bytes", "字节", "字节"),
    "records": _unit("record", "records", "条记录", "记录（条）"),
    "tokens": _unit("token", "tokens", "词元", "词元"),
    "requests": _unit("request", "requests", "次请求", "请求（次）"),
    "files": _unit("file", "files", "个文件", "文件（个）"),
    "media_seconds": _unit("second of media", "seconds of media", "秒媒体内容", "媒体时长（秒）"),
    "compute_minutes": _unit("minute of computing", "minutes of computing", "分钟算力", "算力时长（分钟）"),
}


def unit(meter: str | None) -> Unit:
    """The words for a usage key; `tokens/medical` is "token (medical)"."""
    name, _, data_class = (meter or "").partition("/")
    own = name.removeprefix("x_").replace("_", " ")
    found = _UNITS.get(name) or _unit(own, own, own, own)
    if not data_class:
        return found
    return Unit(
        *(
            Text(f"{words.en} ({data_class})", f"{words.zh}（{data_class}）")
            for words in (found.one, found.many, found.name)
        )
    )


def span(period: str | None) -> Text:
    """What use is added up over: a period, or the whole agreement."""
    return PERIODS.get(period or "", Text("agreement", "合约期"))


def money(amount: Decimal, currency: str) -> str:
    """An amount with at least two decimals, and commas: `CNY 1,200.00`."""
    whole, _, decimals = grouped(amount).partition(".")
    return f"{currency} {whole}.{decimals.ljust(2, '0')}"


def scale(prices: Iterable[Decimal]) -> int:
    """For how many units prices are said: one, a thousand or a million, because nobody reads 0.000002."""
    least = min((price for price in prices if price), default=_TINY)
    return next((count for count in _SCALES if EXACT.multiply(least, Decimal(count)) >= _TINY), 1_000_000)


def per_unit(unit_price: Decimal, meter: str | None, currency: str, count: int | None = None) -> Text:
    """A price per unit, per thousand or per million; `count` of them where others beside it need the same."""
    count, words = count or scale([unit_price]), unit(meter)
    price = money(EXACT.multiply(unit_price, Decimal(count)), currency)
    if count == 1:
        return Text(f"{price} per {words.one.en}", f"每{words.one.zh} {price}")
    en, zh = _SCALES[count]
    return Text(f"{price} per {en} {words.many.en}", f"每{zh}{words.many.zh} {price}")


def percent(value: str) -> str:
    """`10` -> `10%`, without zeros that say nothing."""
    return f"{value.rstrip('0').rstrip('.') if '.' in value else value}%"


def listed(texts: Iterable[Text]) -> Text:
    """Several names in one phrase."""
    texts = list(texts)
    return Text(", ".join(text.en for text in texts), "、".join(text.zh for text in texts))


def joined(texts: Iterable[Text]) -> Text:
    """Several clauses in one sentence."""
    texts = list(texts)
    return Text("; ".join(text.en for text in texts), "；".join(text.zh for text in texts))
