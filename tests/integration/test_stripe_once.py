"""Money leaves and comes once, whatever becomes of the answers: the real SDK, the sandbox's Stripe, and a line between that fails."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio

from compliance import directive_store
from exchange.flows.ask_provider import begin_transfer
from exchange.flows.store_event import store_event
from exchange.kernel import ids
from exchange.kernel.clock import FixedClock
from exchange.kernel.db import Database, DatabaseUrls
from exchange.kernel.ids import IdSource
from exchange.kernel.keys import Keyring
from exchange.worker import loop
from exchange.worker.loop import run_one
from exchange.worker.pacing import SECOND_US
from settlement.accounts import payable
from settlement.gateway.stripe.webhooks import read_event
from settlement.payments import PaymentState
from settlement.payouts import PayoutState, Rail
from settlement.provider_calls import CallKind, CallState, key_of
from settlement.store import ledger, payments, provider_calls
from tests.support.clones import Clones
from tests.support.directives import standing
from tests.support.settlement_market import SELLER
from tests.support.stripe_market import SHARE, YUAN, Desk, Killed, Mortal, desk_at

TRANSFERS, CHARGES, PAYOUTS = "POST /v1/transfers", "POST /v1/payment_intents", "POST /v1/payouts"


@pytest_asyncio.fixture
async def desk(database: Database, clock: FixedClock, keyring: Keyring) -> AsyncIterator[Desk]:
    """A seller with 240.00 to be paid, an account at Stripe, and money there."""
    async with desk_at(database, clock) as made:
        await made.earn(keyring)
        await made.fill_stripe()
        yield made


async def freeze(desk: Desk) -> None:
    """A regulator freezes the payee."""
    directive = standing(UUID(int=90), "freeze", ("organisation", SELLER), UUID(int=91), desk.clock.now())
    await desk.database.run(lambda tx: directive_store.put_directive(tx, directive))


async def paid_once(desk: Desk, payout_id: Any, *states: PayoutState) -> None:
    """The payout went out, and exactly once, in Stripe's books and in ours."""
    name = ids.text("pot", payout_id)
    (transfer,) = [one for one in await desk.there("/v1/transfers") if one["metadata"]["payout"] == name]
    assert transfer["amount"] == 24_000
    payout = await desk.payout(payout_id)
    assert payout.state in (states or (PayoutState.SENT, PayoutState.PAID))
    assert payout.provider_ref == transfer["id"]
    (journal,) = await desk.rows("SELECT count(*) FROM settlement.journal WHERE kind = 'payout_paid'")
    assert journal == (1,)
    done = "SELECT state, provider_id FROM settlement.provider_call WHERE kind = 'transfer' AND state = 'done'"
    assert await desk.rows(done) == [("done", transfer["id"])]
    await desk.sound()


async def test_a_payout_goes_to_the_account_and_on_to_the_bank(desk: Desk) -> None:
    payout_id = await desk.order_payout()
    await desk.work()
    await paid_once(desk, payout_id, PayoutState.SENT)
    assert desk.line.keys(TRANSFERS) == [key_of(CallKind.TRANSFER, payout_id, 1)]
    account = (await desk.account()).destination
    (bank,) = await desk.there("/v1/payouts", account)
    assert (await desk.payout(payout_id)).bank_ref == bank["id"]
    assert desk.line.keys(PAYOUTS) == [key_of(CallKind.PAYOUT, payout_id, 1)]
    assert await desk.items() == {}


async def test_an_answer_that_is_lost_is_asked_for_again_under_the_same_key(desk: Desk) -> None:
    """Once nothing is heard for too long, once the line is cut."""
    desk.line.trouble(TRANSFERS, "silent")
    desk.line.trouble(TRANSFERS, "lost")
    payout_id = await desk.order_payout()
    async with desk.impatient(0.5):
        await desk.work()
    assert (await desk.payout(payout_id)).state is PayoutState.CREATED
    await desk.work_later(60, 2)
    await paid_once(desk, payout_id)
    assert set(desk.line.keys(TRANSFERS)) == {key_of(CallKind.TRANSFER, payout_id, 1)}
    assert len(desk.line.keys(TRANSFERS)) == 3


