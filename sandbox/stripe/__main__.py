"""`python -m sandbox.stripe --port 12111`: a Stripe for demos and tests."""

from __future__ import annotations

import argparse
import asyncio
import signal
from pathlib import Path

from granian.constants import Interfaces
from granian.server.embed import Server

from sandbox.stripe.app import Sandbox
from sandbox.stripe.faults import NAMES, parse_faults
from sandbox.stripe.webhooks import Endpoint
from sandbox.stripe.world import Options, World


def _arguments() -> argparse.Namespace:
    reader = argparse.ArgumentParser(prog="python -m sandbox.stripe", description=__doc__)
    reader.add_argument("--host", default="127.0.0.1")
    reader.add_argument("--port", type=int, required=True)
    reader.add_argument("--webhook-url")
    reader.add_argument("--webhook-secret", default="whsec_sandbox")
    reader.add_argument("--state", type=Path, help="JSON file to continue from and to write after every change")
    reader.add_argument("--seed", type=int, default=0, help="seed of ids and of the fault plan")
    reader.add_argument("--faults", default="", help="name=share,...: " + ", ".join(NAMES))
    reader.add_argument("--hang-s", type=float, default=30.0, help="how long timeout_after_commit keeps silent")
    reader.add_argument("--fee-bps", type=int, default=0, help="Stripe's fee on a charge, in hundredths of a percent")
    reader.add_argument("--settle-s", type=float, default=0.0, help="how long a charge stays pending in the balance")
    reader.add_argument("--payout-s", type=float, default=0.5, help="how long a payout takes")
    reader.add_argument("--require-onboarding", action="store_true", help="accounts need their onboarding link visited")
    return reader.parse_args()


async def serve(options: argparse.Namespace) -> None:
    """Serve until SIGTERM or SIGINT."""
    world = World(
        faults=parse_faults(options.faults, options.seed),
        options=Options(
            options.fee_bps, options.settle_s, options.payout_s, options.hang_s, options.require_onboarding
        ),
        state_file=options.state,
    )
    sandbox = Sandbox(world, Endpoint(options.webhook_url, options.webhook_secret))
    await sandbox.start()

    async def application(scope: dict[str, object], receive: object, send: object) -> None:
        await sandbox(scope, receive, send)  # type: ignore[arg-type]

    server = Server(
        application, options.host, options.port, interface=Interfaces.ASGINL, websockets=False, log_enabled=False
    )
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, server.stop)
    print(f"Stripe sandbox on http://{options.host}:{options.port}", flush=True)
    try:
        await server.serve()
    finally:
        await sandbox.stop()


if __name__ == "__main__":
    asyncio.run(serve(_arguments()))
