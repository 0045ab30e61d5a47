"""What Stripe tells takes its effect once: whatever the order, however often, late, or not at all."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from functools import partial
from hashlib import sha256
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio

from compliance import directive_store
from exchange.flows.ask_provider import begin_bank_payout
from exchange.flows.may_send import FROZEN
from exchange.flows.resend_payout import PayoutResent, resend_payout
from exchange.flows.store_event import store_event
from exchange.kernel import ids, jobs
from exchange.kernel.clock import FixedClock
from exchange.kernel.db import Database, DatabaseUrls, Tx
from exchange.kernel.errors import Problem
from exchange.kernel.jobs import Job
from exchange.kernel.keys import Keyring
from exchange.worker.loop import run_one
from exchange.worker.money_steps import SWEEP_EVENTS
from settlement.gateway.stripe.webhooks import API_VERSION, read_event
from settlement.open_items import ItemKind
from settlement.payments import PaymentState
from settlement.payout_accounts import PayoutAccountState
from settlement.payouts import PayoutState
from settlement.provider_events import About, place_of
from settlement.store import payments, payouts
from tests.support.clones import Clones
from tests.support.directives import standing
from tests.support.settlement_market import OPERATOR, actor
from tests.support.stripe_market import YUAN, Desk, desk_at

ORDERS = 20
CHARGES = "POST /v1/payment_intents"


@pytest_asyncio.fixture
async def desk(database: Database, clock: FixedClock, keyring: Keyring) -> AsyncIterator[Desk]:
    """A seller with 240.00 to be paid, an account at Stripe, and money there."""
    async with desk_at(database, clock, "--payout-s", "0.1") as made:
        await made.earn(keyring)
        await made.fill_stripe()
        yield made


async def tell(desk: Desk, *events: dict[str, Any], work: bool = True) -> None:
    """Events come in, each with its job."""
    for event in events:
        read = read_event(json.dumps(event).encode())
        await desk.database.run(partial(store_event, event=read, live=False, api_version=API_VERSION))
    if work:
        await desk.work()


async def told(desk: Desk, account: str | None = None) -> list[dict[str, Any]]:
    """Every event of an account, oldest first."""
    return (await desk.there("/v1/events", account))[::-1]


async def payment(desk: Desk, payment_id: Any) -> Any:
    return (await desk.database.run(partial(payments.get_payments, payment_ids=[payment_id])))[payment_id]


async def unhandled(desk: Desk) -> list[tuple[Any, ...]]:
    return await desk.rows("SELECT id, type FROM settlement.stripe_event WHERE handled_at IS NULL")


async def arrived(desk: Desk, account: str) -> dict[str, Any]:
    """The payout to the bank, once the bank has said something."""
    while True:
        (bank,) = await desk.there("/v1/payouts", account)
        # On its way it is neither here nor there.
        if bank["status"] not in ("pending", "in_transit"):
            return bank


def an_event(
    type_: str, what: dict[str, Any], account: str | None = None, created: int = 1_768_000_000
) -> dict[str, Any]:
    """An event that Stripe could send."""
    made = {
        "id": "evt_" + sha256(repr((type_, what.get("id"), account, created)).encode()).hexdigest()[:24],
        "object": "event",
        "type": type_,
        "created": created,
        "livemode": False,
        "api_version": API_VERSION,
        "data": {"object": what},
    }
    return {**made, **({"account": account} if account else {})}


async def test_a_payout_is_paid_once_its_bank_has_it_and_returned_when_the_bank_gives_it_back(desk: Desk) -> None:
    """payout.failed after payout.paid: the money lies at the payee's account, and a person is told."""
    payout_id = await desk.order_payout()
    await desk.work()
    account = (await desk.account()).destination
    assert account is not None
    bank = await arrived(desk, account)
    await tell(desk, *await told(desk, account))
    assert (await desk.payout(payout_id)).state is PayoutState.PAID
    assert await desk.items() == {}
    failed = {**bank, "status": "failed", "failure_code": "account_closed"}
    desk.line.trouble(f"GET /v1/payouts/{bank['id']}", "changed", lambda said: said.update(failed))
    await tell(desk, an_event("payout.failed", failed, account))
    found = await desk.payout(payout_id)
    assert (found.state, found.failure, found.bank_ref) == (PayoutState.RETURNED, "account_closed", bank["id"])
    item = (await desk.items())["payout-returned"]
    assert item.what.subject == ids.text("pot", payout_id)
    # What comes late of the time before changes nothing.
    await tell(desk, an_event("payout.paid", bank, account, created=1_767_999_999))
    assert (await desk.payout(payout_id)).state is PayoutState.RETURNED
    assert await unhandled(desk) == []
    await desk.sound()
    # The sandbox's bank gave nothing back, so the money is laid there by hand.
    await desk.ask("POST", "/v1/transfers", amount=24_000, currency="cny", destination=account)
    await _sent_again(desk, payout_id, account, failed)


