"""A price plan as a table, and typical uses to try it on: what a page shows beside the words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from exchange.kernel.text import Text
from pricing.components import Component, Plan
from pricing.exact import ZERO, decimal, grouped, plain
from pricing.fixed import Agreed, Credits, Flat, Instalments, Milestone, OneOff, Outcome
from pricing.models import CostRecovery, Free, Graduated, Included, Package, Packs, PerUnit, Volume
from pricing.word_parts import money, span, unit

_ONCE = Text("once", "一次性")
_NO_PRICE = Text("on agreement", "面议")
_FREE = Text("free", "免费")
_STOPS = Text("use stops", "用完即止")
_TYPICAL: Mapping[str, tuple[int, int, int]] = {
    "bytes": (10**8, 10**9, 10**10),
    "records": (1_000, 50_000, 1_000_000),
    "tokens": (10**6, 5 * 10**7, 10**9),
    "requests": (1_000, 20_000, 500_000),
    "files": (10, 500, 10_000),
    "media_seconds": (3_600, 36_000, 360_000),
    "compute_minutes": (60, 600, 6_000),
}
_OTHER = (100, 1_000, 10_000)
_QUANTITY_MAX = 10**15


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a price table.

    shapes   first, last: the units that the price holds for (last None: without end), both None where use plays no part
             amount None: no number is offered; `price` then says what instead
    units    amount in major units of the currency, exact text
    """

    component: str
    title: Text
    range: Text
    price: Text
    per: Text
    first: str | None = None
    last: str | None = None
    amount: str | None = None


def rows(plan: Plan) -> list[Row]:
    """The price table: a row for each component, for each tier of a tiered one."""
    return [row for component in plan.components for row in _rows(component, plan.currency)]


