"""Events of an agreement's life: what somebody wishes, the document that is signed, and what became of it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import msgspec

from contracts.signatures import Role, Signed, missing

OPEN_DAYS = 14


class Kind(StrEnum):
    """What can happen to an agreement."""

    AMENDMENT = "amendment"
    RENEWAL = "renewal"
    TRANSFER = "transfer"
    SUSPENSION = "suspension"
    LIFTING = "lifting"
    RETIREMENT = "retirement"
    TERMINATION = "termination"


class Party(StrEnum):
    """Who brings an event about."""

    BUYER = "buyer"
    SELLER = "seller"
    OPERATOR = "operator"


class EventState(StrEnum):
    """Where one event stands."""

    PROPOSED = "proposed"
    IN_FORCE = "in_force"
    WITHDRAWN = "withdrawn"
    REFUSED = "refused"
    EXPIRED = "expired"
    OVERTAKEN = "overtaken"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """An event as somebody asks for it; which fields go with which kind is checked.

    shapes   effective_at None: with the last signature; ground: why a termination may be one-sided
    """

    kind: Kind
    reason: Mapping[str, str] | None = None
    ground: str | None = None
    effective_at: datetime | None = None
    ends_at: datetime | None = None
    purposes: tuple[str, ...] | None = None
    territory: tuple[str, ...] | None = None
    terms: Mapping[str, Any] | None = None
    successor_id: UUID | None = None
    open_days: int = OPEN_DAYS


@dataclass(frozen=True, slots=True)
class Force:
    """That an event is in force: which one in the agreement's life, and from when it holds."""

    number: int
    effective_at: datetime
    at: datetime


@dataclass(frozen=True, slots=True)
class End:
    """That a proposal came to nothing: withdrawn by its side, or refused by another."""

    outcome: EventState
    organisation_id: UUID
    reason: Mapping[str, str] | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Event:
    """An event as it is kept: its exact bytes, who must sign, who has, and what became of it.

    units    sha256 32 raw bytes over document; previous: those of the event before it, or of the agreement
    """

    id: UUID
    agreement_id: UUID
    kind: Kind
    document: bytes
    sha256: bytes
    previous: bytes
    buyer_id: UUID
    seller_id: UUID
    successor_id: UUID | None
    proposed_by: Party
    needs: tuple[Role, ...]
    expires_at: datetime
    created_at: datetime
    signatures: tuple[Signed, ...] = ()
    force: Force | None = None
    end: End | None = None

    def state(self, now: datetime, head: bytes) -> EventState:
        """Where it stands; `head` is the digest of the agreement's last event in force, or of the agreement."""
        if self.force is not None:
            return EventState.IN_FORCE
        if self.end is not None:
            return self.end.outcome
        if self.previous != head:
            return EventState.OVERTAKEN
        return EventState.EXPIRED if now >= self.expires_at else EventState.PROPOSED

    @property
    def missing(self) -> tuple[Role, ...]:
        """Who has still to sign."""
        return missing(self.signatures, self.needs)

    @property
    def said(self) -> dict[str, Any]:
        """The document as a value."""
        found: dict[str, Any] = msgspec.json.decode(self.document)
        return found

    def role_of(self, organisation_id: UUID) -> Role | None:
        """In which role an organisation signs it."""
        sides = ((self.buyer_id, Role.BUYER), (self.seller_id, Role.SELLER), (self.successor_id, Role.SUCCESSOR))
        return next((role for side, role in sides if side == organisation_id), None)


def instant(at: datetime) -> str:
    """A moment as documents write it: RFC 3339 in UTC."""
    return at.astimezone(UTC).isoformat()[:-6] + "Z"


def moment(text: str) -> datetime:
    """Read what `instant` wrote."""
    return datetime.fromisoformat(text)