class _Undo(Exception):
    """Ends a transaction that only looked."""


async def _frozen(tx: Tx, payout_id: Any, now: Any) -> None:
    """What is answered while the payee is frozen."""
    payee = (await payouts.get_payouts(tx, [payout_id]))[payout_id].organisation_id
    await directive_store.put_directive(
        tx, standing(UUID(int=90), "freeze", ("organisation", payee), UUID(int=91), now)
    )
    refused = await resend_payout(tx, actor(OPERATOR, "operator"), payout_id)
    raise _Undo(refused, await begin_bank_payout(tx, payout_id, step=2))


async def _sent_again(desk: Desk, payout_id: Any, account: str, failed: dict[str, Any]) -> None:
    """The payee has named another bank account; the operator sends the same money on, once, however often it says so."""
    with pytest.raises(_Undo) as undone:
        await desk.database.run(partial(_frozen, payout_id=payout_id, now=desk.clock.now()))
    refused, begun = undone.value.args
    assert (refused.type.slug, begun) == ("frozen-by-directive", FROZEN), "a frozen payee is sent nothing"
    for _ in range(2):
        answer = await desk.database.run(partial(resend_payout, actor=actor(OPERATOR, "operator"), payout_id=payout_id))
        assert isinstance(answer, PayoutResent), answer
    assert await desk.items() == {}
    await desk.work()
    found = await desk.payout(payout_id)
    banked = [one["id"] for one in await desk.there("/v1/payouts", account)]
    assert (len(banked), found.state, found.bank_ref) == (2, PayoutState.SENT, banked[0])
    # Whoever looks at the first try from now on sees that it came back.
    for _ in range(20):
        desk.line.trouble(f"GET /v1/payouts/{failed['id']}", "changed", lambda said: said.update(failed))
    await tell(desk, an_event("payout.failed", failed, account, created=1_768_000_009))
    assert (await desk.payout(payout_id)).state is PayoutState.SENT, "that was the try before"
    refused = await desk.database.run(partial(resend_payout, actor=actor(OPERATOR, "operator"), payout_id=payout_id))
    assert isinstance(refused, Problem)
    while (await desk.ask("GET", f"/v1/payouts/{banked[0]}", account))["status"] != "paid":
        await asyncio.sleep(0.02)
    await tell(desk, *await told(desk, account))
    assert (await desk.payout(payout_id)).state is PayoutState.PAID
    assert await desk.items() == {}
    await desk.sound()


async def test_a_transfer_that_is_taken_back_is_payable_again_and_somebody_is_told(desk: Desk) -> None:
    payout_id = await desk.order_payout()
    desk.line.trouble("POST /v1/payouts", "refused")
    await desk.work()
    ref = (await desk.payout(payout_id)).provider_ref
    await desk.ask("POST", f"/v1/transfers/{ref}/reversals", amount=24_000)
    await tell(desk, *await told(desk))
    assert (await desk.payout(payout_id)).state is PayoutState.REVERSED
    assert "transfer-reversed" in await desk.items()
    await desk.sound()
    again = await desk.order_payout()
    await desk.work()
    assert (await desk.payout(again)).state is PayoutState.SENT
    await desk.sound()


