"""How messages are signed, so that a receiver knows who sent them: Standard Webhooks. Pure.

source   standardwebhooks.com, specification 1.0: `v1` HMAC-SHA256, `v1a` Ed25519, over `id.timestamp.body`
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

SECRET_BYTES = 32
# While one secret replaces another, both sign.
SECRETS_MAX = 2


@dataclass(frozen=True, slots=True)
class SealedSecret:
    """The two keys of an endpoint as they are kept: sealed, with the public part open.

    shapes   sealed: the HMAC key; sealed_private: the Ed25519 key; both by `exchange.kernel.custody`
    """

    id: UUID
    endpoint_id: UUID
    organisation_id: UUID
    sealed_by: str
    sealed: bytes = field(repr=False)
    kid: str
    public: bytes
    sealed_private: bytes = field(repr=False)
    created_at: datetime
    ends_at: datetime | None = None

    def signs_at(self, now: datetime) -> bool:
        """Whether messages sent now carry its signature."""
        return self.ends_at is None or now < self.ends_at


@dataclass(frozen=True, slots=True)
class SigningPair:
    """Both keys, open: in memory only, while something is signed."""

    secret: bytes = field(repr=False)
    private: Ed25519PrivateKey = field(repr=False)


def secret_text(secret: bytes) -> str:
    """A secret as receivers put it into their library."""
    return f"whsec_{base64.b64encode(secret).decode()}"


def public_text(public: bytes) -> str:
    """A public key as receivers put it into their library."""
    return f"whpk_{base64.b64encode(public).decode()}"


def signatures(message: str, timestamp_s: int, body: bytes, pairs: Sequence[SigningPair]) -> str:
    """The header webhook-signature: for each pair one of each kind, separated by spaces."""
    data = f"{message}.{timestamp_s}.".encode() + body
    found = []
    for pair in pairs:
        found.append(f"v1,{base64.b64encode(hmac.new(pair.secret, data, hashlib.sha256).digest()).decode()}")
        found.append(f"v1a,{base64.b64encode(pair.private.sign(data)).decode()}")
    return " ".join(found)


def headers(message: str, timestamp_s: int, body: bytes, pairs: Sequence[SigningPair]) -> dict[str, str]:
    """The headers of one attempt; the timestamp is the attempt's, the id is the message's in all of them."""
    return {
        "content-type": "application/json",
        "user-agent": "corpus-exchange-webhooks/1",
        "webhook-id": message,
        "webhook-timestamp": str(timestamp_s),
        "webhook-signature": signatures(message, timestamp_s, body, pairs),
    }
