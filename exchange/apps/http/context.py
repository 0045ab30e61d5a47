"""What handlers are handed: the services of this process, and who asks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from litestar.connection import ASGIConnection
from litestar.handlers.base import BaseRouteHandler

from exchange.kernel.actor import Actor
from exchange.kernel.batch import Batcher
from exchange.kernel.db import Database
from exchange.kernel.errors import FORBIDDEN, UNAUTHENTICATED, Problem, Refused
from exchange.kernel.files import FileStore
from exchange.kernel.keys import Keyring
from exchange.parties import store as parties
from exchange.parties.tokens import TokenCache, TokenSettings

Connection = ASGIConnection[Any, Any, Any, Any]


@dataclass(slots=True)
class Services:
    """Everything that a handler may use, put together once by exchange.main."""

    db: Database
    keyring: Keyring
    files: FileStore
    tokens: TokenCache
    token_settings: TokenSettings
    origin: str
    purchases: Batcher[Any, Any]
    reads: Batcher[Any, Any]
    extra: dict[str, Any] = field(default_factory=dict)


def services_of(connection: Connection) -> Services:
    """The services of the app that serves this connection."""
    services: Services = connection.app.state.services
    return services


def actor_of(connection: Connection) -> Actor:
    """Who asks; the guard has put it there."""
    actor: Actor = connection.scope["actor"]  # type: ignore[typeddict-item]
    return actor


async def needs_portal(connection: Connection, handler: BaseRouteHandler) -> None:
    """Let in who holds a live access token with the scope that the route names in `opt["portal"]`.

    errors   raises Refused(unauthenticated) or Refused(forbidden)
    """
    portal = handler.opt.get("portal")
    if portal is None:
        return
    services = services_of(connection)
    actor = bearer(connection, services)
    if portal != "any" and (portal not in actor.scopes or portal not in actor.roles):
        raise Refused(FORBIDDEN(needs=portal))
    if not handler.opt.get("revocation_in_flow"):
        async with services.db.read(actor) as tx:
            if await parties.revoked(tx, [actor.jti]):
                raise Refused(UNAUTHENTICATED())
    connection.scope["actor"] = actor  # type: ignore[typeddict-unknown-key]


def bearer(connection: Connection, services: Services) -> Actor:
    """The actor of the Authorization header.

    errors   raises Refused(unauthenticated)
    """
    scheme, _, token = connection.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Refused(UNAUTHENTICATED())
    actor = services.tokens.verify(token, services.db.clock.now())
    if isinstance(actor, Problem):
        raise Refused(actor)
    return actor
