"""Databases for tests: one migrated template, cloned for each test that commits."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

import asyncpg

from exchange.kernel.embedded import SUPERUSER, EmbeddedServer
from tests.support.server import TEMPLATE


class Clones:
    """Makes and drops copies of this worker's template."""

    def __init__(self, server: EmbeddedServer, connection: asyncpg.Connection[Any], template: str) -> None:
        self.server, self.template = server, template
        self._connection = connection
        self._numbers = itertools.count(1)
        # CREATE DATABASE wants its template for itself: one at a time.
        self._one = asyncio.Lock()

    @classmethod
    async def open(cls, server: EmbeddedServer) -> Clones:
        """Ready the server's template, which was migrated before it was started."""
        # The first to connect leaves what every connection needs of the catalogue in one file, which copies carry along.
        await (await asyncpg.connect(server.url_for(SUPERUSER, TEMPLATE))).close()
        return cls(server, await asyncpg.connect(server.url_for(SUPERUSER, "postgres")), TEMPLATE)

    async def make(self) -> str:
        """A fresh database with the newest schema; its superuser address."""
        name = f"{self.template}_{next(self._numbers)}"
        async with self._one:
            # Copying files beats copying through the log here (18 ms against 35): without fsync a checkpoint is cheap.
            await self._connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{self.template}" STRATEGY FILE_COPY')
        return self.server.url_for(SUPERUSER, name)

    async def copy(self, url: str) -> str:
        """A database that is a copy of another one of ours, to which nobody is connected; its superuser address."""
        name = f"{self.template}_{next(self._numbers)}"
        async with self._one:
            await self._connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{_name(url)}" STRATEGY FILE_COPY')
        return self.server.url_for(SUPERUSER, name)

    async def drop(self, url: str) -> None:
        """Remove a clone, whoever is still connected."""
        await self._connection.execute(f'DROP DATABASE IF EXISTS "{_name(url)}" WITH (FORCE)')

    async def close(self) -> None:
        """Remove the template and leave."""
        await self.drop(self.server.url_for(SUPERUSER, self.template))
        await self._connection.close()


def _name(url: str) -> str:
    return url.split("@/", 1)[1].split("?", 1)[0]