async def test_a_part_of_a_transfer_taken_back_is_booked_by_nobody_but_told(desk: Desk) -> None:
    payout_id = await desk.order_payout()
    desk.line.trouble("POST /v1/payouts", "refused")
    await desk.work()
    ref = (await desk.payout(payout_id)).provider_ref
    await desk.ask("POST", f"/v1/transfers/{ref}/reversals", amount=1)
    await tell(desk, *await told(desk))
    assert (await desk.payout(payout_id)).state is PayoutState.SENT
    assert (await desk.items())["transfer-reversed"].what.about["reversed"] == "0.01 CNY"
    await desk.sound()


async def test_a_failure_that_is_told_after_the_success_changes_nothing(desk: Desk) -> None:
    """A lawful sequence: declined, tried again, and the webhook of the first try comes last."""
    payment_id = await desk.top_up(50 * YUAN)
    await desk.work()
    assert (await payment(desk, payment_id)).state is PaymentState.SUCCEEDED
    (intent,) = await desk.there("/v1/payment_intents")
    late = {**intent, "status": "requires_payment_method", "last_payment_error": {"code": "card_declined"}}
    await tell(desk, an_event("payment_intent.payment_failed", late), *await told(desk))
    assert (await payment(desk, payment_id)).state is PaymentState.SUCCEEDED
    assert await unhandled(desk) == []
    dead = await desk.database.run(lambda tx: jobs.listed(tx, state="dead"))
    assert dead == []
    await desk.sound()


async def test_two_workers_look_at_one_payment_and_the_older_look_does_not_win(desk: Desk) -> None:
    """The first sees a payment that is still under way, and is held; the second sees it declined; then the first goes on."""
    payment_id = await desk.top_up(50 * YUAN)
    desk.line.trouble(CHARGES, "changed", lambda said: said.update(status="processing", amount_received=0))
    await desk.work()
    assert (await payment(desk, payment_id)).state is PaymentState.PROCESSING
    (intent,) = await desk.there("/v1/payment_intents")
    look = f"GET /v1/payment_intents/{intent['id']}"
    declined = {"status": "requires_payment_method", "amount_received": 0, "last_payment_error": {"code": "declined"}}
    # The first look is answered, as of now, but its worker hears of it only after the second has done its work.
    held = desk.line.trouble(look, "delayed", lambda said: said.update(status="processing", amount_received=0))
    # Whoever looks afterwards sees the decline, the first worker too when it has to look again.
    for _ in range(2):
        desk.line.trouble(look, "changed", lambda said: said.update(declined))
    await tell(desk, an_event("payment_intent.processing", intent), work=False)
    slow = asyncio.create_task(run_one(desk.database, desk.steps().table()))
    while not any(what.startswith(look) for what, _ in desk.line.sent):
        await asyncio.sleep(0.01)
    await tell(desk, an_event("payment_intent.payment_failed", intent))
    assert (await payment(desk, payment_id)).state is PaymentState.FAILED
    held.going.set()
    await slow
    assert (await payment(desk, payment_id)).state is PaymentState.FAILED
    assert await unhandled(desk) == []


async def test_an_older_word_about_an_account_never_wins(desk: Desk) -> None:
    account = await desk.account()
    assert account.state is PayoutAccountState.ACTIVE
    there = await desk.ask("GET", f"/v1/accounts/{account.destination}")
    old = {**there, "capabilities": {"transfers": "inactive"}}
    await tell(desk, an_event("account.updated", old, account.destination, created=1_600_000_000))
    assert (await desk.account()).state is PayoutAccountState.ACTIVE
    # What is so now wins, whatever the event says.
    desk.line.trouble("GET /v1/accounts", "changed", lambda said: said.update(capabilities={"transfers": "inactive"}))
    await tell(desk, an_event("account.updated", there, account.destination, created=1_600_000_001))
    assert (await desk.account()).state is PayoutAccountState.RESTRICTED
    await tell(desk, an_event("account.updated", there, account.destination, created=1_600_000_002))
    assert (await desk.account()).state is PayoutAccountState.ACTIVE


