"""Steps that move money are not given up in silence: their last failure is put before a person."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import structlog

from exchange.flows.call_provider import open_item
from exchange.kernel import ids
from exchange.kernel.db import Tx
from exchange.kernel.jobs import JobState
from exchange.kernel.metrics import OPEN_ITEMS
from exchange.worker.loop import Buried, Running, Step, StepCancelled, StepRefused
from settlement.open_items import ItemKind, Opened

_LOG = structlog.get_logger("money")
# What the payload of a job may name. The rest of it, a payer's mandate among it, stays where it is.
_NAMES = ("payout", "payment", "refund", "recovery", "chargeback", "organisation", "event")


def watched(steps: Mapping[str, Step]) -> dict[str, Step]:
    """The same steps; the attempt that is a job's last opens an item when it fails."""
    return {kind: _watched(step) for kind, step in steps.items()}


def _watched(step: Step) -> Step:
    async def run(running: Running) -> Mapping[str, Any]:
        try:
            return await step(running)
        except StepCancelled:
            raise
        except Exception as error:
            if running.job.last or isinstance(error, StepRefused):
                raise Buried(partial(_tell, job=running.job)) from error
            raise

    return run


async def _tell(tx: Tx, job: JobState) -> None:
    """Open the item. What was done at the provider and what was booked stay: only the next step is missing."""
    opened = given_up(job)
    if await open_item(tx, opened):
        OPEN_ITEMS.labels(opened.kind.value).inc()
        _LOG.error("open-item", kind=opened.kind.value, subject=opened.subject, **opened.about)


def given_up(job: JobState) -> Opened:
    """What a person is told of a job that comes again only when it is asked to."""
    names = {name: str(job.payload[name]) for name in _NAMES if name in job.payload}
    return Opened(
        ItemKind.JOB_GIVEN_UP, ids.text("job", job.id), {"job": job.kind, "attempts": str(job.attempts), **names}
    )