def typical(plan: Plan) -> list[dict[str, int]]:
    """Three uses of a month, a small, a middling and a large one; one without use where nothing is measured.

    shapes   usage key -> quantity. A plan's own sizes and tier ends say what is small and large for it
    """
    found: list[dict[str, int]] = [{}, {}, {}]
    for meter in plan.meters:
        marks = sorted({mark for one in plan.components if one.meter == meter for mark in _marks(one.model)})
        usual = _TYPICAL.get(meter.partition("/")[0], _OTHER)
        chosen = (max(1, marks[0] // 2), marks[-1], min(3 * marks[-1], _QUANTITY_MAX)) if marks else usual
        for uses, quantity in zip(found, chosen, strict=True):
            uses[meter] = quantity
    return found if plan.meters else [{}]


def _marks(model: Any) -> list[int]:
    """The quantities at which a model's price changes."""
    if isinstance(model, Graduated | Volume):
        return [int(end) for end in model.ends]
    if isinstance(model, Package):
        return [int(model.size)]
    if isinstance(model, Packs):
        return [int(model.base_size)]
    if isinstance(model, Included):
        return [int(model.quantity), *(int(model.quantity) + mark for mark in _marks(model.overage))]
    return [model.units] if isinstance(model, CostRecovery) else []


def _rows(component: Component, currency: str) -> Iterator[Row]:
    model, title = component.model, _title(component)
    if isinstance(model, OneOff | Flat | Instalments | Agreed | Credits | Outcome | Milestone):
        yield _fixed(component, title, currency)
        return
    yield from _metered(model, component, title, currency, ZERO)


def _fixed(component: Component, title: Text, currency: str) -> Row:
    model, each = component.model, span(component.period)
    amount: Decimal | None = None
    per = _ONCE
    if isinstance(model, OneOff | Flat | Credits):
        amount = model.amount
        per = Text(f"per {each.en}", f"每{each.zh}") if component.period else _ONCE
    elif isinstance(model, Instalments):
        amount = model.parts[-1]
        count = len(model.parts)
        per = Text(f"per {each.en}, {count} times", f"每{each.zh}，共 {count} 期")
    elif isinstance(model, Milestone):
        amount = model.amount
        per = Text("when it is reached", "达成时")
    elif isinstance(model, Agreed):
        amount = model.amount
    elif isinstance(model, Outcome):
        amount = model.unit_price
        per = Text(f"per {model.unit} of improvement", f"每改善一{model.unit}")
    price = _NO_PRICE if amount is None else Text(money(amount, currency), money(amount, currency))
    return Row(component.id, title, Text("", ""), price, per, amount=None if amount is None else plain(amount))


def _metered(model: Any, component: Component, title: Text, currency: str, start: Decimal) -> Iterator[Row]:
    """The rows of a metered model whose first unit is the one after `start`."""
    words, each = unit(component.meter), span(component.period)
    one = Text(f"per {words.one.en}", f"每{words.one.zh}")

    def row(first: Decimal, last: Decimal | None, price: Decimal | Text, per: Text) -> Row:
        said = price if isinstance(price, Text) else Text(money(price, currency), money(price, currency))
        return Row(
            component.id,
            title,
            _range(first, last, words.many),
            said,
            per,
            plain(first + 1),
            None if last is None else plain(last),
            None if isinstance(price, Text) else plain(price),
        )

    if isinstance(model, Included):
        free = Text(f"per {each.en}", f"每{each.zh}")
        yield row(start, model.quantity, _FREE, free)
        if model.overage is None:
            yield row(model.quantity, None, _STOPS, Text("", ""))
        else:
            yield from _metered(model.overage, component, title, currency, model.quantity)
    elif isinstance(model, Graduated | Volume):
        yield from _tiers(model, start, row, one)
    elif isinstance(model, Packs):
        base = Text(f"per {each.en}", f"每{each.zh}") if component.period else _ONCE
        yield row(start, model.base_size, model.base_amount, base)
        yield row(model.base_size, None, model.increment.amount, _block(model.increment.size, words.many))
    elif isinstance(model, Package):
        yield row(start, None, model.amount, _block(model.size, words.many))
    elif isinstance(model, PerUnit):
        yield row(start, None, model.unit_price, one)
    elif isinstance(model, CostRecovery):
        yield row(start, None, model.total, Text(f"shared by {grouped(Decimal(model.units))} {words.many.en}",
                                                 f"由 {grouped(Decimal(model.units))} {words.many.zh}分摊"))  # fmt: skip
    elif isinstance(model, Free):
        yield row(start, None, _FREE, Text("", ""))


def _tiers(model: Graduated | Volume, start: Decimal, row: Any, one: Text) -> Iterator[Row]:
    per = one
    if isinstance(model, Volume):
        per = Text(f"{one.en}, for all of them", f"{one.zh}（按总量计）")
    first = start
    for tier in model.tiers:
        last = None if tier.up_to is None else start + tier.up_to
        yield row(first, last, tier.unit_price, per)
        first = last if last is not None else first


def _block(size: Decimal, many: Text) -> Text:
    count = grouped(size)
    return Text(f"per block of {count} {many.en} begun", f"每 {count} {many.zh}（不足按一包计）")


def _range(first: Decimal, last: Decimal | None, many: Text) -> Text:
    if last is None:
        if first == ZERO:
            return Text(f"all {many.en}", "全部用量")
        return Text(f"above {grouped(first)} {many.en}", f"超过 {grouped(first)} {many.zh}")
    begin = grouped(first + 1)
    return Text(f"{begin} to {grouped(last)} {many.en}", f"第 {begin} 至 {grouped(last)} {many.zh}")


def _title(component: Component) -> Text:
    title = component.title
    english = title.get("en") or next(iter(title.values()), component.id)
    return Text(english, title.get("zh", english))


def currencies(document: Mapping[str, Any]) -> list[str]:
    """The currencies that a plan document has prices in, its own first."""
    lists: Sequence[Mapping[str, Any]] = document.get("price_lists", ())
    return list(dict.fromkeys([document["currency"], *(one["currency"] for one in lists if "currency" in one)]))


def buyer_classes(document: Mapping[str, Any]) -> list[str]:
    """The buyer classes that a plan document has prices or discounts of their own for."""
    lists: Sequence[Mapping[str, Any]] = document.get("price_lists", ())
    named = [one["buyer_class"] for one in lists if "buyer_class" in one]
    named += [name for one in document.get("discounts", ()) for name in one.get("classes", ())]
    return list(dict.fromkeys(named))


def least(document: Mapping[str, Any]) -> Decimal | None:
    """The smallest commitment that earns a discount; None where none does."""
    levels = [decimal(one["at_least"]) for one in document.get("discounts", ()) if one["type"] == "commitment"]
    return min(levels, default=None)
