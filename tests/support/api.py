"""The exchange on a real socket, with a real database: for tests of the HTTP APIs.

    async with market(database_url, tmp_path) as m:
        supplier = await m.join("supplier")              # verified, with a token
        new = await m.join("buyer", verified=False)      # registered only
        answer = await m.post(supplier, "/supplier/v1/datasets", {...})     # with an Idempotency-Key of its own
        answer = await m.http.get("/supplier/v1/datasets", headers=supplier.headers)

Everything runs in the test's own loop: the services (`m.services`), the server, the client.
"""

from __future__ import annotations

import asyncio
import importlib
import itertools
import secrets
import socket
import warnings
from collections import OrderedDict, defaultdict
from collections.abc import AsyncIterator, Collection, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
from granian.constants import Interfaces
from granian.server.embed import Server
from stdnum.cn import uscc
from stdnum.iso7064 import mod_97_10

from exchange.apps.http.context import Services
from exchange.apps.http.people import newcomers
from exchange.apps.http.root import Root
from exchange.flows.create_client import ClientCreated, create_client
from exchange.flows.issue_token import TokenIssued, TokenRequest, issue_token
from exchange.flows.register_organisation import Registered, found_operator, register_organisation
from exchange.flows.submit_evidence import submit_evidence
from exchange.flows.verify_organisation import Decided, verify_organisation
from exchange.kernel import ids
from exchange.kernel.actor import Actor
from exchange.kernel.clock import Clock, SystemClock
from exchange.kernel.db import DatabaseUrls, Observer
from exchange.kernel.keys import Keyring
from exchange.parties.clients import hash_secret, new_client
from exchange.parties.evidence import Document, document
from exchange.parties.organisations import RESERVED, State, Wish, wish
from exchange.parties.roles import scopes_of
from exchange.process import Ground, ring, services
from exchange.settings import Settings, load

_APPS = {
    "supplier": "supplier",
    "buyer": "buyer",
    "assessor": "assessor",
    "regulator": "regulator",
    "operator": "operator",
    "data": "data",
    "oauth2": "oauth",
    "hooks": "hooks",
}
# Built once and lent to one market after another: an app of so many routes takes up to two tenths of a second, and knows the
# exchange that it belongs to by its state alone. Those that begin work of their own when they are built are built anew.
STATE_ALONE = frozenset({"supplier", "buyer", "assessor", "regulator", "operator"})
_shelf: defaultdict[str, list[Any]] = defaultdict(list)
_EVIDENCE = {"kind": "business_licence", "sha256": bytes(range(32)), "size_bytes": 9, "media_type": "application/pdf"}


@dataclass(frozen=True, slots=True)
class Party:
    """An organisation with its first client, and a token of it."""

    organisation: str
    client: str
    secret: str
    token: str
    actor: Actor
    member: str = ""

    @property
    def id(self) -> UUID:
        """The organisation's id."""
        return self.actor.organisation_id

    @property
    def headers(self) -> dict[str, str]:
        """What lets it in."""
        return {"authorization": f"Bearer {self.token}"}


