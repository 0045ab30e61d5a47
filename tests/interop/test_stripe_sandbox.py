"""The sandbox, seen by the real SDK over a real socket, is Stripe as far as we use it."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
import stripe

from sandbox.stripe.process import running
from tests.support.stripe_worlds import Client, world

KEY = "sk_test_sandbox0000"
SECRET = "whsec_interop"


class Receiver:
    """A webhook endpoint on a socket that keeps what it gets and can refuse the first tries."""

    def __init__(self) -> None:
        self.got: list[tuple[bytes, str]] = []
        self.refuse_first = 0
        self.url = ""

    async def start(self) -> asyncio.Server:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hooks/stripe"
        return server

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        headers = {k.lower(): v for k, v in (line.split(": ", 1) for line in head.split("\r\n")[1:] if ": " in line)}
        body = await reader.readexactly(int(headers["content-length"]))
        status = b"200 OK"
        if self.refuse_first > 0:
            self.refuse_first -= 1
            status = b"503 Unavailable"
        else:
            self.got.append((body, headers["stripe-signature"]))
        writer.write(b"HTTP/1.1 " + status + b"\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    def types(self) -> list[str]:
        return [json.loads(body)["type"] for body, _ in self.got]

    async def wait_for(self, kind: str) -> tuple[bytes, str]:
        for _ in range(200):
            for body, signature in self.got:
                if json.loads(body)["type"] == kind:
                    return body, signature
            await asyncio.sleep(0.02)
        raise AssertionError(f"no {kind} among {self.types()}")


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    endpoint = Receiver()
    server = await endpoint.start()
    yield endpoint
    server.close()
    await server.wait_closed()


Starter = Callable[..., Awaitable[Client]]


@pytest.fixture
async def start(origin: str, receiver: Receiver) -> AsyncIterator[Starter]:
    async with AsyncExitStack() as stack:

        async def begin(**options: Any) -> Client:
            client = await stack.enter_async_context(world(origin, real=True, **options))
            await client.door("webhook", url=receiver.url, secret=SECRET)
            return client

        yield begin


@pytest.fixture
async def client(start: Starter) -> Client:
    return await start()


async def test_a_payment_succeeds_and_its_webhook_is_signed(client: Client, receiver: Receiver) -> None:
    intent = await client.pay(transfer_group="order_1", metadata={"payment": "pay_1"}, expand=["latest_charge"])
    assert intent.status == "succeeded"
    assert isinstance(intent.latest_charge, stripe.Charge)
    assert intent.latest_charge.transfer_group == "order_1"
    body, signature = await receiver.wait_for("payment_intent.succeeded")
    event = stripe.Webhook.construct_event(body, signature, SECRET)
    assert event.data.object["id"] == intent.id
    assert event.data.object["metadata"]["payment"] == "pay_1"
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event(body.replace(b"pay_1", b"pay_2"), signature, SECRET)
    assert await client.available() == 5_000


@pytest.mark.parametrize(
    ("method", "code", "decline_code"),
    [
        ("pm_card_chargeDeclined", "card_declined", "generic_decline"),
        ("pm_card_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"),
        ("pm_card_chargeDeclinedExpiredCard", "expired_card", "expired_card"),
    ],
)
async def test_a_declined_card(client: Client, receiver: Receiver, method: str, code: str, decline_code: str) -> None:
    with pytest.raises(stripe.CardError) as caught:
        await client.pay(payment_method=method)
    said = caught.value.json_body["error"]  # type: ignore[index]
    assert (caught.value.code, said["decline_code"]) == (code, decline_code)
    assert said["payment_intent"]["status"] == "requires_payment_method"
    await receiver.wait_for("payment_intent.payment_failed")
    assert await client.available() == 0


async def test_parameters_are_checked_as_the_sdk_types_them(client: Client) -> None:
    cases: list[tuple[dict[str, Any], str, str]] = [
        ({"payment_method_types": ["card"]}, "parameter_unknown", "payment_method_types"),
        ({"shipping": {"address": {"moon": "x"}, "name": "n"}}, "parameter_unknown", "shipping[address][moon]"),
        ({"amount": "ten"}, "parameter_invalid_integer", "amount"),
        ({"amount": 10}, "amount_too_small", "amount"),
        ({"payment_method": "pm_none"}, "resource_missing", "payment_method"),
    ]
    for wrong, code, param in cases:
        with pytest.raises(stripe.InvalidRequestError) as caught:
            await client.pay(**wrong)
        assert (caught.value.code, caught.value.param) == (code, param)
    with pytest.raises(stripe.InvalidRequestError) as caught:
        await client.v1.payment_intents.create_async({"amount": 100})  # type: ignore[typeddict-item]
    assert (caught.value.code, caught.value.param) == ("parameter_missing", "currency")


async def test_what_the_sandbox_has_not_it_refuses(client: Client) -> None:
    line: Any = {"price_data": {"currency": "eur", "unit_amount": 700, "product_data": {"name": "C"}}}
    session: Any = {"mode": "payment", "line_items": [line], "success_url": "https://x.test"}
    for wanted in (
        client.pay(transfer_data={"destination": "acct_1"}),
        client.pay(application_fee_amount=1),
        client.v1.payouts.list_async({"arrival_date": 1}),
        client.v1.checkout.sessions.create_async(session | {"discounts": [{"coupon": "c"}]}),
        client.v1.checkout.sessions.create_async(session | {"mode": "subscription"}),
        client.v1.payment_methods.create_async({"type": "klarna"}),
    ):
        with pytest.raises(stripe.InvalidRequestError):
            await wanted


async def test_an_idempotency_key_gives_one_effect_and_one_answer(client: Client) -> None:
    first = await client.pay(key="k1")
    again = await client.pay(key="k1")
    assert again.id == first.id
    assert again.last_response is not None
    assert again.last_response.headers["idempotent-replayed"] == "true"
    assert "idempotent-replayed" not in first.last_response.headers  # type: ignore[union-attr]
    with pytest.raises(stripe.IdempotencyError):
        await client.pay(amount=6_000, key="k1")
    assert await client.available() == 5_000
    with pytest.raises(stripe.CardError):
        await client.pay(key="k2", payment_method="pm_card_chargeDeclined")
    with pytest.raises(stripe.CardError) as caught:
        await client.pay(key="k2", payment_method="pm_card_chargeDeclined")
    assert caught.value.headers["idempotent-replayed"] == "true"  # type: ignore[index]


async def test_only_a_test_key_opens(client: Client) -> None:
    async with httpx.AsyncClient(trust_env=False) as bare:
        assert (await bare.get(f"{client.origin}/v1/balance")).status_code == 401
        wrong = await bare.get(f"{client.origin}/v1/balance", headers={"Authorization": "Bearer sk_live_0000000000"})
        assert wrong.status_code == 401
        unknown = await bare.get(f"{client.origin}/v1/no_such", headers={"Authorization": f"Bearer {KEY}"})
        assert unknown.status_code == 404


async def test_transfer_reversal_and_empty_balances(client: Client, receiver: Receiver) -> None:
    payee = await client.account()
    with pytest.raises(stripe.InvalidRequestError) as caught:
        await client.send(1_000, payee.id)
    assert caught.value.code == "balance_insufficient"
    await client.pay()
    sent = await client.send(3_000, payee.id, transfer_group="g1", metadata={"payout": "pot_1"})
    assert (await client.available(), await client.available(payee.id)) == (2_000, 3_000)
    back = await client.v1.transfers.reversals.create_async(sent.id, {"amount": 1_000})
    assert (back.amount, back.transfer) == (1_000, sent.id)
    payout = await client.v1.payouts.create_async({"amount": 1_500, "currency": "eur"}, {"stripe_account": payee.id})
    await receiver.wait_for("payout.paid")
    assert payout.status == "pending"
    with pytest.raises(stripe.InvalidRequestError) as caught:
        await client.v1.transfers.reversals.create_async(sent.id)
    assert caught.value.code == "balance_insufficient"
    found = await client.v1.transfers.list_async({"transfer_group": "g1"})
    assert [(t.id, t.amount_reversed, t.metadata["payout"]) for t in found.data] == [(sent.id, 1_000, "pot_1")]
    lines = await client.v1.balance_transactions.list_async()
    assert [(line.type, line.net) for line in lines.data] == [
        ("transfer_refund", 1_000),
        ("transfer", -3_000),
        ("charge", 5_000),
    ]


async def test_a_payout_to_a_bank_that_does_not_exist_comes_back(client: Client, receiver: Receiver) -> None:
    bank = {"object": "bank_account", "country": "DE", "currency": "eur", "account_number": "000111111116"}
    payee = await client.account(external_account=bank)
    await client.pay()
    await client.send(3_000, payee.id)
    await client.v1.payouts.create_async({"amount": 3_000, "currency": "eur"}, {"stripe_account": payee.id})
    body, _ = await receiver.wait_for("payout.failed")
    assert json.loads(body)["account"] == payee.id
    assert await client.available(payee.id) == 3_000


async def test_an_account_without_the_capability_or_onboarding_takes_no_transfer(start: Starter) -> None:
    client = await start(require_onboarding=True)
    await client.pay()
    payee = await client.account()
    with pytest.raises(stripe.InvalidRequestError) as caught:
        await client.send(1_000, payee.id)
    assert caught.value.code == "insufficient_capabilities_for_transfer"
    link = await client.v1.account_links.create_async(
        {
            "account": payee.id,
            "type": "account_onboarding",
            "return_url": "https://x.test/",
            "refresh_url": "https://x.test/",
        }
    )
    async with httpx.AsyncClient(trust_env=False) as browser:
        assert (await browser.get(link.url)).headers["location"] == "https://x.test/"
    assert (await client.send(1_000, payee.id)).amount == 1_000


async def test_refunds_and_a_dispute(client: Client, receiver: Receiver) -> None:
    intent = await client.pay()
    await client.v1.refunds.create_async({"payment_intent": intent.id, "amount": 2_000})
    with pytest.raises(stripe.InvalidRequestError):
        await client.v1.refunds.create_async({"payment_intent": intent.id, "amount": 3_001})
    await client.v1.refunds.create_async({"payment_intent": intent.id})
    assert await client.available() == 0
    await receiver.wait_for("charge.refunded")
    await client.pay(payment_method="pm_card_createDispute")
    body, _ = await receiver.wait_for("charge.dispute.funds_withdrawn")
    dispute = json.loads(body)["data"]["object"]["id"]
    assert await client.available() == 0
    won = await client.v1.disputes.update_async(dispute, {"evidence": {"uncategorized_text": "winning_evidence"}})
    assert won.status == "won"
    assert await client.available() == 5_000


async def test_alipay_sends_the_payer_to_a_page_and_back(client: Client, receiver: Receiver) -> None:
    intent = await client.v1.payment_intents.create_async(
        {
            "amount": 8_800,
            "currency": "cny",
            "allowed_payment_method_types": ["alipay"],
            "payment_method_data": {"type": "alipay"},
            "confirm": True,
            "return_url": "https://x.test/done",
        }
    )
    assert intent.status == "requires_action"
    assert intent.next_action is not None
    assert intent.next_action.alipay_handle_redirect is not None
    async with httpx.AsyncClient(trust_env=False) as browser:
        page = str(intent.next_action.alipay_handle_redirect.url)
        assert "授权" in (await browser.get(page)).text
        back = await browser.post(page, data={"outcome": "succeed"})
    assert back.headers["location"].startswith("https://x.test/done?payment_intent=")
    await receiver.wait_for("payment_intent.succeeded")


async def test_checkout_page_declines_then_pays(client: Client, receiver: Receiver) -> None:
    session = await client.v1.checkout.sessions.create_async(
        {
            "mode": "payment",
            "line_items": [
                {
                    "price_data": {"currency": "eur", "unit_amount": 700, "product_data": {"name": "Corpus"}},
                    "quantity": 2,
                }
            ],
            "payment_intent_data": {"transfer_group": "o9", "metadata": {"payment": "pay_9"}},
            "success_url": "https://x.test/ok?s={CHECKOUT_SESSION_ID}",
        }
    )
    async with httpx.AsyncClient(trust_env=False) as browser:
        assert "14.00 EUR" in (await browser.get(str(session.url))).text
        refused = await browser.post(str(session.url), data={"payment_method": "pm_card_chargeDeclined"})
        assert refused.status_code == 402
        paid = await browser.post(str(session.url), data={"payment_method": "pm_card_visa"})
    assert paid.headers["location"] == f"https://x.test/ok?s={session.id}"
    body, _ = await receiver.wait_for("checkout.session.completed")
    done = json.loads(body)["data"]["object"]
    intent = await client.v1.payment_intents.retrieve_async(done["payment_intent"])
    assert (done["payment_status"], intent.transfer_group, intent.metadata["payment"]) == ("paid", "o9", "pay_9")


async def test_customers_keep_their_cards(client: Client) -> None:
    customer = await client.v1.customers.create_async({"name": "Lab", "metadata": {"organisation": "org_1"}})
    card: Any = {"number": "4000000000000341", "exp_month": 1, "exp_year": 2034, "cvc": "123"}
    method = await client.v1.payment_methods.create_async({"type": "card", "card": card})
    await client.v1.payment_methods.attach_async(method.id, {"customer": customer.id})
    assert (await client.v1.payment_methods.retrieve_async(method.id)).customer == customer.id
    with pytest.raises(stripe.CardError):
        await client.pay(payment_method=method.id, customer=customer.id)
    visa = await client.v1.payment_methods.attach_async("pm_card_visa", {"customer": customer.id})
    for _ in range(2):
        assert (await client.pay(payment_method=visa.id, customer=customer.id)).status == "succeeded"
    with pytest.raises(stripe.InvalidRequestError):
        await client.pay(payment_method=visa.id)
    # Without a customer a card is for one payment.
    wanted: Any = {"type": "card", "card": card | {"number": "4242424242424242"}}
    loose = await client.v1.payment_methods.create_async(wanted)
    await client.pay(payment_method=loose.id)
    with pytest.raises(stripe.InvalidRequestError):
        await client.pay(payment_method=loose.id)


async def test_a_webhook_that_is_not_accepted_comes_again(client: Client, receiver: Receiver) -> None:
    receiver.refuse_first = 3
    await client.pay()
    await receiver.wait_for("payment_intent.succeeded")
    await receiver.wait_for("payment_intent.created")


async def test_faults_follow_the_seed(start: Starter, receiver: Receiver) -> None:
    async def story(seed: int) -> list[str]:
        client = await start(seed=seed, faults="rate_limit=0.2,error_500=0.2,timeout_after_commit=0.2", hang_s=0.05)
        told = []
        for n in range(12):
            for _ in range(20):
                try:
                    told.append((await client.pay(key=f"k{n}")).id)
                    break
                except (stripe.RateLimitError, stripe.APIError) as error:
                    told.append(str(error.http_status))
        return told

    first = await story(7)
    assert first == await story(7)
    assert first != await story(8)
    assert {"429", "500"} <= set(first)


async def test_duplicates_and_reordering(start: Starter, receiver: Receiver) -> None:
    client = await start(seed=3, faults="duplicate=0.5,reorder=0.5")
    for n in range(6):
        await client.pay(key=f"d{n}")
    until = time.monotonic() + 30
    while len({json.loads(body)["id"] for body, _ in receiver.got}) < 18 or len(receiver.got) == 18:
        assert time.monotonic() < until, receiver.types()
        await asyncio.sleep(0.05)
    ids = [json.loads(body)["id"] for body, _ in receiver.got]
    assert len(set(ids)) == 18
    assert len(ids) > 18
    created = [json.loads(body)["type"] for body, _ in receiver.got if b"payment_intent." in body]
    assert created != sorted(created, key=lambda kind: kind != "payment_intent.created")


async def test_a_lost_answer_is_found_again_with_the_same_key(start: Starter) -> None:
    client = await start(faults="timeout_after_commit=0.5", hang_s=30, seed=1, timeout_s=0.5)
    done = lost = 0
    for n in range(8):
        # As often as it takes: a busy machine is slower than this caller is patient.
        for _ in range(40):
            try:
                await client.pay(key=f"t{n}")
                done += 1
                break
            except stripe.APIConnectionError:
                lost += 1
    assert done == 8
    assert lost > 0
    assert await client.available() == 8 * 5_000


async def test_a_restart_continues_from_the_state_file(tmp_path: Path) -> None:
    state = ("--state", str(tmp_path / "stripe.json"))
    async with running(*state) as origin:
        before = Client(origin, KEY)
        intent = await before.pay(key="s1")
        customer = await before.v1.customers.create_async({"name": "Lab"})
        await before.aclose()
    async with running(*state) as origin:
        after = Client(origin, KEY)
        assert (await after.pay(key="s1")).id == intent.id
        assert await after.available() == 5_000
        assert (await after.v1.customers.retrieve_async(customer.id)).name == "Lab"
        await after.aclose()
