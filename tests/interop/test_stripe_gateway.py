"""Our gateway, the real SDK inside it, and the sandbox on a socket."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import httpx
import pytest

from exchange.kernel.money import Money
from sandbox.stripe.process import free_port, running
from sandbox.stripe.webhooks import sign
from settlement.gateway.stripe.answers import (
    Account,
    Missing,
    NotPayable,
    Payment,
    Refund,
    Refused,
    Retry,
    Reversal,
    Transfer,
    Unknown,
)
from settlement.gateway.stripe.client import StripeGateway
from settlement.gateway.stripe.webhooks import BadWebhook
from settlement.settings import StripeSettings

SECRET = "whsec_gateway"


def eur(amount: str) -> Money:
    return Money.from_wire({"amount": amount, "currency": "EUR"})


@asynccontextmanager
async def gateway_to(origin: str, timeout_s: float = 5.0) -> AsyncIterator[StripeGateway]:
    made = StripeGateway(StripeSettings("sk_test_sandbox0000", SECRET, api_base=origin, timeout_s=timeout_s))
    try:
        yield made
    finally:
        await made.aclose()


@pytest.fixture
async def gateway() -> AsyncIterator[StripeGateway]:
    async with running() as origin, gateway_to(origin) as made:
        yield made


async def top_up(gateway: StripeGateway, amount: Money, name: str = "pay_1") -> Payment:
    paid = await gateway.create_payment_intent(name, amount, None, "pm_card_visa", f"group_{name}", f"charge:{name}")
    assert isinstance(paid, Payment)
    return paid


async def open_account(gateway: StripeGateway) -> str:
    made = await gateway.create_account("org_1", "DE", "s@x.test", idempotency_key="account:org_1")
    assert isinstance(made, Account)
    assert made.transfers_active
    assert await gateway.fetch_account(made.id) == made
    return made.id


async def test_money_in_and_out_and_back(gateway: StripeGateway) -> None:
    paid = await top_up(gateway, eur("50.00"))
    assert (paid.state, paid.amount) == ("succeeded", eur("50.00"))
    assert await top_up(gateway, eur("50.00")) == paid
    to = await open_account(gateway)
    sent = await gateway.transfer("pot_1", eur("30.01"), to, "run_1", "payout:pot_1")
    assert isinstance(sent, Transfer)
    assert (sent.amount, sent.destination) == (eur("30.01"), to)
    back = await gateway.back.reverse("rev_1", sent.id, eur("10.01"), "reverse:rev_1")
    assert isinstance(back, Reversal)
    found = await gateway.find_transfer("pot_1", "run_1")
    assert isinstance(found, Transfer)
    assert (found.id, found.amount_reversed) == (sent.id, eur("10.01"))
    assert await gateway.find_transfer("pot_2", "run_1") == Missing()
    refund = await gateway.back.refund("ref_1", paid.id, eur("1.00"), "refund:ref_1")
    assert isinstance(refund, Refund)
    assert refund.amount == eur("1.00")


async def test_currencies_without_coins(gateway: StripeGateway) -> None:
    yen = Money.from_wire({"amount": "1200", "currency": "JPY"})
    paid = await gateway.create_payment_intent("pay_jp", yen, None, "pm_card_visa", "g", "charge:jp")
    assert isinstance(paid, Payment)
    assert paid.amount == yen


async def test_an_amount_that_was_not_rounded_never_leaves(gateway: StripeGateway) -> None:
    for amount in ("1.001", "0.00", "-1.00"):
        with pytest.raises(NotPayable):
            await gateway.transfer("pot_1", eur(amount), "acct_1", "g", "k")


async def test_refusals_say_why(gateway: StripeGateway) -> None:
    declined = await gateway.create_payment_intent(
        "pay_d", eur("5.00"), None, "pm_card_chargeDeclined", "g", "charge:d"
    )
    assert isinstance(declined, Refused)
    assert (declined.code, declined.decline_code) == ("card_declined", "generic_decline")
    assert declined.object_id is not None
    empty = await gateway.transfer("pot_1", eur("5.00"), await open_account(gateway), "g", "payout:1")
    assert isinstance(empty, Refused)
    assert empty.code == "balance_insufficient"
    nobody = await gateway.transfer("pot_1", eur("5.00"), "acct_none", "g", "payout:2")
    assert isinstance(nobody, Refused)
    assert (nobody.code, nobody.param) == ("resource_missing", "destination")


async def test_a_key_used_for_something_else_is_unknown(gateway: StripeGateway) -> None:
    await top_up(gateway, eur("50.00"))
    other = await gateway.create_payment_intent(
        "pay_1", eur("51.00"), None, "pm_card_visa", "group_pay_1", "charge:pay_1"
    )
    assert isinstance(other, Unknown)
    assert other.code == "idempotency_error"


async def test_payments_are_found_by_group_and_by_metadata(gateway: StripeGateway) -> None:
    paid = await top_up(gateway, eur("50.00"))
    assert await gateway.find_payment("pay_1", "group_pay_1") == paid
    assert await gateway.find_payment("pay_1", "another_group") == paid
    assert await gateway.find_payment("pay_2", "group_pay_1") == Missing()


async def test_alipay_answers_with_the_payers_page(gateway: StripeGateway) -> None:
    yuan = Money.from_wire({"amount": "88.00", "currency": "CNY"})
    waiting = await gateway.create_payment_intent(
        "pay_a", yuan, None, "alipay", "g", "charge:a", return_url="https://x.test/"
    )
    assert isinstance(waiting, Payment)
    assert waiting.state == "requires_action"
    assert waiting.redirect_url is not None
    async with httpx.AsyncClient(trust_env=False) as browser:
        await browser.post(waiting.redirect_url, data={"outcome": "succeed"})
    now = await gateway.fetch_payment(waiting.id)
    assert isinstance(now, Payment)
    assert now.state == "succeeded"


async def test_a_payment_for_the_browser(gateway: StripeGateway) -> None:
    customer = await gateway.keeping.customer("org_1", "customer:org_1")
    assert isinstance(customer, str)
    waiting = await gateway.create_payment_intent("pay_b", eur("5.00"), customer, None, "g", "charge:b")
    assert isinstance(waiting, Payment)
    assert waiting.state == "requires_payment_method"
    assert waiting.client_secret is not None


async def test_an_account_link(gateway: StripeGateway) -> None:
    link = await gateway.account_link(await open_account(gateway), "https://x.test/again", "https://x.test/back")
    assert isinstance(link, str)
    assert link.startswith("http")


async def test_a_lost_answer_is_unknown_and_the_same_key_settles_it() -> None:
    async with running("--faults", "timeout_after_commit=1") as origin, gateway_to(origin, 0.5) as gateway:
        lost = await gateway.create_payment_intent("pay_1", eur("50.00"), None, "pm_card_visa", "g", "charge:1")
        assert isinstance(lost, Unknown)
        paid = await gateway.create_payment_intent("pay_1", eur("50.00"), None, "pm_card_visa", "g", "charge:1")
        assert isinstance(paid, Payment)
        assert await gateway.find_payment("pay_1", "g") == paid


async def test_busy_broken_and_absent() -> None:
    async with running("--faults", "rate_limit=1") as origin, gateway_to(origin) as gateway:
        assert isinstance(await gateway.fetch_payment("pi_1"), Retry)
    async with running("--faults", "error_500=1") as origin, gateway_to(origin) as gateway:
        assert isinstance(await gateway.fetch_payment("pi_1"), Unknown)
    async with gateway_to(f"http://127.0.0.1:{free_port()}") as gateway:
        assert isinstance(await gateway.fetch_payment("pi_1"), Retry)


async def test_webhooks_are_verified_by_the_time_handed_in() -> None:
    async with gateway_to("http://127.0.0.1:9") as gateway:
        at = 1_770_000_000
        body = {"id": "evt_1", "type": "x.y", "created": at, "account": "acct_1", "data": {"object": {"id": "pi_1"}}}
        payload = json.dumps(body).encode()
        now = datetime.fromtimestamp(at, UTC)
        event = gateway.verify_webhook(payload, sign(payload, SECRET, at - 299), now)
        assert (event.id, event.type, event.object_id, event.account) == ("evt_1", "x.y", "pi_1", "acct_1")
        assert event.created == now
        for wrong, signature in [
            (payload, sign(payload, "whsec_other", at)),
            (payload, sign(payload, SECRET, at - 301)),
            (payload, sign(payload, SECRET, int(time.time()) + 10**9)),
            (payload + b" ", sign(payload, SECRET, at)),
            (payload, ""),
            (payload, "t=x,v1=y"),
            (b"\xff", sign(b"\xff", SECRET, at)),
            (b"[]", sign(b"[]", SECRET, at)),
            (b"{", sign(b"{", SECRET, at)),
        ]:
            with pytest.raises(BadWebhook):
                gateway.verify_webhook(wrong, signature, now)
