"""Messages, their deliveries, and when one is tried again. Pure."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

# How long after the attempt before each attempt is made; three days in all.
# source   Standard Webhooks, "Retries"
WAITS = (
    timedelta(0),
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
# A receiver may ask for more time than planned, up to this.
RETRY_AFTER_MAX = timedelta(hours=24)
_JITTER_PERCENT = 20
_OK, _GONE = range(200, 300), 410


class DeliveryState(StrEnum):
    """Where a delivery stands."""

    WAITING = "waiting"
    SENDING = "sending"
    DELIVERED = "delivered"
    FAILED = "failed"


class Failure(StrEnum):
    """Why an attempt failed, beside what `addresses.Unsafe` says; nothing of an answer's body is ever kept."""

    STATUS = "status"
    REDIRECT = "redirect"
    GONE = "gone"
    CONNECT = "connect-failed"
    TLS = "tls-failed"
    SLOW = "too-slow"
    BROKEN = "answer-broken"
    SECRET = "secret-unreadable"  # noqa: S105  # the reason's name
    DISABLED = "endpoint-disabled"


@dataclass(frozen=True, slots=True)
class Heard:
    """What came of one attempt."""

    status: int | None
    ms: int
    error: str | None = None
    retry_after_s: int | None = None

    @property
    def ok(self) -> bool:
        """Whether it was taken."""
        return self.error is None

    @property
    def gone(self) -> bool:
        """Whether the receiver wants nothing more, ever."""
        return self.status == _GONE


@dataclass(frozen=True, slots=True)
class Message:
    """Something that happened, for one organisation in one portal: the bytes that all its endpoints get.

    shapes   leaf_index: its place in the log, None for a test
    """

    id: UUID
    organisation_id: UUID
    portal: str
    kind: str
    node_id: str
    leaf_index: int | None
    body: bytes
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message on its way to an endpoint; `step` counts the attempts since it was (re)started, `attempts` all of them."""

    id: UUID
    message_id: UUID
    endpoint_id: UUID
    organisation_id: UUID
    kind: str
    state: DeliveryState
    step: int
    attempts: int
    next_at: datetime | None
    created_at: datetime
    ended_at: datetime | None = None
    last_at: datetime | None = None
    last_status: int | None = None
    last_ms: int | None = None
    last_error: str | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt of a delivery."""

    number: int
    at: datetime
    status: int | None
    ms: int
    error: str | None


def failure_of(status: int) -> str | None:
    """What an answer's status means: None where the message was taken. A redirect is not followed, so it fails."""
    if status in _OK:
        return None
    if status == _GONE:
        return Failure.GONE
    return Failure.REDIRECT if 300 <= status < 400 else Failure.STATUS


def next_attempt(delivery_id: UUID, step: int, now: datetime, retry_after_s: int | None = None) -> datetime | None:
    """When to try again after `step` attempts, None after the last.

    A fifth more or less, from the delivery's own id: many that failed at once do not come back at once.
    """
    if step >= len(WAITS):
        return None
    wait = WAITS[step]
    digest = hashlib.sha256(delivery_id.bytes + step.to_bytes(2, "big")).digest()
    share = int.from_bytes(digest[:4], "big") % (2 * _JITTER_PERCENT + 1) - _JITTER_PERCENT
    wait += wait * share / 100
    asked = min(timedelta(seconds=retry_after_s or 0), RETRY_AFTER_MAX)
    return now + max(wait, asked)
