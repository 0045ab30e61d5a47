"""Splits: who gets which part of a price, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any
from uuid import UUID

from exchange.kernel import ids
from exchange.kernel.money import Money, allocate, decimal_text
from exchange.kernel.text import LocaleMap

SHARES_MAX = 150
WEIGHT_MAX = 1_000_000_000


class Role(StrEnum):
    """As what a payee takes part in a sale."""

    SUPPLIER = "supplier"
    UPSTREAM = "upstream"
    BROKER = "broker"
    ASSESSOR = "assessor"
    PLATFORM = "platform"
    TAX = "tax"
    PROVIDER = "provider"
    MEMBER = "member"
    POOL = "pool"
    # Everything that a rule with a memory splits later; no offer names it by hand.
    CLEARING = "clearing"


ROLE_NAMES: dict[Role, LocaleMap] = {
    Role.SUPPLIER: {"en": "supplier", "zh": "供应方"},
    Role.UPSTREAM: {"en": "upstream right holder", "zh": "上游权利人"},
    Role.BROKER: {"en": "broker", "zh": "经纪方"},
    Role.ASSESSOR: {"en": "assessor", "zh": "评估方"},
    Role.PLATFORM: {"en": "platform fee", "zh": "平台服务费"},
    Role.TAX: {"en": "tax", "zh": "税费"},
    Role.PROVIDER: {"en": "service provider", "zh": "服务商"},
    Role.MEMBER: {"en": "joint owner", "zh": "共有人"},
    Role.POOL: {"en": "supplier incentive pool", "zh": "供应方激励池"},
    Role.CLEARING: {"en": "to be split by rule", "zh": "待按规则分成"},
}
_ORDER = {role: position for position, role in enumerate(Role)}
# These belong to nobody but the exchange (which hands the tax, the pool and what waits for its rule on).
WITHOUT_ORGANISATION = frozenset({Role.PLATFORM, Role.TAX, Role.POOL, Role.CLEARING})


class BadShares(ValueError):
    """A share list that cannot be split by: empty, twice the same payee, or a bad weight."""


@dataclass(frozen=True, slots=True)
class Share:
    """One payee's weight; the supplier's organisation is the seller unless it is named."""

    role: Role
    organisation_id: UUID | None
    weight: int


@dataclass(frozen=True, slots=True)
class Part:
    """What one payee gets of an amount; organisation None = the exchange's own account."""

    role: Role
    organisation_id: UUID | None
    amount: Money


def parse_shares(shares: Sequence[Mapping[str, Any]], seller_id: UUID) -> tuple[Share, ...]:
    """Read the `shares` of an offer document into a checked list in one fixed order.

    shapes   [{"role", "weight", "organisation"?}] -> shares sorted by role and organisation
    errors   BadShares
    """
    if not 1 <= len(shares) <= SHARES_MAX:
        raise BadShares(f"an offer names between 1 and {SHARES_MAX} shares")
    return ordered([_parse_share(share, seller_id) for share in shares])


def ordered(shares: Sequence[Share]) -> tuple[Share, ...]:
    """Sort shares so that the order in which they were written changes nobody's amount.

    errors   BadShares
    """
    result = sorted(shares, key=_sort_key)
    keys = {(share.role, share.organisation_id) for share in result}
    if len(keys) != len(result):
        raise BadShares("a payee is named twice in one role")
    if sum(share.weight for share in result) <= 0:
        raise BadShares("the weights sum to nothing")
    return tuple(result)


def split(total: Money, shares: Sequence[Share]) -> list[Part]:
    """Split `total` by largest remainder so that the parts sum to it exactly.

    shapes   shares in any order -> one part per share, in the fixed order
    units    |part - exact share| < 1 unit; a negative total is split as its opposite
    errors   BadShares
    source   Hamilton's method; ties go to the first in the fixed order
    """
    fixed, weights = _weighed(tuple(shares))
    amounts = allocate(total, weights)
    return [Part(s.role, s.organisation_id, a) for s, a in zip(fixed, amounts, strict=True)]


@lru_cache(maxsize=4_096)
def _weighed(shares: tuple[Share, ...]) -> tuple[tuple[Share, ...], tuple[int, ...]]:
    """Shares in their order with their weights: the same for every sale of an offer."""
    fixed = ordered(shares)
    return fixed, tuple(share.weight for share in fixed)


def with_tax(parts: Sequence[Part], tax: Money) -> list[Part]:
    """The parts of what was split, and the tax that came on top of it."""
    return [*parts, Part(Role.TAX, None, tax)] if tax.units else list(parts)


def explain(share: Share, whole: int, units: int, total: Money) -> LocaleMap:
    """Say in both languages how a part came out of the total.

    units    `whole` is the sum of all weights; `units` are the part's millionths
    """
    arithmetic = f"{total} x {share.weight} / {whole} = {decimal_text(units)} {total.currency}"
    return {lang: f"{text}: {arithmetic}" for lang, text in ROLE_NAMES[share.role].items()}


def _parse_share(share: Mapping[str, Any], seller_id: UUID) -> Share:
    try:
        role = Role(share["role"])
    except (KeyError, ValueError) as error:
        raise BadShares("a share has no known role") from error
    weight = share.get("weight")
    if type(weight) is not int or not 0 <= weight <= WEIGHT_MAX:
        raise BadShares("a weight is a whole number between 0 and 1000000000")
    named = share.get("organisation")
    if role in WITHOUT_ORGANISATION:
        return Share(role, None, weight)
    if named is None:
        if role is not Role.SUPPLIER:
            raise BadShares(f"the {role} share names no organisation")
        return Share(role, seller_id, weight)
    try:
        return Share(role, ids.parse("org", named), weight)
    except ValueError as error:
        raise BadShares("a share names an organisation that is no id") from error


def _sort_key(share: Share) -> tuple[int, int]:
    return (_ORDER[share.role], share.organisation_id.int if share.organisation_id else 0)
