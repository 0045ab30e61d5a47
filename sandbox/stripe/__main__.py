"""`python -m sandbox.stripe --port 12111`: a Stripe for demos and tests."""

from __future__ import annotations

import argparse
import asyncio
import signal
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

from granian.constants import Interfaces
from granian.server.embed import Server

from sandbox.stripe.app import Sandbox
from sandbox.stripe.events import listen
from sandbox.stripe.faults import NAMES, parse_faults
from sandbox.stripe.options import Options, offer
from sandbox.stripe.world import VIRTUAL_START, World


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line, read."""
    reader = argparse.ArgumentParser(prog="python -m sandbox.stripe", description=__doc__)
    reader.add_argument("--host", default="127.0.0.1")
    reader.add_argument("--port", type=int, required=True)
    reader.add_argument("--webhook-url", help="where events go; `held:` keeps them for who fetches them")
    reader.add_argument("--webhook-secret", default="whsec_sandbox")
    reader.add_argument("--connect-webhook-url", help="where events of connected accounts go, if not there too")
    reader.add_argument("--connect-webhook-secret", help="the Connect endpoint's own secret, as at Stripe")
    reader.add_argument("--state", type=Path, help="JSON file to continue from and to write after every change")
    reader.add_argument("--seed", type=int, default=0, help="seed of ids and of the fault plan")
    reader.add_argument("--faults", default="", help="name=share,...: " + ", ".join(NAMES))
    reader.add_argument("--clock", choices=("real", "virtual"), default="real", help="virtual: stands until moved")
    offer(reader)
    return reader.parse_args(given)


def world_of(given: argparse.Namespace) -> World:
    """The world these arguments describe, with its endpoints."""
    world = World(
        faults=parse_faults(given.faults, given.seed),
        options=Options(**{one.name: getattr(given, one.name) for one in fields(Options)}),
        state_file=given.state,
        moment=VIRTUAL_START if given.clock == "virtual" else None,
    )
    world.load()
    connect_url = given.connect_webhook_url or (given.webhook_url if given.connect_webhook_secret else None)
    if given.webhook_url:
        listen(world, given.webhook_url, given.webhook_secret, "platform" if connect_url else "both")
    if connect_url:
        listen(world, connect_url, given.connect_webhook_secret or given.webhook_secret, "connect")
    return world


async def serve(given: argparse.Namespace) -> None:
    """Serve until SIGTERM or SIGINT."""
    sandbox = Sandbox(world_of(given))
    sandbox.start()

    async def application(scope: dict[str, object], receive: object, send: object) -> None:
        await sandbox(scope, receive, send)  # type: ignore[arg-type]

    server = Server(
        application, given.host, given.port, interface=Interfaces.ASGINL, websockets=False, log_enabled=False
    )
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, server.stop)
    print(f"Stripe sandbox on http://{given.host}:{given.port}", flush=True)
    try:
        await server.serve()
    finally:
        await sandbox.stop()


if __name__ == "__main__":
    asyncio.run(serve(arguments()))
