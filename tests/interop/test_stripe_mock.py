"""What we ask of Stripe, and what our sandbox accepts and answers, against stripe-mock: Stripe's own description of itself."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx
import pytest

from exchange.kernel.money import Money
from sandbox.stripe.routes import ROUTES
from sandbox.stripe.shapes import misshapen
from settlement.gateway.stripe.answers import Refused, Retry
from settlement.gateway.stripe.client import StripeGateway
from settlement.settings import StripeSettings
from tests.support.stripe_servers import stripe_mock
from tests.support.stripe_worlds import Client, world

KEY = "sk_test_12345678"
MANDATE: Any = {"customer_acceptance": {"type": "online", "online": {"ip_address": "192.0.2.1", "user_agent": "test"}}}
# Ours alone, or a file's upload, whose body is no form.
LEFT_OUT = {("POST", "/v1/files"), ("GET", "/v1/files"), ("GET", "/v1/files/{id}")}


@pytest.fixture(scope="module")
def mock() -> Iterator[str]:
    with stripe_mock() as address:
        yield address


async def paying(client: Client) -> None:
    v1 = client.v1
    customer = await v1.customers.create_async({"name": "Lab", "email": "a@b.test", "metadata": {"o": "1"}})
    card: Any = {"number": "4242424242424242", "exp_month": 12, "exp_year": 2034, "cvc": "123"}
    method = await v1.payment_methods.create_async({"type": "card", "card": card})
    await v1.payment_methods.attach_async(method.id, {"customer": customer.id})
    await v1.payment_methods.update_async(method.id, {"metadata": {"k": "v"}})
    await v1.customers.update_async(customer.id, {"invoice_settings": {"default_payment_method": method.id}})
    setup = await v1.setup_intents.create_async({"customer": customer.id})
    await v1.setup_intents.update_async(setup.id, {"description": "later"})
    await v1.setup_intents.confirm_async(setup.id, {"payment_method": method.id})
    await v1.setup_intents.cancel_async((await v1.setup_intents.create_async({"usage": "on_session"})).id)
    waiting = await v1.payment_intents.create_async({"amount": 900, "currency": "eur", "transfer_group": "g"})
    await v1.payment_intents.update_async(waiting.id, {"amount": 950})
    await v1.payment_intents.confirm_async(waiting.id, {"payment_method": "pm_card_visa"})
    held = await client.pay(5_000, capture_method="manual", customer=customer.id, payment_method=method.id)
    await v1.payment_intents.capture_async(held.id, {"amount_to_capture": 4_000})
    other = await v1.payment_intents.create_async({"amount": 900, "currency": "eur"})
    await v1.payment_intents.cancel_async(other.id, {"cancellation_reason": "abandoned"})
    await client.pay(
        800,
        payment_method=None,
        currency="cny",
        allowed_payment_method_types=["alipay"],
        payment_method_data={"type": "alipay"},
        return_url="https://x.test/",
    )
    options = {"wechat_pay": {"client": "web"}}
    wechat: Any = {
        "payment_method": None,
        "payment_method_data": {"type": "wechat_pay"},
        "payment_method_options": options,
    }
    await client.pay(800, currency="cny", **wechat)
    debit = {"iban": "DE89370400440532013000"}
    named = {"name": "Lab", "email": "a@b.test"}
    sepa = {"type": "sepa_debit", "sepa_debit": debit, "billing_details": named}
    debited = await client.pay(800, payment_method=None, payment_method_data=sepa, mandate_data=MANDATE)
    charge = await v1.charges.retrieve_async(str(debited.latest_charge))
    await v1.mandates.retrieve_async(str(charge.payment_method_details.sepa_debit.mandate))  # type: ignore[union-attr]
    await v1.charges.update_async(charge.id, {"metadata": {"k": "v"}})
    refund = await v1.refunds.create_async({"payment_intent": held.id, "amount": 100, "reason": "duplicate"})
    await v1.refunds.update_async(refund.id, {"metadata": {"k": "v"}})
    await v1.refunds.retrieve_async(refund.id)
    await v1.payment_methods.detach_async(method.id)
    await v1.customers.delete_async((await v1.customers.create_async({})).id)
    for kind in ("payment_intents", "charges", "refunds", "setup_intents", "customers"):
        found = await getattr(v1, kind).list_async({"limit": 3})
        await getattr(v1, kind).retrieve_async(found.data[0].id)
    await v1.payment_methods.list_async({"customer": customer.id})
    await v1.payment_methods.retrieve_async(method.id)
    await v1.customers.payment_methods.list_async(customer.id)
    for searched in (v1.payment_intents, v1.charges, v1.customers):
        await searched.search_async({"query": "metadata['k']:'v'"})


async def connecting(client: Client) -> None:
    v1 = client.v1
    paid = await client.pay(9_000)
    seller = await client.account()
    await v1.accounts.update_async(seller.id, {"settings": {"payouts": {"schedule": {"interval": "manual"}}}})
    await v1.account_links.create_async(
        {
            "account": seller.id,
            "type": "account_onboarding",
            "return_url": "https://x.test/",
            "refresh_url": "https://y.test/",
        }
    )
    bank: Any = "btok_us_verified"
    made = await v1.accounts.external_accounts.create_async(seller.id, {"external_account": bank})
    await v1.accounts.external_accounts.retrieve_async(seller.id, made.id)
    await v1.accounts.external_accounts.list_async(seller.id)
    await v1.accounts.external_accounts.delete_async(seller.id, made.id)
    await v1.accounts.external_accounts.create_async(seller.id, {"external_account": bank})
    await v1.accounts.capabilities.list_async(seller.id)
    await v1.accounts.capabilities.retrieve_async(seller.id, "transfers")
    await v1.accounts.capabilities.update_async(seller.id, "transfers", {"requested": True})
    sent = await client.send(3_000, seller.id, source_transaction=str(paid.latest_charge), transfer_group="g")
    await v1.transfers.update_async(sent.id, {"metadata": {"k": "v"}})
    back = await v1.transfers.reversals.create_async(sent.id, {"amount": 100, "metadata": {"k": "v"}})
    await v1.transfers.reversals.retrieve_async(sent.id, back.id)
    await v1.transfers.reversals.list_async(sent.id)
    payout = await client.pay_out(1_000, seller.id, metadata={"k": "v"}, method="standard")
    as_seller: Any = {"stripe_account": seller.id}
    await v1.payouts.update_async(payout.id, {"metadata": {"k": "w"}}, as_seller)
    await v1.payouts.cancel_async(payout.id, {}, as_seller)
    await v1.payouts.list_async({"status": "canceled"}, as_seller)
    await v1.payouts.retrieve_async(payout.id, {}, as_seller)
    await v1.topups.create_async({"amount": 100, "currency": "eur"})
    for kind in ("accounts", "transfers", "topups", "events", "balance_transactions"):
        found = await getattr(v1, kind).list_async({"limit": 3})
        await getattr(v1, kind).retrieve_async(found.data[0].id)
    await v1.balance.retrieve_async()
    await v1.accounts.retrieve_current_async()
    await v1.accounts.delete_async((await client.account()).id)


async def selling(client: Client) -> None:
    v1 = client.v1
    line: Any = {"price_data": {"currency": "eur", "unit_amount": 700, "product_data": {"name": "C"}}, "quantity": 2}
    session = await v1.checkout.sessions.create_async(
        {
            "mode": "payment",
            "line_items": [line],
            "payment_intent_data": {"transfer_group": "o", "metadata": {"payment": "pay_1"}},
            "success_url": "https://x.test/ok",
            "cancel_url": "https://x.test/no",
            "client_reference_id": "pay_1",
        }
    )
    await v1.checkout.sessions.update_async(session.id, {"metadata": {"k": "v"}})
    await v1.checkout.sessions.retrieve_async(session.id)
    await v1.checkout.sessions.line_items.list_async(session.id)
    await v1.checkout.sessions.list_async({"limit": 3})
    await v1.checkout.sessions.expire_async(session.id)
    await client.pay(5_000, payment_method="pm_card_createDispute")
    dispute = (await v1.disputes.list_async({"limit": 1})).data[0]
    await v1.disputes.retrieve_async(dispute.id)
    await v1.disputes.update_async(dispute.id, {"evidence": {"uncategorized_text": "proof"}, "submit": False})
    await v1.disputes.close_async(dispute.id)
    hook = await v1.webhook_endpoints.create_async(
        {"url": "https://x.test/h", "enabled_events": ["payout.failed"], "connect": True}
    )
    await v1.webhook_endpoints.update_async(hook.id, {"disabled": True})
    await v1.webhook_endpoints.retrieve_async(hook.id)
    await v1.webhook_endpoints.list_async()
    await v1.webhook_endpoints.delete_async(hook.id)


async def test_all_that_the_sandbox_accepts_stripes_own_description_accepts(mock: str, origin: str) -> None:
    async with world(origin) as client:
        for story in (paying, connecting, selling):
            await story(client)
        sent = client.http.sent
    used, refused, odd = set(), [], []
    async with httpx.AsyncClient(base_url=mock, auth=(KEY, ""), trust_env=False, timeout=20) as asking:
        for method, address, body in sent:
            parts = urlsplit(address)
            used |= {(r.method, r.path) for r in ROUTES if r.method == method.upper() and r.pattern.match(parts.path)}
            form = {"Content-Type": "application/x-www-form-urlencoded"} if method.upper() == "POST" else {}
            target = parts.path + (f"?{parts.query}" if parts.query else "")
            reply = await asking.request(method, target, content=body, headers=form)
            if reply.status_code >= 400:
                refused.append((method, parts.path, body, reply.text))
            else:
                # And the measure we hold our own answers against takes Stripe's fixtures as they are (mixed by stripe-mock
                # with generated parts, which leave out what may be left out).
                odd += [said for said in misshapen(reply.json()) if not said.endswith("is missing")]
    assert refused == []
    assert odd == []
    assert {(route.method, route.path) for route in ROUTES} - used == LEFT_OUT


# stripe-mock lets unknown names pass inside of others; our sandbox does not (tests/unit).
WRONG: list[tuple[str, dict[str, str]]] = [
    ("payment_intents", {"amount": "100"}),
    ("payment_intents", {"amount": "ten", "currency": "eur"}),
    ("payment_intents", {"amount": "100", "currency": "eur", "colour": "red"}),
    ("payment_intents", {"amount": "100", "currency": "eur", "capture_method": "maybe"}),
    ("transfers", {"currency": "eur", "amount": "100"}),
    ("transfers", {"currency": "eur", "amount": "100", "destination": "acct_1", "source_type": "gold"}),
    ("payouts", {"currency": "eur"}),
    ("payouts", {"currency": "eur", "amount": "1.5"}),
    ("refunds", {"payment_intent": "pi_1", "reason": "whim"}),
    ("accounts", {"kind": "express"}),
    ("account_links", {"account": "acct_1"}),
    ("webhook_endpoints", {"url": "https://x.test"}),
    ("setup_intents", {"usage": "sometimes"}),
]


async def test_what_stripes_own_description_refuses_the_sandbox_refuses(mock: str, origin: str) -> None:
    told: dict[str, list[Any]] = {}
    for server in (mock, origin):
        async with httpx.AsyncClient(base_url=server, auth=(KEY, ""), trust_env=False, timeout=20) as asking:
            form = {"Content-Type": "application/x-www-form-urlencoded"}
            told[server] = [
                (path, given)
                for path, given in WRONG
                if (await asking.post(f"/v1/{path}", content=urlencode(given), headers=form)).status_code != 400
            ]
    assert told == {mock: [], origin: []}


async def test_every_request_of_our_gateway_fits_stripes_own_description(mock: str) -> None:
    gateway = StripeGateway(StripeSettings(KEY, "whsec_x", api_base=mock, timeout_s=20.0))
    try:
        answers = await _every_call(gateway)
    finally:
        await gateway.aclose()
    assert {n: answer for n, answer in enumerate(answers) if isinstance(answer, Refused | Retry)} == {}


async def _every_call(gateway: StripeGateway) -> list[Any]:
    one = Money.from_wire({"amount": "12.00", "currency": "EUR"})
    yuan = Money.from_wire({"amount": "88.00", "currency": "CNY"})
    back = "https://x.test/"
    return [
        await gateway.create_payment_intent("pay_1", one, "cus_1", "pm_card_visa", "g", "k1"),
        await gateway.create_payment_intent("pay_2", one, None, None, "g", "k2"),
        await gateway.create_payment_intent("pay_3", yuan, None, "alipay", "g", "k3", return_url=back),
        await gateway.create_payment_intent("pay_4", yuan, None, "wechat_pay", "g", "k4", return_url=back),
        await gateway.fetch_payment("pi_1"),
        await gateway.find_payment("pay_1", "g"),
        await gateway.back.refund("ref_1", "pi_1", one, "k5"),
        await gateway.keeping.customer("org_1", "k6"),
        await gateway.create_account("org_1", "DE", "s@x.test", idempotency_key="k7"),
        await gateway.fetch_account("acct_1"),
        await gateway.account_link("acct_1", f"{back}again", back),
        await gateway.transfer("pot_1", one, "acct_1", "g", "k8"),
        await gateway.back.reverse("rev_1", "tr_1", one, "k9"),
        await gateway.find_transfer("pot_1", "g"),
        await gateway.create_payment_intent("pay_5", one, None, "pm_1", "g", "k10", return_url=back, mandate=_MANDATE),
        await gateway.create_account("org_1", "DE", idempotency_key="k11", agreement="full"),
        await gateway.back.fetch_refund("re_1"),
        await gateway.back.find_refund("crf_1", "pi_1"),
        await gateway.back.find_reversal("rcv_1", "tr_1"),
        await gateway.back.available("acct_1", "EUR"),
        await gateway.back.fetch_dispute("du_1"),
        await gateway.back.find_file("cbk_1.pdf", _BEGUN),
        await gateway.back.answer_dispute("cbk_1", "du_1", {"uncategorized_text": "signed"}, "k12"),
        # A page is not opened here: the description still has the older name of the ways that it offers. The sandbox
        # checks it by the library's own parameters.
        await gateway.pages.fetch("cs_1"),
        await gateway.pages.find("pay_6", _BEGUN),
    ]


_MANDATE = {"ip_address": "192.0.2.1", "user_agent": "test"}
_BEGUN = datetime(2026, 1, 1, tzinfo=UTC)
