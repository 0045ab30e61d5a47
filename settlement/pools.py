"""The supplier incentive pool: by which policy a month's money is shared among suppliers, and what each one gets. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from exchange.kernel import ids
from exchange.kernel.canonical import canonical
from exchange.kernel.errors import Problem
from exchange.kernel.money import BadMoney, decimal_text, units_of
from exchange.kernel.text import Text
from settlement.problems import POOL_POLICY_INVALID
from settlement.waterfall import WHOLE

_CURRENCY_LENGTH = 3
_PERCENT = Text("is no percentage above 0 and up to 100", "应为大于 0 且不超过 100 的百分比")
_ZONE = Text("is no IANA time zone", "不是 IANA 时区")
_MONTH = Text("is no month such as 2026-01", "不是月份，例如 2026-01")
_BEGUN = Text("is a month that is over", "所指月份已结束")
_CURRENCY = Text("is no ISO 4217 code", "不是 ISO 4217 货币代码")
_VECTOR = Text("belongs to the measure vector, and only to it", "仅在按权重向量分配时填写，且必须填写")


class By(StrEnum):
    """What a supplier's weight is: what it sold without tax, that times the quality score of each listing, or a vector's."""

    SALES = "sales"
    QUALITY = "quality"
    VECTOR = "vector"


@dataclass(frozen=True, slots=True)
class PoolPolicy:
    """One version of how the pool of a currency is given away; the newest one that has begun holds for a month.

    units    share in parts of WHOLE of what the pool holds at the month's end; the rest stays in it
    """

    id: UUID
    currency: str
    version: int
    from_month: str
    time_zone: str
    by: By
    share: int
    vector_id: UUID | None
    document: bytes
    sha256: bytes
    kid: str
    signature: bytes
    set_by: UUID
    created_at: datetime


@dataclass(frozen=True, slots=True)
class PoolWish:
    """What an operator writes; percent as text."""

    currency: str
    from_month: str
    by: By
    percent: str = "100"
    time_zone: str = "UTC"
    vector_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class PoolPart:
    """What one supplier gets: weights in a fixed order, so that its own three numbers give its amount again.

    units    amount in millionths; `before` is the sum of the weights ahead of it
    """

    organisation_id: UUID
    weight: int
    before: int
    amount: int


def refusal(wish: PoolWish, now: datetime) -> Problem | None:
    """Why a policy is none.

    errors   answers pool-policy-invalid
    """
    try:
        share = units_of(wish.percent)
    except BadMoney:
        share = 0
    if len(wish.currency) != _CURRENCY_LENGTH or not (wish.currency.isascii() and wish.currency.isupper()):
        return POOL_POLICY_INVALID(field="currency", why=_CURRENCY)
    if not 0 < share <= WHOLE:
        return POOL_POLICY_INVALID(field="percent", why=_PERCENT)
    try:
        ZoneInfo(wish.time_zone)
    except (ValueError, LookupError, OSError):
        return POOL_POLICY_INVALID(field="time_zone", why=_ZONE)
    window = month_window(wish.from_month, wish.time_zone)
    if window is None:
        return POOL_POLICY_INVALID(field="from_month", why=_MONTH)
    if window[1] <= now:
        return POOL_POLICY_INVALID(field="from_month", why=_BEGUN)
    if (wish.by is By.VECTOR) != (wish.vector_id is not None):
        return POOL_POLICY_INVALID(field="vector", why=_VECTOR)
    return None


def write(policy_id: UUID, version: int, wish: PoolWish, vector_sha256: bytes | None) -> bytes:
    """The canonical bytes that are hashed and signed."""
    document: dict[str, Any] = {
        "type": "pool-policy",
        "v": 1,
        "id": ids.text("ppl", policy_id),
        "version": version,
        "currency": wish.currency,
        "from_month": wish.from_month,
        "time_zone": wish.time_zone,
        "percent": decimal_text(units_of(wish.percent)),
        "by": wish.by.value,
    }
    if wish.vector_id is not None and vector_sha256 is not None:
        document["vector"] = {"id": ids.text("wgt", wish.vector_id), "sha256": vector_sha256.hex()}
    return canonical(document)


def month_window(month: str, time_zone: str) -> tuple[datetime, datetime] | None:
    """When a month such as 2026-01 begins and ends in a time zone; None for what is no month."""
    try:
        first = date.fromisoformat(f"{month}-01")
    except ValueError:
        return None
    if f"{first:%Y-%m}" != month:
        return None
    after = date(first.year + first.month // 12, first.month % 12 + 1, 1)
    zone = ZoneInfo(time_zone)
    start, end = (datetime(one.year, one.month, 1, tzinfo=zone).astimezone(UTC) for one in (first, after))
    return start, end


def to_give(available: int, share: int) -> int:
    """How much of what a pool holds is given away, rounded down.

    units    millionths; share in parts of WHOLE
    """
    return max(available, 0) * share // WHOLE


def parts(total: int, weights: Sequence[tuple[UUID, int]], whole: int) -> list[PoolPart]:
    """Share a total by weights: each gets what the weights up to it make, less what those before it made.

    shapes   in the order of ids; whole: the sum of the weights, or more where a part is nobody's and stays in the pool
    units    millionths; the sum is exactly what all weights together make of the total, each within a millionth of its share
    """
    found: list[PoolPart] = []
    before = 0
    for organisation_id, weight in sorted(weights):
        amount = part_of(total, weight, before, whole)
        found.append(PoolPart(organisation_id, weight, before, amount))
        before += weight
    return found


def part_of(total: int, weight: int, before: int, whole: int) -> int:
    """What one weight makes of a total."""
    return total * (before + weight) // whole - total * before // whole
