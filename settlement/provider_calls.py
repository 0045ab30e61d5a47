"""Calling the payment provider exactly once: what is known of a call, and what may be done next.

A call is written, with its idempotency key and its request, before it is sent. The key stays the same until the
provider has refused for certain; only then does the next step get a key of its own. What nobody answered is sent
again under its key while the provider remembers keys, and looked for after that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from exchange.kernel import ids

# The provider forgets keys after a day at the earliest. Before that hour begins we stop relying on it.
KEY_LIVES = timedelta(hours=23)
# What a look-up may call absent: nothing of it can be under way any more.
ABSENT_AFTER = timedelta(hours=24)
QUIET_FOR = timedelta(minutes=10)
# Codes of answers after which the same key tells nothing new: only a look-up helps.
KEPT_FAULT = "fault_kept"
OTHER_ANSWER = "other_answer"
KEY_USED = "idempotency_error"
_LOOK_AFTER = frozenset({KEPT_FAULT, OTHER_ANSWER, KEY_USED})


class CallKind(StrEnum):
    """What is asked of the provider."""

    CHARGE = "charge"
    TRANSFER = "transfer"
    PAYOUT = "payout"
    ACCOUNT = "account"
    CHECKOUT = "checkout"
    REFUND = "refund"
    REVERSAL = "reversal"
    FILE = "file"
    EVIDENCE = "evidence"


_PREFIX: Mapping[CallKind, str] = {
    CallKind.CHARGE: "pay",
    CallKind.TRANSFER: "pot",
    CallKind.PAYOUT: "pot",
    CallKind.ACCOUNT: "org",
    CallKind.CHECKOUT: "pay",
    CallKind.REFUND: "crf",
    CallKind.REVERSAL: "rcv",
    CallKind.FILE: "cbk",
    CallKind.EVIDENCE: "cbk",
}


class CallState(StrEnum):
    """What is known of a call."""

    SENT = "sent"
    UNKNOWN = "unknown"
    DONE = "done"
    REFUSED = "refused"


class Move(StrEnum):
    """What to do next: make the first or the next step, send again under the same key, look, wait, or nothing."""

    OPEN = "open"
    SEND = "send"
    LOOK = "look"
    WAIT = "wait"
    KNOWN = "known"


@dataclass(frozen=True, slots=True)
class Call:
    """A call as it was written down. `request` is what was asked for, and what is asked for again."""

    id: UUID
    kind: CallKind
    object_id: UUID
    step: int
    key: str
    request: Mapping[str, str]
    state: CallState
    attempts: int
    first_sent_at: datetime
    sent_at: datetime
    provider_id: str | None = None
    code: str | None = None

    @property
    def name(self) -> str:
        """Our name of what the call is for."""
        return object_name(self.kind, self.object_id)


def object_name(kind: CallKind, object_id: UUID) -> str:
    """Our name of what a call of this kind is for."""
    return ids.text(_PREFIX[kind], object_id)


def key_of(kind: CallKind, object_id: UUID, step: int) -> str:
    """The idempotency key of a step: a function of what it is for, so that nobody can make another one."""
    return f"{kind.value}:{object_name(kind, object_id)}:{step}"


def next_move(last: Call | None, now: datetime) -> Move:
    """What to do, from the last step of an object.

    errors   none: a refusal that ends the object is its owner's to see; here it opens the next step
    """
    if last is None or last.state is CallState.REFUSED:
        return Move.OPEN
    if last.state is CallState.DONE:
        return Move.KNOWN
    if last.code in _LOOK_AFTER or now - last.first_sent_at >= KEY_LIVES:
        return Move.LOOK
    return Move.SEND


def after_absent(last: Call, now: datetime) -> Move:
    """What to do once a look-up has found nothing: the next step if nothing of this one can still come, else wait.

    One whose answer was for something else exists at the provider; it is a person's to settle, whatever a look-up finds.
    """
    if last.state not in (CallState.SENT, CallState.UNKNOWN):
        return next_move(last, now)
    if last.code == OTHER_ANSWER:
        return Move.WAIT
    gone = now - last.first_sent_at >= ABSENT_AFTER and now - last.sent_at >= QUIET_FOR
    return Move.OPEN if gone else Move.WAIT
