"""The operator has a period settled; who asked for it is in the log."""

from __future__ import annotations

from compliance import store as audit
from exchange.flows.once import done
from exchange.flows.settle_period import Period, RunProgress, start_run
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.errors import FORBIDDEN, Problem


async def order_settlement(tx: Tx, actor: Actor, period: Period) -> RunProgress | Problem:
    """Start a run, or take up the open one of the same period.

    errors   answers forbidden, period-invalid, run-open
    """
    if "operator" not in actor.roles:
        return FORBIDDEN(needs="operator")
    started = await start_run(tx, period)
    if isinstance(started, RunProgress):
        await audit.append(tx, [done(actor, "settlement.order", started.run)])
    return started
