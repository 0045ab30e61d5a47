"""The composition root: puts settings, database, gateways, apps and worker together, and hands them to the commands."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from io import TextIOWrapper
from typing import TYPE_CHECKING, Any

from exchange.cli import commands
from exchange.cli.tools import Tools
from exchange.settings import Settings, load

# Most commands need a small part of the exchange, and its apps alone take a second to be imported: each function here
# imports what it puts together.
if TYPE_CHECKING:
    from exchange.apps.http.context import Services
    from exchange.apps.http.root import Root
    from exchange.kernel.db import Database
    from exchange.kernel.files import FileStore
    from exchange.kernel.keys import Keyring
    from exchange.process import Ground
    from exchange.worker.hook_sending import Sending
    from exchange.worker.schedule import Schedule
    from exchange.worker.sequencer import Sequencer
    from exchange.worker.steps import Steps
    from exchange.worker.witnesses import Witnessing


def root(made: Services, *, log_requests: bool = True) -> Root:
    """Every app of the exchange behind one origin."""
    from exchange.apps.assessor.app import app as assessor
    from exchange.apps.buyer.app import app as buyer
    from exchange.apps.buyer.app import hot as hot_buyer
    from exchange.apps.data.app import app as data
    from exchange.apps.data.app import hot as hot_data
    from exchange.apps.hooks.app import app as hooks
    from exchange.apps.http.root import Root
    from exchange.apps.oauth.app import app as oauth
    from exchange.apps.operator.app import app as operator
    from exchange.apps.public.app import PREFIXES
    from exchange.apps.public.app import app as public
    from exchange.apps.public.app import hot as hot_public
    from exchange.apps.regulator.app import app as regulator
    from exchange.apps.supplier.app import app as supplier
    from exchange.apps.web.app import app as web

    shared = public(made)
    apps: Mapping[str, Any] = {
        "supplier": supplier(made),
        "buyer": hot_buyer(buyer(made)),
        "assessor": assessor(made),
        "regulator": regulator(made),
        "operator": operator(made),
        "data": hot_data(data(made)),
        "oauth2": oauth(made),
        "hooks": hooks(made),
        **dict.fromkeys(PREFIXES, shared),
        "log": hot_public(shared),
    }
    return Root(apps, web(made), log_requests=log_requests, names=dict.fromkeys(PREFIXES, "public"))


def ground(settings: Settings) -> AbstractAsyncContextManager[Ground]:
    """What a process stands on."""
    from exchange import process

    return process.ground(settings)


@asynccontextmanager
async def opened(on: Ground, **more: Any) -> AsyncIterator[Services]:
    """The services of a process, with the gateways that its settings allow."""
    from exchange.process import services

    async with services(on, **more) as made:
        gateway = _gateway(on.settings)
        made.gateway = gateway
        if gateway is not None:
            # Stripe signs with the real time, whatever clock this market lives by.
            made.webhook = lambda body, signature: gateway.verify_webhook(body, signature, datetime.now(UTC))
            if on.settings.stripe.connect_webhook_secret:
                made.connect_webhook = lambda body, signature: gateway.verify_webhook(
                    body, signature, datetime.now(UTC), connect=True
                )
        try:
            yield made
        finally:
            if gateway is not None:
                await gateway.aclose()


def _gateway(settings: Settings) -> Any:
    if not settings.stripe.api_key:
        return None
    from settlement.gateway.stripe.client import StripeGateway

    return StripeGateway(replace(settings.stripe, return_url=settings.stripe.return_url or f"{settings.origin}/"))


def steps(made: Services) -> Steps:
    """The worker's steps over the same services."""
    from exchange.worker.steps import Steps

    return Steps(made.db, made.files, made.keyring, made.gateway, made.settings, made.sales, made.vault)