async def test_a_call_that_arrives_after_the_time_out_pays_nobody_twice(desk: Desk) -> None:
    """The first attempt is on its way while the second is made: under one key Stripe makes one transfer of the two."""
    desk.line.trouble(TRANSFERS, "late")
    payout_id = await desk.order_payout()
    await desk.work()
    await desk.work_later(60)
    assert await desk.line.release() == [200]
    await paid_once(desk, payout_id)


async def test_a_late_call_meets_its_own_refusal_and_the_next_step_pays(desk: Desk) -> None:
    """Nothing is on the balance: the refusal is kept under the key, so the late first attempt cannot go through either."""
    state = await desk.state()
    there = next(one["amount"] for one in state["balances"]["acct_1SandboxPlatform"]["available"])
    await desk.ask("POST", "/v1/payouts", amount=there, currency="cny")
    desk.line.trouble(TRANSFERS, "late")
    payout_id = await desk.order_payout()
    await desk.work()
    await desk.work_later(60)
    (waits,) = (await desk.items()).values()
    assert waits.what.kind.value == "balance-short"
    assert "insufficient" in str(waits.what.about["said"]), "a person reads Stripe's own words, not a code alone"
    await desk.fill_stripe()
    assert await desk.line.release() == [400]
    assert (await desk.payout(payout_id)).state is PayoutState.CREATED
    await desk.work_later()
    await paid_once(desk, payout_id)
    keys = desk.line.keys(TRANSFERS)
    assert keys == [key_of(CallKind.TRANSFER, payout_id, step) for step in (1, 1, 2)]
    assert await desk.items() == {}, "what settled itself is closed"


async def test_a_refusal_after_a_lost_answer_frees_no_money_that_has_gone(desk: Desk) -> None:
    desk.line.trouble(TRANSFERS, "lost")
    desk.line.trouble(TRANSFERS, "refused")
    payout_id = await desk.order_payout()
    await desk.work()
    await desk.work_later(60)
    await paid_once(desk, payout_id)


async def test_a_refusal_makes_the_money_payable_again_and_the_period_can_be_paid_anew(desk: Desk) -> None:
    desk.line.trouble(TRANSFERS, "refused")
    payout_id = await desk.order_payout()
    await desk.work()
    found = await desk.payout(payout_id)
    assert (found.state, found.failure) == (PayoutState.FAILED, "account_closed")
    sums = await desk.database.run(partial(ledger.sums, keys=[payable(SELLER, "CNY")]))
    assert sums[payable(SELLER, "CNY")] == SHARE.units
    again = await desk.order_payout()
    await desk.work()
    await paid_once(desk, again)


async def test_nothing_leaves_to_a_payee_who_is_frozen_unless_it_may_have_left_already(desk: Desk) -> None:
    desk.line.trouble(TRANSFERS, "lost")
    under_way = await desk.order_payout()
    await desk.work()
    await freeze(desk)
    await desk.work_later(60)
    await paid_once(desk, under_way)


async def test_a_payout_to_a_frozen_payee_fails_before_its_first_call(desk: Desk) -> None:
    payout_id = await desk.order_payout()
    await freeze(desk)
    await desk.work()
    found = await desk.payout(payout_id)
    assert (found.state, found.failure) == (PayoutState.FAILED, "payee_frozen")
    assert desk.line.keys(TRANSFERS) == []
    sums = await desk.database.run(partial(ledger.sums, keys=[payable(SELLER, "CNY")]))
    assert sums[payable(SELLER, "CNY")] == SHARE.units


async def test_stripes_own_fault_is_kept_under_the_key_and_a_day_later_the_next_step_is_made(desk: Desk) -> None:
    desk.line.trouble(CHARGES, "kept")
    payment_id = await desk.top_up(50 * YUAN)
    await desk.work()
    await desk.work_later(3_700, 22)
    first = key_of(CallKind.CHARGE, payment_id, 1)
    assert desk.line.keys(CHARGES) == [first, first], "once kept, the same key is not sent for ever"
    assert set(await desk.items()) == {"call-unanswered"}
    await desk.work_later(3_700, 5)
    assert desk.line.keys(CHARGES) == [first, first, key_of(CallKind.CHARGE, payment_id, 2)]
    found = (await desk.database.run(partial(payments.get_payments, payment_ids=[payment_id])))[payment_id]
    assert found.state is PaymentState.SUCCEEDED
    assert len(await desk.there("/v1/payment_intents")) == 1
    assert await desk.items() == {}
    await desk.sound()


