"""What handlers are handed: the services of this process, and who asks."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from litestar import Request
from litestar.connection import ASGIConnection

from exchange.access.reads import Admitted, Read, Recorded, Sent
from exchange.access.tokens import TokenVerifier
from exchange.apps.http.asked import refuse_unknown
from exchange.apps.http.plain import header
from exchange.flows.ask_quote import Question
from exchange.flows.once import Answered
from exchange.flows.purchase import Purchase
from exchange.flows.sale import Sales
from exchange.kernel.actor import Actor
from exchange.kernel.batch import Batcher
from exchange.kernel.db import Database
from exchange.kernel.errors import FORBIDDEN, UNAUTHENTICATED, Problem, Refused
from exchange.kernel.files import FileStore
from exchange.kernel.keys import Keyring
from exchange.kernel.subjects import Vault
from exchange.parties import store as parties
from exchange.parties.tokens import TokenCache
from exchange.settings import Settings

Connection = ASGIConnection[Any, Any, Any, Any]


@dataclass(slots=True)
class Services:
    """Everything that a handler may use, put together once by exchange.main."""

    db: Database
    settings: Settings
    keyring: Keyring
    files: FileStore
    vault: Vault
    tokens: TokenCache
    grants: TokenVerifier
    sales: Sales
    holder: UUID
    purchases: Batcher[Purchase, Answered | Problem]
    quotes: Batcher[Question, Answered | Problem]
    reads: Batcher[Read, Admitted | Problem]
    records: Batcher[Sent, Recorded]
    gateway: Any = None
    webhook: Callable[[bytes, str], Any] | None = None
    connect_webhook: Callable[[bytes, str], Any] | None = None
    endings: list[Callable[[], Awaitable[None]]] = field(default_factory=list)
    """What apps do before the batches end."""

    def start(self) -> None:
        """Let the batches run, on the running loop."""
        for batcher in (self.purchases, self.quotes, self.reads, self.records):
            batcher.start()

    async def stop(self) -> None:
        """Finish what waits."""
        for ending in self.endings:
            await ending()
        for batcher in (self.purchases, self.quotes, self.reads, self.records):
            await batcher.stop()


def services_of(connection: Connection) -> Services:
    """The services of the app that serves this connection."""
    services: Services = connection.app.state.services
    return services


def actor_of(connection: Connection) -> Actor:
    """Who asks; `needs_portal` has put it there."""
    actor: Actor = connection.scope["actor"]  # type: ignore[typeddict-item]
    return actor


async def needs_portal(connection: Request[Any, Any, Any]) -> None:
    """Let in who holds a live access token with the scope that the route names in `opt["portal"]`.

    Runs before each handler, and before its body is looked at. (The framework's guards would do as well, but copy the
    handler for each request.)

    errors   raises Refused(unauthenticated), Refused(forbidden), or Refused(invalid-request) for what a query may not ask
    """
    handler = connection.route_handler
    portal = handler.opt.get("portal")
    if portal is not None:
        await let_in(connection, portal, revocation_in_flow=bool(handler.opt.get("revocation_in_flow")))
        refuse_unknown(connection)


async def let_in(connection: Connection, portal: str, *, revocation_in_flow: bool) -> None:
    """Let in who holds an access token for `portal`; a flow that asks for revocation itself need not be asked twice.

    errors   raises Refused(unauthenticated) or Refused(forbidden)
    """
    services = services_of(connection)
    actor = bearer(connection, services)
    # One portal serves assessors, brokers and all other service providers: their scope says it, not one role's name.
    acts = portal in actor.roles or portal == "organisation" or (portal == "assessor" and bool(actor.roles))
    if portal != "any" and not (portal in actor.scopes and acts):
        raise Refused(FORBIDDEN(needs=portal))
    if not revocation_in_flow:
        async with services.db.read(actor) as tx:
            if await parties.lapsed(tx, [actor]):
                raise Refused(UNAUTHENTICATED())
    connection.scope["actor"] = actor  # type: ignore[typeddict-unknown-key]


def bearer(connection: Connection, services: Services) -> Actor:
    """The actor of the Authorization header.

    errors   raises Refused(unauthenticated)
    """
    scheme, _, token = header(connection, b"authorization").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Refused(UNAUTHENTICATED())
    actor = services.tokens.verify(token, services.db.clock.now())
    if isinstance(actor, Problem):
        raise Refused(actor)
    return actor
