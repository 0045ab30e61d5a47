"""A few seeds of money at Stripe; that a seed can be lived again; and that defects which are planted are found."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio

from exchange.worker.money_steps import MoneySteps
from settlement import provider_postings
from settlement.gateway.stripe import calls
from tests.simulation.payments.many import Ground, ground
from tests.simulation.payments.plan import draw_plan
from tests.simulation.seeded.many import quiet

# Without those that take longest: together they cost some 35 core-seconds.
SEEDS = (1, 2, 3, 4, 5, 6, 7, 9, 10, 12, 14)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def floor() -> AsyncIterator[Ground]:
    """A database server and a Stripe for all seeds of this module."""
    quiet()
    async with ground() as made:
        yield made


@pytest.mark.slow
@pytest.mark.xdist_group("payment-seeds")
@pytest.mark.timeout(240)
@pytest.mark.parametrize("seed", SEEDS)
async def test_a_seed_ends_as_stripe_says_in_whatever_order_it_hears_of_it(floor: Ground, seed: int) -> None:
    told = await floor.twice(seed)
    assert told.findings == []
    assert told.counts["letters"] > 30


async def _found(floor: Ground, faults: dict[str, float], *words: str) -> None:
    """Of a few seeds with these faults, one finds what is planted, in these words."""
    said: list[str] = []
    for seed in range(1, 6):
        plan = replace(draw_plan(seed), faults=faults)
        plan.options["fee_bps"] = 290
        said += (await floor.live(seed, 1, plan)).findings
        if any(all(word in one for word in words) for one in said):
            return
    pytest.fail(f"nobody found it: {said}")


@pytest.mark.slow
@pytest.mark.xdist_group("payment-seeds")
@pytest.mark.timeout(240)
async def test_a_key_per_attempt_is_found(floor: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    true = calls.send

    async def send(gateway: Any, call: Any, content: bytes = b"") -> Any:
        return await true(gateway, replace(call, key=f"{call.key}:{call.attempts}"), content)

    monkeypatch.setattr("exchange.worker.money_steps.send", send)
    await _found(floor, {"timeout_after_commit": 0.5, "lost_event": 0.9}, "2 transfers")


@pytest.mark.slow
@pytest.mark.xdist_group("payment-seeds")
@pytest.mark.timeout(240)
async def test_news_that_is_lost_and_never_looked_for_is_found(floor: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    async def sweep(self: MoneySteps, running: Any) -> dict[str, Any]:
        return {}

    monkeypatch.setattr(MoneySteps, "sweep_events", sweep)
    await _found(floor, {"lost_event": 0.9}, "payouts sent")


@pytest.mark.slow
@pytest.mark.xdist_group("payment-seeds")
@pytest.mark.timeout(240)
async def test_a_fee_that_is_not_keyed_by_its_cause_is_found(floor: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    true, others = provider_postings.provider_fee, itertools.count(1)
    monkeypatch.setattr(
        provider_postings, "provider_fee", lambda source, fee: true(UUID(int=source.int ^ next(others)), fee)
    )
    await _found(floor, {"duplicate": 0.5}, "fees", "in our ledger")
