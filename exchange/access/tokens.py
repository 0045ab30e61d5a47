"""Grant tokens: what the data plane is shown. Verified offline; whether they still hold is asked each time.

A token is a JWT signed with Ed25519 (RFC 7519, RFC 8037). Its type and audience keep it apart from access tokens.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec

from exchange.access.grants import Grant
from exchange.access.meters import BadMeter, meters_of
from exchange.access.settings import AccessSettings
from exchange.kernel import ids
from exchange.kernel.keys import Keyring

TYPE = "grant+jwt"
DATA_AUDIENCE = "data"
_PURPOSE = "token"
_TOKEN_BYTES_MAX = 8_192


class BadToken(ValueError):
    """A text that is no grant token of ours, or no longer."""


@dataclass(frozen=True, slots=True)
class GrantClaims:
    """What a verified grant token says."""

    jti: UUID
    grant_id: UUID
    buyer_id: UUID
    seller_id: UUID
    listing_id: UUID
    dataset_id: UUID
    revision_id: UUID
    purposes: frozenset[str]
    meters: tuple[str, ...]
    issued_at: datetime
    expires_at: datetime


class _Header(msgspec.Struct):
    alg: str
    kid: str
    typ: str


class _Body(msgspec.Struct):
    iss: str
    aud: str
    sub: str
    jti: str
    iat: int
    exp: int
    grant: str
    seller: str
    listing: str
    dataset: str
    revision: str
    purposes: list[str]
    meters: list[str]
    v: int = 1


_HEADER = msgspec.json.Decoder(_Header)
_BODY = msgspec.json.Decoder(_Body)


def issue(
    keyring: Keyring, grant: Grant, *, jti: UUID, issuer: str, audience: str, now: datetime, settings: AccessSettings
) -> tuple[str, datetime]:
    """A token of `grant`, and when it ends: after its time to live, and never after its grant.

    errors   UnknownKey without a key of purpose token
    source   RFC 7515, RFC 7519, RFC 8037
    """
    ends_at = now + timedelta(seconds=settings.token_ttl_s)
    if grant.ends_at is not None:
        ends_at = min(ends_at, grant.ends_at)
    ends_at = ends_at.replace(microsecond=0)
    header = {"alg": "EdDSA", "kid": keyring.signer(_PURPOSE).kid, "typ": TYPE}
    body = _Body(
        iss=issuer,
        aud=audience,
        sub=ids.text("org", grant.buyer_id),
        jti=ids.text("tok", jti),
        iat=int(now.timestamp()),
        exp=int(ends_at.timestamp()),
        grant=ids.text("grt", grant.id),
        seller=ids.text("org", grant.seller_id),
        listing=ids.text("lst", grant.listing_id),
        dataset=ids.text("ds", grant.dataset_id),
        revision=ids.text("rev", grant.revision_id),
        purposes=list(grant.purposes),
        meters=list(grant.meters),
    )
    signed = f"{_encoded(msgspec.json.encode(header))}.{_encoded(msgspec.json.encode(body))}"
    signature = keyring.sign(_PURPOSE, signed.encode())
    return f"{signed}.{_encoded(signature.value)}", ends_at


class TokenVerifier:
    """Verifies grant tokens, remembering those it has seen by the hash of their exact bytes until they end."""

    def __init__(self, keyring: Keyring, *, issuer: str, audience: str, settings: AccessSettings) -> None:
        """Trust the keys of purpose token in `keyring`."""
        self._keyring, self._issuer, self._audience = keyring, issuer, audience
        self._kids = frozenset([key.kid for key in keyring.keys() if key.purpose == _PURPOSE])
        self._seen: OrderedDict[bytes, tuple[GrantClaims, float]] = OrderedDict()
        self._seen_max = settings.tokens_cached_max

    def verify(self, token: str, now: datetime) -> GrantClaims:
        """What `token` says, if we signed it for the data plane and it has not ended.

        Says nothing on revocation or on the grant's state: the flow asks for both each time.

        errors   BadToken
        """
        data = token.encode("utf-8", "replace")
        key = hashlib.sha256(data).digest()
        known = self._seen.get(key)
        if known is None:
            claims = self._check(data)
            while len(self._seen) >= self._seen_max:
                self._seen.popitem(last=False)
            known = self._seen[key] = (claims, claims.expires_at.timestamp())
        if now.timestamp() >= known[1]:
            self._seen.pop(key, None)
            raise BadToken("the token has ended")
        return known[0]

    def _check(self, data: bytes) -> GrantClaims:
        parts = data.split(b".")
        if len(data) > _TOKEN_BYTES_MAX or len(parts) != 3:
            raise BadToken("not a token")
        try:
            header = _HEADER.decode(_decoded(parts[0]))
            signature = _decoded(parts[2])
        except (msgspec.DecodeError, binascii.Error) as error:
            raise BadToken("not a token") from error
        if header.alg != "EdDSA" or header.typ != TYPE or header.kid not in self._kids:
            raise BadToken("not a grant token of ours")
        if not self._keyring.verify(header.kid, parts[0] + b"." + parts[1], signature):
            raise BadToken("the signature is not ours")
        try:
            body = _BODY.decode(_decoded(parts[1]))
            if body.iss != self._issuer or body.aud != self._audience or body.v != 1:
                raise BadToken("the token is for another place")
            return _claims(body)
        except (msgspec.DecodeError, binascii.Error, ids.BadId, BadMeter) as error:
            raise BadToken("not a grant token") from error


def _claims(body: _Body) -> GrantClaims:
    return GrantClaims(
        jti=ids.parse("tok", body.jti),
        grant_id=ids.parse("grt", body.grant),
        buyer_id=ids.parse("org", body.sub),
        seller_id=ids.parse("org", body.seller),
        listing_id=ids.parse("lst", body.listing),
        dataset_id=ids.parse("ds", body.dataset),
        revision_id=ids.parse("rev", body.revision),
        purposes=frozenset(body.purposes),
        meters=meters_of(body.meters),
        issued_at=datetime.fromtimestamp(body.iat, UTC),
        expires_at=datetime.fromtimestamp(body.exp, UTC),
    )


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decoded(data: bytes) -> bytes:
    # Strict: only one text stands for given bytes, or a token could be written in several ways.
    raw = base64.b64decode(data + b"=" * (-len(data) % 4), altchars=b"-_", validate=True)
    if base64.urlsafe_b64encode(raw).rstrip(b"=") != data:
        raise binascii.Error("not the one form of these bytes")
    return raw
