"""What happens by the clock: the log's sequencer, leases, usage days, keys that may be forgotten."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from uuid import UUID

import structlog

from compliance.marks import read_mark, write_mark
from compliance.notes import Signer
from contracts import auctions_store
from exchange.access.settings import AccessSettings
from exchange.flows import access_data, seal_usage
from exchange.flows.checkpoint_log import sequence
from exchange.kernel import idempotency, ids, jobs
from exchange.kernel.db import Database, Tx
from exchange.kernel.jobs import Job
from exchange.kernel.metrics import CHECKPOINT_AT, LOG_SIZE
from exchange.parties import store as parties

_LOG = structlog.get_logger("schedule")
SEQUENCE_EVERY_S = 0.5
LEASES_EVERY_S = 15.0
ROLL_UP_EVERY_S = 20.0
HOUSE_EVERY_S = 60.0
AUCTIONS_EVERY_S = 5.0
SEAL_USAGE = "seal_usage"
CLOSE_AUCTION = "close_auction"


@dataclass(frozen=True, slots=True)
class Schedule:
    """What the regular work needs."""

    db: Database
    signers: Sequence[Signer]
    origin: str
    mark: Path
    holder: UUID
    access: AccessSettings

    async def run(self) -> None:
        """Do the regular work until cancelled; one that fails is told and tried again at its next time."""
        async with asyncio.TaskGroup() as group:
            group.create_task(_every(SEQUENCE_EVERY_S, self.sequence))
            group.create_task(_every(LEASES_EVERY_S, self.leases))
            group.create_task(_every(ROLL_UP_EVERY_S, self.roll_up))
            group.create_task(_every(HOUSE_EVERY_S, self.house))
            group.create_task(_every(AUCTIONS_EVERY_S, self.auctions))

    async def sequence(self) -> None:
        """Log what waits, until nothing does."""
        while True:
            mark = read_mark(self.mark)
            report = await self.db.run(partial(sequence, signers=self.signers, origin=self.origin, mark=mark))
            if report.checkpoint is not None:
                write_mark(self.mark, report.checkpoint)
                LOG_SIZE.set(report.size)
            if not report.new_leaves:
                CHECKPOINT_AT.set(self.db.clock.now().timestamp())
                return

    async def leases(self) -> None:
        """Keep this process's leases, and settle those of processes that are gone."""
        await self.db.run(partial(access_data.renew_leases, holder=self.holder, settings=self.access))
        await self.db.run(access_data.settle_leases)

    async def roll_up(self) -> None:
        """Show both sides today's use so far."""
        await self.db.run(seal_usage.roll_up_today)

    async def house(self) -> None:
        """Make the days to come, queue what is due, forget what may be forgotten."""
        await self.db.run(partial(seal_usage.prepare_days, settings=self.access))
        await self.db.run(self._queue_seals)
        await self.db.run(idempotency.forget_old)
        await self.db.run(parties.forget_expired_tokens)

    async def auctions(self) -> None:
        """Queue the auctions for which the clock has something to do."""
        await self.db.run(self._queue_auctions)

    async def _queue_auctions(self, tx: Tx) -> None:
        due = await auctions_store.due(tx)
        # By ten minutes: a step that was given up, or that a clock that ran ahead made useless, is tried again.
        part = tx.now.strftime("%Y%m%d%H%M")[:-1]
        wanted = [
            Job(CLOSE_AUCTION, f"{auction_id}:{state.value}:{part}", {"auction": ids.text("auc", auction_id)})
            for auction_id, state in due
        ]
        await jobs.put(tx, *wanted)

    async def _queue_seals(self, tx: Tx) -> None:
        due = await seal_usage.due_days(tx, settings=self.access)
        hour = tx.now.strftime("%Y%m%d%H")
        wanted = [Job(SEAL_USAGE, f"{day.isoformat()}:{hour}", {"day": day.isoformat()}) for day in due]
        await jobs.put(tx, *wanted)


async def _every(seconds: float, work: Callable[[], Awaitable[None]]) -> None:
    while True:
        try:
            await work()
        except Exception as error:  # noqa: BLE001  # regular work outlives a fault, which alerts see in the log
            _LOG.error("scheduled-work-failed", work=getattr(work, "__name__", "work"), exc_info=error)
        await asyncio.sleep(seconds)
