"""Each fault of the sandbox's seeded plan, as the real SDK meets it; after each, the sandbox's own checks find nothing wrong."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import stripe

from tests.support.stripe_worlds import Client, world

DAY = 86_400.0


@asynccontextmanager
async def faulty(origin: str, plan: str, **options: Any) -> AsyncIterator[Client]:
    async with world(origin, faults=plan, hang_s=0.0, **options) as client:
        await client.door("webhook", url="held:", secret="whsec_f", of="both")
        yield client


async def calm(client: Client) -> None:
    """From now on nothing goes wrong."""
    await client.door("faults", faults="")


async def failed(wanted: Any) -> stripe.StripeError:
    with pytest.raises(stripe.StripeError) as caught:
        await wanted
    return caught.value


async def charges(client: Client) -> int:
    return len((await client.v1.charges.list_async()).data)


async def told(client: Client) -> list[str]:
    return [json.loads(letter["body"])["type"] for letter in await client.letters()]


@pytest.mark.parametrize(
    ("fault", "status", "done", "again"),
    [
        ("rate_limit", 429, 0, 200),
        ("conflict_409", 409, 0, 200),
        ("error_500_lost", 500, 0, 200),
        ("timeout_before", 504, 0, 200),
        # What real Stripe keeps under the key: the same 500 comes again, done or not. Only a look-up tells.
        ("error_500_kept", 500, 0, 500),
        ("error_500_committed", 500, 1, 500),
        ("timeout_after_commit", 504, 1, 200),
    ],
)
async def test_what_a_request_may_meet(origin: str, fault: str, status: int, done: int, again: int) -> None:
    async with faulty(origin, f"{fault}=1") as client:
        assert (await failed(client.pay(key="k"))).http_status == status
        await calm(client)
        assert await charges(client) == done
        if again == 500:
            error = await failed(client.pay(key="k"))
            assert (error.http_status, error.headers["idempotent-replayed"]) == (500, "true")  # type: ignore[index]
            assert await charges(client) == done
            await client.advance(DAY)
        intent = await client.pay(key="k")
        replayed = "idempotent-replayed" in intent.last_response.headers  # type: ignore[union-attr]
        assert replayed is (fault == "timeout_after_commit")
        # After a day the key is forgotten: who did not look first has charged twice.
        assert await charges(client) == (2 if fault == "error_500_committed" else 1)


async def test_a_late_commit_holds_its_key_until_it_is_done(origin: str) -> None:
    async with faulty(origin, "commit_late=1", commit_late_s=30.0) as client:
        assert (await failed(client.pay(key="k"))).http_status == 504
        await calm(client)
        error = await failed(client.pay(key="k"))
        said: Any = error.json_body
        assert (error.http_status, said["error"]["code"]) == (409, "idempotency_key_in_use")
        assert await charges(client) == 0
        await client.advance(30)
        assert await charges(client) == 1
        intent = await client.pay(key="k")
        assert intent.last_response.headers["idempotent-replayed"] == "true"  # type: ignore[union-attr]
        assert await charges(client) == 1


async def test_a_late_commit_and_another_key_pay_twice(origin: str) -> None:
    """What a caller must not do: a look-up that finds nothing yet proves nothing."""
    async with faulty(origin, "", commit_late_s=30.0) as client:
        await client.pay(9_000)
        payee = await client.account()
        await client.door("faults", faults="commit_late=1")
        await failed(client.send(3_000, payee.id, key="try-1", transfer_group="pot_1"))
        await calm(client)
        assert (await client.v1.transfers.list_async({"transfer_group": "pot_1"})).data == []
        await client.send(3_000, payee.id, key="try-2", transfer_group="pot_1")
        await client.advance(30)
        assert [t.amount for t in (await client.v1.transfers.list_async({"transfer_group": "pot_1"})).data] == [
            3_000,
            3_000,
        ]


async def test_a_key_is_one_request_for_a_day(origin: str) -> None:
    async with faulty(origin, "") as client:
        first = await client.pay(key="k")
        with pytest.raises(stripe.IdempotencyError):
            await client.pay(6_000, key="k")
        await client.advance(DAY - 1)
        assert (await client.pay(key="k")).id == first.id
        await client.advance(1)
        assert (await client.pay(key="k")).id != first.id
        # A refusal is an answer and is kept; parameters that are none never began and are not.
        payee = await client.account()
        big = await failed(client.send(90_000, payee.id, key="t"))
        await client.pay(90_000)
        same = await failed(client.send(90_000, payee.id, key="t"))
        assert (big.code, same.code, same.headers["idempotent-replayed"]) == (  # type: ignore[index]
            *("balance_insufficient", "balance_insufficient", "true"),
        )
        await failed(client.send("x", payee.id, key="u"))  # type: ignore[arg-type]
        assert (await client.send(90_000, payee.id, key="u")).amount == 90_000


async def test_an_event_nobody_got_is_in_the_list(origin: str) -> None:
    async with faulty(origin, "lost_event=1") as client:
        intent = await client.pay()
        assert await told(client) == []
        listed = await client.v1.events.list_async({"types": ["payment_intent.succeeded"]})
        assert [event.data.object["id"] for event in listed.data] == [intent.id]
        waiting = await client.v1.events.list_async({"delivery_success": False})
        assert intent.id in [event.data.object["id"] for event in waiting.data]


async def test_events_come_twice_late_and_in_another_order(origin: str) -> None:
    async with faulty(origin, "duplicate=1") as client:
        await client.pay()
        await client.advance(60)
        assert len(await told(client)) == 2 * 3
    async with faulty(origin, "late=1", late_s=3_600.0) as client:
        await client.pay()
        assert await told(client) == []
        await client.advance(3_600)
        assert len(await told(client)) == 3
    async with faulty(origin, "reorder=0.5", seed=4) as client:
        for number in range(6):
            await client.pay(key=f"r{number}")
        early = await told(client)
        await client.advance(60)
        assert len(early + (late := await told(client))) == 18
        assert late


async def test_a_letter_is_signed_at_the_worlds_own_time(origin: str) -> None:
    async with faulty(origin, "") as client:
        await client.pay()
        [letter, *_] = await client.letters()
        now = (await client.look("clock"))["now"]
        signature = letter["headers"]["Stripe-Signature"]
        assert signature.startswith(f"t={int(now)},")
        assert stripe.WebhookSignature.verify_header(letter["body"], signature, "whsec_f", tolerance=None)
        event = json.loads(letter["body"])
        await client.door("resend", event=event["id"])
        assert [json.loads(one["body"])["id"] for one in await client.letters()][-1] == event["id"]


async def test_a_payees_money_is_gone_when_it_is_wanted_back(origin: str) -> None:
    async with faulty(origin, "reversal_short=1") as client:
        await client.pay(9_000)
        payee = await client.account()
        sent = await client.send(5_000, payee.id)
        error = await failed(client.v1.transfers.reversals.create_async(sent.id, {"amount": 1_000}))
        assert error.code == "balance_insufficient"
        assert await client.available(payee.id) == 0
        [payout] = (await client.v1.payouts.list_async({}, {"stripe_account": payee.id})).data
        assert (payout.amount, payout.automatic) == (5_000, True)


async def test_money_faults_by_the_plan(origin: str) -> None:
    plan = "payout_fails_after_paid=1,refund_fails=1,charge_disputed=1,account_restricted=1"
    async with faulty(origin, plan, payout_s=60.0, fail_late_s=600.0, restricted_s=3_600.0) as client:
        await client.pay(9_000)
        payee = await client.account()
        await client.send(5_000, payee.id)
        payout = await client.pay_out(5_000, payee.id)
        other = await client.pay(4_000)
        refund = await client.v1.refunds.create_async({"payment_intent": other.id, "amount": 1_000})
        await told(client)
        await client.advance(60)
        assert [kind for kind in await told(client) if kind.startswith("payout")] == ["payout.updated", "payout.paid"]
        await client.advance(600)
        kinds = await told(client)
        assert {"payout.failed", "refund.failed", "charge.dispute.funds_withdrawn", "capability.updated"} <= {*kinds}
        as_payee: Any = {"stripe_account": payee.id}
        assert (await client.v1.payouts.retrieve_async(payout.id, {}, as_payee)).status == "failed"
        assert (await client.v1.refunds.retrieve_async(refund.id)).status == "failed"
        assert (await failed(client.send(1, payee.id))).code == "insufficient_capabilities_for_transfer"
        await client.advance(3_600)
        restricted: Any = await client.v1.accounts.retrieve_async(payee.id)
        assert (restricted.capabilities["transfers"], restricted.payouts_enabled) == ("active", False)


async def test_too_many_requests_a_second(origin: str) -> None:
    async with faulty(origin, "", per_endpoint=3, per_second=5) as client:
        for _ in range(3):
            await client.v1.balance.retrieve_async()
        assert (await failed(client.v1.balance.retrieve_async())).http_status == 429
        await client.v1.events.list_async()
        assert (await failed(client.v1.charges.list_async())).http_status == 429
        await client.advance(1)
        await client.v1.balance.retrieve_async()


async def test_a_search_lags(origin: str) -> None:
    async with faulty(origin, "", search_lag_s=60.0) as client:
        intent = await client.pay(metadata={"payment": "pay_1"})
        wanted: Any = {"query": "metadata['payment']:'pay_1'"}
        assert (await client.v1.payment_intents.search_async(wanted)).data == []
        await client.advance(60)
        assert [one.id for one in (await client.v1.payment_intents.search_async(wanted)).data] == [intent.id]
