"""Mandates of brokers: who may introduce buyers to a supplier, for which share, how long, and how long after."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from exchange.kernel import ids
from exchange.kernel.canonical import canonical
from exchange.kernel.errors import Problem
from exchange.kernel.money import BadMoney, decimal_text, units_of
from exchange.kernel.text import Text
from settlement.problems import BUYER_CLAIMED, MANDATE_INVALID, MANDATE_NOT_IN_FORCE
from settlement.waterfall import WHOLE, Introduced

TAIL_MONTHS_MAX = 60
TERM_YEARS_MAX = 20
_PERCENT = Text("is no percentage above 0 and up to 100", "应为大于 0 且不超过 100 的百分比")
_TERM = Text(
    f"is not after starts_at, or more than {TERM_YEARS_MAX} years after it",
    f"须晚于 starts_at，且不超过 {TERM_YEARS_MAX} 年",
)
_PAST = Text("has passed already", "已经过去")
_TAIL = Text(f"is no number of months from 0 to {TAIL_MONTHS_MAX}", f"应为 0 至 {TAIL_MONTHS_MAX} 的月数")
_SELF = Text("is the supplier itself", "即供应方自身")


@dataclass(frozen=True, slots=True)
class Mandate:
    """A broker's mandate; claims made while it runs stand until `tail_until`.

    shapes   ended_early: one of the two ended it; ends_at and tail_until are what came of it then
    units    share in parts of WHOLE, of the gross of each sale to a claimed buyer
    """

    id: UUID
    supplier_id: UUID
    broker_id: UUID
    share: int
    starts_at: datetime
    ends_at: datetime
    tail_until: datetime
    created_at: datetime
    ended_early: bool = False

    def runs(self, at: datetime) -> bool:
        """Whether buyers may be claimed at that moment."""
        return self.starts_at <= at < self.ends_at


@dataclass(frozen=True, slots=True)
class SignedMandate:
    """A mandate with what the exchange signed."""

    mandate: Mandate
    document: bytes
    sha256: bytes
    kid: str
    signature: bytes


@dataclass(frozen=True, slots=True)
class SignedEnd:
    """The end of a mandate before its term, with what the exchange signed."""

    mandate: Mandate
    ended_by: UUID
    document: bytes
    sha256: bytes
    kid: str
    signature: bytes
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Claim:
    """A buyer that a broker introduced to a supplier, with the digest of its evidence."""

    id: UUID
    mandate_id: UUID
    supplier_id: UUID
    broker_id: UUID
    buyer_id: UUID
    evidence_sha256: bytes
    stands_until: datetime
    created_at: datetime

    def stands(self, at: datetime) -> bool:
        """Whether it is in force at that moment."""
        return self.created_at <= at < self.stands_until


@dataclass(frozen=True, slots=True)
class MandateWish:
    """What a supplier writes: the broker, a percentage as text, and times."""

    broker_id: UUID
    percent: str
    starts_at: datetime
    ends_at: datetime
    tail_months: int


def make(mandate_id: UUID, supplier_id: UUID, wish: MandateWish, now: datetime) -> Mandate | Problem:
    """The mandate that a wish asks for.

    errors   answers mandate-invalid
    """
    try:
        share = units_of(wish.percent)
    except BadMoney:
        share = 0
    if not 0 < share <= WHOLE:
        return MANDATE_INVALID(field="percent", why=_PERCENT)
    if wish.broker_id == supplier_id:
        return MANDATE_INVALID(field="broker", why=_SELF)
    if not wish.starts_at < wish.ends_at <= months_after(wish.starts_at, 12 * TERM_YEARS_MAX):
        return MANDATE_INVALID(field="ends_at", why=_TERM)
    if wish.ends_at <= now:
        return MANDATE_INVALID(field="ends_at", why=_PAST)
    if not 0 <= wish.tail_months <= TAIL_MONTHS_MAX:
        return MANDATE_INVALID(field="tail_months", why=_TAIL)
    # What was sold before is settled by what stood then.
    starts_at = max(wish.starts_at.astimezone(UTC), now)
    ends_at = wish.ends_at.astimezone(UTC)
    tail = months_after(ends_at, wish.tail_months)
    return Mandate(mandate_id, supplier_id, wish.broker_id, share, starts_at, ends_at, tail, now)


def end_early(one: Mandate, now: datetime) -> Mandate | Problem:
    """The mandate as it is when one of the two ends it now: as many months of tail as were agreed, counted from now.

    errors   answers mandate-not-in-force
    """
    if now >= one.ends_at:
        return not_in_force(one)
    tail = months_after(now, _tail_months(one))
    # Days at the end of a month are lost in counting; nobody gets a longer tail by an early end.
    return replace(one, ends_at=now, tail_until=min(tail, one.tail_until), ended_early=True)


def write_end(one: Mandate, ended_by: UUID) -> bytes:
    """The canonical bytes of an early end that are hashed and signed."""
    document: dict[str, Any] = {
        "type": "mandate-end",
        "v": 1,
        "mandate": ids.text("mnd", one.id),
        "supplier": ids.text("org", one.supplier_id),
        "broker": ids.text("org", one.broker_id),
        "ended_by": ids.text("org", ended_by),
        "ends_at": _instant(one.ends_at),
        "tail_until": _instant(one.tail_until),
    }
    return canonical(document)


def write(one: Mandate) -> bytes:
    """The canonical bytes that are hashed and signed."""
    document: dict[str, Any] = {
        "type": "mandate",
        "v": 1,
        "id": ids.text("mnd", one.id),
        "supplier": ids.text("org", one.supplier_id),
        "broker": ids.text("org", one.broker_id),
        "percent": decimal_text(one.share),
        "of": "gross",
        "starts_at": _instant(one.starts_at),
        "ends_at": _instant(one.ends_at),
        "tail_until": _instant(one.tail_until),
    }
    return canonical(document)


def claim(
    mandate: Mandate, claim_id: UUID, buyer_id: UUID, evidence_sha256: bytes, others: Iterable[Claim], now: datetime
) -> Claim | Problem:
    """A broker's claim on a buyer; the first one in force wins, and a broker may renew its own under a newer mandate.

    shapes   others: all claims on this buyer for this supplier
    errors   answers mandate-not-in-force, buyer-claimed
    """
    if not mandate.runs(now):
        return not_in_force(mandate)
    for other in others:
        if other.stands(now) and (other.broker_id != mandate.broker_id or other.mandate_id == mandate.id):
            return BUYER_CLAIMED(until=_instant(other.stands_until))
    return Claim(
        claim_id, mandate.id, mandate.supplier_id, mandate.broker_id, buyer_id, evidence_sha256, mandate.tail_until, now
    )


def not_in_force(one: Mandate) -> Problem:
    """Why nothing can be done under a mandate."""
    return MANDATE_NOT_IN_FORCE(
        mandate=ids.text("mnd", one.id), starts_at=_instant(one.starts_at), ends_at=_instant(one.ends_at)
    )


def standing(claims: Iterable[Claim], at: datetime) -> Claim | None:
    """The claim that counts for a sale at that moment: of those in force the first one made."""
    return min((one for one in claims if one.stands(at)), key=lambda one: (one.created_at, one.id), default=None)


def introduced(one: Mandate) -> Introduced:
    """The broker and its share, as a waterfall reads them."""
    return Introduced(one.broker_id, one.share)


def months_after(at: datetime, months: int) -> datetime:
    """The same day and time so many months later, or the last day of a month that is shorter."""
    year, month = divmod(at.year * 12 + at.month - 1 + months, 12)
    for day in range(at.day, 27, -1):
        try:
            return at.replace(year=year, month=month + 1, day=day)
        except ValueError:
            continue
    return at.replace(year=year, month=month + 1)


def _tail_months(one: Mandate) -> int:
    return next(n for n in range(TAIL_MONTHS_MAX + 1) if months_after(one.ends_at, n) >= one.tail_until)


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
