"""A payout of one order's share goes out with that order's own charge, and without it where that does not fit."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID

from exchange.kernel import ids
from settlement.provider_calls import Call, CallKind
from settlement.store import provider_calls
from tests.support.stripe_story import Story, onboarded, paid_out, shared, story, with_fees
from tests.support.trade import on_sale

DAY = 86_400.0


async def accepted(s: Story, offer: str, buyer: Any, **more: Any) -> dict[str, Any]:
    """An order that is paid by card and accepted: its shares are payable long before the card's money is there."""
    wish = {"offer": offer, "purposes": ["pretrain"], "payment": "card", "payment_method": "pm_card_visa", **more}
    order: dict[str, Any] = await s.m.done(buyer, "/buyer/v1/orders", wish)
    await s.work()
    await s.m.done(buyer, f"/buyer/v1/orders/{order['id']}/acceptance")
    return order


async def calls(s: Story, payout: str) -> list[Call]:
    """Every transfer that was asked for a payout."""
    payout_id: UUID = ids.parse("pot", payout)
    return await s.m.services.db.run(lambda tx: provider_calls.calls_of(tx, CallKind.TRANSFER, [payout_id]))


async def transfers(s: Story) -> list[Any]:
    return list((await s.stripe.v1.transfers.list_async({"limit": 100})).data)


async def test_the_shares_of_one_order_leave_at_once_and_arrive_with_its_charge(
    origin: str, database_url: str, tmp_path: Path
) -> None:
    plan = {"seed": 3, "hang_s": 0.01, "settle_s": 7 * DAY}
    async with story(origin, database_url, tmp_path, **with_fees(**plan)) as s:
        sale, buyer, operator = await on_sale(s.m), await s.m.join("buyer"), await s.m.operator()
        accounts = [await onboarded(s, sale.supplier), await onboarded(s, sale.assessor, "assessor")]
        order = await accepted(s, await shared(s, sale), buyer)
        assert await s.stripe.available() == 0
        # The first requests are lost, so that each goes out again under its key, as it was.
        await s.stripe.door("faults", faults="timeout_before=1")
        await paid_out(s, "now")
        await s.stripe.door("faults", faults="")
        await s.later(120)
        payouts = await paid_out(s, "now")
        assert sorted((one["amount"]["amount"], one["state"]) for one in payouts) == [
            ("24.00", "sent"),
            ("240.00", "sent"),
        ]
        (charge,) = (await s.stripe.v1.charges.list_async()).data
        made = await transfers(s)
        assert sorted(one.amount for one in made) == [2_400, 24_000]
        assert {(one.source_transaction, one.transfer_group) for one in made} == {(charge.id, charge.transfer_group)}
        for payout in payouts:
            (call,) = await calls(s, payout["id"])
            assert call.request["source_transaction"] == charge.id
            assert call.attempts > 1
        # The payees have it, and cannot have it: nobody asks for it before its day, and nobody is told that it is not there.
        assert [(await s.stripe.available(one), await s.stripe.pending(one)) for one in accounts] == [
            (0, 24_000),
            (0, 2_400),
        ]
        await s.agree()
        await s.later(6 * DAY)
        assert {one["state"] for one in await paid_out(s, "now")} == {"sent"}
        assert await s.items(operator, "/operator/v1/open-items") == []
        await s.later(DAY)
        await s.later(1)
        assert {one["state"] for one in await paid_out(s, "now")} == {"paid"}
        # The platform kept its share less the fee, and was never below zero.
        assert await s.stripe.available() == 30_000 - 900 - 26_400
        assert (await s.show(buyer, f"/buyer/v1/orders/{order['id']}"))["state"] == "paid"
        await s.agree()


async def test_a_payout_of_more_than_one_charge_waits_for_the_balance_and_a_tie_that_is_refused_is_dropped(
    origin: str, database_url: str, tmp_path: Path
) -> None:
    async with story(origin, database_url, tmp_path, **with_fees(settle_s=7 * DAY)) as s:
        sale, other, buyer = await on_sale(s.m), await on_sale(s.m), await s.m.join("buyer")
        operator = await s.m.operator()
        for one in (sale, other):
            await onboarded(s, one.supplier)
        # Two orders feed the first payee, one the second; but somebody has sent that one's money by hand.
        for offer in (sale.offer, sale.offer, other.offer):
            await accepted(s, offer, buyer)
        newest = (await s.stripe.v1.charges.list_async()).data[0]
        stranger = await s.stripe.account()
        await s.stripe.send(20_000, stranger.id, source_transaction=newest.id, currency="cny")
        await s.work()
        await paid_out(s, "now")
        # The tie is refused, which is known for certain: the next call is an ordinary one, which waits for money.
        await s.later(120)
        payouts = {one["amount"]["amount"]: one for one in await paid_out(s, "now")}
        assert {amount: one["state"] for amount, one in payouts.items()} == {"264.00": "created", "528.00": "created"}
        assert all("source_transaction" not in one.request for one in await calls(s, payouts["528.00"]["id"]))
        tied, *plain = await calls(s, payouts["264.00"]["id"])
        assert (tied.request["source_transaction"], tied.state) == (newest.id, "refused")
        assert plain
        assert all("source_transaction" not in one.request for one in plain)
        kinds = {one["kind"] for one in await s.items(operator, "/operator/v1/open-items")}
        assert kinds == {"transfer-unknown", "balance-short"}
        topup: Any = {"amount": 30_000, "currency": "cny", "description": "own", "statement_descriptor": "own"}
        await s.stripe.v1.topups.create_async(topup)
        for _ in range(8):
            await s.later(DAY)
        assert {one["state"] for one in await paid_out(s, "now")} == {"paid"}
        ours = [one for one in await transfers(s) if one.destination != stranger.id]
        assert sorted((one.amount, one.source_transaction) for one in ours) == [(26_400, None), (52_800, None)]
