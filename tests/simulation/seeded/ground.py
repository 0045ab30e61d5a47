"""The server of all seeds, and a database for each: a copy of a template that is migrated and has its days."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from exchange.access.store import seal
from exchange.kernel.clock import FixedClock
from exchange.kernel.db import Database, DatabaseUrls, Tx
from exchange.kernel.embedded import EmbeddedServer
from tests.support import server as servers
from tests.support.clones import Clones

START = datetime(2026, 1, 5, 8, tzinfo=UTC)
# The days that most use falls on are there from the start; others are made by who reports on them first.
_DAYS = 4
# A deadlock is looked for at once, so that whoever closes a circle is the one that is ended; nothing works in the
# background that could be waited for.
_OPTIONS = {"deadlock_timeout": "1ms", "autovacuum": "off", "synchronous_commit": "off"}


@contextmanager
def server() -> Iterator[EmbeddedServer]:
    """A server of its own, gone with the campaign."""
    settings = replace(servers.SETTINGS, options={**servers.SETTINGS.options, **_OPTIONS})
    running = servers.run_server(settings)
    try:
        yield running
    finally:
        servers.leave(running)


@asynccontextmanager
async def template(server: EmbeddedServer) -> AsyncIterator[Clones]:
    """The maker of databases."""
    clones = await Clones.open(server)
    url = server.url_for("postgres", clones.template)
    database = Database(DatabaseUrls.from_one(url), FixedClock(START))

    async def days(tx: Tx) -> None:
        await seal.ensure_days(tx, [(START + timedelta(days=n)).date() for n in range(_DAYS)])

    await database.run(days)
    await database.close()
    try:
        yield clones
    finally:
        await clones.close()