def schedule(made: Services) -> Schedule:
    """The regular work over the same services."""
    from exchange.worker.schedule import Schedule

    return Schedule(
        made.db, made.holder, made.settings.access, made.keyring, made.settings.settlement, made.settings.disputes
    )


def webhooks(made: Services) -> Sending:
    """Tells what happens to those who asked to be told."""
    import httpx

    from exchange.kernel.clock import SystemClock
    from exchange.worker.hook_calls import Caller
    from exchange.worker.hook_sending import Sending

    settings = made.settings.webhooks
    caller = Caller(settings, httpx.create_ssl_context())
    node_id = made.settings.process.node_id
    return Sending(made.db, made.keyring, settings, caller, made.settings.origin, SystemClock(), node_id)


def sequencer(settings: Settings, db: Database, keyring: Keyring, files: FileStore) -> Sequencer:
    """The log's sequencer, with its marks beside the process and in the object store."""
    from compliance import notes
    from compliance.marks import FileMark
    from exchange.worker.log_files import LogFiles, StoreMark
    from exchange.worker.sequencer import Sequencer

    origin = settings.process.log_origin
    return Sequencer(
        db,
        [notes.log_signer(keyring, origin)],
        origin,
        [FileMark(settings.home / "log.mark"), StoreMark(files)],
        witnesses=_witnessing(settings, db, keyring),
        files=LogFiles(db, files),
        every_s=settings.process.checkpoint_every_s,
    )


@asynccontextmanager
async def sequencing(on: Ground) -> AsyncIterator[Sequencer]:
    """The sequencer of a process that does nothing else."""
    from exchange.kernel.db import Database
    from exchange.kernel.files import FileStore

    db = Database(on.urls, on.settings.clock(), settings=on.settings.db)
    try:
        await db.check_walls()
        yield sequencer(on.settings, db, on.keyring, FileStore.open(on.settings.files))
    finally:
        await db.close()


def witnessing(made: Services) -> Witnessing:
    """Has the log's checkpoints cosigned, beside whoever signs them."""
    return _witnessing(made.settings, made.db, made.keyring)


def _witnessing(settings: Settings, db: Database, keyring: Keyring) -> Witnessing:
    from compliance import notes
    from compliance.marks import write_mark
    from exchange.worker.witnesses import Witnessing

    origin = settings.process.log_origin
    return Witnessing(db, notes.log_verifiers(keyring, origin), origin, partial(write_mark, settings.home / "log.mark"))


async def work_on(made: Services) -> None:
    """Run jobs and the regular work until cancelled."""
    from exchange.worker.loop import work

    async with asyncio.TaskGroup() as group:
        group.create_task(work(made.db, steps(made).table(), lanes=made.settings.process.worker_lanes))
        group.create_task(schedule(made).run())
        group.create_task(witnessing(made).run())
        group.create_task(webhooks(made).run())
        if made.settings.process.sequencer == "inside":
            group.create_task(sequencer(made.settings, made.db, made.keyring, made.files).run())


def exists(settings: Settings) -> bool:
    """Whether there is an exchange of these settings to look into; a database of somebody else's is asked by opening it."""
    # As exchange.kernel.embedded lays it out: the data, or a note of where they are.
    there = (settings.home / "postgres" / name for name in ("pgdata", "location.txt"))
    return settings.database.urls() is not None or any(one.exists() for one in there)


def tools(settings: Settings, environment: Mapping[str, str] | None = None) -> Tools:
    """What the commands need; `environment` is handed on to processes that a command starts."""
    return Tools(
        settings=settings,
        ground=ground,
        opened=opened,
        root=root,
        work_on=work_on,
        steps=steps,
        schedule=schedule,
        environment=environment or {},
        sequencing=sequencing,
        exists=exists,
    )


def run() -> None:
    """The command `exchange`."""
    # A terminal that cannot show a sign shows another one; nobody loses an answer over it.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")
    sys.exit(commands.main(sys.argv[1:], os.environ, lambda environment: tools(load(environment), environment)))
