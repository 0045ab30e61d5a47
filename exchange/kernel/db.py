"""The database: transactions for flows, row-secured reads for portals, and the walls' own check."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

import asyncpg
from sqlalchemy import event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, InterfaceError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from exchange.kernel.actor import Actor
from exchange.kernel.clock import Clock
from exchange.kernel.ids import IdSource

T = TypeVar("T")
# How long a question may take that overload must not delay.
QUESTION_TIMEOUT_S = 3
# serialization_failure and deadlock_detected: the same flow run again can succeed.
RETRYABLE = frozenset({"40001", "40P01"})
# admin_shutdown, crash_shutdown, cannot_connect_now: the server left or is still starting.
_GONE = frozenset({"57P01", "57P02", "57P03"})
Observer = Callable[[str], None]
# Which app or process the work at hand came through; the audit log says it of every entry. Whoever opens a process or lets
# a request in sets it.
WHERE: ContextVar[str] = ContextVar("exchange_where", default="worker")
_ENTER = text(
    "SELECT set_config('exchange.organisation', :organisation, true), set_config('transaction_read_only', 'on', true)"
)
_WALLS = text(
    "SELECT rolname, rolsuper, rolbypassrls, EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
    "WHERE c.relowner = r.oid AND n.nspname NOT LIKE 'pg\\_%') AS owner FROM pg_roles r WHERE rolname = current_user"
)


class TryAgain(Exception):
    """What a flow counted on was changed by another transaction before it could hold it; run again, it sees the change."""


class ValueOutOfRange(Exception):
    """A request named a value that no column can hold, such as a zero byte; nothing was found or written."""


class DatabaseAway(Exception):
    """PostgreSQL cannot be reached, or went away before it answered; the same request again is safe under its key."""


class WallMissing(RuntimeError):
    """A serving role could step over row-level security."""


@dataclass(frozen=True, slots=True)
class DatabaseUrls:
    """One address per login role, in SQLAlchemy's form."""

    app: str
    portal: str
    regulator: str
    migrate: str

    @classmethod
    def from_one(cls, url: str) -> DatabaseUrls:
        """The four roles on one server, with the user name replaced in `url`."""
        base = make_url(url).set(drivername="postgresql+asyncpg")
        names = ("exchange_app", "exchange_portal", "exchange_regulator", "exchange_migrate")
        return cls(*(base.set(username=name).render_as_string(hide_password=False) for name in names))


@dataclass(frozen=True, slots=True)
class DatabaseSettings:
    """How many connections each role keeps, and how long a statement may take."""

    app_connections_max: int = 12
    portal_connections_max: int = 8
    regulator_connections_max: int = 3
    attempts_max: int = 6
    portal_timeout_s: int = 15


@dataclass(frozen=True, slots=True)
class Tx:
    """One open transaction, with the time and the ids it hands out."""

    conn: AsyncConnection
    now: datetime
    ids: IdSource
    where: str = "worker"

    def new_id(self) -> UUID:
        """A fresh id."""
        return self.ids.new(self.now)

    async def driver(self) -> asyncpg.Connection[Any]:
        """The driver's own connection, in this same transaction, for set-based statements and COPY."""
        info = self.conn.info
        known: asyncpg.Connection[Any] | None = info.get("driver")
        if known is not None and "begun" in info:
            return known
        raw = await self.conn.get_raw_connection()
        if "begun" not in info:
            # SQLAlchemy begins with its first statement; without one the driver would commit each of its own. Asking for
            # the beginning alone saves a statement per transaction; a test holds that a rollback takes all along.
            adapter: Any = raw.dbapi_connection
            if adapter._transaction is None:  # noqa: SLF001  # SQLAlchemy offers no public way
                await self._begin(adapter)
            info["begun"] = True
        connection: asyncpg.Connection[Any] = raw.driver_connection  # type: ignore[assignment]
        # The connection's own notes live as long as it does, so it is looked up once.
        info["driver"] = connection
        return connection

    async def _begin(self, adapter: Any) -> None:
        """Begin behind SQLAlchemy's back, and do what it would do where that fails: never use this connection again.

        It may be dead, or, cancelled in the middle, in a transaction that nobody would ever commit.
        """
        try:
            await adapter._start_transaction()  # noqa: SLF001
        except BaseException as error:
            await self.conn.invalidate()
            if isinstance(error, Exception):
                raise DatabaseAway(str(error)) from error
            raise


Flow = Callable[[Tx], Awaitable[T]]
_FAULTS = (DBAPIError, asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TryAgain)