async def test_events_that_were_never_delivered_are_found_in_stripes_own_list(desk: Desk) -> None:
    desk.line.trouble(CHARGES, "lost")
    payment_id = await desk.top_up(50 * YUAN)
    payout_id = await desk.order_payout()
    await desk.work()
    account = (await desk.account()).destination
    assert account is not None
    await arrived(desk, account)
    await desk.database.run(lambda tx: jobs.put(tx, Job(SWEEP_EVENTS, "now", {})))
    await desk.work()
    assert (await payment(desk, payment_id)).state is PaymentState.SUCCEEDED
    assert (await desk.payout(payout_id)).state is PayoutState.PAID
    swept = (await desk.job(SWEEP_EVENTS)).result
    assert swept is not None
    assert swept["found"] > 0
    await desk.database.run(lambda tx: jobs.put(tx, Job(SWEEP_EVENTS, "again", {})))
    await desk.work()
    assert await unhandled(desk) == []
    await desk.sound()


async def test_money_that_no_rule_books_is_put_before_a_person(desk: Desk) -> None:
    payment_id = await desk.top_up(50 * YUAN, "pm_card_createDispute")
    await desk.top_up(70 * YUAN)
    await desk.work()
    assert (await payment(desk, payment_id)).state is PaymentState.SUCCEEDED
    good = next(one for one in await desk.there("/v1/payment_intents") if one["amount"] == 7_000)
    await desk.ask("POST", "/v1/refunds", payment_intent=good["id"], amount=1_000)
    await tell(desk, *await told(desk))
    await tell(desk, an_event("treasury.received_credit.created", {"id": "rc_1"}))
    await tell(desk, an_event("refund.failed", {"id": "re_9", "payment_intent": "pi_9", "status": "failed"}))
    await tell(desk, {**an_event("customer.created", {"id": "cus_1"}), "api_version": "2019-01-01"})
    found = await desk.items()
    # A refund that is told of and is not there, and one that somebody made by hand; the dispute waits for our answer.
    assert set(found) == {"dispute", "refund", "event-unknown", "object-missing", "api-version", "own-money"}
    assert found["object-missing"].what.subject == "re_9"
    assert found["refund"].what.subject == good["id"]
    assert found["event-unknown"].what.subject == "treasury.received_credit.created"
    assert await unhandled(desk) == []
    await desk.sound()


async def test_money_that_is_not_what_was_asked_for_is_not_booked(desk: Desk) -> None:
    payment_id = await desk.top_up(50 * YUAN)
    for at in (CHARGES, *["GET /v1/payment_intents"] * 20):
        desk.line.trouble(at, "changed", lambda said: said.update(amount_received=4_999))
    await desk.work()
    assert set(await desk.items()) == {"answer-differs"}
    await tell(desk, *[one for one in await told(desk) if not one["type"].startswith("topup")])
    assert set(await desk.items()) == {"answer-differs", "other-money"}
    assert (await payment(desk, payment_id)).state is PaymentState.CREATED
    await desk.sound()


async def test_an_event_of_the_other_mode_is_kept_without_effect(desk: Desk) -> None:
    await tell(desk, {**an_event("payment_intent.succeeded", {"id": "pi_live"}), "livemode": True})
    assert await unhandled(desk) == []
    assert await desk.rows("SELECT id FROM settlement.stripe_event WHERE payload IS NOT NULL AND livemode") == []
    assert await desk.items() == {}


_DIGEST = """
SELECT a.kind, a.organisation_id, a.currency, sum(p.amount)::text FROM settlement.posting p
JOIN settlement.account a ON a.id = p.account_id GROUP BY 1, 2, 3
UNION ALL SELECT 'payment ' || state, id, provider_ref, failure FROM settlement.payment
UNION ALL SELECT 'payout ' || state, id, provider_ref, bank_ref FROM settlement.payout
UNION ALL SELECT 'account ' || state, organisation_id, destination, '' FROM settlement.payout_account
UNION ALL SELECT 'chargeback ' || state, id, provider_ref, covered_units::text FROM settlement.chargeback
UNION ALL SELECT 'item ' || kind, NULL, subject, '' FROM settlement.open_item WHERE closed_at IS NULL
ORDER BY 1, 2, 3, 4"""


