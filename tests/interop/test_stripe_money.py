"""Money in the sandbox over days: pending, available, tied to charges, debited, refunded, disputed, paid out, returned."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import stripe

from tests.support.stripe_worlds import Client, world

DAY = 86_400.0
MANDATE: Any = {"customer_acceptance": {"type": "online", "online": {"ip_address": "192.0.2.1", "user_agent": "test"}}}


def debit(iban: str) -> dict[str, Any]:
    return {
        "payment_method": None,
        "payment_method_data": {
            "type": "sepa_debit",
            "sepa_debit": {"iban": iban},
            "billing_details": {"name": "Lab", "email": "lab@example.com"},
        },
    }


@pytest.fixture
async def client(origin: str) -> AsyncIterator[Client]:
    days: Any = {"settle_s": 2 * DAY, "debit_s": 3 * DAY, "payout_s": DAY, "decide_s": DAY}
    async with world(origin, fee_bps=290, dispute_fee=1_500, payout_interval="manual", **days) as made:
        await made.door("webhook", url="held:", secret="whsec_p", of="platform")
        await made.door("webhook", url="held:", secret="whsec_c", of="connect")
        yield made


def types(letters: list[dict[str, Any]]) -> list[str]:
    return [json.loads(letter["body"])["type"] for letter in letters]


async def refused(code: str | None, wanted: Any) -> str:
    with pytest.raises(stripe.InvalidRequestError) as caught:
        await wanted
    assert caught.value.code == code
    return str(caught.value.user_message)


async def test_a_charge_is_pending_until_its_date_and_its_fee_is_a_line(client: Client) -> None:
    intent = await client.pay(10_000, expand=["latest_charge.balance_transaction"])
    line: Any = intent.latest_charge.balance_transaction  # type: ignore[union-attr]
    assert (line.amount, line.fee, line.net, line.status, line.type) == (10_000, 290, 9_710, "pending", "charge")
    assert line.available_on - line.created == 2 * DAY
    assert (await client.available(), await client.pending()) == (0, 9_710)
    payee = await client.account()
    await refused("balance_insufficient", client.send(100, payee.id))
    await client.letters()
    await client.advance(2 * DAY)
    assert (await client.available(), await client.pending()) == (9_710, 0)
    assert types(await client.letters()) == ["balance.available"]
    assert (await client.send(9_710, payee.id)).amount == 9_710


async def test_a_transfer_tied_to_a_charge_is_available_no_earlier_than_it(client: Client) -> None:
    intent = await client.pay(10_000, transfer_group="g1")
    payee = await client.account()
    source = str(intent.latest_charge)
    sent = await client.send(6_000, payee.id, source_transaction=source)
    assert sent.transfer_group == "g1"
    await refused(None, client.send(4_001, payee.id, source_transaction=source))
    await refused(None, client.send(1_000, payee.id, source_transaction=source, currency="usd"))
    assert (await client.available(payee.id), await client.pending(payee.id)) == (0, 6_000)
    assert await client.pending() == 9_710 - 6_000
    await refused("balance_insufficient", client.pay_out(1, payee.id))
    # What is still pending can come back: pending, as it went.
    back = await client.v1.transfers.reversals.create_async(sent.id, {"amount": 1_000})
    assert (await client.pending(payee.id), back.amount) == (5_000, 1_000)
    await client.advance(2 * DAY)
    assert (await client.available(payee.id), await client.available()) == (5_000, 9_710 - 5_000)
    payment = await client.v1.charges.retrieve_async(sent.destination_payment, {}, {"stripe_account": payee.id})  # type: ignore[arg-type]
    assert (payment.source_transfer, payment.amount_refunded) == (sent.id, 1_000)


async def test_a_transfer_is_tied_to_what_its_charge_was_settled_in_and_not_to_one_that_went_back(origin: str) -> None:
    async with world(origin, settle_in="usd", fx_ppm=1_100_000) as client:
        intent = await client.pay(10_000)
        payee, source = await client.account(), str(intent.latest_charge)
        await refused(None, client.send(1_000, payee.id, source_transaction=source))
        await refused(None, client.send(11_001, payee.id, source_transaction=source, currency="usd"))
        assert (
            await client.send(8_000, payee.id, source_transaction=source, currency="usd")
        ).source_transaction == source
    async with world(origin) as client:
        intent = await client.pay(10_000)
        payee, source = await client.account(), str(intent.latest_charge)
        await client.v1.refunds.create_async({"payment_intent": intent.id})
        await client.pay(10_000)
        assert "refunded" in await refused(None, client.send(1, payee.id, source_transaction=source))


async def test_a_recipient_waits_a_day_longer(origin: str) -> None:
    async with world(origin, recipient_s=DAY) as client:
        await client.pay(1_000)
        payee = await client.account()
        await client.send(1_000, payee.id)
        assert (await client.available(payee.id), await client.pending(payee.id)) == (0, 1_000)
        await client.advance(DAY)
        assert await client.available(payee.id) == 1_000


async def test_a_refund_waits_for_money_that_is_there(client: Client) -> None:
    intent = await client.pay(10_000)
    refund = await client.v1.refunds.create_async({"payment_intent": intent.id, "amount": 4_000})
    assert (refund.status, refund.pending_reason, refund.balance_transaction) == ("pending", "insufficient_funds", None)
    await refused(None, client.v1.refunds.create_async({"payment_intent": intent.id, "amount": 6_001}))
    await client.letters()
    await client.advance(2 * DAY)
    refund = await client.v1.refunds.retrieve_async(refund.id, {"expand": ["balance_transaction"]})
    line: Any = refund.balance_transaction
    assert (refund.status, line.net, line.type) == ("succeeded", -4_000, "refund")
    assert "refund.updated" in types(await client.letters())
    # The fee stays with Stripe: the whole charge cannot go back without money from elsewhere.
    rest = await client.v1.refunds.create_async({"payment_intent": intent.id})
    assert (rest.amount, rest.status) == (6_000, "pending")
    await client.v1.topups.create_async(
        {"amount": 1_000, "currency": "eur", "description": "own money", "statement_descriptor": "own"}
    )
    assert (await client.v1.refunds.retrieve_async(rest.id)).status == "succeeded"
    assert await client.available() == 10_000 - 290 - 10_000 + 1_000


async def test_a_refund_can_come_back(client: Client) -> None:
    intent = await client.pay(10_000)
    await client.advance(2 * DAY)
    refund = await client.v1.refunds.create_async({"payment_intent": intent.id, "amount": 4_000})
    await client.letters()
    await client.door("return_refund", refund=refund.id)
    assert types(await client.letters()) == ["refund.updated", "refund.failed"]
    after = await client.v1.refunds.retrieve_async(refund.id, {"expand": ["failure_balance_transaction", "charge"]})
    line: Any = after.failure_balance_transaction
    assert (after.status, line.type, line.net, after.charge.amount_refunded) == ("failed", "refund_failure", 4_000, 0)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("iban", "status", "told"),
    [
        ("DE89370400440532013000", "succeeded", ["charge.succeeded", "payment_intent.succeeded"]),
        ("DE62370400440532013001", "requires_payment_method", ["charge.failed", "payment_intent.payment_failed"]),
    ],
)
async def test_a_debit_is_answered_days_later(client: Client, iban: str, status: str, told: list[str]) -> None:
    await refused("payment_intent_mandate_invalid", client.pay(**debit(iban)))
    intent = await client.pay(**debit(iban), mandate_data=MANDATE)
    assert intent.status == "processing"
    assert (await client.available(), await client.pending()) == (0, 0)
    await refused(None, client.pay(**debit(iban), mandate_data=MANDATE, currency="usd"))
    await client.letters()
    await client.advance(3 * DAY)
    assert types(await client.letters()) == told
    after = await client.v1.payment_intents.retrieve_async(intent.id, {"expand": ["latest_charge"]})
    assert after.status == status
    assert after.latest_charge.id.startswith("py_")  # type: ignore[union-attr]
    assert await client.pending() == (4_855 if status == "succeeded" else 0)


async def test_a_debit_taken_back_leaves_less_than_nothing_and_stops_transfers(client: Client) -> None:
    payee = await client.account()
    await client.pay(**debit("DE35370400440532013002"), mandate_data=MANDATE)
    await client.advance(3 * DAY)
    dispute = (await client.v1.disputes.list_async()).data[0]
    assert (dispute.status, dispute.reason) == ("lost", "debit_not_authorized")
    assert await client.available() == -6_500
    await client.advance(2 * DAY)
    assert await client.available() == 4_855 - 6_500
    await refused("balance_insufficient", client.send(1, payee.id))


async def disputed(client: Client, amount: int = 10_000) -> stripe.Dispute:
    await client.pay(amount, payment_method="pm_card_createDispute")
    return (await client.v1.disputes.list_async()).data[0]


async def test_evidence_wins_or_loses(client: Client) -> None:
    dispute = await disputed(client)
    assert (dispute.status, [(t.amount, t.fee) for t in dispute.balance_transactions]) == (
        "needs_response",
        [(-10_000, 1_500)],
    )
    await refused("charge_disputed", client.v1.refunds.create_async({"charge": str(dispute.charge)}))
    paper = b"%PDF-1.4 usage proof"
    upload = io.BytesIO(paper)
    upload.name = "proof.pdf"
    file = await client.v1.files.create_async({"purpose": "dispute_evidence", "file": upload})
    assert (file.size, file.type, file.filename) == (len(paper), "pdf", "proof.pdf")
    await refused("resource_missing", client.v1.disputes.update_async(dispute.id, {"evidence": {"receipt": "file_x"}}))
    staged = await client.v1.disputes.update_async(dispute.id, {"evidence": {"receipt": file.id}, "submit": False})
    assert (staged.status, staged.evidence_details.submission_count) == ("needs_response", 0)
    sent = await client.v1.disputes.update_async(
        dispute.id, {"evidence": {"uncategorized_text": "winning_evidence"}, "submit": False}
    )
    assert sent.status == "needs_response"
    await client.letters()
    won = await client.v1.disputes.update_async(dispute.id, {"submit": True})
    assert (won.status, won.evidence.receipt) == ("won", file.id)
    assert types(await client.letters()) == ["charge.dispute.funds_reinstated", "charge.dispute.closed"]
    lost = await disputed(client)
    lost = await client.v1.disputes.update_async(lost.id, {"evidence": {"uncategorized_text": "losing_evidence"}})
    assert lost.status == "lost"
    await refused(None, client.v1.disputes.update_async(lost.id, {"evidence": {"uncategorized_text": "late"}}))


async def test_a_dispute_without_an_answer_is_lost_and_an_inquiry_takes_nothing(client: Client) -> None:
    dispute = await disputed(client)
    await client.advance(7 * DAY)
    after = await client.v1.disputes.retrieve_async(dispute.id)
    assert (after.status, after.evidence_details.past_due) == ("lost", True)
    before = await client.available()
    await client.pay(1_000, payment_method="pm_card_createDisputeInquiry")
    inquiry = (await client.v1.disputes.list_async({"limit": 1})).data[0]
    assert (inquiry.status, list(inquiry.balance_transactions)) == ("warning_needs_response", [])
    await client.v1.disputes.close_async(inquiry.id)
    assert (await client.available(), await client.pending()) == (before, 971)
    other = await client.pay(3_000)
    await client.door("dispute", charge=other.latest_charge, amount=1_200, reason="duplicate")
    found = (await client.v1.disputes.list_async({"limit": 1})).data[0]
    assert (found.amount, found.reason) == (1_200, "duplicate")


async def test_automatic_payouts_tell_what_was_inside(origin: str) -> None:
    async with world(origin, payout_s=DAY) as client:
        await client.pay(9_000)
        payee = await client.account()
        sent = [await client.send(amount, payee.id) for amount in (1_000, 2_000)]
        await client.advance(DAY)
        as_payee: Any = {"stripe_account": payee.id}
        payout = (await client.v1.payouts.list_async({}, as_payee)).data[0]
        assert (payout.amount, payout.automatic, payout.status) == (3_000, True, "pending")
        await client.advance(DAY)
        lines = await client.v1.balance_transactions.list_async({"payout": payout.id}, as_payee)
        told = {line.source: line.net for line in lines.data}
        assert told == {sent[0].destination_payment: 1_000, sent[1].destination_payment: 2_000, payout.id: -3_000}
        payout = await client.v1.payouts.retrieve_async(payout.id, {}, as_payee)
        assert (payout.status, payout.reconciliation_status) == ("paid", "completed")
        await client.v1.accounts.update_async(payee.id, {"settings": {"payouts": {"schedule": {"interval": "manual"}}}})
        await client.send(500, payee.id)
        await client.advance(3 * DAY)
        assert await client.available(payee.id) == 500


async def test_a_payout_can_be_taken_back_only_before_the_bank_has_it(client: Client) -> None:
    await client.pay(10_000, payment_method="pm_card_bypassPending")
    payee = await client.account()
    await client.send(5_000, payee.id)
    as_payee: Any = {"stripe_account": payee.id}
    first, second = [await client.pay_out(2_000, payee.id) for _ in range(2)]
    assert (await client.v1.payouts.cancel_async(first.id, {}, as_payee)).status == "canceled"
    await client.advance(DAY / 2)
    await refused("payout_not_cancelable", client.v1.payouts.cancel_async(second.id, {}, as_payee))
    assert await client.available(payee.id) == 3_000


async def test_money_that_is_reserved_is_taken_in_part_or_let_go(client: Client) -> None:
    held = await client.pay(5_000, capture_method="manual")
    assert (held.status, held.amount_capturable, await client.pending()) == ("requires_capture", 5_000, 0)
    taken = await client.v1.payment_intents.capture_async(held.id, {"amount_to_capture": 4_000})
    assert (taken.status, taken.amount_received, await client.pending()) == ("succeeded", 4_000, 3_884)
    await client.advance(2 * DAY)
    await refused(None, client.v1.refunds.create_async({"payment_intent": held.id, "amount": 4_001}))
    other = await client.pay(5_000, capture_method="manual")
    assert (await client.v1.payment_intents.cancel_async(other.id)).status == "canceled"


async def test_a_movement_of_any_type_can_be_met(client: Client) -> None:
    made = await client.door("transaction", type="climate_order_purchase", amount=-700, currency="eur")
    line = await client.v1.balance_transactions.retrieve_async(made["id"])
    assert (line.type, line.net, await client.available()) == ("climate_order_purchase", -700, -700)


async def test_wechat_shows_a_code_and_a_debit_pays_a_session_later(client: Client) -> None:
    wanted: Any = {"payment_method": None, "payment_method_data": {"type": "wechat_pay"}, "currency": "cny"}
    await refused("parameter_missing", client.pay(800, **wanted))
    waiting = await client.pay(800, **wanted, payment_method_options={"wechat_pay": {"client": "web"}})
    code = waiting.next_action.wechat_pay_display_qr_code  # type: ignore[union-attr]
    assert code is not None
    await client.browser.post(code.hosted_instructions_url, data={"outcome": "succeed"})
    assert (await client.v1.payment_intents.retrieve_async(waiting.id)).status == "succeeded"
    for word, status, told in (("clears", "paid", "succeeded"), ("fails", "unpaid", "failed")):
        session = await client.v1.checkout.sessions.create_async(
            {
                "mode": "payment",
                "line_items": [
                    {"price_data": {"currency": "eur", "unit_amount": 900, "product_data": {"name": "Corpus"}}}
                ],
                "allowed_payment_method_types": ["sepa_debit"],
                "success_url": "https://x.test/ok",
            }
        )
        assert "SEPA" in (await client.browser.get(str(session.url))).text
        await client.browser.post(str(session.url), data={"payment_method": f"sepa_debit:{word}"})
        assert (await client.v1.checkout.sessions.retrieve_async(session.id)).payment_status == "unpaid"
        await client.letters()
        await client.advance(3 * DAY)
        assert f"checkout.session.async_payment_{told}" in types(await client.letters())
        assert (await client.v1.checkout.sessions.retrieve_async(session.id)).payment_status == status


async def test_the_same_seed_and_calls_give_the_same_state_to_the_last_byte(origin: str) -> None:
    async def digest(seed: int) -> str:
        async with world(origin, seed=seed, settle_s=DAY, faults="duplicate=0.5,late=0.5") as client:
            await client.door("webhook", url="held:", secret="whsec_p", of="both")
            await client.pay(5_000, key="a", payment_method="pm_card_createDispute")
            # Without a key of ours the SDK makes one up, another every time.
            payee = await client.account(key="d")
            await client.pay(5_000, key="b")
            await client.advance(2 * DAY)
            await client.send(1_000, payee.id, key="c")
            letters = await client.letters()
            told = json.dumps([await client.look("state"), letters], sort_keys=True)
            return hashlib.sha256(told.encode()).hexdigest()

    first = await digest(5)
    assert first == await digest(5)
    assert first != await digest(6)
