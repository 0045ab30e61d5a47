"""What every test may ask for.

`database`     a Database of its own (a clone of the migrated template); the test may commit
`database_url` the superuser's address of that same database
`rollback_tx`  an open Tx of the app role that is rolled back at the end; much cheaper
`clock` `ids` `keyring` `files` `server`
"""

from __future__ import annotations

import gc
import os
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import pytest_asyncio
import structlog
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from sqlalchemy.ext.asyncio import create_async_engine

from exchange.kernel.clock import FixedClock
from exchange.kernel.db import Database, DatabaseUrls, Tx
from exchange.kernel.embedded import EmbeddedServer
from exchange.kernel.files import FilesSettings, FileStore
from exchange.kernel.ids import IdSource
from exchange.kernel.keys import PURPOSES, Keyring, new_key
from tests.support.clones import Clones
from tests.support.server import leave, run_server

NOW = datetime(2026, 1, 15, 8, 0, tzinfo=UTC)

# Fixtures of one test are shared by its examples here: laws are about values, and a database test says so itself.
hypothesis_settings.register_profile(
    "house",
    deadline=None,
    max_examples=int(os.environ.get("EXAMPLES", "100")),
    # The same examples everywhere, so that what passes here passes in CI; EXPLORE=1 draws fresh ones.
    derandomize=not os.environ.get("EXPLORE"),
    print_blob=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
hypothesis_settings.load_profile("house")


# A fault is told in a few lines: with every frame's locals, drawn in boxes, it would hold up the loop for a second.
structlog.configure(
    processors=[
        *structlog.get_config()["processors"][:-1],
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback),
    ]
)


def pytest_collection_finish() -> None:
    """What was imported and collected stays to the end: the collector need not look through it again and again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def server() -> Iterator[EmbeddedServer]:
    """The PostgreSQL of this run."""
    server = run_server()
    try:
        yield server
    finally:
        leave(server)


@pytest_asyncio.fixture(scope="session")
async def clones(server: EmbeddedServer) -> AsyncIterator[Clones]:
    """The maker of databases."""
    clones = await Clones.open(server)
    yield clones
    await clones.close()


@pytest.fixture
def clock() -> FixedClock:
    """A clock that stands at 2026-01-15 08:00 UTC until told to advance."""
    return FixedClock(NOW)


@pytest.fixture
def ids() -> IdSource:
    """The same ids in every run."""
    return IdSource(b"corpus-exchange")


@pytest.fixture
def keyring() -> Keyring:
    """One key per purpose, the same in every run."""
    return Keyring([new_key(purpose, NOW, bytes([number + 1]) * 32) for number, purpose in enumerate(PURPOSES)])


@pytest.fixture
def files(tmp_path: Path) -> FileStore:
    """A file store of the test's own."""
    return FileStore.open(FilesSettings(url=(tmp_path / "files").as_uri()))


@pytest_asyncio.fixture
async def database_url(clones: Clones) -> AsyncIterator[str]:
    """The superuser's address of a fresh database."""
    url = await clones.make()
    yield url
    await clones.drop(url)


@pytest_asyncio.fixture
async def database(database_url: str, clock: FixedClock, ids: IdSource) -> AsyncIterator[Database]:
    """A database of the test's own, with the walls up."""
    database = Database(DatabaseUrls.from_one(database_url), clock, ids=ids)
    yield database
    await database.close()


@pytest_asyncio.fixture(scope="session")
async def shared_url(clones: Clones) -> AsyncIterator[str]:
    """The database of all tests that roll back."""
    url = await clones.make()
    yield url
    await clones.drop(url)


@pytest_asyncio.fixture
async def rollback_tx(shared_url: str, clock: FixedClock, ids: IdSource) -> AsyncIterator[Tx]:
    """A transaction of the app role that leaves nothing behind."""
    engine = create_async_engine(DatabaseUrls.from_one(shared_url).app)
    async with engine.connect() as connection:
        transaction = await connection.begin()
        yield Tx(connection, clock.now(), ids)
        await transaction.rollback()
    await engine.dispose()
