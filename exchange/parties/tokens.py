"""Access tokens: made and checked without a look at the database.

source   RFC 9068 (claims and `typ`), RFC 8725 (best practice), RFC 8037 (EdDSA), RFC 7662 (introspection)
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from exchange.kernel import ids
from exchange.kernel.actor import Actor
from exchange.kernel.errors import UNAUTHENTICATED, Problem
from exchange.kernel.keys import Keyring
from exchange.parties.clients import Credentials
from exchange.parties.organisations import State
from exchange.parties.roles import Role
from exchange.parties.settings import TokenSettings

__all__ = ["Token", "TokenCache", "TokenSettings", "introspection", "issue", "token_keys", "verify"]

PURPOSE = "token"
_ALGORITHM = "EdDSA"
_TYPES = frozenset({"at+jwt", "application/at+jwt"})
_REQUIRED = ["iss", "exp", "aud", "sub", "client_id", "iat", "jti", "scope", "org", "roles"]
# Exactly three parts of unpadded base64url: PyJWT would also take a padded signature, and so another text of one token.
_COMPACT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{86}\Z")
_JTI = re.compile(r"[!-~]{1,64}\Z")
_TIME_MAX = 1 << 40


@dataclass(frozen=True, slots=True)
class Token:
    """What a verified token says."""

    jti: str
    organisation_id: UUID
    client_id: UUID
    roles: frozenset[str]
    scopes: frozenset[str]
    issued_at: datetime
    expires_at: datetime

    def actor(self) -> Actor:
        """The party that holds it."""
        return Actor(self.organisation_id, self.client_id, self.roles, self.scopes, self.jti)


def issue(keyring: Keyring, token: Token, settings: TokenSettings) -> str:
    """Sign a token.

    errors   UnknownKey when the ring has no key for tokens
    """
    key = keyring.signer(PURPOSE)
    client = ids.text("cli", token.client_id)
    claims = {
        "iss": settings.issuer,
        "aud": settings.audience,
        "sub": client,
        "client_id": client,
        "org": ids.text("org", token.organisation_id),
        "roles": sorted(token.roles),
        "scope": " ".join(sorted(token.scopes)),
        "iat": int(token.issued_at.timestamp()),
        "exp": int(token.expires_at.timestamp()),
        "jti": token.jti,
    }
    return jwt.encode(claims, key.private, algorithm=_ALGORITHM, headers={"typ": "at+jwt", "kid": key.kid})


def token_keys(keyring: Keyring) -> dict[str, Ed25519PublicKey]:
    """The keys that may sign tokens: a key of another purpose proves nothing here."""
    return {key.kid: key.private.public_key() for key in list(keyring.keys()) if key.purpose == PURPOSE}


def verify(text: str, keys: Mapping[str, Ed25519PublicKey], settings: TokenSettings, now: datetime) -> Token | Problem:
    """Check a token's form, type, algorithm, key, signature, issuer, audience and times, in this order.

    Whether it was revoked is asked of the store, by `jti`, each time.

    errors   answers UNAUTHENTICATED, the same for every fault: the holder of a bad token learns nothing from it
    """
    if len(text) > settings.token_max_bytes or not _COMPACT.match(text) or not _canonical_tail(text):
        return UNAUTHENTICATED()
    try:
        header = jwt.get_unverified_header(text)
        key = keys.get(header["kid"])
        if key is None or header["alg"] != _ALGORITHM or str(header["typ"]).lower() not in _TYPES or "crit" in header:
            return UNAUTHENTICATED()
        claims = jwt.decode(
            text,
            key,
            algorithms=[_ALGORITHM],
            audience=settings.audience,
            issuer=settings.issuer,
            # PyJWT would ask the machine for the time: we check the times ourselves, with the one handed in.
            options={
                "require": _REQUIRED,
                "strict_aud": True,
                "verify_exp": False,
                "verify_iat": False,
                "verify_nbf": False,
            },
        )
        return _token(claims, settings, now)
    except (jwt.PyJWTError, KeyError, TypeError, ValueError, RecursionError):
        return UNAUTHENTICATED()


def _canonical_tail(text: str) -> bool:
    """Whether the signature is written in its one canonical way: the last letter carries two bits and four zeros."""
    tail = text.rsplit(".", 1)[1]
    return base64.urlsafe_b64encode(base64.urlsafe_b64decode(tail + "==")).rstrip(b"=").decode() == tail


def _token(claims: Mapping[str, Any], settings: TokenSettings, now: datetime) -> Token | Problem:
    issued, expires, not_before = claims["iat"], claims["exp"], claims.get("nbf", 0)
    moment = now.timestamp()
    if not all(type(time) is int and 0 <= time < _TIME_MAX for time in (issued, expires, not_before)):
        return UNAUTHENTICATED()
    latest = moment + settings.clock_skew_s
    if expires <= moment or issued > latest or not_before > latest or expires <= issued:
        return UNAUTHENTICATED()
    roles, scope, jti, client = claims["roles"], claims["scope"], claims["jti"], claims["client_id"]
    texts = [scope, jti, client, claims["org"], *(roles if isinstance(roles, list) else [None])]
    if not all(isinstance(one, str) for one in texts) or claims["sub"] != client or not _JTI.match(jti):
        return UNAUTHENTICATED()
    return Token(
        jti,
        ids.parse("org", claims["org"]),
        ids.parse("cli", client),
        frozenset(roles),
        frozenset(scope.split()),
        datetime.fromtimestamp(issued, UTC),
        datetime.fromtimestamp(expires, UTC),
    )


class TokenCache:
    """Verifies tokens, and each one once: a signature check costs a hundred hash look-ups.

    Only the exact bytes that were verified are found again, and only until they expire; revocation is not cached here.
    """

    def __init__(self, keyring: Keyring, settings: TokenSettings) -> None:
        """Verify with the ring's keys for tokens."""
        self._settings = settings
        self._keys = token_keys(keyring)
        self._known: dict[bytes, tuple[float, Token]] = {}

    def rotate(self, keyring: Keyring) -> None:
        """Use another set of keys; what the old ones vouched for is forgotten."""
        self._keys = token_keys(keyring)
        self._known.clear()

    def verify(self, text: str, now: datetime) -> Actor | Problem:
        """The party that holds a token.

        errors   answers UNAUTHENTICATED
        """
        token = self.token(text, now)
        return token if isinstance(token, Problem) else token.actor()

    def token(self, text: str, now: datetime) -> Token | Problem:
        """What a token says.

        errors   answers UNAUTHENTICATED
        """
        name = hashlib.sha256(text.encode(errors="surrogatepass")).digest()
        found = self._known.get(name)
        if found is not None:
            if now.timestamp() < found[0]:
                return found[1]
            del self._known[name]
            return UNAUTHENTICATED()
        token = verify(text, self._keys, self._settings, now)
        if isinstance(token, Token):
            if len(self._known) >= self._settings.cached_max:
                # The oldest entry goes: it is the nearest to its end, since all tokens live equally long.
                del self._known[next(iter(self._known))]
            self._known[name] = (token.expires_at.timestamp(), token)
        return token

    def __len__(self) -> int:
        """How many tokens are remembered."""
        return len(self._known)


def introspection(
    token: Token | Problem, *, holds: bool, caller: Credentials, settings: TokenSettings
) -> dict[str, object]:
    """What the introspection endpoint answers to an authenticated caller.

    An unknown, expired, revoked or foreign token is `active: false` and nothing else.

    source   RFC 7662, section 2.2
    """
    if isinstance(token, Problem) or not holds:
        return {"active": False}
    operator = caller.state is State.VERIFIED and Role.OPERATOR in caller.roles
    if token.organisation_id != caller.organisation_id and not operator:
        return {"active": False}
    client = ids.text("cli", token.client_id)
    return {
        "active": True,
        "scope": " ".join(sorted(token.scopes)),
        "client_id": client,
        "sub": client,
        "token_type": "Bearer",
        "iss": settings.issuer,
        "aud": settings.audience,
        "iat": int(token.issued_at.timestamp()),
        "exp": int(token.expires_at.timestamp()),
        "jti": token.jti,
        "org": ids.text("org", token.organisation_id),
        "roles": sorted(token.roles),
    }
