"""A buyer keeps cards at Stripe: over HTTP, the real SDK, and a Stripe on a socket."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx

from tests.e2e.test_stripe_money import bought
from tests.support.stripe_story import story, with_fees
from tests.support.trade import on_sale

_PATH = "/buyer/v1/payment-methods"


def slug(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["type"].removeprefix("/problems/")


async def kept(s: Any, buyer: Any, given: str) -> dict[str, Any]:
    """A card that was asked for, as it stands once everything is done."""
    made = await s.m.done(buyer, _PATH, {"payment_method": given})
    assert made["state"] == "asked"
    await s.work()
    (found,) = [one for one in await s.items(buyer, _PATH) if one["id"] == made["id"]]
    return dict(found)


async def test_a_card_is_kept_pays_by_default_and_is_removed(origin: str, database_url: str, tmp_path: Path) -> None:
    async with story(origin, database_url, tmp_path, **with_fees()) as s:
        sale = await on_sale(s.m)
        buyer, stranger = await s.m.join("buyer"), await s.m.join("buyer")
        nothing = await s.m.post(buyer, "/buyer/v1/top-ups", {"amount": {"amount": "10.00", "currency": "CNY"}})
        assert slug(nothing) == (400, "invalid-request")
        first = await kept(s, buyer, "pm_card_bypassPending")
        assert (first["state"], first["default"], first["card"]["brand"]) == ("active", True, "visa")
        assert set(first["card"]) == {"brand", "last4", "exp_month", "exp_year"}
        # The default pays an order and a top-up, again and again, under one customer.
        order = await bought(s, buyer, sale.offer)
        assert (await s.show(buyer, f"/buyer/v1/orders/{order['id']}"))["state"] == "paid"
        await s.top_up(buyer, "20.00", payment_method=first["id"])
        assert await s.wallet(buyer) == "20.00"
        (customer,) = (await s.stripe.v1.customers.list_async()).data
        assert customer.metadata.to_dict() == {"organisation": buyer.organisation}
        assert customer.name is None
        intents = (await s.stripe.v1.payment_intents.list_async()).data
        assert {one.customer for one in intents} == {customer.id}
        # The same card once more is refused, and what is kept goes on.
        (held,) = (await s.stripe.v1.customers.payment_methods.list_async(customer.id)).data
        twice = await kept(s, buyer, held.id)
        assert (twice["state"], twice["failure"]) == ("failed", "kept_already")
        await s.m.done(buyer, f"{_PATH}/{twice['id']}/removal")
        # A second one becomes the default when it is chosen.
        second = await kept(s, buyer, "pm_card_mastercard")
        assert not second["default"]
        await s.m.done(buyer, f"{_PATH}/{second['id']}/default")
        assert [one["default"] for one in await s.items(buyer, _PATH)] == [True, False]
        # Nobody else sees, uses, chooses or removes it.
        assert await s.items(stranger, _PATH) == []
        for verb in ("default", "removal"):
            assert slug(await s.m.post(stranger, f"{_PATH}/{second['id']}/{verb}")) == (404, "not-found")
        wish = {"offer": sale.offer, "purposes": ["pretrain"], "payment": "card", "payment_method": second["id"]}
        assert slug(await s.m.post(stranger, "/buyer/v1/orders", wish)) == (404, "not-found")
        # What is removed pays nothing, here and at Stripe.
        await s.m.done(buyer, f"{_PATH}/{second['id']}/removal")
        await s.work()
        assert slug(await s.m.post(buyer, "/buyer/v1/orders", wish)) == (409, "payment-method-state")
        assert slug(await s.m.post(buyer, f"{_PATH}/{second['id']}/default")) == (409, "payment-method-state")
        assert [one["id"] for one in await s.items(buyer, _PATH)] == [first["id"]]
        held = (await s.stripe.v1.customers.payment_methods.list_async(customer.id)).data
        assert len(held) == 1
        await s.agree()


async def test_a_card_whose_holder_must_agree_and_one_whose_bank_refuses(
    origin: str, database_url: str, tmp_path: Path
) -> None:
    async with story(origin, database_url, tmp_path, **with_fees()) as s:
        buyer = await s.m.join("buyer")
        refused = await kept(s, buyer, "pm_card_chargeDeclined")
        assert (refused["state"], refused["failure"], refused["default"]) == ("failed", "generic_decline", False)
        assert slug(await s.m.post(buyer, f"{_PATH}/{refused['id']}/default")) == (409, "payment-method-state")
        waiting = await kept(s, buyer, "pm_card_authenticationRequired")
        assert (waiting["state"], waiting["card"]) == ("confirming", None)
        async with httpx.AsyncClient(trust_env=False) as browser:
            page = await browser.post(waiting["redirect_url"], data={"outcome": "succeed"})
            assert page.status_code < 400, page.text
        # Told late, twice, and out of order: it is active once.
        await s.work()
        for letter in reversed(s.letters):
            await s.deliver(letter)
        await s.work()
        (found,) = [one for one in await s.items(buyer, _PATH) if one["id"] == waiting["id"]]
        assert (found["state"], found["redirect_url"], found["default"]) == ("active", None, True)
        # One that is removed while its holder still agrees is forgotten all the same.
        late = await kept(s, buyer, "pm_card_authenticationRequired")
        await s.m.done(buyer, f"{_PATH}/{late['id']}/removal")
        await s.work()
        async with httpx.AsyncClient(trust_env=False) as browser:
            await browser.post(late["redirect_url"], data={"outcome": "succeed"})
        await s.work()
        (customer,) = (await s.stripe.v1.customers.list_async()).data
        assert len((await s.stripe.v1.customers.payment_methods.list_async(customer.id)).data) == 1
        unknown = await s.m.post(buyer, _PATH, {"payment_method": "4242424242424242"})
        assert slug(unknown) == (400, "invalid-request")
        await s.agree()
