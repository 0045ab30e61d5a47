"""A worker whose lock ended changes nothing: not the result of the one that followed, and nothing outside once it hears of it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import partial
from typing import Any

import pytest

from exchange.kernel import jobs
from exchange.kernel.clock import FixedClock
from exchange.kernel.db import Database
from exchange.kernel.jobs import Job, JobState
from exchange.worker import loop
from exchange.worker.loop import Running, run_one

KIND = "fenced"


async def put(database: Database) -> None:
    await database.run(lambda tx: jobs.put(tx, Job(KIND, "one", {})))


async def taken(database: Database) -> JobState:
    job = await database.run(lambda tx: jobs.take(tx, [KIND], loop.LOCK_S))
    assert job is not None
    return job


async def standing(database: Database, job: JobState) -> JobState:
    found = await database.run(lambda tx: jobs.find(tx, job.id))
    assert found is not None
    return found


async def test_the_first_worker_comes_back_after_its_lock_and_changes_nothing(
    database: Database, clock: FixedClock
) -> None:
    await put(database)
    first = await taken(database)
    clock.advance(loop.LOCK_S + 1)
    second = await taken(database)
    assert (first.id, second.attempts) == (second.id, 2)
    for late in (
        partial(jobs.finish, job=first, result={"by": "first"}),
        partial(jobs.fail, job=first, error="late"),
        partial(jobs.fail, job=first, error="late", attempts_max=0),
        partial(jobs.progress, job=first, done=7, total=9),
        partial(jobs.keep, job=first, lock_s=3600),
    ):
        assert await database.run(late) is False
    assert await standing(database, second) == second
    assert await database.run(partial(jobs.keep, job=second, lock_s=loop.LOCK_S))
    assert await database.run(partial(jobs.progress, job=second, done=1, total=2))
    assert await database.run(partial(jobs.finish, job=second, result={"by": "second"}))
    assert await database.run(partial(jobs.finish, job=first, result={"by": "first"})) is False
    assert (await standing(database, second)).result == {"by": "second"}


async def test_a_cancelled_job_is_not_put_back_by_the_worker_that_fails_it(database: Database) -> None:
    await put(database)
    job = await taken(database)
    assert await database.run(partial(jobs.cancel, job_id=job.id))
    assert await database.run(partial(jobs.fail, job=job, error="too late")) is False
    assert (await standing(database, job)).state == "cancelled"


async def test_two_workers_at_once_and_only_the_second_ends_the_job(
    database: Database, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first hangs; its lock ends while nobody keeps it, the second does the job, and the first is stopped when it looks."""
    monkeypatch.setattr(loop, "LOCK_S", 0.4)
    await put(database)
    began, ends, did = asyncio.Event(), asyncio.Event(), []

    async def step(running: Running) -> Mapping[str, Any]:
        attempt = running.job.attempts
        if attempt == 1:
            began.set()
            await ends.wait()
        did.append(attempt)
        return {"attempt": attempt}

    slow = asyncio.create_task(run_one(database, {KIND: step}))
    await began.wait()
    clock.advance(3600)
    assert await run_one(database, {KIND: step})
    # Nobody lets the first go on: it hears from the database that the job is another's.
    assert await asyncio.wait_for(slow, 10)
    assert did == [2]
    (job,) = await database.run(lambda tx: jobs.listed(tx, kind=KIND))
    assert (job.state, job.attempts, job.result) == ("done", 2, {"attempt": 2})


async def test_a_stopped_worker_is_stopped_and_not_taken_for_one_that_lost_its_job(database: Database) -> None:
    await put(database)
    began = asyncio.Event()

    async def step(_running: Running) -> Mapping[str, Any]:
        began.set()
        await asyncio.Event().wait()
        return {}

    working = asyncio.create_task(run_one(database, {KIND: step}))
    await began.wait()
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working
    (job,) = await database.run(lambda tx: jobs.listed(tx, kind=KIND))
    assert (job.state, job.attempts) == ("running", 1)
