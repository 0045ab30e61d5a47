"""An organisation makes a client for a machine of its own, or ends one."""

from __future__ import annotations

from uuid import UUID

import msgspec

from compliance import store as audit
from exchange.flows.once import done
from exchange.kernel import ids
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.errors import NOT_FOUND, Problem
from exchange.parties import store as parties
from exchange.parties.clients import NewClient
from exchange.parties.problems import INVALID_SCOPE, TOO_MANY_CLIENTS
from exchange.parties.settings import PartiesSettings


class ClientCreated(msgspec.Struct, frozen=True):
    """The new client. Its secret is not here: whoever made it adds it to the answer, once."""

    client: str
    label: str
    scopes: list[str]


class ClientRevoked(msgspec.Struct, frozen=True):
    """A client that gets no tokens any more."""

    client: str


async def create_client(tx: Tx, actor: Actor, client: NewClient, settings: PartiesSettings) -> ClientCreated | Problem:
    """Make a client that can do at most what the client that asks can do.

    errors   answers NOT_FOUND, INVALID_SCOPE, TOO_MANY_CLIENTS
    """
    maker = await parties.credentials(tx, actor.client_id)
    if maker is None or maker.revoked_at is not None:
        return NOT_FOUND()
    if not client.scopes <= maker.scopes:
        return INVALID_SCOPE(scopes=" ".join(sorted(maker.scopes)))
    if await parties.count_clients(tx, actor.organisation_id) >= settings.clients_max:
        return TOO_MANY_CLIENTS(limit=settings.clients_max)
    client_id = tx.new_id()
    await parties.add_client(tx, client_id, actor.organisation_id, client)
    name = ids.text("cli", client_id)
    await audit.append(tx, [done(actor, "client.create", name)])
    return ClientCreated(name, client.label, sorted(client.scopes))


async def revoke_client(tx: Tx, actor: Actor, client_id: UUID) -> ClientRevoked | Problem:
    """End a client of one's own organisation, and with it every token it holds.

    errors   answers NOT_FOUND
    """
    if not await parties.revoke_client(tx, actor.organisation_id, client_id):
        return NOT_FOUND()
    name = ids.text("cli", client_id)
    await audit.append(tx, [done(actor, "client.revoke", name)])
    return ClientRevoked(name)
