"""Metered reads: who may read, what the quota has room for, and what is held until it is known what was sent. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from exchange.access import problems
from exchange.access.grants import Grant, GrantState, period_start
from exchange.access.settings import AccessSettings
from exchange.access.tokens import GrantClaims
from exchange.kernel import ids
from exchange.kernel.errors import Problem

Amounts = tuple[tuple[str, int], ...]


class QuotaKey(NamedTuple):
    """One quota in one period."""

    grant_id: UUID
    meter: str
    period_start: datetime


@dataclass(frozen=True, slots=True)
class Read:
    """A wish to read.

    `needs` is what it will use of each meter. With `known` that is exactly what is sent and is recorded at once; without,
    it is the most that may be sent, held until `record_usage` says what was.
    """

    claims: GrantClaims
    purpose: str
    needs: Amounts
    known: bool


@dataclass(frozen=True, slots=True)
class Standing:
    """What the database says of a grant and a token now."""

    grant: Grant
    revoked: bool


@dataclass(frozen=True, slots=True)
class Lease:
    """Units that a serving process has set aside; `free` are neither used nor held by a running read."""

    id: UUID
    free: int


@dataclass(frozen=True, slots=True)
class Part:
    """What a running read holds of one meter; without a lease the meter has no limit."""

    meter: str
    units: int
    key: QuotaKey | None
    lease_id: UUID | None


@dataclass(frozen=True, slots=True)
class Hold:
    """A running read: what it may still send, and until when without being renewed."""

    read_id: UUID
    grant: Grant
    parts: tuple[Part, ...]
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Admitted:
    """A read that may go on; what it uses is recorded already where `hold` is None."""

    read_id: UUID
    grant: Grant
    hold: Hold | None


@dataclass(frozen=True, slots=True)
class Sent:
    """What a running read really sent since the last time it said so; `final` gives the rest of the hold back."""

    hold: Hold
    sent: Amounts
    final: bool = True


@dataclass(frozen=True, slots=True)
class Recorded:
    """What is on record now, and what is still held."""

    read_id: UUID
    hold: Hold | None


class SentTooMuch(ValueError):
    """A read that says it sent more than it held: a defect of the caller."""


def refusal(read: Read, standing: Standing | None, now: datetime) -> Problem | None:
    """Why `read` is refused whatever the quota, or None."""
    claims = read.claims
    if standing is None or standing.revoked or standing.grant.buyer_id != claims.buyer_id:
        return problems.TOKEN_NOT_FOR_DATA()
    grant = standing.grant
    problem: Problem | None = None
    if grant.state is GrantState.ENDED or (grant.ends_at is not None and now >= grant.ends_at):
        problem = problems.GRANT_ENDED(grant=ids.text("grt", grant.id))
    elif grant.state is GrantState.SUSPENDED:
        problem = problems.GRANT_SUSPENDED(grant=ids.text("grt", grant.id))
    elif now < grant.starts_at:
        problem = problems.GRANT_NOT_STARTED(grant=ids.text("grt", grant.id), starts_at=grant.starts_at.isoformat())
    elif read.purpose not in grant.purposes:
        problem = problems.PURPOSE_NOT_ALLOWED(grant=ids.text("grt", grant.id), purpose=read.purpose)
    return problem


def freezable(grant: Grant) -> tuple[tuple[str, UUID], ...]:
    """Everything whose freezing stops a read under this grant, with the prefix of its id."""
    return (
        ("grt", grant.id),
        ("rev", grant.revision_id),
        ("ds", grant.dataset_id),
        ("lst", grant.listing_id),
        ("ofr", grant.offer_id),
        ("agr", grant.agreement_id),
        ("ord", grant.order_id),
        ("org", grant.buyer_id),
        ("org", grant.seller_id),
    )


def counted(grant: Grant, needs: Amounts) -> Amounts:
    """The part of `needs` that this grant counts: its meters and those with a quota."""
    wanted = {*grant.meters, *(quota.meter for quota in grant.quotas)}
    return tuple(pair for pair in needs if pair[0] in wanted and pair[1] > 0)


def limited(grant: Grant, needs: Amounts, now: datetime) -> dict[QuotaKey, int]:
    """What `needs` takes of which quota."""
    if not grant.quotas:
        return {}
    amounts = dict(needs)
    return {
        QuotaKey(grant.id, quota.meter, period_start(quota.period, grant.starts_at, now)): amounts[quota.meter]
        for quota in grant.quotas
        if amounts.get(quota.meter)
    }


def shortages(wanted: Sequence[Mapping[QuotaKey, int]], free: Mapping[QuotaKey, int]) -> dict[QuotaKey, int]:
    """By how much each quota's lease is too small for all of `wanted`, 0 where it is not; empty where none is short."""
    totals: dict[QuotaKey, int] = {}
    for needs in wanted:
        for key, units in needs.items():
            totals[key] = totals.get(key, 0) + units
    short = {key: max(0, units - free.get(key, 0)) for key, units in totals.items()}
    return short if any(short.values()) else {}


def allot(wanted: Sequence[Mapping[QuotaKey, int]], free: Mapping[QuotaKey, int]) -> list[QuotaKey | None]:
    """First come, first served, all or nothing: None for each that fits, else the quota that has no room.

    A refused one takes nothing, so that a smaller one after it may still fit.
    """
    left = dict(free)
    answers: list[QuotaKey | None] = []
    for needs in wanted:
        lacking = next((key for key, units in needs.items() if units > left.get(key, 0)), None)
        if lacking is None:
            for key, units in needs.items():
                left[key] -= units
        answers.append(lacking)
    return answers


def growth(short: int, left: int, settings: AccessSettings) -> int:
    """How much more to lease when `short` units are missing and `left` are free in the quota.

    More than is missing, so that the quota's row is visited rarely; never more than there is.
    """
    ahead = min(left // settings.lease_share, settings.lease_units_max)
    return max(0, min(left, max(short, ahead)))


def after(sent: Sent) -> tuple[tuple[Part, int], ...]:
    """What each part of the hold used.

    errors   SentTooMuch
    """
    amounts = dict(sent.sent)
    used = []
    for part in sent.hold.parts:
        units = amounts.pop(part.meter, 0)
        if not 0 <= units <= part.units:
            raise SentTooMuch(f"{units} {part.meter} sent, {part.units} held")
        used.append((part, units))
    # Meters that the grant does not count were never held, and are not recorded.
    return tuple(used)


def still_held(sent: Sent, used: Sequence[tuple[Part, int]], expires_at: datetime) -> Hold | None:
    """The hold after `sent`."""
    if sent.final:
        return None
    parts = tuple(Part(part.meter, part.units - units, part.key, part.lease_id) for part, units in used)
    return Hold(sent.hold.read_id, sent.hold.grant, parts, expires_at)
