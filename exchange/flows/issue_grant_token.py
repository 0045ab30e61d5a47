"""A buyer takes a token for the data plane, and takes it back."""

from __future__ import annotations

from uuid import UUID

import msgspec

from compliance import store as audit
from compliance.problems import FROZEN
from exchange.access import tokens
from exchange.access.grants import GrantState
from exchange.access.problems import GRANT_ENDED, GRANT_SUSPENDED
from exchange.access.reads import freezable
from exchange.access.settings import AccessSettings
from exchange.access.store import grants
from exchange.flows.once import done
from exchange.kernel import ids
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.errors import NOT_FOUND, Problem
from exchange.kernel.keys import Keyring


class GrantToken(msgspec.Struct, frozen=True):
    """A token for the data plane; it is shown this once."""

    id: str
    grant: str
    token: str
    expires_at: str


class TokenRevoked(msgspec.Struct, frozen=True):
    """A token that no longer opens anything."""

    id: str
    revoked: bool


async def issue_grant_token(
    tx: Tx, actor: Actor, grant_id: UUID, keyring: Keyring, issuer: str, audience: str, settings: AccessSettings
) -> GrantToken | Problem:
    """Sign a token of a grant that the actor's organisation bought.

    errors   answers not-found, grant-ended, grant-suspended, frozen-by-directive
    """
    grant = (await grants.load(tx, [grant_id])).get(grant_id)
    if grant is None or grant.buyer_id != actor.organisation_id:
        return NOT_FOUND()
    name = ids.text("grt", grant_id)
    if grant.state is GrantState.ENDED or (grant.ends_at is not None and tx.now >= grant.ends_at):
        return GRANT_ENDED(grant=name)
    if grant.state is GrantState.SUSPENDED:
        return GRANT_SUSPENDED(grant=name)
    parts = freezable(grant)
    frozen = await audit.frozen(tx, [one for _, one in parts])
    target = next((ids.text(prefix, one) for prefix, one in parts if one in frozen), None)
    if target is not None:
        return FROZEN(target=target)
    jti = tx.new_id()
    text, ends_at = tokens.issue(
        keyring, grant, jti=jti, issuer=issuer, audience=audience, now=tx.now, settings=settings
    )
    await grants.insert_tokens(tx, [(jti, grant, ends_at)])
    await audit.append(tx, [done(actor, "token.grant", name, grant.seller_id)])
    return GrantToken(ids.text("tok", jti), name, text, ends_at.isoformat())


async def revoke_grant_token(tx: Tx, actor: Actor, jti: UUID) -> TokenRevoked | Problem:
    """Revoke a token of the actor's organisation; a second time changes nothing.

    errors   answers not-found
    """
    name = ids.text("tok", jti)
    if not await grants.owns_token(tx, jti, actor.organisation_id):
        return NOT_FOUND()
    if await grants.revoke_tokens(tx, [jti], actor.organisation_id):
        await audit.append(tx, [done(actor, "token.revoke", name)])
    return TokenRevoked(name, revoked=True)
