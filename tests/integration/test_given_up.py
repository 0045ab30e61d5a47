"""Work that moves money and is given up is put before the operator, loses nothing, and goes on when it is asked to."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial

import pytest
import pytest_asyncio
import structlog

from exchange.flows.call_provider import CALL_ATTEMPTS
from exchange.flows.retry_job import JobMoved, retry_job
from exchange.kernel import ids
from exchange.kernel.clock import FixedClock
from exchange.kernel.db import Database
from exchange.kernel.keys import Keyring
from settlement.payouts import PayoutState
from tests.support.settlement_market import OPERATOR, actor
from tests.support.stripe_market import Desk, desk_at
from tests.support.superuser import edit

PAYOUTS = "POST /v1/payouts"


@pytest_asyncio.fixture
async def desk(database: Database, clock: FixedClock, keyring: Keyring) -> AsyncIterator[Desk]:
    """A seller with 240.00 to be paid, an account at Stripe, and money there."""
    async with desk_at(database, clock, "--payout-s", "0.1") as made:
        await made.earn(keyring)
        await made.fill_stripe()
        yield made


@pytest.mark.parametrize("how", ["never", "lost"])
async def test_a_payout_that_was_given_up_is_told_of_and_goes_on_once(desk: Desk, database_url: str, how: str) -> None:
    desk.line.trouble(PAYOUTS, how)
    payout_id = await desk.order_payout()
    await desk.work()
    assert (await desk.payout(payout_id)).state is PayoutState.SENT
    # It comes again for days, and nobody is told of a failure that mends itself.
    assert "job-given-up" not in await desk.items()
    await edit(database_url, f"UPDATE kernel.job SET attempts = {CALL_ATTEMPTS - 1} WHERE kind = 'pay_to_bank'")
    for _ in range(3):
        desk.line.trouble(PAYOUTS, "never")
        desk.line.trouble("GET /v1/payouts", "never")
    with structlog.testing.capture_logs() as logged:
        await desk.work_later()
    job = await desk.job("pay_to_bank")
    assert (job.state, job.attempts) == ("dead", CALL_ATTEMPTS)
    item = (await desk.items())["job-given-up"]
    named = ids.text("pot", payout_id)
    assert (item.what.subject, item.what.about) == (
        ids.text("job", job.id),
        {"job": "pay_to_bank", "attempts": str(CALL_ATTEMPTS), "payout": named},
    )
    told = {one["event"] for one in logged if one["log_level"] == "error"}
    assert {"open-item", "job-dead"} <= told
    await desk.sound()
    # The operator asks for it again: the item is closed, and the bank is paid once whatever became of the first call.
    desk.line.troubles.clear()
    again = await desk.database.run(partial(retry_job, actor=actor(OPERATOR, "operator"), job_id=job.id))
    assert isinstance(again, JobMoved)
    assert "job-given-up" not in await desk.items()
    await desk.work_later(90_000, 2)
    account = (await desk.account()).destination
    (bank,) = await desk.there("/v1/payouts", account)
    found = await desk.payout(payout_id)
    assert (found.bank_ref, bank["amount"]) == (bank["id"], 24_000)
    await desk.sound()
