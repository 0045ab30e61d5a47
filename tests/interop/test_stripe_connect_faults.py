"""The faults other marketplaces found in their Connect flows (spree/spree#14622), as far as Stripe's side shows them.

Its twelve fixes: 1 a webhook registered twice, and the Connect secret lost; 2 accounts refused for `transfers` alone;
3 an order page with every seller's commission; 4 the paid check ignored split payments; 5 transfers refused for the same
reason; 6 a dispatched order's cancelling refused without words; 7 splitting a parcel re-priced it; 8 a fully refunded
order read as paid; 9 payouts asked for more than the account had; 10 a payout that failed after it was paid read as settled.
The text of 11 and 12 is not in what we could read. 3, 4, 6 and 7 are the shop's own pages and prices: no Stripe shows them.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import stripe

from tests.support.stripe_worlds import Client, world

DAY = 86_400.0


@pytest.fixture
async def client(origin: str) -> AsyncIterator[Client]:
    async with world(origin, payout_interval="manual", payout_s=60.0, fail_late_s=DAY) as made:
        yield made


async def refused(code: str | None, wanted: Any) -> str:
    with pytest.raises(stripe.InvalidRequestError) as caught:
        await wanted
    assert caught.value.code == code
    return str(caught.value.user_message)


async def test_spree_01_a_webhook_registered_twice_comes_twice_and_connect_has_a_secret_of_its_own(
    client: Client,
) -> None:
    make = client.v1.webhook_endpoints.create_async
    ours, twice, connect = [
        await make({"url": "held:", "enabled_events": ["*"], "connect": of_accounts})
        for of_accounts in (False, False, True)
    ]
    secrets = [str(one.secret) for one in (ours, twice, connect)]
    assert len({*secrets}) == 3
    # A secret is told once: who loses it cannot ask for it again.
    assert (await client.v1.webhook_endpoints.retrieve_async(connect.id)).to_dict().get("secret") is None
    await client.pay()
    letters = await client.letters()
    succeeded = [one for one in letters if '"payment_intent.succeeded"' in one["body"]]
    assert len({json.loads(one["body"])["id"] for one in succeeded}) == 1
    signed_by = [[s for s in secrets if _signed(one, s)] for one in succeeded]
    assert signed_by == [[secrets[0]], [secrets[1]]]
    await client.account()
    told = await client.letters()
    assert told
    assert all(_signed(one, secrets[2]) and "account" in json.loads(one["body"]) for one in told)
    # Deleting the double deletes one of three.
    await client.v1.webhook_endpoints.delete_async(twice.id)
    await client.pay()
    assert all(_signed(one, secrets[0]) for one in await client.letters())


def _signed(letter: dict[str, Any], secret: str) -> bool:
    try:
        stripe.WebhookSignature.verify_header(letter["body"], letter["headers"]["Stripe-Signature"], secret, None)
    except stripe.SignatureVerificationError:
        return False
    return True


async def test_spree_02_transfers_alone_need_the_recipient_agreement(client: Client) -> None:
    alone: Any = {"country": "DE", "type": "express", "capabilities": {"transfers": {"requested": True}}}
    assert "recipient" in await refused(None, client.v1.accounts.create_async(alone))
    both: Any = {"capabilities": {"transfers": {"requested": True}, "card_payments": {"requested": True}}}
    assert (await client.v1.accounts.create_async(alone | both)).charges_enabled
    recipient: Any = {"tos_acceptance": {"service_agreement": "recipient"}}
    await refused(None, client.v1.accounts.create_async(alone | both | recipient))
    made = await client.v1.accounts.create_async(alone | recipient)
    assert made.capabilities is not None
    assert (made.capabilities["transfers"], made.charges_enabled) == ("active", False)


async def test_spree_05_one_charge_feeds_transfers_to_several_sellers_and_never_more_than_it_brought(
    client: Client,
) -> None:
    intent = await client.pay(10_000, transfer_group="ord_1")
    sellers = [await client.account() for _ in range(2)]
    source = str(intent.latest_charge)
    for seller, amount in zip(sellers, (6_000, 3_000), strict=True):
        sent = await client.send(amount, seller.id, source_transaction=source)
        assert (sent.transfer_group, sent.source_transaction) == ("ord_1", source)
    assert "must not exceed" in await refused(None, client.send(1_001, sellers[0].id, source_transaction=source))
    assert [await client.available(seller.id) for seller in sellers] == [6_000, 3_000]


async def test_spree_08_a_fully_refunded_payment_still_says_succeeded_and_transfers_stay(client: Client) -> None:
    intent = await client.pay(10_000)
    seller = await client.account()
    await client.pay(5_000)
    sent = await client.send(4_000, seller.id, source_transaction=str(intent.latest_charge))
    for amount in (4_000, 6_000):
        await client.v1.refunds.create_async({"payment_intent": intent.id, "amount": amount})
    after = await client.v1.payment_intents.retrieve_async(intent.id, {"expand": ["latest_charge"]})
    charge: Any = after.latest_charge
    # Only the charge tells: who reads the intent takes a refunded payment for a paid one.
    assert (after.status, charge.status, charge.paid, charge.refunded) == ("succeeded", "succeeded", True, True)
    assert await client.available(seller.id) == 4_000
    assert not (await client.v1.transfers.retrieve_async(sent.id)).reversed
    await refused("charge_already_refunded", client.v1.refunds.create_async({"payment_intent": intent.id}))


async def test_spree_09_a_payout_may_not_ask_for_more_than_is_there(origin: str) -> None:
    async with world(origin, payout_interval="manual", settle_s=2 * DAY) as client:
        intent = await client.pay(10_000)
        seller = await client.account()
        await client.send(6_000, seller.id, source_transaction=str(intent.latest_charge))
        # What was transferred is not what can be paid out: it is pending until the charge is there.
        assert (await client.available(seller.id), await client.pending(seller.id)) == (0, 6_000)
        await refused("balance_insufficient", client.pay_out(6_000, seller.id))
        await client.advance(2 * DAY)
        await refused("balance_insufficient", client.pay_out(6_001, seller.id))
        assert (await client.pay_out(6_000, seller.id)).status == "pending"


async def test_spree_10_a_payout_fails_after_it_was_paid(client: Client) -> None:
    await client.door("webhook", url="held:", secret="whsec_c", of="connect")
    await client.pay(10_000)
    seller = await client.account()
    await client.send(6_000, seller.id)
    payout = await client.pay_out(6_000, seller.id, metadata={"payout": "pot_1"})
    as_seller: Any = {"stripe_account": seller.id}
    await client.advance(60)
    assert (await client.v1.payouts.retrieve_async(payout.id, {}, as_seller)).status == "paid"
    assert await client.available(seller.id) == 0
    await client.letters()
    await client.door("return_payout", payout=payout.id)
    told = [json.loads(one["body"]) for one in await client.letters()]
    failed = next(one for one in told if one["type"] == "payout.failed")
    assert (failed["account"], failed["data"]["object"]["metadata"]) == (seller.id, {"payout": "pot_1"})
    after = await client.v1.payouts.retrieve_async(payout.id, {"expand": ["failure_balance_transaction"]}, as_seller)
    line: Any = after.failure_balance_transaction
    assert (after.status, line.type, line.net) == ("failed", "payout_failure", 6_000)
    # The money lies at the account again, and waits for a bank account that works.
    assert await client.available(seller.id) == 6_000
    await refused("payouts_not_allowed", client.pay_out(6_000, seller.id))
    bank: Any = {
        "object": "bank_account",
        "country": "DE",
        "currency": "eur",
        "account_number": "DE89370400440532013000",
    }
    await client.v1.accounts.external_accounts.create_async(seller.id, {"external_account": bank})
    assert (await client.pay_out(6_000, seller.id)).status == "pending"


async def test_an_onboarding_link_is_for_one_visit(origin: str) -> None:
    async with world(origin, require_onboarding=True) as client:
        seller = await client.account()
        assert (seller.details_submitted, seller.payouts_enabled) == (False, False)
        wanted: Any = {"account": seller.id, "type": "account_onboarding"}
        wanted |= {"return_url": "https://x.test/back", "refresh_url": "https://x.test/again"}
        make = client.v1.account_links.create_async
        link, old = [await make(wanted) for _ in range(2)]
        assert (await client.browser.get(link.url)).headers["location"] == "https://x.test/back"
        assert (await client.browser.get(link.url)).headers["location"] == "https://x.test/again"
        await client.advance(301)
        assert (await client.browser.get(old.url)).headers["location"] == "https://x.test/again"
        after = await client.v1.accounts.retrieve_async(seller.id)
        assert (after.details_submitted, after.payouts_enabled) == (True, True)
