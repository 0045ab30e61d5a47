"""A client gives up a token (RFC 7009), or asks what one says (RFC 7662)."""

from __future__ import annotations

import msgspec

from compliance import store as audit
from exchange.flows.issue_token import authenticate
from exchange.flows.once import done
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.errors import Problem
from exchange.parties import store as parties
from exchange.parties.problems import INVALID_CLIENT, UNAUTHORIZED_CLIENT
from exchange.parties.settings import TokenSettings
from exchange.parties.tokens import Token, introspection


class TokenRevoked(msgspec.Struct, frozen=True):
    """The token holds no longer, or never did; the endpoint answers 200 with no body either way."""


async def revoke_token(tx: Tx, client: str, secret: str, token: Token | Problem) -> TokenRevoked | Problem:
    """End a token of the client that asks; `token` is what `tokens.verify` said of the text sent.

    An unknown or expired token is no error: what its holder wants is already so.

    errors   answers INVALID_CLIENT, and UNAUTHORIZED_CLIENT for a live token of another client
    source   RFC 7009, sections 2.1 and 2.2
    """
    caller = await authenticate(tx, client, secret)
    if isinstance(caller, Problem):
        return caller
    if isinstance(token, Problem):
        return TokenRevoked()
    if token.client_id != caller.id:
        return UNAUTHORIZED_CLIENT()
    await parties.revoke_token(tx, token)
    await audit.append(tx, [done(token.actor(), "token.revoke", token.jti)])
    return TokenRevoked()


async def show_token(
    tx: Tx, client: str, secret: str, token: Token | Problem, settings: TokenSettings
) -> dict[str, object] | Problem:
    """What a token says and whether it holds now, for an authenticated client.

    errors   answers INVALID_CLIENT
    source   RFC 7662
    """
    caller = await authenticate(tx, client, secret)
    if isinstance(caller, Problem):
        return caller
    holds = isinstance(token, Token) and not await parties.lapsed(tx, [token.actor()])
    return introspection(token, holds=holds, caller=caller, settings=settings)


async def show_token_to(
    tx: Tx, asker: Actor, token: Token | Problem, settings: TokenSettings
) -> dict[str, object] | Problem:
    """What a token says and whether it holds now, for whoever shows a live access token of its own.

    errors   answers INVALID_CLIENT where the asker's token or client is revoked
    source   RFC 7662, section 2.1: the endpoint may take a bearer token as authorization
    """
    lapsed = await parties.lapsed(tx, [asker])
    caller = None if lapsed else await parties.credentials(tx, asker.client_id)
    if caller is None:
        return INVALID_CLIENT()
    holds = isinstance(token, Token) and not await parties.lapsed(tx, [token.actor()])
    return introspection(token, holds=holds, caller=caller, settings=settings)
