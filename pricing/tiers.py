"""Tiers that name where they begin: a quantity between them must not be left without a price or have two."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from exchange.kernel.text import Text
from pricing.exact import grouped


@dataclass(frozen=True, slots=True)
class TierFault:
    """What is wrong between two tiers, with a quantity that shows it.

    shapes   kind: gap (no tier prices `quantity`) | overlap (tiers `prices` both do) | order (tiers stand out of order)
             number and name point at the field to change: tiers[number][name]
    """

    kind: str
    number: int
    name: str
    quantity: int
    prices: tuple[int, ...]
    why: Text


def tier_faults(tiers: Sequence[Mapping[str, Any]]) -> list[TierFault]:
    """Where tiers leave a gap or overlap; each tier prices the units above `from` up to and including `up_to`.

    shapes   a tier without `from` begins where the one before it ends, so that only named ones can be wrong;
             at most one fault for each tier; that the last tier is open and that `up_to` rises is checked elsewhere
    """
    return list(_faults(tiers))


def _faults(tiers: Sequence[Mapping[str, Any]]) -> Iterator[TierFault]:
    spans = _spans(tiers)
    end: int | None = 0
    for number, (start, last) in enumerate(spans):
        if end is None:
            # The tier before is open: whatever this one prices has two prices, which is said of that tier's missing end.
            return
        if start != end:
            fault = _between(spans, number, end)
            yield fault
            if fault.kind == "order":
                # Every later tier would be told the same.
                return
        end = last


def _spans(tiers: Sequence[Mapping[str, Any]]) -> list[tuple[int, int | None]]:
    spans: list[tuple[int, int | None]] = []
    before: int | None = 0
    for tier in tiers:
        start = tier.get("from")
        last = tier.get("up_to")
        spans.append(((before or 0) if start is None else int(start), None if last is None else int(last)))
        before = spans[-1][1]
    return spans


def _between(spans: Sequence[tuple[int, int | None]], number: int, end: int) -> TierFault:
    """The fault in front of tier `number`, which should begin at `end`."""
    start = spans[number][0]
    quantity = min(start, end) + 1
    prices = tuple(n for n, (low, high) in enumerate(spans) if low < quantity and (high is None or quantity <= high))
    what, right = grouped(Decimal(quantity)), grouped(Decimal(end))
    if not prices:
        why = Text(
            f"leaves {what} units without a price; this tier must begin at {right}, where the one before it ends"
            if number
            else f"leaves {what} unit without a price; the first tier must begin at 0",
            f"使 {what} 单位没有价格；本档应从 {right}（前一档的上限）开始"
            if number
            else f"使 {what} 单位没有价格；第一档应从 0 开始",
        )
        return TierFault("gap", number, "from", quantity, prices, why)
    if len(prices) > 1:
        both = " and ".join(str(n + 1) for n in prices[:2])
        why = Text(
            f"gives {what} units two prices, those of tiers {both}; this tier must begin at {right}",
            f"使 {what} 单位有两个价格（第 {'、'.join(str(n + 1) for n in prices[:2])} 档）；本档应从 {right} 开始",
        )
        return TierFault("overlap", number, "from", quantity, prices, why)
    why = Text(
        f"is out of order; tiers stand one after another, and this one must begin at {right}",
        f"次序有误；各档须依次排列，本档应从 {right} 开始",
    )
    return TierFault("order", number, "from", quantity, prices, why)
