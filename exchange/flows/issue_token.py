"""A client shows its secret and gets an access token (RFC 6749, client credentials)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import msgspec

from compliance import store as audit
from exchange.flows.once import done
from exchange.kernel import ids
from exchange.kernel.db import Tx
from exchange.kernel.errors import Problem
from exchange.kernel.keys import Keyring
from exchange.parties import store as parties
from exchange.parties.clients import Credentials, granted_scopes, proves
from exchange.parties.organisations import State
from exchange.parties.problems import INVALID_CLIENT, UNSUPPORTED_GRANT_TYPE
from exchange.parties.settings import TokenSettings
from exchange.parties.tokens import Token, issue

_GRANT_TYPE = "client_credentials"


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """The form that the token endpoint received; `client` is an id in text form."""

    client: str
    secret: str
    grant_type: str = _GRANT_TYPE
    scope: str | None = None

    def __repr__(self) -> str:
        """Say nothing of the secret: a representation ends up in logs."""
        return f"TokenRequest({self.client!r}, ...)"


class TokenIssued(msgspec.Struct, frozen=True):
    """The answer of RFC 6749, section 5.1."""

    access_token: str
    token_type: str
    expires_in: int
    scope: str


async def issue_token(
    tx: Tx, request: TokenRequest, keyring: Keyring, settings: TokenSettings
) -> TokenIssued | Problem:
    """Make a token with what was asked for, the client has and the organisation's verified roles open.

    errors   answers UNSUPPORTED_GRANT_TYPE, INVALID_CLIENT, INVALID_SCOPE
    """
    if request.grant_type != _GRANT_TYPE:
        return UNSUPPORTED_GRANT_TYPE()
    client = await authenticate(tx, request.client, request.secret)
    if isinstance(client, Problem):
        return client
    scopes = granted_scopes(client, request.scope)
    if isinstance(scopes, Problem):
        return scopes
    now = tx.now.replace(microsecond=0)
    # An organisation that is not verified has asked for its roles, but has none.
    roles = frozenset(role.value for role in client.roles) if client.state is State.VERIFIED else frozenset[str]()
    token = Token(
        jti=ids.text("tok", tx.new_id()),
        organisation_id=client.organisation_id,
        client_id=client.id,
        roles=roles,
        scopes=scopes,
        issued_at=now,
        expires_at=now + timedelta(seconds=settings.ttl_s),
    )
    await audit.append(tx, [done(token.actor(), "token.issue", token.jti)])
    return TokenIssued(issue(keyring, token, settings), "Bearer", settings.ttl_s, " ".join(sorted(scopes)))


async def authenticate(tx: Tx, client: str, secret: str) -> Credentials | Problem:
    """The client that this id and secret belong to.

    errors   answers INVALID_CLIENT, the same for an unknown id, a wrong secret and a revoked client
    """
    try:
        found = await parties.credentials(tx, ids.parse("cli", client))
    except ids.BadId:
        found = None
    return found if found is not None and proves(found, secret) else _nobody(found, secret)


def _nobody(found: Credentials | None, secret: str) -> Problem:
    if found is None:
        proves(None, secret)  # takes as long as for a client that exists
    return INVALID_CLIENT()
