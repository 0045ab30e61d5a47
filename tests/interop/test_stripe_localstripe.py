"""One story told by the plain SDK to localstripe and to our sandbox, in the words localstripe's users use: the same answers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import stripe

from tests.support.stripe_servers import localstripe
from tests.support.stripe_worlds import Client

KEY = "sk_test_12345678"


@pytest.fixture(scope="module")
def theirs() -> Iterator[str]:
    with localstripe() as address:
        yield address


async def refusal(wanted: Any) -> tuple[int | None, str | None, str]:
    with pytest.raises(stripe.StripeError) as caught:
        await wanted
    return caught.value.http_status, caught.value.code, type(caught.value).__name__


def card(number: str = "4242424242424242") -> Any:
    return {"type": "card", "card": {"number": number, "exp_month": 12, "exp_year": 2034, "cvc": "123"}}


async def customers(client: Client) -> list[Any]:
    v1 = client.v1
    made = await v1.customers.create_async({"name": "Lab", "email": "a@b.test", "metadata": {"organisation": "org_1"}})
    await v1.customers.update_async(made.id, {"description": "an institute", "metadata": {"unit": "7"}})
    read = await v1.customers.retrieve_async(made.id)
    other = await v1.customers.create_async({"email": "c@d.test"})
    gone = await v1.customers.delete_async(other.id)
    return [
        *(made.object, made.id[:4], read.name, read.email, read.description, read.metadata.to_dict()),  # type: ignore[union-attr]
        *(gone.deleted, gone.id == other.id),
        made.id in [one.id for one in (await v1.customers.list_async({"limit": 100})).data],
        (await refusal(v1.customers.retrieve_async("cus_nobody")))[0],
    ]


async def cards(client: Client) -> list[Any]:
    v1 = client.v1
    customer = await v1.customers.create_async({"name": "Lab"})
    method = await v1.payment_methods.create_async(card())
    kept = await v1.payment_methods.attach_async(method.id, {"customer": customer.id})
    listed = await v1.payment_methods.list_async({"customer": customer.id, "type": "card"})
    failing = await v1.payment_methods.create_async(card("4000000000000341"))
    await v1.payment_methods.attach_async(failing.id, {"customer": customer.id})
    declined = await v1.payment_methods.create_async(card("4000000000000002"))
    told = [
        *(method.customer, method.card.brand, method.card.last4),  # type: ignore[union-attr]
        *(kept.customer == customer.id, [one.id for one in listed.data] == [method.id]),
        await refusal(v1.payment_methods.attach_async(declined.id, {"customer": customer.id})),
    ]
    detached = await v1.payment_methods.detach_async(method.id)
    return [*told, detached.customer, (await refusal(v1.payment_methods.retrieve_async("pm_nobody")))[0]]


async def payments(client: Client) -> list[Any]:
    v1 = client.v1
    customer = await v1.customers.create_async({"name": "Lab"})
    method = await v1.payment_methods.create_async(card())
    await v1.payment_methods.attach_async(method.id, {"customer": customer.id})
    wanted: Any = {"amount": 1_000, "currency": "eur", "customer": customer.id, "payment_method": method.id}
    waiting = await v1.payment_intents.create_async(wanted)
    paid = await v1.payment_intents.confirm_async(waiting.id)
    at_once = await v1.payment_intents.create_async(wanted | {"confirm": True, "expand": ["latest_charge"]})
    back = await v1.refunds.create_async({"payment_intent": paid.id, "amount": 400})
    # Without an amount localstripe would give the whole back a second time.
    rest = await v1.refunds.create_async({"payment_intent": paid.id, "amount": 600})
    other = await v1.payment_intents.create_async(wanted)
    ended = await v1.payment_intents.cancel_async(other.id)
    charge: Any = at_once.latest_charge
    return [
        *(waiting.status, paid.status, paid.amount, paid.currency, paid.payment_method == method.id),
        *(charge.paid, charge.amount, charge.status, charge.captured),
        *(back.status, back.amount, back.payment_intent == paid.id, rest.amount, ended.status),
        (await refusal(v1.payment_intents.retrieve_async("pi_nobody")))[0],
        (await refusal(v1.payment_intents.create_async({"amount": "x", "currency": "eur"})))[0],  # type: ignore[typeddict-item]
    ]


async def later(client: Client) -> list[Any]:
    v1 = client.v1
    customer = await v1.customers.create_async({"name": "Lab"})
    method = await v1.payment_methods.create_async(card())
    setup = await v1.setup_intents.create_async({"customer": customer.id})
    done = await v1.setup_intents.confirm_async(setup.id, {"payment_method": method.id})
    other = await v1.setup_intents.create_async({"usage": "on_session"})
    ended = await v1.setup_intents.cancel_async(other.id)
    return [
        *(setup.status, setup.usage, setup.payment_method_types, done.status, done.payment_method == method.id),
        *(other.usage, ended.status),
    ]


@pytest.mark.parametrize("story", [customers, cards, payments, later], ids=lambda story: story.__name__)
async def test_both_answer_the_same(theirs: str, origin: str, story: Any) -> None:
    told = []
    for server in (theirs, origin):
        client = Client(server, KEY)
        told.append(await story(client))
        await client.aclose()
    assert told[0] == told[1]
    assert len(told[1]) >= 7