async def test_once_the_key_may_be_forgotten_it_is_looked_for_and_never_sent_again(desk: Desk) -> None:
    desk.line.trouble(TRANSFERS, "lost")
    payout_id = await desk.order_payout()
    await desk.work()
    await desk.work_later(23 * 3_600)
    await paid_once(desk, payout_id)
    assert len(desk.line.keys(TRANSFERS)) == 1


async def test_what_never_arrived_is_sent_under_a_new_key_only_after_a_day_and_a_rest(desk: Desk) -> None:
    for _ in range(40):
        desk.line.trouble(TRANSFERS, "never")
    payout_id = await desk.order_payout()
    await desk.work()
    await desk.work_later(3_600, 23)
    assert set(desk.line.keys(TRANSFERS)) == {key_of(CallKind.TRANSFER, payout_id, 1)}
    desk.line.troubles.clear()
    sent = len(desk.line.keys(TRANSFERS))
    await desk.work_later(1_800)
    assert len(desk.line.keys(TRANSFERS)) == sent, "before a day has passed it is only looked for"
    await desk.work_later(3_700)
    assert desk.line.keys(TRANSFERS)[sent:] == [key_of(CallKind.TRANSFER, payout_id, 2)]
    await paid_once(desk, payout_id)


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("amount", 23_999),
        ("currency", "eur"),
        ("destination", "acct_other"),
        ("metadata", {"payout": "pot_01m80jwmabesg81hwe4cc73nw9"}),
    ],
)
async def test_an_answer_about_something_else_is_not_taken(desk: Desk, name: str, other: Any) -> None:
    desk.line.trouble(TRANSFERS, "changed", lambda said: said.update({name: other}))
    payout_id = await desk.order_payout()
    await desk.work()
    assert (await desk.payout(payout_id)).state is PayoutState.CREATED
    (item,) = (await desk.items()).values()
    assert item.what.kind.value == "answer-differs"
    # An amount is a number and its currency.
    assert name.replace("currency", "amount") in item.what.about["said"]
    # A look-up that fails says nothing: what is known of the call stays.
    desk.line.trouble("GET /v1/transfers", "never")
    await desk.work_later()
    assert await desk.rows("SELECT code FROM settlement.provider_call WHERE kind = 'transfer'") == [("other_answer",)]
    await desk.work_later()
    assert len(desk.line.keys(TRANSFERS)) == 1, "it is looked for, not sent again"
    await paid_once(desk, payout_id)


@pytest.mark.timeout(280)
async def test_a_worker_that_dies_between_any_two_steps_moves_money_once(
    desk: Desk, clones: Clones, database_url: str
) -> None:
    """Before and after every transaction on the way from the order to the bank, and from the card to what Stripe tells of it.

    Each point in a market of its own.
    """
    await desk.fill_stripe(1_000_000 * YUAN)
    await desk.database.close()
    died, number, after = 0, 1, False
    while True:
        url = await clones.copy(database_url)
        clock = FixedClock(desk.clock.now())
        name = f"{number} {after}".encode()
        async with contextlib.aclosing(_Own(Database(DatabaseUrls.from_one(url), clock, ids=IdSource(name)))) as own:
            one = replace(desk, database=own.database, clock=clock)
            payout_id, payment_id = await one.order_payout(), await one.top_up(50 * YUAN)
            mortal: Any = Mortal(one.database, number, after=after)
            try:
                await one.work(mortal)
                await _told_of(one, payment_id, mortal)
            except Killed:
                died += 1
            if number > mortal.count:
                break
            await one.work_later(loop.LOCK_S + 1)
            await _told_of(one, payment_id, one.database)
            await _moved_once(one, payout_id, payment_id)
        await clones.drop(url)
        number, after = (number + 1, False) if after else (number, True)
    # Four kinds of jobs, each taken, done in some transactions, and ended.
    assert died >= 40, died


