"""Clients: machines that act for an organisation with an id and a secret.

Why SHA-256 and not a slow password hash: a slow hash makes guessing a *guessable* secret dear. Ours is 256 bits from the
system's random source, made by us and never chosen by a person (`hash_secret` refuses anything shorter), so nobody can
guess it at any speed; a slow hash would only hand strangers a way to keep our processors busy at the token endpoint.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from exchange.kernel.errors import Problem
from exchange.kernel.text import Text
from exchange.parties.organisations import State
from exchange.parties.problems import CLIENT_INVALID, INVALID_SCOPE
from exchange.parties.roles import SCOPES, Role, scopes_of
from exchange.parties.settings import PartiesSettings

SECRET_BYTES = 32
# secrets.token_urlsafe(32) writes 43 characters.
_SECRET_CHARS_MIN = 43
_SECRET_CHARS_MAX = 256
_NO_SECRET = bytes(32)


@dataclass(frozen=True, slots=True)
class Client:
    """A client as its organisation sees it: no secret and no hash."""

    id: UUID
    organisation_id: UUID
    label: str
    scopes: frozenset[str]
    created_at: datetime
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class Credentials:
    """What the token endpoint needs to know of a client, and of whom it acts for."""

    id: UUID
    organisation_id: UUID
    secret_hash: bytes
    scopes: frozenset[str]
    revoked_at: datetime | None
    state: State
    roles: frozenset[Role]


@dataclass(frozen=True, slots=True)
class NewClient:
    """A client to be made, already checked; the secret itself never comes here."""

    label: str
    secret_hash: bytes
    scopes: frozenset[str]


def new_client(label: str, scopes: Sequence[str], secret_hash: bytes, settings: PartiesSettings) -> NewClient | Problem:
    """Check a client to be made.

    errors   answers CLIENT_INVALID, INVALID_SCOPE
    """
    if not 0 < len(label.strip()) <= settings.name_max_chars or not label.isprintable():
        return CLIENT_INVALID(reason=_label(settings.name_max_chars))
    wanted = frozenset(scopes)
    if not wanted or not wanted <= SCOPES:
        return INVALID_SCOPE(scopes=" ".join(sorted(SCOPES)))
    return NewClient(label.strip(), secret_hash, wanted)


def _label(limit: int) -> Text:
    return Text(f"a label has 1 to {limit} characters without line breaks", f"名称须为 1 至 {limit} 个字符，不含换行")


def hash_secret(secret: str) -> bytes:
    """The only form in which a secret is kept.

    errors   ValueError for a secret shorter than 256 random bits take: always a mistake of ours
    """
    if not _SECRET_CHARS_MIN <= len(secret) <= _SECRET_CHARS_MAX:
        raise ValueError("a client secret is made by us from 32 random bytes")
    return hashlib.sha256(secret.encode()).digest()


def proves(credentials: Credentials | None, secret: str) -> bool:
    """Whether `secret` is the client's; an unknown client takes as long as a known one."""
    given = hashlib.sha256(secret[:_SECRET_CHARS_MAX].encode(errors="replace")).digest()
    same = hmac.compare_digest(given, credentials.secret_hash if credentials else _NO_SECRET)
    return same and credentials is not None and credentials.revoked_at is None


def granted_scopes(credentials: Credentials, asked: str | None) -> frozenset[str] | Problem:
    """The scopes of a token: what was asked for and the client has and the organisation's verified roles open.

    shapes   `asked` is RFC 6749's `scope`, names between single spaces; None asks for everything there is
    errors   answers INVALID_SCOPE when something asked for can't be given
    """
    opened = scopes_of(credentials.roles if credentials.state is State.VERIFIED else ())
    possible = credentials.scopes & opened
    if asked is None or not asked.strip():
        return possible
    wanted = frozenset(asked.split())
    return wanted if wanted <= possible else INVALID_SCOPE(scopes=" ".join(sorted(possible)))
