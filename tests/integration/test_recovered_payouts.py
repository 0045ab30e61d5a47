"""Money that is brought back of a payout before it went on to its bank, and accounts that are looked at long after."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest_asyncio

from exchange.flows.recover_debt import RECOVER, RecoveryAsked, recover_debt
from exchange.flows.refund_order import RefundWish, refund_order
from exchange.kernel.clock import FixedClock
from exchange.kernel.db import Database, Tx
from exchange.kernel.errors import Problem
from exchange.kernel.jobs import JobState, listed
from exchange.kernel.keys import Keyring
from exchange.kernel.money import Money
from exchange.worker.loop import drain, run_one
from exchange.worker.money_steps import WATCHED_FOR, WATCHED_MAX
from settlement.payouts import PayoutState
from settlement.refunds import Reason
from settlement.store import provider_events
from tests.support.settlement_market import OPERATOR, SELLER, actor
from tests.support.stripe_market import YUAN, Desk, desk_at


@pytest_asyncio.fixture
async def desk(database: Database, clock: FixedClock, keyring: Keyring) -> AsyncIterator[Desk]:
    """A seller whose payout of 240.00 lies at its account at Stripe, and has yet to go on to its bank."""
    async with desk_at(database, clock) as made:
        await made.earn(keyring)
        await made.fill_stripe()
        yield made


async def _owe(desk: Desk, refund: int) -> None:
    """A part of the sale goes back to its buyer: of each 300.00 the seller owes 240.00."""
    ((order,),) = await desk.rows("SELECT id FROM settlement.orders")
    wish = RefundWish(("order", order), Reason.GOODWILL, Money(refund * YUAN, "CNY"))
    made = await desk.database.run(partial(refund_order, actor=actor(OPERATOR, "operator"), wish=wish))
    assert not isinstance(made, Problem), made


async def _brought(desk: Desk) -> None:
    """What the seller owes is asked back, and brought before the payout goes on."""
    made = await desk.database.run(
        partial(recover_debt, actor=actor(OPERATOR, "operator"), organisation_id=SELLER, currency="CNY")
    )
    assert isinstance(made, RecoveryAsked), made
    assert await drain(desk.database, {RECOVER: desk.steps().table()[RECOVER]}) == 1


async def _jobs(desk: Desk) -> list[JobState]:
    return await desk.database.run(lambda tx: listed(tx, kind="pay_to_bank"))


async def test_what_is_left_of_a_payout_goes_on(desk: Desk) -> None:
    payout_id = await desk.order_payout()
    assert await run_one(desk.database, desk.steps().table())
    await _owe(desk, 100)
    await _brought(desk)
    await desk.work()
    account = (await desk.account()).destination
    (bank,) = await desk.there("/v1/payouts", account)
    assert bank["amount"] == 16_000
    payout = await desk.payout(payout_id)
    assert (payout.state, payout.bank_ref) == (PayoutState.SENT, bank["id"])
    assert await desk.items() == {}
    await desk.sound()


async def test_a_payout_that_was_brought_back_whole_has_nothing_to_send_on(desk: Desk) -> None:
    payout_id = await desk.order_payout()
    assert await run_one(desk.database, desk.steps().table())
    await _owe(desk, 300)
    await _brought(desk)
    await desk.work()
    assert await desk.there("/v1/payouts", (await desk.account()).destination) == []
    assert (await desk.payout(payout_id)).state is PayoutState.SENT
    (job,) = await _jobs(desk)
    assert (job.state, job.attempts) == ("done", 1)
    assert await desk.items() == {}
    await desk.sound()


async def test_a_payout_waits_for_what_is_being_brought_back_of_it(desk: Desk) -> None:
    await desk.order_payout()
    assert await run_one(desk.database, desk.steps().table())
    await _owe(desk, 100)
    asked = partial(recover_debt, actor=actor(OPERATOR, "operator"), organisation_id=SELLER, currency="CNY")
    assert isinstance(await desk.database.run(asked), RecoveryAsked)
    table = desk.steps().table()
    assert await drain(desk.database, {kind: step for kind, step in table.items() if kind != RECOVER}) == 1
    account = (await desk.account()).destination
    assert await desk.there("/v1/payouts", account) == []
    await desk.work()
    await desk.work_later()
    (bank,) = await desk.there("/v1/payouts", account)
    assert bank["amount"] == 16_000


async def _another_payee(tx: Tx, now: Any) -> None:
    """Somebody else's account, where nothing was under way for long, as an earlier year left it."""
    await (await tx.driver()).execute(
        """INSERT INTO settlement.event_cursor (account, seen_until) SELECT destination, $1 FROM settlement.payout_account""",
        now,
    )


async def test_an_account_is_looked_at_long_after_it_was_paid(desk: Desk) -> None:
    """A bank can give money back at any time, and no letter may tell of it."""
    await desk.order_payout()
    await desk.work()
    account = (await desk.account()).destination
    desk.clock.advance(200 * 86_400)
    now = desk.clock.now()
    watched = partial(provider_events.watched_accounts, since=now - WATCHED_FOR, limit=WATCHED_MAX)
    assert await desk.database.run(watched) == [account]
    await desk.database.run(partial(_another_payee, now=now - timedelta(days=1)))
    assert await desk.database.run(watched) == [account]


async def test_those_nobody_looked_at_for_longest_come_first(database: Database, clock: FixedClock) -> None:
    """Of three accounts two fit: the one that is due first, and each comes once before any comes twice."""

    async def three(tx: Tx) -> None:
        driver = await tx.driver()
        for n in range(3):
            await driver.execute(
                """INSERT INTO settlement.payout_account (organisation_id, rail, country, state, destination, created_at, changed_at)
                VALUES ($1, 'stripe', 'DE', 'active', $2, $3, $3)""",
                UUID(int=n + 1), f"acct_{n}", clock.now() - timedelta(days=100),
            )  # fmt: skip

    async def look(tx: Tx) -> list[str]:
        found = await provider_events.watched_accounts(tx, clock.now() - WATCHED_FOR, 2)
        for account in found:
            await provider_events.saw_until(tx, account, clock.now())
        clock.advance(60)
        return found

    await database.run(three)
    assert await database.run(look) == ["acct_0", "acct_1"]
    assert (await database.run(look))[0] == "acct_2"
