"""Holds: money that stays its holder's and is reserved, until it is settled, given back or runs out; once."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from uuid import UUID

from settlement.accounts import AccountKey, AccountKind, held
from settlement.journals import Exceeded, Insufficient, Journal, Line

HOLD = "hold"
HOLD_END = "hold_end"
_REASON = re.compile(r"[a-z][a-z_]{0,31}\Z")


class Outcome(StrEnum):
    """How a hold ended."""

    SETTLED = "settled"
    VOIDED = "voided"
    EXPIRED = "expired"


class BadHold(ValueError):
    """A hold, or an end of one, that no flow may ask for: a defect, never a refusal."""


@dataclass(frozen=True, slots=True)
class Hold:
    """Reserve `amount` of `account` for a `reason` until it is ended; from `expires_at` on it can only be given back.

    units    millionths of the account's currency
    """

    id: UUID
    account: AccountKey
    amount: int
    reason: str
    tag: UUID | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class HoldEnd:
    """End a hold: settle `amount` of it to `to` and give the rest back, or give all back (`amount` 0, `to` None)."""

    hold_id: UUID
    outcome: Outcome
    to: AccountKey | None = None
    amount: int = 0


@dataclass(frozen=True, slots=True)
class Ended:
    """The hold has ended this way: `amount` went to where it was settled, `returned` to where it came from.

    `repeated` says that it had ended so before, and nothing was added.
    """

    hold_id: UUID
    outcome: Outcome
    amount: int
    returned: int
    repeated: bool = False


@dataclass(frozen=True, slots=True)
class EndedOtherwise:
    """The hold had ended before, in another way; nothing was added."""

    hold_id: UUID
    outcome: Outcome
    amount: int


@dataclass(frozen=True, slots=True)
class HoldUnknown:
    """There is no such hold."""

    hold_id: UUID


@dataclass(frozen=True, slots=True)
class HoldOver:
    """The hold ran out at `expires_at`: it can no longer be settled, only given back."""

    hold_id: UUID
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class HoldRuns:
    """The hold does not run out before `expires_at` (None = never), so it has not expired."""

    hold_id: UUID
    expires_at: datetime | None


HoldRefusal = EndedOtherwise | HoldUnknown | HoldOver | HoldRuns | Insufficient | Exceeded
HoldResult = Ended | HoldRefusal


def opening(hold: Hold) -> Journal:
    """The journal that reserves the money: account - , held of the same organisation +.

    errors   BadHold
    """
    account = hold.account
    if account.organisation_id is None or account.kind is AccountKind.HELD:
        raise BadHold(f"{account.kind} is no account of which money is held")
    if hold.amount <= 0 or not _REASON.match(hold.reason):
        raise BadHold(f"a hold of {hold.amount} for {hold.reason!r}")
    lines = (
        Line(account, -hold.amount, hold.tag),
        Line(held(account.organisation_id, account.currency), hold.amount, hold.tag),
    )
    until = "" if hold.expires_at is None else hold.expires_at.astimezone(UTC).isoformat()
    return Journal(HOLD, hold.id, lines, note=f"{hold.reason} {until}")


def ending(hold: Hold, end: HoldEnd) -> Journal:
    """The journal that ends a hold: held - , `to` + as far as it is settled, the account it came from + for the rest.

    errors   BadHold
    """
    _check(hold, end)
    account = hold.account
    assert account.organisation_id is not None
    rest = hold.amount - end.amount
    lines = [Line(held(account.organisation_id, account.currency), -hold.amount, hold.tag)]
    if end.to is not None:
        lines.append(Line(end.to, end.amount, hold.tag))
    if rest:
        lines.append(Line(account, rest, hold.tag))
    return Journal(HOLD_END, hold.id, tuple(lines), note=end.outcome)


def decide_ends(
    ends: Sequence[HoldEnd], running: Mapping[UUID, Hold], over: Mapping[UUID, tuple[Hold, HoldEnd]], now: datetime
) -> list[HoldRefusal | Ended | Journal]:
    """What becomes of each wanted end: a journal to write, or the answer that is known already.

    shapes   n ends of n holds -> n answers; `running` holds the locked open holds, `over` those that ended
    errors   BadHold
    """
    found: list[HoldRefusal | Ended | Journal] = []
    for end in ends:
        hold = running.get(end.hold_id)
        if end.hold_id in over:
            found.append(_again(end, *over[end.hold_id]))
        elif hold is None:
            found.append(HoldUnknown(end.hold_id))
        else:
            journal = ending(hold, end)
            found.append(_untimely(hold, end, now) or journal)
    return found


def _again(end: HoldEnd, hold: Hold, before: HoldEnd) -> Ended | EndedOtherwise:
    if end == before:
        return Ended(hold.id, before.outcome, before.amount, hold.amount - before.amount, repeated=True)
    return EndedOtherwise(hold.id, before.outcome, before.amount)


def _untimely(hold: Hold, end: HoldEnd, now: datetime) -> HoldOver | HoldRuns | None:
    ran_out = hold.expires_at is not None and now >= hold.expires_at
    if end.outcome is Outcome.SETTLED and ran_out and hold.expires_at is not None:
        return HoldOver(hold.id, hold.expires_at)
    if end.outcome is Outcome.EXPIRED and not ran_out:
        return HoldRuns(hold.id, hold.expires_at)
    return None


def _check(hold: Hold, end: HoldEnd) -> None:
    if end.outcome is not Outcome.SETTLED:
        if end.to is not None or end.amount:
            raise BadHold(f"a hold that is {end.outcome} goes back as a whole")
        return
    if end.to is None or end.to.currency != hold.account.currency or end.to.kind is AccountKind.HELD:
        raise BadHold("a hold is settled to an account of its currency")
    if not 0 < end.amount <= hold.amount:
        raise BadHold(f"{end.amount} of a hold of {hold.amount}")
