"""One process of the exchange, opened from its settings: database, keys, files, batches."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar

import structlog

from exchange.access.tokens import DATA_AUDIENCE, TokenVerifier
from exchange.apps.http.context import Services
from exchange.flows import access_data
from exchange.flows.ask_quote import ask_quotes
from exchange.flows.purchase import purchase
from exchange.flows.replay_erasures import replay_erasures, seal_people
from exchange.flows.sale import Sales
from exchange.kernel import embedded, keys
from exchange.kernel.batch import Batcher, BatchSettings
from exchange.kernel.clock import Clock
from exchange.kernel.db import Database, DatabaseUrls, Observer, Tx
from exchange.kernel.embedded import EmbeddedError, EmbeddedServer
from exchange.kernel.files import FileStore
from exchange.kernel.keys import Keyring
from exchange.kernel.metrics import BATCH_ITEMS, BATCH_SECONDS
from exchange.kernel.subjects import Vault
from exchange.kernel.vault import StoredVault
from exchange.migrations.run import upgrade
from exchange.parties.tokens import TokenCache
from exchange.settings import Settings
from exchange.worker.erasing import drop_disclosed

C = TypeVar("C")
A = TypeVar("A")
REVIVE_EVERY_S = 1.0
_LOG = structlog.get_logger("process")


@dataclass(slots=True)
class Ground:
    """What a process stands on: a database with its schema, and keys."""

    settings: Settings
    urls: DatabaseUrls
    keyring: Keyring
    server: EmbeddedServer | None


@asynccontextmanager
async def ground(settings: Settings, clock: Clock | None = None) -> AsyncIterator[Ground]:
    """Start the embedded server if no other database is named, bring the schema up, and make missing keys.

    errors   EmbeddedError; whatever the driver says where the database cannot be reached
    """
    clock = clock or settings.clock()
    urls, server = settings.database.urls(), None
    if urls is None:
        settings.home.mkdir(parents=True, exist_ok=True)
        server = await asyncio.to_thread(embedded.start, settings.home / "postgres")
        urls = DatabaseUrls.from_one(server.url)
    watch = asyncio.create_task(_keep_up(server)) if server is not None else None
    try:
        await upgrade(urls.migrate)
        yield Ground(settings, urls, ring(settings, clock), server)
    finally:
        if watch is not None:
            watch.cancel()
        if server is not None:
            await asyncio.to_thread(server.stop)


async def _keep_up(server: EmbeddedServer) -> None:
    """Start the embedded server again when it was killed under us; requests fail until then and lose nothing."""
    while True:
        await asyncio.sleep(REVIVE_EVERY_S)
        if server.pid() is None:
            _LOG.error("embedded-server-gone")
            try:
                await asyncio.to_thread(server.revive)
            except EmbeddedError as error:
                _LOG.error("embedded-server-not-revived", error=str(error))


def ring(settings: Settings, clock: Clock) -> Keyring:
    """The keys in the key folder; a purpose that has none gets its first."""
    folder, node_id = settings.keys, settings.process.node_id
    there = keys.load(folder, node_id=node_id) if folder.exists() else Keyring([], node_id=node_id)
    if not set(keys.PURPOSES) - {key.purpose for key in there.keys()}:
        return there
    keys.complete(folder, clock.now())
    return keys.load(folder, node_id=node_id)


@asynccontextmanager
async def services(on: Ground, clock: Clock | None = None, observer: Observer | None = None) -> AsyncIterator[Services]:
    """The services of one serving process; on leaving, batches end, leases go back, connections close.

    errors   WallMissing where a serving role could step over row-level security
    """
    settings = on.settings
    db = Database(on.urls, clock or settings.clock(), settings=settings.db, observer=observer)
    try:
        await db.check_walls()
        made = _assemble(on, db)
        await _keep_erased(db, made.vault, made.files)
        made.start()
        yield made
        await made.stop()
        await db.run(partial(access_data.release_leases, holder=made.holder))
    finally:
        await db.close()


async def _keep_erased(db: Database, vault: Vault, files: FileStore) -> None:
    """Before anything is served: what was erased is so whatever was restored, and no name lies about plain."""
    done = await replay_erasures(db, vault)
    # Also what came back with an old copy of the files.
    await drop_disclosed(db, files)
    sealed = await seal_people(db, vault)
    if done.keys or done.subjects or sealed:
        _LOG.warning("erasures-replayed", keys=done.keys, subjects=done.subjects, sealed=sealed)


def _assemble(on: Ground, db: Database) -> Services:
    settings, sales = on.settings, Sales()
    holder = db.ids.new(db.clock.now())
    buy, quote = partial(_purchase, sales, on.keyring), partial(_ask_quotes, sales, on.keyring)
    # Reads hold no wallet: while one batch is written, the next can be admitted.
    paired = replace(settings.batch, writers=2 * settings.batch.writers)
    read = partial(access_data.access_data, holder=holder, settings=settings.access)
    record = partial(access_data.record_usage, settings=settings.access)
    return Services(
        db=db,
        settings=settings,
        keyring=on.keyring,
        files=FileStore.open(settings.files),
        vault=StoredVault.open(settings.vault, on.keyring),
        tokens=TokenCache(on.keyring, settings.token),
        grants=TokenVerifier(
            on.keyring, issuer=settings.token.issuer, audience=DATA_AUDIENCE, settings=settings.access
        ),
        sales=sales,
        holder=holder,
        purchases=_batcher("purchase", "buyer", db, buy, settings.batch),
        quotes=_batcher("ask_quote", "buyer", db, quote, paired),
        reads=_batcher("access_data", "data", db, read, paired),
        records=_batcher("record_usage", "data", db, record, paired),
    )


async def _purchase(sales: Sales, keyring: Keyring, tx: Tx, wishes: Sequence[Any]) -> list[Any]:
    return await purchase(tx, sales, keyring, wishes)


async def _ask_quotes(sales: Sales, keyring: Keyring, tx: Tx, questions: Sequence[Any]) -> list[Any]:
    return await ask_quotes(tx, sales, keyring, questions)


def _batcher(
    name: str,
    where: str,
    db: Database,
    flow: Callable[[Tx, Sequence[C]], Awaitable[Sequence[A]]],
    settings: BatchSettings,
) -> Batcher[C, A]:
    # A batch runs in a task of its own, whoever put what is in it.
    items, seconds = BATCH_ITEMS.labels(name), BATCH_SECONDS.labels(name)

    async def run(commands: Sequence[C]) -> Sequence[A]:
        items.observe(len(commands))
        with seconds.time():
            return await db.run(lambda tx: flow(tx, commands), where=where)

    return Batcher(run, settings)
