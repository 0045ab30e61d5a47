"""Money in and out through Stripe, over HTTP from end to end: the real SDK against a Stripe on a socket."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from exchange import main
from tests.support.stripe_story import onboarded, paid_out, settled, story, with_fees
from tests.support.trade import on_sale

DAY = 86_400.0


async def bought(s: Any, buyer: Any, offer: str, **more: Any) -> dict[str, Any]:
    """An order, placed."""
    wish = {"offer": offer, "purposes": ["pretrain"], "payment": "card", **more}
    order: dict[str, Any] = await s.m.done(buyer, "/buyer/v1/orders", wish)
    await s.work()
    return order


async def test_a_wallet_goes_back_to_its_card_and_what_a_bank_sends_back_is_in_the_wallet_again(
    origin: str, database_url: str, tmp_path: Path
) -> None:
    async with story(origin, database_url, tmp_path, **with_fees()) as s:
        buyer = await s.m.join("buyer")
        payment = await s.top_up(buyer, "500.00")
        assert await s.wallet(buyer) == "500.00"
        # 2.9 % and 0.30 are Stripe's, and not the buyer's affair.
        assert (await s.ledger())["CNY"] == {"stripe": -48_520, "wallet": 50_000, "fees": -1_480}
        await s.agree()
        path = f"/buyer/v1/payments/{payment}/card-refunds"
        first = await s.m.done(buyer, path, {"amount": {"amount": "120.00", "currency": "CNY"}})
        assert await s.wallet(buyer) == "380.00"
        await s.work()
        (shown,) = await s.items(buyer, "/buyer/v1/card-refunds")
        assert (shown["id"], shown["state"]) == (first["id"], "succeeded")
        await s.agree()
        # More than is left of the payment does not go back, nor more than the wallet has.
        for amount, problem in (("380.01", "card-refund-too-large"), ("0.001", "card-refund-too-large")):
            answer = await s.m.post(buyer, path, {"amount": {"amount": amount, "currency": "CNY"}})
            assert (answer.status_code, answer.json()["type"]) == (422, f"/problems/{problem}")
        # The balance at Stripe is 365.20: the rest waits there, held here, until money comes.
        rest = await s.m.done(buyer, path, {})
        await s.work()
        assert (await s.items(buyer, "/buyer/v1/card-refunds"))[0]["state"] == "pending"
        assert await s.wallet(buyer) == "0.00"
        await s.agree()
        await s.top_up(buyer, "100.00")
        assert (await s.items(buyer, "/buyer/v1/card-refunds"))[0]["state"] == "succeeded"
        await s.agree()
        # The card's bank sends the first one back.
        refunds = (await s.stripe.v1.refunds.list_async()).data
        (there,) = [one for one in refunds if one.metadata and one.metadata.to_dict()["refund"] == first["id"]]
        await s.stripe.door("return_refund", refund=there.id)
        await s.work()
        states = {one["id"]: one["state"] for one in await s.items(buyer, "/buyer/v1/card-refunds")}
        assert states == {first["id"]: "failed", rest["id"]: "succeeded"}
        assert await s.wallet(buyer) == "220.00"
        await s.agree()


async def test_a_lost_chargeback_takes_the_order_back_from_everybody_and_a_won_one_from_nobody(
    origin: str, database_url: str, tmp_path: Path
) -> None:
    async with story(origin, database_url, tmp_path, **with_fees()) as s:
        sale = await on_sale(s.m)
        buyer, operator = await s.m.join("buyer"), await s.m.operator()
        lost = await bought(s, buyer, sale.offer, payment_method="pm_card_createDispute")
        shown = await s.show(buyer, f"/buyer/v1/orders/{lost['id']}")
        assert (shown["state"], shown["refunded"]["amount"]) == ("paid", "0.00")
        (case,) = await s.items(operator, "/operator/v1/chargebacks")
        assert (case["state"], case["fee"]["amount"], case["order"]) == ("needs_response", "15.00", lost["id"])
        # The bank has the money, we have a claim, and Stripe has two fees.
        sums = (await s.ledger())["CNY"]
        assert (sums["disputed"], sums["fees"]) == (-30_000, -900 - 1_500)
        await s.agree()
        # Everybody with a part of it has a case, which the card network decides; nobody gives anything back meanwhile.
        (dispute_here,) = await s.items(sale.supplier, "/supplier/v1/disputes")
        assert (dispute_here["kind"], dispute_here["state"], dispute_here["amount"]["amount"]) == (
            "chargeback",
            "external",
            "300.00",
        )
        path = f"/supplier/v1/orders/{lost['id']}/refunds"
        refused = await s.m.post(sale.supplier, path, {"reason": "goodwill"})
        assert (refused.status_code, refused.json()["type"]) == (409, "/problems/dispute-exists")
        # An answer goes once: the agreement as a file, and when it was used.
        path = f"/operator/v1/chargebacks/{case['id']}/answer"
        await s.m.done(operator, path, {"note": "losing_evidence"})
        again = await s.m.post(operator, path, {"note": "again"})
        assert (again.status_code, again.json()["type"]) == (409, "/problems/chargeback-state")
        await s.work()
        (dispute,) = (await s.stripe.v1.disputes.list_async()).data
        evidence: dict[str, Any] = dispute.evidence.to_dict()
        assert str(evidence["service_documentation"]).startswith("file_")
        assert lost["agreement"] in str(evidence["access_activity_log"])
        assert "access granted" in str(evidence["access_activity_log"])
        (case,) = await s.items(operator, "/operator/v1/chargebacks")
        assert (case["state"], case["covered"]["amount"]) == ("lost", "300.00")
        assert case["answered_at"]
        shown = await s.show(buyer, f"/buyer/v1/orders/{lost['id']}")
        assert (shown["state"], shown["refunded"]["amount"]) == ("refunded", "300.00")
        (grant,) = await s.items(buyer, "/buyer/v1/grants")
        assert grant["state"] == "ended"
        sums = (await s.ledger())["CNY"]
        assert (sums["disputed"], sums["pending"], sums["revenue"], sums["wallet"]) == (0, 0, 0, 0)
        await s.agree()
        # The next one is believed.
        await s.later(60)
        kept = await bought(s, buyer, sale.offer, payment_method="pm_card_createDisputeProductNotReceived")
        # It is accepted meanwhile: its shares are released, and held in the same moment.
        await s.m.done(buyer, f"/buyer/v1/orders/{kept['id']}/acceptance")
        held = (await s.ledger())["CNY"]
        assert (held["held"], held["payable"]) == (26_400, 0)
        case = (await s.items(operator, "/operator/v1/chargebacks"))[0]
        await s.m.done(operator, f"/operator/v1/chargebacks/{case['id']}/answer", {"note": "winning_evidence"})
        await s.work()
        assert (await s.items(operator, "/operator/v1/chargebacks"))[0]["state"] == "won"
        outcomes = [one["outcome"] for one in await s.items(sale.supplier, "/supplier/v1/disputes")]
        assert outcomes == ["won", "lost"]
        free = (await s.ledger())["CNY"]
        assert (free["held"], free["payable"]) == (0, 26_400)
        assert (await s.show(buyer, f"/buyer/v1/orders/{kept['id']}"))["state"] == "paid"
        assert (await s.ledger())["CNY"]["disputed"] == 0
        assert await s.items(operator, "/operator/v1/open-items") == []
        await s.agree()


@pytest.mark.parametrize("spent", ["0", "all"])
async def test_a_disputed_top_up_is_taken_from_the_wallet_as_far_as_it_goes(
    origin: str, database_url: str, tmp_path: Path, spent: str
) -> None:
    async with story(origin, database_url, tmp_path, decide_s=DAY) as s:
        buyer, operator = await s.m.join("buyer"), await s.m.operator()
        payment = await s.top_up(buyer, "300.00")
        if spent == "all":
            sale = await on_sale(s.m)
            await bought(s, buyer, sale.offer, payment="wallet")
        intents = (await s.stripe.v1.payment_intents.list_async()).data
        await s.stripe.door("dispute", charge=str(intents[0].latest_charge), reason="fraudulent", amount=30_000)
        await s.work()
        # What is there is reserved while the bank thinks.
        assert await s.wallet(buyer) == "0.00"
        await s.agree()
        await s.later(8 * DAY)
        (case,) = await s.items(operator, "/operator/v1/chargebacks")
        covered = "0.00" if spent == "all" else "300.00"
        assert (case["state"], case["payment"], case["covered"]["amount"]) == ("lost", payment, covered)
        kinds = {one["kind"] for one in await s.items(operator, "/operator/v1/open-items")}
        assert kinds == ({"chargeback-uncovered"} if spent == "all" else set())
        assert (await s.ledger())["CNY"].get("disputed", 0) == (-30_000 if spent == "all" else 0)
        await s.agree()


async def payment_of(s: Any, buyer: Any, payment: str) -> dict[str, Any]:
    shown: dict[str, Any] = await s.show(buyer, f"/buyer/v1/payments/{payment}")
    return shown


async def agree_on_page(s: Any, url: str, outcome: str = "succeed") -> str:
    """The payer agrees, or refuses, on the page of the bank or the wallet; where it is sent back to."""
    answer = await s.stripe.browser.post(url, data={"outcome": outcome})
    await s.work()
    return str(answer.headers["location"])


async def test_wallets_debits_and_checkout_pay_where_their_pages_say_and_when_they_say(
    origin: str, database_url: str, tmp_path: Path
) -> None:
    async with story(origin, database_url, tmp_path, debit_s=3 * DAY) as s:
        buyer = await s.m.join("buyer")
        # Alipay and WeChat Pay: the payment shows where to go, and comes back to us with its name.
        for method, currency in (("alipay", "CNY"), ("wechat_pay", "CNY")):
            payment = await s.top_up(buyer, "88.00", currency, method=method)
            shown = await payment_of(s, buyer, payment)
            assert (shown["method"], shown["state"]) == (method, "processing")
            assert (shown["qr_code"] is not None) == (method == "wechat_pay")
            back = await agree_on_page(s, shown["redirect_url"])
            assert back.startswith(f"https://exchange.example/back?payment={payment}&")
            shown = await payment_of(s, buyer, payment)
            assert (shown["state"], shown["redirect_url"], shown["qr_code"]) == ("succeeded", None, None)
        assert await s.wallet(buyer) == "176.00"
        refused = await s.m.post(
            buyer, "/buyer/v1/top-ups", {"amount": {"amount": "10.00", "currency": "CNY"}, "method": "sepa_debit",
                                         "payment_method": "pm_1"},
        )  # fmt: skip
        assert (refused.status_code, refused.json()["type"]) == (422, "/problems/payment-method-currency")
        # A payer who refuses: the payment fails, and nothing is in the wallet.
        payment = await s.top_up(buyer, "10.00", method="alipay")
        await agree_on_page(s, (await payment_of(s, buyer, payment))["redirect_url"], "fail")
        assert (await payment_of(s, buyer, payment))["state"] == "failed"
        # SEPA: days pass; one clears, one fails, one is taken back by the payer's bank, which asks nobody.
        debits = {}
        for iban in ("DE89370400440532013000", "DE62370400440532013001", "DE35370400440532013002"):
            wish: Any = {"type": "sepa_debit", "sepa_debit": {"iban": iban}}
            wish["billing_details"] = {"name": "Payer", "email": "payer@example.com"}
            made = await s.stripe.v1.payment_methods.create_async(wish)
            debits[iban] = await s.top_up(buyer, "40.00", "EUR", method="sepa_debit", payment_method=made.id)
            assert (await payment_of(s, buyer, debits[iban]))["state"] == "processing"
        assert await s.wallet(buyer, "EUR") == "0.00"
        await s.later(3 * DAY + 1)
        states = [(await payment_of(s, buyer, one))["state"] for one in debits.values()]
        assert states == ["succeeded", "failed", "succeeded"]
        (case,) = await s.items(await s.m.operator(), "/operator/v1/chargebacks")
        assert (case["state"], case["reason"], case["covered"]["amount"]) == ("lost", "debit_not_authorized", "40.00")
        assert await s.wallet(buyer, "EUR") == "40.00"
        mandates = (await s.stripe.look("state"))["objects"]["mandate"]
        assert {one["customer_acceptance"]["online"]["ip_address"] for one in mandates} == {"127.0.0.1"}
        await s.agree()


async def test_an_order_waits_for_its_checkout_page_and_is_free_again_when_nobody_paid(
    origin: str, database_url: str, tmp_path: Path
) -> None:
    async with story(origin, database_url, tmp_path, debit_s=3 * DAY) as s:
        sale = await on_sale(s.m)
        buyer = await s.m.join("buyer")
        paid = await bought(s, buyer, sale.offer, payment_method="checkout")
        assert paid["state"] == "awaiting_payment"
        shown = await payment_of(s, buyer, paid["payment"])
        assert (shown["method"], shown["state"]) == ("checkout", "created")
        page = shown["redirect_url"]
        assert "Visa 4242" in (await s.stripe.browser.get(page)).text
        # A card that is declined leaves the page open; the next one pays.
        await s.stripe.browser.post(page, data={"payment_method": "pm_card_chargeDeclined"})
        await s.work()
        assert (await payment_of(s, buyer, paid["payment"]))["state"] == "failed"
        assert (await s.show(buyer, f"/buyer/v1/orders/{paid['id']}"))["state"] == "awaiting_payment"
        answer = await s.stripe.browser.post(page, data={"payment_method": "pm_card_visa"})
        assert answer.headers["location"] == f"https://exchange.example/back?payment={paid['payment']}"
        await s.work()
        assert (await payment_of(s, buyer, paid["payment"]))["state"] == "succeeded"
        assert (await s.show(buyer, f"/buyer/v1/orders/{paid['id']}"))["state"] == "paid"
        # What came by Checkout goes back like a card: first to the wallet, then from it.
        await s.m.done(sale.supplier, f"/supplier/v1/orders/{paid['id']}/refunds", {"reason": "goodwill"})
        await s.m.done(buyer, f"/buyer/v1/payments/{paid['payment']}/card-refunds", {})
        await s.work()
        assert (await s.items(buyer, "/buyer/v1/card-refunds"))[0]["state"] == "succeeded"
        # Nobody pays: the page expires after a day, and the order with it.
        left = await bought(s, buyer, sale.offer, payment_method="checkout")
        await s.later(DAY + 1)
        assert (await payment_of(s, buyer, left["payment"]))["failure"] == "session_expired"
        assert (await s.show(buyer, f"/buyer/v1/orders/{left['id']}"))["state"] == "cancelled"
        # A payment that is called off at Stripe frees its order too.
        off = await bought(s, buyer, sale.offer, payment_method="alipay")
        assert (await payment_of(s, buyer, off["payment"]))["state"] == "processing"
        intents = (await s.stripe.v1.payment_intents.list_async()).data
        await s.stripe.v1.payment_intents.cancel_async(intents[0].id)
        await s.work()
        assert (await payment_of(s, buyer, off["payment"]))["failure"] == "canceled"
        assert (await s.show(buyer, f"/buyer/v1/orders/{off['id']}"))["state"] == "cancelled"
        await s.agree()


async def test_what_stripe_settles_in_another_currency_goes_through_conversion_at_its_rate(
    origin: str, database_url: str, tmp_path: Path
) -> None:
    """Yuan are paid, euros lie at Stripe: a fee, a refund that comes back, a dispute that is won and one that is lost."""
    async with story(origin, database_url, tmp_path, **with_fees(settle_in="eur", fx_ppm=128_370)) as s:
        buyer, operator = await s.m.join("buyer"), await s.m.operator()
        payment = await s.top_up(buyer, "500.01")
        # 500.01 CNY at 0.12837 are 64.18 EUR; Stripe keeps 2.9 % and 0.30 of it.
        books = await s.ledger()
        assert books["EUR"] == {"stripe": -6_418 + 216, "conversion": 6_418, "fees": -216}
        assert books["CNY"] == {"wallet": 50_001, "conversion": -50_001, "stripe": 0}
        await s.agree()
        await s.m.done(
            buyer, f"/buyer/v1/payments/{payment}/card-refunds", {"amount": {"amount": "33.33", "currency": "CNY"}}
        )
        await s.work()
        (refund,) = (await s.stripe.v1.refunds.list_async()).data
        await s.agree()
        await s.stripe.door("return_refund", refund=refund.id)
        await s.work()
        assert await s.wallet(buyer) == "500.01"
        await s.agree()
        for note in ("winning_evidence", "losing_evidence"):
            await s.later(60)
            await s.top_up(buyer, "70.07", payment_method="pm_card_createDispute")
            case = (await s.items(operator, "/operator/v1/chargebacks"))[0]
            await s.agree()
            await s.m.done(operator, f"/operator/v1/chargebacks/{case['id']}/answer", {"note": note})
            await s.work()
            await s.agree()
        assert [one["state"] for one in await s.items(operator, "/operator/v1/chargebacks")] == ["lost", "won"]
        assert await s.wallet(buyer) == "570.08"
        assert await s.items(operator, "/operator/v1/open-items") == []


@pytest.mark.parametrize("lost", [True, False])
async def test_what_the_parties_settle_while_the_bank_decides_is_kept_for_it(
    origin: str, database_url: str, tmp_path: Path, *, lost: bool
) -> None:
    async with story(origin, database_url, tmp_path, **with_fees()) as s:
        sale = await on_sale(s.m)
        buyer, operator = await s.m.join("buyer"), await s.m.operator()
        order = await bought(s, buyer, sale.offer, payment_method="pm_card_bypassPending")
        words = {"en": "Half of it is missing."}
        wish = {"kind": "order", "source": order["id"], "words": words}
        ours = (await s.m.done(buyer, "/buyer/v1/disputes", wish))["id"]
        intents = (await s.stripe.v1.payment_intents.list_async()).data
        (charge,) = [str(one.latest_charge) for one in intents if one.amount == 30_000]
        await s.stripe.door("dispute", charge=charge, reason="product_not_received", amount=30_000)
        await s.work()
        (case,) = await s.items(operator, "/operator/v1/chargebacks")
        assert [one["kind"] for one in await s.items(buyer, "/buyer/v1/disputes")] == ["order"], "one case at a time"
        # The seller gives 200.00 back: it is the buyer's only if the bank does not give it, too.
        back = {"words": words, "refund": {"amount": "200.00", "currency": "CNY"}}
        await s.m.done(sale.supplier, f"/supplier/v1/disputes/{ours}/proposals", back)
        shown = await s.show(buyer, f"/buyer/v1/disputes/{ours}")
        proposal = shown["facts"][-1]["id"]
        await s.m.done(buyer, f"/buyer/v1/disputes/{ours}/acceptance", {"proposal": proposal})
        assert await s.wallet(buyer) == "0.00"
        sums = (await s.ledger())["CNY"]
        assert (sums["held"], sums["wallet"]) == (20_000, 0)
        # What is left of the order is the bank's case now.
        await main.schedule(s.m.services).cover_disputes()
        kinds = {one["kind"]: one["amount"]["amount"] for one in await s.items(buyer, "/buyer/v1/disputes")}
        assert kinds["chargeback"] == "100.00"
        note = "losing_evidence" if lost else "winning_evidence"
        await s.m.done(operator, f"/operator/v1/chargebacks/{case['id']}/answer", {"note": note})
        await s.work()
        (case,) = await s.items(operator, "/operator/v1/chargebacks")
        assert (case["state"], case["covered"]["amount"]) == (("lost", "300.00") if lost else ("won", "0.00"))
        sums = (await s.ledger())["CNY"]
        assert (sums["held"], sums["disputed"]) == (0, 0)
        assert await s.wallet(buyer) == ("0.00" if lost else "200.00")
        await s.agree()


async def test_a_chargeback_after_the_payout_makes_payees_owe_their_part(
    origin: str, database_url: str, tmp_path: Path
) -> None:
    async with story(origin, database_url, tmp_path, **with_fees()) as s:
        sale = await on_sale(s.m)
        buyer, operator = await s.m.join("buyer"), await s.m.operator()
        await s.top_up(buyer, "50.00")
        order = await bought(s, buyer, sale.offer, payment_method="pm_card_bypassPending")
        await onboarded(s, sale.supplier)
        await settled(s)
        await paid_out(s)
        await s.later(1)
        assert [one["state"] for one in await paid_out(s)] == ["paid"]
        intents = (await s.stripe.v1.payment_intents.list_async()).data
        (charge,) = [str(one.latest_charge) for one in intents if one.amount == 30_000]
        await s.stripe.door("dispute", charge=charge, reason="product_not_received", amount=30_000)
        await s.work()
        assert (await s.ledger())["CNY"]["disputed"] == -30_000
        # Nobody answers in time.
        await s.later(8 * DAY)
        (case,) = await s.items(operator, "/operator/v1/chargebacks")
        assert (case["state"], case["covered"]["amount"]) == ("lost", "300.00")
        (refund,) = await s.items(sale.supplier, "/supplier/v1/refunds")
        assert (refund["order"], refund["reason"], refund["amount"]["amount"]) == (order["id"], "chargeback", "300.00")
        books = (await s.ledger())["CNY"]
        assert (books["debt"], books["disputed"], books["wallet"], books["revenue"]) == (-26_400, 0, 5_000, 0)
        # Stripe took more than our balance there had: nothing leaves until there is money, and the debt is known.
        assert await s.stripe.available() < 0
        kinds = {one["kind"] for one in await s.items(buyer, "/buyer/v1/wallet/movements?currency=CNY")}
        assert {"refund", "chargeback"} <= kinds
        for name in (order["id"], refund["id"], order["payment"]):
            assert (await s.show(operator, f"/operator/v1/ledger/traces/{name}"))["steps"], name
        await s.agree()