async def _told_of(desk: Desk, payment_id: Any, database: Any) -> None:
    """Stripe tells of the payment, and a worker acts on it."""
    name = ids.text("pay", payment_id)
    for event in await desk.there("/v1/events"):
        if event["data"]["object"].get("metadata", {}).get("payment") == name:
            read = read_event(json.dumps(event).encode())
            await desk.database.run(partial(store_event, event=read))
    await desk.work(database)


async def _moved_once(desk: Desk, payout_id: Any, payment_id: Any) -> None:
    await paid_once(desk, payout_id)
    payout = await desk.payout(payout_id)
    assert payout.bank_ref is not None
    banked = [
        bank["id"]
        for bank in await desk.there("/v1/payouts", payout.destination)
        if bank["metadata"]["payout"] == ids.text("pot", payout_id)
    ]
    assert banked == [payout.bank_ref]
    name = ids.text("pay", payment_id)
    charged = [one["id"] for one in await desk.there("/v1/payment_intents") if one["metadata"]["payment"] == name]
    found = (await desk.database.run(partial(payments.get_payments, payment_ids=[payment_id])))[payment_id]
    assert (found.state, [found.provider_ref]) == (PaymentState.SUCCEEDED, charged)
    waiting = "SELECT id FROM settlement.stripe_event WHERE handled_at IS NULL"
    assert await desk.rows(waiting) == []


class _Own:
    """A database that is closed with its block."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def aclose(self) -> None:
        await self.database.close()


async def test_two_workers_at_once_pay_once_and_the_one_that_lost_its_lock_changes_nothing(desk: Desk) -> None:
    held = desk.line.trouble(TRANSFERS, "stopped")
    payout_id = await desk.order_payout()
    slow = asyncio.create_task(run_one(desk.database, desk.steps().table()))
    while not desk.line.keys(TRANSFERS):
        await asyncio.sleep(0.01)
    desk.clock.advance(loop.LOCK_S + 1)
    await desk.work()
    after = await desk.payout(payout_id)
    calls = await desk.database.run(partial(provider_calls.calls_of, kind=CallKind.TRANSFER, object_ids=[payout_id]))
    held.going.set()
    await slow
    await paid_once(desk, payout_id)
    assert await desk.payout(payout_id) == after
    assert calls == await desk.database.run(
        partial(provider_calls.calls_of, kind=CallKind.TRANSFER, object_ids=[payout_id])
    )
    (call,) = calls
    assert (call.state, call.attempts) == (CallState.DONE, 2)


async def test_a_payout_by_bank_is_never_sent_to_stripe(desk: Desk) -> None:
    payout_id = await desk.order_payout(rail=Rail.BANK)
    await desk.work()
    assert desk.line.keys(TRANSFERS) == []
    assert await desk.database.run(partial(begin_transfer, payout_id=payout_id)) is None
    assert (await desk.payout(payout_id)).state is PayoutState.CREATED


async def test_a_card_is_charged_once_and_a_decline_is_final(desk: Desk) -> None:
    desk.line.trouble(CHARGES, "lost")
    good = await desk.top_up(50 * YUAN)
    bad = await desk.top_up(60 * YUAN, "pm_card_chargeDeclined")
    await desk.work()
    await desk.work_later(60, 2)
    found = await desk.database.run(partial(payments.get_payments, payment_ids=[good, bad]))
    assert [found[one].state for one in (good, bad)] == [PaymentState.SUCCEEDED, PaymentState.FAILED]
    assert found[bad].failure == "generic_decline"
    assert len([one for one in await desk.there("/v1/payment_intents") if one["status"] == "succeeded"]) == 1
    await desk.sound()


async def test_calls_of_all_workers_keep_one_pace(database: Database) -> None:
    """Thirty calls, asked for at once by two workers, get thirty moments, a step apart after the first burst."""
    step, burst = 0.05, 5

    async def slot() -> float:
        paces = {"all": round(step * SECOND_US), "transfers": round(step * SECOND_US)}
        return await database.run(partial(provider_calls.take_slot, steps_us=paces, burst=burst)) / SECOND_US

    began = asyncio.get_running_loop().time()
    waits = []
    for _ in range(30):
        waits.append(asyncio.get_running_loop().time() - began + await slot())
    for first, later in zip(waits, waits[burst + 1 :], strict=False):
        assert later - first > step * 0.9, "never more than a burst within its time"
    assert waits[-1] >= step * (30 - burst - 2)
