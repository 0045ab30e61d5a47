"""The composition root: puts settings, database, gateways, apps and worker together, and hands them to the commands."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from io import TextIOWrapper
from typing import Any

from compliance import notes
from exchange.apps.assessor.app import app as assessor
from exchange.apps.buyer.app import app as buyer
from exchange.apps.buyer.app import hot as hot_buyer
from exchange.apps.data.app import app as data
from exchange.apps.data.app import hot as hot_data
from exchange.apps.hooks.app import app as hooks
from exchange.apps.http.context import Services
from exchange.apps.http.root import Root
from exchange.apps.oauth.app import app as oauth
from exchange.apps.operator.app import app as operator
from exchange.apps.public.app import PREFIXES
from exchange.apps.public.app import app as public
from exchange.apps.regulator.app import app as regulator
from exchange.apps.supplier.app import app as supplier
from exchange.apps.web.app import app as web
from exchange.cli import commands
from exchange.cli.tools import Tools
from exchange.process import Ground, ground, services
from exchange.settings import Settings, load
from exchange.worker.loop import work
from exchange.worker.schedule import Schedule
from exchange.worker.steps import Steps
from settlement.gateway.stripe import StripeGateway


def root(made: Services, *, log_requests: bool = True) -> Root:
    """Every app of the exchange behind one origin."""
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
    }
    return Root(apps, web(made), log_requests=log_requests, names=dict.fromkeys(PREFIXES, "public"))


@asynccontextmanager
async def opened(on: Ground, **more: Any) -> AsyncIterator[Services]:
    """The services of a process, with the gateways that its settings allow."""
    async with services(on, **more) as made:
        gateway = StripeGateway(on.settings.stripe) if on.settings.stripe.api_key else None
        made.gateway = gateway
        if gateway is not None:
            # Stripe signs with the real time, whatever clock this market lives by.
            made.webhook = lambda body, signature: gateway.verify_webhook(body, signature, datetime.now(UTC))
        try:
            yield made
        finally:
            if gateway is not None:
                await gateway.aclose()


def steps(made: Services) -> Steps:
    """The worker's steps over the same services."""
    return Steps(made.db, made.files, made.keyring, made.gateway, made.settings, made.sales, made.vault)


def schedule(made: Services) -> Schedule:
    """The regular work over the same services."""
    settings = made.settings
    origin = settings.process.log_origin
    return Schedule(
        made.db,
        [notes.log_signer(made.keyring, origin)],
        origin,
        settings.home / "log.mark",
        made.holder,
        settings.access,
        made.keyring,
        settings.settlement,
    )


async def work_on(made: Services) -> None:
    """Run jobs and the regular work until cancelled."""
    async with asyncio.TaskGroup() as group:
        group.create_task(work(made.db, steps(made).table(), lanes=made.settings.process.worker_lanes))
        group.create_task(schedule(made).run())


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
    )


def run() -> None:
    """The command `exchange`."""
    # A terminal that cannot show a sign shows another one; nobody loses an answer over it.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")
    sys.exit(commands.main(sys.argv[1:], os.environ, lambda environment: tools(load(environment), environment)))