@dataclass(slots=True)
class Market:
    """A running exchange and a client of it."""

    services: Services
    http: httpx.AsyncClient
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))
    _operator: Party | None = None

    async def operator(self) -> Party:
        """The one operator of this market."""
        if self._operator is None:
            self._operator = await self._found()
        return self._operator

    async def join(
        self, *roles: str, verified: bool = True, country: str = "CN", name: str = "", tax_number: bool = False
    ) -> Party:
        """An organisation with these roles, verified unless told otherwise, made through the flows."""
        limits, secret = self.services.settings.parties, secrets.token_urlsafe(32)
        wanted = self._wish(roles, country, name, tax_number=tax_number)
        client = new_client("test", sorted(scopes_of(wanted.roles)), hash_secret(secret), limits)
        who = await newcomers(self.services)
        made = await self.services.db.run(lambda tx: register_organisation(tx, wanted, client, who))  # type: ignore[arg-type]
        if verified:
            await self.verify(made)
        return await self.sign_in(made, secret)

    async def verify(self, made: Registered) -> None:
        """Hand in evidence for an organisation and have the operator verify it."""
        operator, limits = await self.operator(), self.services.settings.parties
        itself = _actor(made)
        paper = document(**_EVIDENCE)  # type: ignore[arg-type]
        assert isinstance(paper, Document)
        await self.services.db.run(lambda tx: submit_evidence(tx, itself, [paper], limits))
        decided = await self.services.db.run(
            lambda tx: verify_organisation(
                tx, operator.actor, itself.organisation_id, State.VERIFIED, "papers seen", limits
            )
        )
        assert isinstance(decided, Decided), decided

    async def another_client(self, party: Party) -> Party:
        """A second client of the same organisation, with all that the first one may do: the other two of four eyes."""
        limits, secret = self.services.settings.parties, secrets.token_urlsafe(32)
        client = new_client("second", sorted(party.actor.scopes), hash_secret(secret), limits)
        made = await self.services.db.run(lambda tx: create_client(tx, party.actor, client, limits))  # type: ignore[arg-type]
        assert isinstance(made, ClientCreated), made
        return await self.sign_in(Registered(party.organisation, "verified", party.member, made.client), secret)

    async def sign_in(self, made: Registered, secret: str, scope: str | None = None) -> Party:
        """A token for an organisation's client."""
        request = TokenRequest(made.client, secret, scope=scope)
        services = self.services
        issued = await services.db.run(lambda tx: issue_token(tx, request, services.keyring, services.settings.token))
        assert isinstance(issued, TokenIssued), issued
        actor = services.tokens.verify(issued.access_token, services.db.clock.now())
        assert isinstance(actor, Actor), actor
        return Party(made.organisation, made.client, secret, issued.access_token, actor, made.member)

    async def post(
        self, party: Party, path: str, body: Any = None, *, key: str | None = None, headers: Mapping[str, str] = {}
    ) -> httpx.Response:
        """A command with a fresh Idempotency-Key, or with `key`."""
        given = {**party.headers, "idempotency-key": key or secrets.token_hex(8), **headers}
        return (
            await self.http.post(path, json=body, headers=given)
            if body is not None
            else await self.http.post(path, headers=given)
        )

    async def done(self, party: Party, path: str, body: Any = None) -> dict[str, Any]:
        """What a command answers that must succeed."""
        answer = await self.post(party, path, body)
        assert answer.status_code < 300, f"{path}: {answer.status_code} {answer.text}"
        receipt: dict[str, Any] = answer.json()
        return receipt

    async def get(self, party: Party | None, path: str, **query: Any) -> httpx.Response:
        """A read as `party`, or as nobody."""
        return await self.http.get(path, params=query or None, headers=party.headers if party else {})

    async def _found(self) -> Party:
        secret, limits = secrets.token_urlsafe(32), self.services.settings.parties
        wanted = self._wish(("operator",), "CN", "Operator", reserved=frozenset())
        client = new_client("test", sorted(scopes_of(wanted.roles)), hash_secret(secret), limits)
        who = await newcomers(self.services)
        made = await self.services.db.run(lambda tx: found_operator(tx, wanted, client, who))  # type: ignore[arg-type]
        return await self.sign_in(made, secret)

    def _wish(
        self,
        roles: tuple[str, ...],
        country: str,
        name: str,
        reserved: frozenset[Any] = RESERVED,
        *,
        tax_number: bool = False,
    ) -> Wish:
        number = next(self._numbers)
        title = name or f"{roles[0].capitalize()} {number}"
        base, credit = f"529900{number:012d}", f"91310000{number:09d}"
        numbers = {"lei": base + mod_97_10.calc_check_digits(base)}
        if tax_number:
            # China's credit code is its taxpayer number.
            numbers["uscc"] = credit + uscc.calc_check_digit(credit)
        made = wish(
            name={"en": title, "zh": f"{title} 机构"},
            roles=roles,
            country=country,
            identifiers=numbers,
            contact_name="Li Hua",
            contact_email="li.hua@example.com",
            settings=self.services.settings.parties,
            reserved=reserved,
        )
        assert isinstance(made, Wish), made
        return made


