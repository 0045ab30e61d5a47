"""A world of the sandbox ends when it is told to, whatever its tasks are doing just then."""

from __future__ import annotations

import asyncio

from sandbox.stripe.app import Site
from sandbox.stripe.doors import build
from sandbox.stripe.webhooks import ended


async def test_a_task_that_swallows_a_cancellation_is_told_again() -> None:
    swallowed = 0

    async def stubborn() -> None:
        nonlocal swallowed
        while True:
            try:
                await asyncio.sleep(3_600)
            except asyncio.CancelledError:
                if swallowed == 2:
                    raise
                swallowed += 1

    task = asyncio.create_task(stubborn())
    await asyncio.sleep(0)
    async with asyncio.timeout(10):
        await ended([task])
    assert task.cancelled()
    assert swallowed == 2


async def test_a_world_ends_also_when_it_is_woken_at_the_same_instant() -> None:
    for seed in range(20):
        site = Site(build({"key": "sk_test_world000001", "seed": seed, "start": None}))
        site.start()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        site.changed()
        await asyncio.sleep(0)
        async with asyncio.timeout(10):
            await site.stop()