async def _lived(desk: Desk, chance: random.Random | None, events: Sequence[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """Events come in some order, some twice, some only when the list is looked through; the end of it."""
    mine = list(events)
    if chance is not None:
        mine += chance.sample(mine, len(mine) // 2)
        chance.shuffle(mine)
        mine = [one for one in mine if chance.random() > 0.3]
    for event in mine:
        await tell(desk, event, work=chance is None or chance.random() < 0.5)
    await desk.work()
    await desk.database.run(lambda tx: jobs.put(tx, Job(SWEEP_EVENTS, "end", {})))
    await desk.work()
    await desk.work_later(3_700, 2)
    assert await unhandled(desk) == []
    await desk.sound()
    return await desk.rows(_DIGEST)


@pytest.mark.timeout(280)
async def test_twenty_orders_of_the_same_events_come_to_the_same_end(
    desk: Desk, clones: Clones, database_url: str
) -> None:
    """A card that works, one that is declined, one that is disputed, a payout that failed after it was paid, a refund."""
    for units, card in ((50, "bypassPending"), (60, "chargeDeclined"), (70, "createDispute")):
        await desk.top_up(units * YUAN, f"pm_card_{card}")
    await desk.order_payout()
    desk.line.trouble(CHARGES, "lost")
    await desk.work()
    await desk.work_later(60, 2)
    account = (await desk.account()).destination
    assert account is not None
    bank = await arrived(desk, account)
    good = next(one for one in await desk.there("/v1/payment_intents") if one["amount"] == 5_000)
    await desk.ask("POST", "/v1/refunds", payment_intent=good["id"], amount=1_000)
    failed = {**bank, "status": "failed", "failure_code": "account_closed"}
    events = [*await told(desk), *await told(desk, account), an_event("payout.failed", failed, account)]
    # From now on the bank has given it back, whoever looks.
    for _ in range(ORDERS * 10):
        desk.line.trouble(f"GET /v1/payouts/{bank['id']}", "changed", lambda said: said.update(failed))
    await desk.database.close()
    ends = []
    for seed in range(ORDERS + 1):
        url = await clones.copy(database_url)
        clock = FixedClock(desk.clock.now())
        database = Database(DatabaseUrls.from_one(url), clock)
        chance = random.Random(seed) if seed else None
        ends.append(await _lived(replace(desk, database=database, clock=clock), chance, events))
        await database.close()
        await clones.drop(url)
    assert [end for end in ends if end != ends[0]] == []
    kinds = {row[0] for row in ends[0]}
    assert {"payout returned", "payment succeeded", "payment failed", "item dispute", "item refund"} <= kinds


@pytest.mark.parametrize(
    ("type_", "account", "about", "item"),
    [
        ("payment_intent.succeeded", None, About.PAYMENT, None),
        ("charge.succeeded", None, About.CHARGE, None),
        ("charge.refunded", None, About.CHARGE, None),
        ("charge.dispute.funds_withdrawn", None, About.DISPUTE, None),
        ("charge.refund.updated", None, About.REFUND, None),
        ("refund.failed", None, About.REFUND, None),
        ("checkout.session.expired", None, About.SESSION, None),
        ("payout.failed", "acct_1", About.BANK_PAYOUT, None),
        ("payout.paid", None, About.ITEM, ItemKind.OWN_MONEY),
        ("account.updated", "acct_1", About.ACCOUNT, None),
        ("account.application.deauthorized", "acct_1", About.ITEM, ItemKind.ACCOUNT_LOST),
        ("charge.succeeded", "acct_1", About.NOTHING, None),
        ("customer.created", None, About.NOTHING, None),
        ("anything.else", None, About.ITEM, ItemKind.EVENT_UNKNOWN),
    ],
)
def test_every_type_has_a_place(type_: str, account: str | None, about: About, item: ItemKind | None) -> None:
    place = place_of(type_, account)
    assert (place.about, place.item) == (about, item)