def settings_for(folder: Path, **more: str) -> Settings:
    """Settings of a process that lives in `folder`."""
    return load({"EXCHANGE_HOME": str(folder), **more})


@contextmanager
def root_of(made: Services, only: Collection[str] | None = None) -> Iterator[Root]:
    """Every app that can be imported (or `only` these and the public ones), behind one origin."""
    public = importlib.import_module("exchange.apps.public.app")
    lent: dict[str, Any] = {"public": _app("public", made)}
    apps: dict[str, Any] = dict.fromkeys(public.PREFIXES, lent["public"])
    apps["log"] = public.hot(apps["log"])
    for segment, name in _APPS.items():
        if only is not None and segment not in only:
            continue
        apps[segment] = _app(name, made)
        if name in STATE_ALONE:
            lent[name] = apps[segment]
    web = importlib.import_module("exchange.apps.web.app").app(made)
    try:
        yield Root(apps, web, log_requests=False, names=dict.fromkeys(public.PREFIXES, "public"))
    finally:
        for name, app in lent.items():
            app.state.clear()
            _shelf[name].append(app)


def _app(name: str, made: Services) -> Any:
    if _shelf[name]:
        app = _shelf[name].pop()
        app.state.update({"services": made, "name": name})
        if name == "public":
            app.state.tiles = OrderedDict()
        return app
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # each app's own test builds it with warnings as errors
        return importlib.import_module(f"exchange.apps.{name}.app").app(made)


@asynccontextmanager
async def market(
    database_url: str,
    folder: Path,
    *,
    keyring: Keyring | None = None,
    clock: Clock | None = None,
    observer: Observer | None = None,
    only: Collection[str] | None = None,
    **settings: str,
) -> AsyncIterator[Market]:
    """Open the exchange on a free port over a database that is migrated already; `only` names first path segments."""
    loaded, now = settings_for(folder, **settings), clock or SystemClock()
    on = Ground(loaded, DatabaseUrls.from_one(database_url), keyring or ring(loaded, now), None)
    async with (
        services(on, now, observer) as made,
        serving_all(made, only) as origin,
        # Nothing is encrypted here, and reading the certificates of the world takes a while.
        httpx.AsyncClient(base_url=origin, timeout=30, trust_env=False, verify=False) as http,
    ):
        yield Market(made, http)


@asynccontextmanager
async def serving_all(made: Services, only: Collection[str] | None) -> AsyncIterator[str]:
    """The apps of these services on a free loopback port."""
    with root_of(made, only) as root:
        async with serving(root) as origin:
            yield origin


@asynccontextmanager
async def serving(app: Any) -> AsyncIterator[str]:
    """An ASGI application on a free loopback port, served from this loop."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # granian calls its embedded server experimental
        server = Server(app, "127.0.0.1", port, interface=Interfaces.ASGI, log_access=False, log_enabled=False)
    task = asyncio.create_task(server.serve())
    try:
        await _wait_for(port, task)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.stop()
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(task, 10)


async def _wait_for(port: int, task: asyncio.Task[None]) -> None:
    for _ in range(500):
        if task.done():
            task.result()
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.01)
            continue
        writer.close()
        await writer.wait_closed()
        return
    raise TimeoutError("the server did not start")


def _actor(made: Registered) -> Actor:
    return Actor(ids.parse("org", made.organisation), ids.parse("cli", made.client), frozenset(), frozenset(), "")
