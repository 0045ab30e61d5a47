"""A settlement run: usage and orders become charges, invoices, journals, splits and statements.

A run is done in parts, each a transaction of its own: every seller, then every payee, then the close. It can stop
anywhere and go on; what was booked is never booked again, so a second run over the same period books nothing new.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import msgspec

from compliance import store as audit
from compliance.entries import Entry
from exchange.flows.apply_split_rules import apply_rules
from exchange.flows.pay_guarantees import pay_guarantees
from exchange.flows.sale import Sales
from exchange.flows.settle_payees import settle_payees
from exchange.flows.settle_sellers import settle_sellers
from exchange.kernel import ids, jobs
from exchange.kernel.db import Tx
from exchange.kernel.errors import NOT_FOUND, Problem
from settlement.problems import PERIOD_INVALID, PERIOD_PASSED, RUN_OPEN
from settlement.runs import Run, Side, period_possible
from settlement.store import audit as ledger_audit
from settlement.store import runs

SETTLE = "settle"
SELLERS_PER_STEP = 10
PAYEES_PER_STEP = 50


class Unbalanced(AssertionError):
    """The trial balance of a run is not zero: a defect, and the run stays open."""


@dataclass(frozen=True, slots=True)
class Period:
    """What to settle: the half-open period [start, end) in one currency."""

    start: datetime
    end: datetime
    currency: str


class RunProgress(msgspec.Struct, frozen=True):
    """How far a run has come; `finished` when it is closed."""

    run: str
    starts_at: datetime
    ends_at: datetime
    currency: str
    sellers: tuple[int, int]
    payees: tuple[int, int]
    finished: bool


async def start_run(tx: Tx, period: Period) -> RunProgress | Problem:
    """Open a run, or take up the open one of the same period, and queue the job that does it.

    errors   answers period-invalid, period-passed, run-open
    """
    if not period_possible(period.start, period.end, tx.now):
        return PERIOD_INVALID()
    until = await runs.settled_to(tx, period.currency)
    if until is not None and period.end < until:
        return PERIOD_PASSED(until=until.isoformat())
    run = await runs.open_run(tx, period.currency)
    made = None if run is not None else await runs.create_run(tx, period.start, period.end, period.currency)
    if run is None and made is None:
        # Another start was quicker; its run is committed by now, and waits for nobody.
        run = await runs.open_run(tx, period.currency)
    if run is not None and (run.period_start, run.period_end) != (period.start, period.end):
        return RUN_OPEN(run=ids.text("run", run.id))
    if made is not None:
        run = made
        sellers = await runs.sellers_to_settle(tx, run.currency, run.period_end)
        await runs.add_items(tx, run.id, Side.SELLER, sorted(sellers))
        name = ids.text("run", run.id)
        await jobs.put(tx, jobs.Job(SETTLE, name, {"run": name}))
        await audit.append(tx, [Entry(action="settlement.start", organisation_id=None, object_id=name)])
    if run is None:
        raise LookupError("the run that was opened at the same moment is gone")
    return await _progress(tx, run)


async def settle_next(tx: Tx, sales: Sales, run_id: UUID) -> RunProgress | Problem:
    """Do the next part of a run. Call it, each time in a transaction of its own, until it says `finished`.

    errors   answers not-found
    """
    run = await runs.lock_run(tx, run_id)
    if run is None:
        return NOT_FOUND()
    if run.state == "open":
        await _step(tx, sales, run)
        run = await runs.lock_run(tx, run_id) or run
    return await _progress(tx, run)


async def _step(tx: Tx, sales: Sales, run: Run) -> None:
    sellers = await runs.take_items(tx, run.id, Side.SELLER, SELLERS_PER_STEP)
    if sellers:
        await _split(tx, run, await settle_sellers(tx, sales, run, sellers))
        await runs.items_done(tx, sellers)
        return
    done = await runs.progress(tx, run.id)
    if done[Side.PAYEE] == (0, 0):
        # What went back since is taken from the payees of a rule, whether its seller sold anything or not.
        await _split(tx, run, frozenset())
        await pay_guarantees(tx, run.currency, run.period_end)
        # Asked once per run: what moves after this belongs to the next statement.
        await runs.add_items(tx, run.id, Side.PAYEE, sorted(await runs.payees_to_state(tx, run.currency)))
    payees = await runs.take_items(tx, run.id, Side.PAYEE, PAYEES_PER_STEP)
    if payees:
        await settle_payees(tx, sales, run, payees)
        await runs.items_done(tx, payees)
        return
    await _close(tx, run)


async def _split(tx: Tx, run: Run, ready: frozenset[UUID]) -> None:
    """Give what waits under a split rule to its payees: of the sales that are ready, and of refunds."""
    while await apply_rules(tx, run.currency, run.period_end, ready=ready, release=True):
        pass


async def _close(tx: Tx, run: Run) -> None:
    trial = (await ledger_audit.trial_balance(tx)).get(run.currency, {})
    if sum(trial.values()):
        raise Unbalanced(f"{run.currency} sums to {sum(trial.values())}")
    await runs.close_run(tx, run.id)
    name = ids.text("run", run.id)
    await audit.append(tx, [Entry(action="settlement.close", organisation_id=None, object_id=name)])


async def _progress(tx: Tx, run: Run) -> RunProgress:
    done = await runs.progress(tx, run.id)
    return RunProgress(
        ids.text("run", run.id),
        run.period_start,
        run.period_end,
        run.currency,
        done[Side.SELLER],
        done[Side.PAYEE],
        run.state == "closed",
    )
