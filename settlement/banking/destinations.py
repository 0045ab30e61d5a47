"""Where payees want their money at banks: named by them, approved by the operator, and after a change only days later."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from settlement.banking.details import Scheme

APPROVAL = "bank-destination"
# Whoever took over a payee's client cannot turn its money away at once: the payee has these days to object.
COOL_DOWN = timedelta(days=3)


class DestinationState(StrEnum):
    """Where it stands; only an active one is paid to."""

    ASKED = "asked"
    ACTIVE = "active"
    REPLACED = "replaced"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Destination:
    """A version of a payee's account; `fingerprint` is what the approval binds, `usable_from` when it may be paid to."""

    id: UUID
    organisation_id: UUID
    scheme: Scheme
    version: int
    last4: str
    digest: bytes
    fingerprint: bytes
    sealed: bytes
    state: DestinationState
    asked_at: datetime
    usable_from: datetime
    active_at: datetime | None = None
