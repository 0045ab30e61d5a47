"""The operator has a day of usage sealed without waiting for the schedule."""

from __future__ import annotations

from datetime import UTC, date

import msgspec

from compliance import store as audit
from exchange.flows.once import done
from exchange.flows.problems import DAY_NOT_OVER
from exchange.kernel import ids, jobs
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.errors import FORBIDDEN, Problem

SEAL_USAGE = "seal_usage"


class SealOrdered(msgspec.Struct, frozen=True):
    """The job that seals the day."""

    day: str
    job: str


async def order_seal(tx: Tx, actor: Actor, day: date) -> SealOrdered | Problem:
    """Queue the job that closes, proves and rolls up one UTC day of usage.

    errors   answers forbidden, day-not-over
    """
    if "operator" not in actor.roles:
        return FORBIDDEN(needs="operator")
    if day >= tx.now.astimezone(UTC).date():
        return DAY_NOT_OVER(day=day.isoformat())
    # Late events may make a sealed day due again: each order is a job of its own.
    (job_id,) = await jobs.put(tx, jobs.Job(SEAL_USAGE, f"{day}:{tx.new_id()}", {"day": day.isoformat()}))
    await audit.append(tx, [done(actor, "usage.seal-order", f"usage-day:{day.isoformat()}")])
    return SealOrdered(day.isoformat(), ids.text("job", job_id))
