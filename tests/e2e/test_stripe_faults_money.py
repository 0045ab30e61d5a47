"""Refunds to cards, chargebacks and Checkout while answers are lost, kept or late and letters come twice, late or never."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from exchange.kernel import jobs
from exchange.worker.money_steps import SWEEP_EVENTS
from tests.support.stripe_story import Story, story, with_fees

DAY = 86_400.0
EDGE = "rate_limit=0.1,conflict_409=0.1,error_500_lost=0.1,error_500_kept=0.03,timeout_before=0.05"
DONE = "timeout_after_commit=0.1,error_500_committed=0.03,commit_late=0.05"
TOLD = "duplicate=0.3,reorder=0.3,late=0.2,lost_event=0.2,refund_fails=0.4,charge_disputed=0.4"


async def quiet(s: Story) -> None:
    """The line is good again, and days pass, in which every event is found in Stripe's own list."""
    await s.stripe.door("faults", faults="")
    for day in range(16):
        await s.m.services.db.run(lambda tx, day=day: jobs.put(tx, jobs.Job(SWEEP_EVENTS, f"day-{day}", {})))
        await s.later(DAY / 2)


@pytest.mark.parametrize("seed", [1, 28])
async def test_whatever_goes_wrong_on_the_way_the_books_and_stripe_agree_in_the_end(
    origin: str, database_url: str, tmp_path: Path, seed: int
) -> None:
    chance = random.Random(seed)
    plan = {"seed": seed, "faults": f"{EDGE},{DONE},{TOLD}", "hang_s": 0.01, "late_s": 3_600.0, "commit_late_s": 30.0}
    async with story(origin, database_url, tmp_path, **with_fees(**plan, fail_late_s=3_600.0, decide_s=DAY)) as s:
        buyer = await s.m.join("buyer")
        for _ in range(4):
            method = chance.choice(["card", "card", "checkout"])
            payment = await s.top_up(buyer, f"{chance.randrange(20, 90)}.00", method=method)
            page = (await s.show(buyer, f"/buyer/v1/payments/{payment}"))["redirect_url"]
            if page is not None and chance.random() < 0.7:
                await s.stripe.browser.post(page, data={"payment_method": "pm_card_bypassPending"})
            await s.later(chance.choice([1, 40, 1_000]))
            amount = f"{chance.randrange(1, 20)}.00"
            body = {"amount": {"amount": amount, "currency": "CNY"}}
            # Whatever is refused now is refused for a reason, and nothing is held.
            await s.m.post(buyer, f"/buyer/v1/payments/{payment}/card-refunds", body)
            await s.later(chance.choice([1, 40, 4_000]))
        await quiet(s)
        refunds = (await s.stripe.v1.refunds.list_async({"limit": 100})).data
        there = {one.metadata.to_dict()["refund"]: one.status for one in refunds if one.metadata}
        ours = {one["id"]: one["state"] for one in await s.items(buyer, "/buyer/v1/card-refunds")}
        # One that Stripe has no money for waits there as it does here; one that was refused failed and is not there.
        assert {name: state for name, state in ours.items() if name in there} == there
        assert {ours[name] for name in ours.keys() - there.keys()} <= {"failed"}
        await s.agree()
