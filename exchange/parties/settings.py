"""What the operator may set about parties and their tokens."""

from __future__ import annotations

import msgspec


class TokenSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How access tokens are made and checked."""

    issuer: str
    """The exchange's own address, exactly as it stands in the claim `iss`; never taken from a request."""
    audience: str
    """The one value of the claim `aud` that this exchange's APIs accept."""
    ttl_s: int = 600
    """How long a token lives; a change of rights reaches its holder at the latest after this."""
    clock_skew_s: int = 30
    """How far in the future the claims `iat` and `nbf` may lie, for machines whose clocks differ."""
    token_max_bytes: int = 4_096
    """The longest token that is looked at."""
    cached_max: int = 20_000
    """How many verified tokens one process remembers."""


class PartiesSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Limits of organisations."""

    name_max_chars: int = 200
    """The longest name of an organisation, a person or a client, in each language."""
    evidence_max: int = 100
    """The most evidence documents of one organisation."""
    clients_max: int = 50
    """The most clients of one organisation that are not revoked."""
    reason_max_chars: int = 2_000
    """The longest reason of a decision."""
