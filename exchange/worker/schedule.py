"""What happens by the clock: leases, usage days, keys that may be forgotten."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from time import monotonic
from uuid import UUID

import structlog

from contracts import auctions_store
from exchange.access.settings import AccessSettings
from exchange.flows import access_data, answer_directive, issue_directive, legal_hold, seal_usage, withdraw_right
from exchange.flows.bank_destinations import activate_destinations
from exchange.flows.chargeback import hold_uncased
from exchange.flows.close_books import close_months
from exchange.flows.collect_credit import collect_overdue
from exchange.flows.dispute_stops import cover_short
from exchange.flows.dun import collect_overdue as collect_dunned
from exchange.flows.dun import dun
from exchange.flows.erase_subject import queue_erasures
from exchange.flows.expire_disputes import expire_disputes
from exchange.flows.expire_holds import expire_holds
from exchange.flows.expire_negotiations import expire_negotiations
from exchange.flows.forget_payloads import forget_payloads
from exchange.flows.hold_usage import hold_usage
from exchange.flows.keep_obligations import create_obligations, remind, renew_obligations
from exchange.flows.sign_agreements import sign_agreements
from exchange.kernel import ids, jobs
from exchange.kernel.db import WHERE, Database, Tx
from exchange.kernel.jobs import Job
from exchange.kernel.keys import Keyring
from settlement.dispute_settings import DisputeSettings
from settlement.dunning import plan_of
from settlement.settings import SettlementSettings
from settlement.store import previews

_LOG = structlog.get_logger("schedule")
LEASES_EVERY_S = 15.0
ROLL_UP_EVERY_S = 20.0
HOUSE_EVERY_S = 60.0
AUCTIONS_EVERY_S = 5.0
SIGNATURES_EVERY_S = 2.0
# Kept keys sign in a tenth of one process's time at most: who buys comes first, and a burst is caught up with after it.
SIGNING_RESTS = 9
ROLL_UP_RESTS = 9
RIGHTS_EVERY_S = 60.0
DEADLINES_EVERY_S = 2.0
TELL_EVERY_S = 60.0
NEGOTIATIONS_EVERY_S = 15.0
OBLIGATIONS_EVERY_S = 30.0
HOLDS_EVERY_S = 15.0
DISPUTES_EVERY_S = 15.0
DUNNING_EVERY_S = 60.0
BOOKS_EVERY_S = 900.0
SEAL_USAGE = "seal_usage"
ROOT_USAGE = "root_usage"
CLOSE_AUCTION = "close_auction"
SWEEP_EVENTS = "sweep_events"
RECONCILE = "reconcile"
PROVE_MONEY = "prove_money"


@dataclass(frozen=True, slots=True)
class Schedule:
    """What the regular work needs."""

    db: Database
    holder: UUID
    access: AccessSettings
    keyring: Keyring
    settlement: SettlementSettings = field(default_factory=SettlementSettings)
    disputes: DisputeSettings = field(default_factory=DisputeSettings)

    async def run(self) -> None:
        """Do the regular work until cancelled; one that fails is told and tried again at its next time."""
        WHERE.set("worker")
        async with asyncio.TaskGroup() as group:
            group.create_task(_every(LEASES_EVERY_S, self.leases))
            group.create_task(_every(ROLL_UP_EVERY_S, self.roll_up))
            group.create_task(_every(HOUSE_EVERY_S, self.house))
            group.create_task(_every(AUCTIONS_EVERY_S, self.auctions))
            group.create_task(_every(SIGNATURES_EVERY_S, self.signatures))
            group.create_task(_every(RIGHTS_EVERY_S, self.rights))
            group.create_task(_every(DEADLINES_EVERY_S, self.deadlines))
            group.create_task(_every(TELL_EVERY_S, self.tell))
            group.create_task(_every(NEGOTIATIONS_EVERY_S, self.negotiations))
            group.create_task(_every(OBLIGATIONS_EVERY_S, self.obligations))
            group.create_task(_every(HOLDS_EVERY_S, self.holds))
            group.create_task(_every(DISPUTES_EVERY_S, self.settle_disputes))
            group.create_task(_every(DISPUTES_EVERY_S, self.cover_disputes))
            group.create_task(_every(BOOKS_EVERY_S, self.books))
            group.create_task(_every(DUNNING_EVERY_S, self.dunning))

    async def leases(self) -> None:
        """Keep this process's leases, and settle those of processes that are gone."""
        await self.db.run(partial(access_data.renew_leases, holder=self.holder, settings=self.access))
        await self.db.run(access_data.settle_leases)

    async def roll_up(self) -> None:
        """Show both sides today's use so far."""
        started = monotonic()
        await self.db.run(seal_usage.roll_up_today)
        # It reads the whole day, and so takes longer the fuller that is: never more than a tenth of the time.
        await asyncio.sleep(ROLL_UP_RESTS * (monotonic() - started))

    async def house(self) -> None:
        """Make the days to come, queue what is due, forget what may be forgotten."""
        await self.db.run(partial(seal_usage.prepare_days, settings=self.access))
        await self.db.run(self._queue_seals)
        await self.db.run(self._queue_sweep)
        await self.db.run(self._queue_books)
        await self.db.run(activate_destinations)
        await self.debts()
        await self.db.run(legal_hold.forget_keys)
        await self.db.run(legal_hold.forget_tokens)
        await self.db.run(queue_erasures)
        while await self.db.run(partial(hold_usage, settings=self.access)):
            pass

    async def debts(self) -> None:
        """Take what is due for orders on account from the wallets, until all of them were looked at."""
        after = await self.db.run(collect_overdue)
        while after is not None:
            after = await self.db.run(partial(collect_overdue, after=after))

    async def auctions(self) -> None:
        """Queue the auctions for which the clock has something to do."""
        await self.db.run(self._queue_auctions)

    async def negotiations(self) -> None:
        """End negotiations that nobody answered in time, until none is left."""
        while await self.db.run(expire_negotiations):
            pass

    async def obligations(self) -> None:
        """Give new agreements their obligations, let them follow periods and events, and remind of what comes due."""
        for step in (create_obligations, renew_obligations, remind):
            while await self.db.run(step):
                pass

    async def holds(self) -> None:
        """Give back what was held and has run out, until nothing is left."""
        while await self.db.run(expire_holds):
            pass

    async def settle_disputes(self) -> None:
        """Move on the disputes whose deadline has passed."""
        await expire_disputes(self.db, self.disputes)

    async def cover_disputes(self) -> None:
        """Hold what has come since for disputes that hold too little; apart, so that a broken case keeps no money free."""
        await self.db.run(cover_short)
        await self.db.run(hold_uncased)

    async def dunning(self) -> None:
        """Collect what is overdue where the money has come, and take each case of what has not one step further."""
        while await self.db.run(collect_dunned):
            pass
        await self.db.run(partial(dun, plan=plan_of(self.settlement)))

    async def books(self) -> None:
        """Forget old previews and the provider's old events, and close the books of settled months where the operator wants that done by the clock."""
        kept = timedelta(days=self.settlement.previews_kept_days)
        await self.db.run(lambda tx: previews.forget_previews(tx, tx.now - kept))
        await self.db.run(partial(forget_payloads, kept_days=self.settlement.provider_events_kept_days))
        if self.settlement.books_close_after_days:
            await self.db.run(partial(close_months, after_days=self.settlement.books_close_after_days))

    async def rights(self) -> None:
        """Note the rights that have run out, and have the hour's search for what ended rights cover queued."""
        while await self.db.run(withdraw_right.expire_rights):
            pass
        await self.db.run(withdraw_right.queue_searches)

    async def deadlines(self) -> None:
        """Note the directives whose deadline has passed while somebody still owed, until none is left."""
        while await self.db.run(answer_directive.expire):
            pass

    async def tell(self) -> None:
        """Tell those who have begun to trade in the scope of directives that stand."""
        after: UUID | None = None
        while True:
            after = await self.db.run(partial(issue_directive.tell_more, after=after))
            if after is None:
                return

    async def signatures(self) -> None:
        """Sign new agreements for those whose keys are kept, until none is left."""
        after: UUID | None = None
        while True:
            started = monotonic()
            done = await self.db.run(partial(sign_agreements, keyring=self.keyring, after=after))
            after = done.after
            if after is None:
                return
            await asyncio.sleep(SIGNING_RESTS * (monotonic() - started))

    async def _queue_sweep(self, tx: Tx) -> None:
        """By ten minutes: the provider's list of events is looked through, whatever was delivered."""
        await jobs.put(tx, Job(SWEEP_EVENTS, tx.now.strftime("%Y%m%d%H%M")[:-1], {}, attempts_max=3))

    async def _queue_books(self, tx: Tx) -> None:
        """By the hour: every movement at the provider finds its journal. By the day: clients' money is proved."""
        await jobs.put(tx, Job(RECONCILE, tx.now.strftime("%Y%m%d%H"), {}, attempts_max=3))
        await jobs.put(tx, Job(PROVE_MONEY, tx.now.strftime("%Y%m%d"), {}))

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
        # Days first, then their roots: money waits for the one, and nobody but a proof for the other.
        wanted += [
            Job(ROOT_USAGE, f"{day.isoformat()}:{part}:{hour}", {"day": day.isoformat()})
            for day, part in await seal_usage.due_roots(tx)
        ]
        await jobs.put(tx, *wanted)


async def _every(seconds: float, work: Callable[[], Awaitable[None]]) -> None:
    while True:
        try:
            await work()
        except Exception as error:  # noqa: BLE001  # regular work outlives a fault, which alerts see in the log
            _LOG.error("scheduled-work-failed", work=getattr(work, "__name__", "work"), exc_info=error)
        await asyncio.sleep(seconds)
