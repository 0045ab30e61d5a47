"""Four eyes: what one client asks for, another one approves."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class ApprovalState(StrEnum):
    """Where it stands."""

    OPEN = "open"
    APPROVED = "approved"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Approval:
    """What is to be done (`kind`, `object_id`) with which content (`body_sha256`), who asked, and who decided."""

    id: UUID
    kind: str
    object_id: str
    body_sha256: bytes
    state: ApprovalState
    asked_by: UUID
    asked_at: datetime
    decided_by: UUID | None = None
    decided_at: datetime | None = None
    note: str | None = None
