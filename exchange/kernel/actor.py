"""Who asks."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Actor:
    """The party behind a request, as its verified access token says."""

    organisation_id: UUID
    client_id: UUID
    roles: frozenset[str]
    scopes: frozenset[str]
    jti: str
