"""The pace of calls to the payment provider, which all workers share."""

from __future__ import annotations

import asyncio
from functools import partial

from exchange.kernel.db import Database
from settlement.settings import StripeSettings
from settlement.store import provider_calls

# Calls that may go out at once after a rest.
BURST = 5
SECOND_US = 1_000_000


async def pace(db: Database, settings: StripeSettings, endpoint: str) -> None:
    """Wait for a free moment for a call to this endpoint."""
    paces = {"all": settings.calls_per_s, endpoint: settings.endpoint_calls_per_s}
    steps = {name: round(SECOND_US / calls) for name, calls in paces.items()}
    wait_us = await db.run(partial(provider_calls.take_slot, steps_us=steps, burst=BURST))
    await asyncio.sleep(wait_us / SECOND_US)