class Database:
    """Opens transactions; nobody else does."""

    def __init__(
        self,
        urls: DatabaseUrls,
        clock: Clock,
        *,
        ids: IdSource | None = None,
        settings: DatabaseSettings | None = None,
        observer: Observer | None = None,
    ) -> None:
        """Prepare the pools; nothing connects before the first use.

        `observer` is told of every statement after it ran (statement budgets, fault injection, slow-statement log).
        """
        self.settings = settings or DatabaseSettings()
        self.urls, self.clock, self.ids = urls, clock, ids or IdSource()
        s = self.settings
        self._app = _engine(urls.app, s.app_connections_max, None, observer)
        self._asking = _engine(urls.app, 1, QUESTION_TIMEOUT_S, observer)
        self._portal = _engine(urls.portal, s.portal_connections_max, s.portal_timeout_s, observer)
        self._regulator = _engine(urls.regulator, s.regulator_connections_max, None, observer)

    async def run(self, flow: Flow[T], *, where: str | None = None) -> T:
        """Run `flow` in one transaction and commit it; again, whole, when PostgreSQL asks for that.

        `where` names the app or process that it came through, where that is not the one at work.
        """
        attempt, where = 0, where or WHERE.get()
        while True:
            attempt += 1
            try:
                async with self._app.begin() as conn:
                    conn.info.pop("begun", None)
                    return await flow(Tx(conn, self.clock.now(), self.ids, where))
            except _FAULTS as error:
                if _is_away(error):
                    raise DatabaseAway(str(error)) from error
                if _is_value(error):
                    raise ValueOutOfRange from error
                if attempt >= self.settings.attempts_max or not _is_worth_repeating(error):
                    raise
            # Jitter only spaces retries; it decides nothing.
            await asyncio.sleep(random.uniform(0, 0.01 * 2**attempt))  # noqa: S311

    async def ask(self, question: Flow[T]) -> T:
        """Ask something as the app's role on a connection kept for such questions: overload elsewhere does not make it wait."""
        async with self._enter(self._asking, "") as tx:
            return await question(tx)

    @asynccontextmanager
    async def read(self, actor: Actor | None) -> AsyncIterator[Tx]:
        """A read-only transaction that sees what `actor`'s organisation may see; None sees what is public."""
        async with self._enter(self._portal, str(actor.organisation_id) if actor else "") as tx:
            yield tx

    @asynccontextmanager
    async def inspect(self) -> AsyncIterator[Tx]:
        """A read-only transaction over the regulator's views."""
        async with self._enter(self._regulator, "") as tx:
            yield tx

    @asynccontextmanager
    async def _enter(self, engine: AsyncEngine, organisation: str) -> AsyncIterator[Tx]:
        try:
            async with engine.begin() as conn:
                await conn.execute(_ENTER, {"organisation": organisation})
                conn.info["begun"] = True
                yield Tx(conn, self.clock.now(), self.ids)
        except _FAULTS as error:
            if _is_away(error):
                raise DatabaseAway(str(error)) from error
            if _is_value(error):
                raise ValueOutOfRange from error
            raise

    async def check_walls(self) -> None:
        """Refuse to serve with a role that row-level security does not bind.

        errors   WallMissing
        """
        for engine in (self._app, self._portal, self._regulator):
            async with engine.connect() as conn:
                name, superuser, bypass, owner = (await conn.execute(_WALLS)).one()
            if superuser or bypass or owner:
                raise WallMissing(
                    f"the role {name} is a superuser, has BYPASSRLS or owns tables; "
                    "serve with the roles that deploy/postgres/roles.sql creates"
                )

    async def close(self) -> None:
        """Give every connection back."""
        for engine in (self._app, self._asking, self._portal, self._regulator):
            await engine.dispose()


def _engine(url: str, connections_max: int, timeout_s: int | None, observer: Observer | None) -> AsyncEngine:
    settings = {"application_name": "exchange", "jit": "off", "timezone": "UTC"}
    if timeout_s:
        settings["statement_timeout"] = f"{timeout_s}s"
    engine = create_async_engine(
        url,
        pool_size=connections_max,
        max_overflow=0,
        pool_timeout=30,
        pool_use_lifo=True,
        isolation_level="READ COMMITTED",
        hide_parameters=True,  # values never reach a log
        connect_args={"server_settings": settings, "statement_cache_size": 512},
    )
    if observer is not None:
        _observe(engine, observer)
    return engine


def _observe(engine: AsyncEngine, observer: Observer) -> None:
    @event.listens_for(engine.sync_engine, "connect")
    def _listen(dbapi_connection: Any, _record: object) -> None:
        dbapi_connection.driver_connection.add_query_logger(lambda query: observer(query.query))

    # The driver's logger does not hear of prepared statements, which is how SQLAlchemy sends its own.
    @event.listens_for(engine.sync_engine, "after_cursor_execute")
    def _after(_conn: Any, _cursor: Any, statement: str, *_: object) -> None:
        observer(statement)


def _is_worth_repeating(error: Exception) -> bool:
    return isinstance(error, TryAgain) or _state_of(error) in RETRYABLE


def _is_away(error: Exception) -> bool:
    if isinstance(error, OSError | asyncpg.InterfaceError | InterfaceError):
        return True
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True
    return (_state_of(error) or "").startswith("08") or _state_of(error) in _GONE


def _is_value(error: Exception) -> bool:
    """Whether the database could not hold a value that it was asked about: a zero byte, a number or a date too large."""
    cause: BaseException | None = error.orig if isinstance(error, DBAPIError) else error
    while cause is not None:
        if isinstance(cause, asyncpg.DataError):
            return True
        cause = cause.__cause__
    return False


def _state_of(error: Exception) -> str | None:
    cause = error.orig if isinstance(error, DBAPIError) else error
    return getattr(cause, "sqlstate", None)
