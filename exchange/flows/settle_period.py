"""A settlement run: usage and orders become charges, invoices, journals, splits and statements.

A run is done in parts, each a transaction of its own: every seller, then every payee, then the close. It can stop
anywhere and go on; what was booked is never booked again, so a second run over the same period books nothing new.

What it writes counts from the run's opening, under ids that follow from the run: the same facts give the same bytes,
however fast it goes, how often it stops, and how many sellers are done at a time.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from uuid import UUID

import msgspec

from compliance import store as audit
from compliance.entries import Entry
from exchange.flows.pay_guarantees import pay_guarantees
from exchange.flows.sale import Sales
from exchange.flows.settle_books import unseen_since
from exchange.flows.settle_payees import settle_payees
from exchange.flows.settle_sellers import settle_sellers
from exchange.kernel import ids, jobs
from exchange.kernel.collecting import no_collecting
from exchange.kernel.db import Tx
from exchange.kernel.errors import NOT_FOUND, Problem
from exchange.parties import store as parties
from settlement.problems import PERIOD_INVALID, PERIOD_PASSED, RUN_OPEN
from settlement.runs import Run, RunItem, RunState, Side, period_possible
from settlement.store import audit as ledger_audit
from settlement.store import runs

SETTLE = "settle"
# Enough work for one transaction, so that its fixed costs are small, and little enough that others wait for seconds only,
# and that two processes end at about the same time.
SELLERS_PER_STEP, ORDERS_PER_STEP = 100, 1_500
PAYEES_PER_STEP, LINES_PER_STEP = 400, 10_000


class Unbalanced(AssertionError):
    """The trial balance of a run is not zero: a defect, and the run stays open."""


@dataclass(frozen=True, slots=True)
class Period:
    """What to settle: the half-open period [start, end) in one currency, of the parties of one country or of all."""

    start: datetime
    end: datetime
    currency: str
    region: str | None = None


class RunProgress(msgspec.Struct, frozen=True):
    """How far a run has come; `finished` when it is closed."""

    run: str
    starts_at: datetime
    ends_at: datetime
    currency: str
    sellers: tuple[int, int]
    payees: tuple[int, int]
    finished: bool
    region: str | None = None
    state: str = "open"


async def start_run(tx: Tx, period: Period) -> RunProgress | Problem:
    """Open a run, or take up the open one of the same period, and queue the job that does it.

    errors   answers period-invalid, period-passed, run-open
    """
    refused = await refuse_period(tx, period)
    if refused is not None:
        return refused
    for run in await runs.open_runs(tx, period.currency, period.region):
        if (run.period_start, run.period_end, run.region) != (period.start, period.end, period.region):
            return RUN_OPEN(run=ids.text("run", run.id))
        await queue_run(tx, run)
        return await progress_of(tx, run)
    wanted = await runs.next_run(tx, period.start, period.end, period.currency, period.region)
    run = await runs.create_run(tx, wanted)
    await runs.add_items(tx, run, Side.SELLER, await sellers_of(tx, run))
    await queue_run(tx, run)
    await audit.append(tx, [Entry(action="settlement.start", organisation_id=None, object_id=ids.text("run", run.id))])
    return await progress_of(tx, run)


async def queue_run(tx: Tx, run: Run) -> bool:
    """Queue the job of a run unless it is under way or waits; a job that was given up gets another chance."""
    name = ids.text("run", run.id)
    known = await jobs.of_key(tx, SETTLE, name)
    if known is None:
        await jobs.put(tx, jobs.Job(SETTLE, name, {"run": name}))
        return True
    return known.state == "dead" and await jobs.again(tx, known.id)


async def refuse_period(tx: Tx, period: Period) -> Problem | None:
    """Why a period cannot be settled now, or None."""
    if not period_possible(period.start, period.end, tx.now):
        return PERIOD_INVALID()
    until = await runs.settled_to(tx, period.currency, period.region)
    if until is not None and period.end < until:
        return PERIOD_PASSED(until=until.isoformat())
    return None


async def sellers_of(tx: Tx, run: Run) -> dict[UUID, int]:
    """Whom a run settles: who ever sold in its currency and is at home in its region, and was not settled further yet.

    shapes   seller -> about how many orders are to be looked at
    """
    found = sorted(await runs.sellers_to_settle(tx, run.currency, run.period_end))
    found = await _at_home(tx, run, found)
    settled = await runs.settled_until(tx, found, run.currency)
    since = {one: unseen_since(settled.get(one)) for one in found}
    kept = {one: at for one, at in since.items() if one not in settled or settled[one].until <= run.period_end}
    return await runs.seller_weights(tx, run.currency, kept, run.period_end)


async def settle_next(tx: Tx, sales: Sales, run_id: UUID) -> RunProgress | Problem:
    """Do the next part of a run. Call it, each time in a transaction of its own, until it says `finished`.

    Several may be under way at a time: each takes what no other has. What has to be alone waits for them.

    errors   answers not-found; TryAgain where a lane with earlier sellers gave them up
    """
    await runs.be_patient(tx)
    side, items = await _take(tx, run_id)
    run = await (runs.share_run(tx, run_id) if items else runs.lock_run(tx, run_id))
    if run is None:
        return NOT_FOUND()
    if run.state == RunState.OPEN:
        if not items:
            # Whoever was waited for may have given its parts up.
            side, items = await _take(tx, run_id)
        with no_collecting():
            await (_step(tx, sales, run, side, items) if items else _next_side(tx, run))
        run = await runs.find_run(tx, run_id) or run
    return await progress_of(tx, run)


async def _take(tx: Tx, run_id: UUID) -> tuple[Side, list[RunItem]]:
    found = await runs.take_items(tx, run_id, Side.SELLER, SELLERS_PER_STEP, ORDERS_PER_STEP)
    if found:
        return Side.SELLER, found
    return Side.PAYEE, await runs.take_items(tx, run_id, Side.PAYEE, PAYEES_PER_STEP, LINES_PER_STEP)


async def _step(tx: Tx, sales: Sales, run: Run, side: Side, items: list[RunItem]) -> None:
    # Accounts and journals, too, count from the opening; what nobody gave an id gets a fresh one, and no document does.
    then = replace(tx, now=run.opened_at)
    settle = settle_sellers if side is Side.SELLER else settle_payees
    await audit.append(tx, await settle(then, sales, run, items))
    await runs.items_done(tx, items)


async def _next_side(tx: Tx, run: Run) -> None:
    """After the sellers come the payees, and after these the close; the run has to be locked."""
    done = await runs.progress(tx, run.id)
    if any(count < of for count, of in done.values()):
        # A lane took them just before the run was locked.
        return
    if done[Side.PAYEE] == (0, 0):
        then = replace(tx, now=run.opened_at)
        named = ids.DerivedIds(run.opened_at, run.id, "guarantee", place=1 << 23)
        at_home = None if run.region is None else partial(_at_home, tx, run)
        await audit.append(tx, await pay_guarantees(replace(then, ids=named), run.currency, run.period_end, at_home))
        # Asked once per run: what counts after its opening belongs to the next statement.
        waiting = await runs.payees_to_state(tx, run.currency, run.seen_until)
        payable = await _at_home(tx, run, sorted(waiting))
        if payable:
            await runs.add_items(tx, run, Side.PAYEE, {one: waiting[one] for one in payable})
            return
    await _close(tx, run)


async def _at_home(tx: Tx, run: Run, organisations: list[UUID]) -> list[UUID]:
    """Those of these organisations that are in the run's region."""
    if run.region is None or not organisations:
        return organisations
    known = await parties.standing(tx, organisations)
    return [one for one in organisations if one in known and known[one].country == run.region]


async def _close(tx: Tx, run: Run) -> None:
    trial = (await ledger_audit.trial_balance(tx)).get(run.currency, {})
    if sum(trial.values()):
        raise Unbalanced(f"{run.currency} sums to {sum(trial.values())}")
    await runs.end_run(tx, run.id, RunState.CLOSED)
    name = ids.text("run", run.id)
    await audit.append(tx, [Entry(action="settlement.close", organisation_id=None, object_id=name)])


async def progress_of(tx: Tx, run: Run) -> RunProgress:
    """How far a run is."""
    done = await runs.progress(tx, run.id)
    return RunProgress(
        ids.text("run", run.id),
        run.period_start,
        run.period_end,
        run.currency,
        done[Side.SELLER],
        done[Side.PAYEE],
        run.state == RunState.CLOSED,
        run.region,
        run.state,
    )
