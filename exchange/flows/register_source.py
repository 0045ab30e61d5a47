"""A supplier names the clients that report usage for data it holds itself."""

from __future__ import annotations

from uuid import UUID

import msgspec

from compliance import store as audit
from exchange.access.store import usage
from exchange.flows.once import done
from exchange.kernel import ids
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.errors import NOT_FOUND, Problem
from exchange.parties import store as parties


class SourceRegistered(msgspec.Struct, frozen=True):
    """A client that may report usage; `source` is the number that its records carry."""

    client: str
    source: int


class SourceRevoked(msgspec.Struct, frozen=True):
    """A client that may report no more."""

    client: str


async def register_source(tx: Tx, actor: Actor, client_id: UUID) -> SourceRegistered | Problem:
    """Let one of the actor's own clients report usage; again, it revives the same source.

    errors   answers NOT_FOUND
    """
    client = await parties.credentials(tx, client_id)
    if client is None or client.organisation_id != actor.organisation_id or client.revoked_at is not None:
        return NOT_FOUND()
    number = await usage.register_source(tx, actor.organisation_id, client_id)
    name = ids.text("cli", client_id)
    await audit.append(tx, [done(actor, "usage-source.register", name)])
    return SourceRegistered(name, number)


async def revoke_source(tx: Tx, actor: Actor, client_id: UUID) -> SourceRevoked | Problem:
    """End the reports of one of the actor's own clients.

    errors   answers NOT_FOUND
    """
    source = await usage.source_of(tx, client_id)
    if source is None or source.organisation_id != actor.organisation_id:
        return NOT_FOUND()
    await usage.revoke_source(tx, client_id)
    name = ids.text("cli", client_id)
    await audit.append(tx, [done(actor, "usage-source.revoke", name)])
    return SourceRevoked(name)
