"""Runs jobs: takes one, does its step with no transaction open, records how it went."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import structlog

from exchange.kernel import jobs
from exchange.kernel.db import WHERE, Database, DatabaseAway, Tx
from exchange.kernel.jobs import JobState
from exchange.kernel.metrics import JOBS

_LOG = structlog.get_logger("worker")
POLL_S = 0.25
# A worker says four times in this time that it still works; the jobs of one that died come again after it.
LOCK_S = 30


class StepRefused(Exception):
    """A step that no repetition can mend; the job is buried with this reason."""


class NotNow(Exception):
    """The outside world did not answer, or asked to be left alone; the job comes again."""


class Buried(Exception):
    """The last failure of a job, its cause; `told` is said in the transaction that buries it, or not at all."""

    def __init__(self, told: Callable[[Tx], Awaitable[None]]) -> None:
        """Hand over what is to be said."""
        super().__init__("given up")
        self.told = told


class StepCancelled(Exception):
    """Somebody cancelled the job while it ran."""


@dataclass(frozen=True, slots=True)
class Running:
    """A job under way, with the means to say how far it is."""

    db: Database
    job: JobState

    async def progress(self, done: int, total: int | None) -> None:
        """Record progress and keep the job's lock.

        errors   StepCancelled
        """
        if not await self.db.run(lambda tx: jobs.progress(tx, self.job, done, total, LOCK_S)):
            raise StepCancelled


Step = Callable[[Running], Awaitable[Mapping[str, Any]]]


async def work(db: Database, steps: Mapping[str, Step], *, lanes: int = 2) -> None:
    """Run jobs until cancelled, up to `lanes` at a time."""
    WHERE.set("worker")
    async with asyncio.TaskGroup() as group:
        for _ in range(lanes):
            group.create_task(_lane(db, steps))


async def drain(db: Database, steps: Mapping[str, Step]) -> int:
    """Run every job that is due now, then stop; the number of jobs run."""
    count = 0
    while await run_one(db, steps):
        count += 1
    return count


async def _lane(db: Database, steps: Mapping[str, Step]) -> None:
    while True:
        try:
            idle = not await run_one(db, steps)
        except DatabaseAway as error:
            # The database is away; the jobs are in it, so nothing is lost by waiting.
            _LOG.warning("database-away", error=str(error))
            idle = True
        except Exception as error:  # noqa: BLE001  # a lane outlives what it could not take; the log has it whole
            _LOG.error("lane-failed", exc_info=error)
            idle = True
        if idle:
            await asyncio.sleep(POLL_S)


async def run_one(db: Database, steps: Mapping[str, Step]) -> bool:
    """Run the next due job; False when there is none."""
    job = await db.run(lambda tx: jobs.take(tx, list(steps), LOCK_S))
    if job is None:
        return False
    try:
        async with _kept(db, job):
            result = await steps[job.kind](Running(db, job))
    except StepCancelled:
        JOBS.labels(job.kind, "cancelled").inc()
    except StepRefused as refused:
        _tell(job, "dead", await db.run(partial(jobs.fail, job=job, error=str(refused), attempts_max=0)))
        _LOG.error("job-refused", kind=job.kind, job=str(job.id), error=str(refused))
    except Buried as end:
        cause = end.__cause__
        reason = str(cause) if isinstance(cause, StepRefused) else f"{type(cause).__name__}: {cause}"
        _tell(job, "dead", await db.run(partial(_bury, job=job, reason=reason, told=end.told)))
        _LOG.error("job-dead", kind=job.kind, job=str(job.id), attempt=job.attempts, exc_info=cause)
    except Exception as error:  # noqa: BLE001  # whatever failed, the job is kept with its reason and comes again
        reason = f"{type(error).__name__}: {error}"
        _tell(job, "dead" if job.last else "failed", await db.run(partial(jobs.fail, job=job, error=reason)))
        # The last attempt is no warning any more: nothing comes again by itself.
        log, word = (_LOG.error, "job-dead") if job.last else (_LOG.warning, "job-failed")
        log(word, kind=job.kind, job=str(job.id), attempt=job.attempts, exc_info=error)
    else:
        _tell(job, "done", await db.run(partial(jobs.finish, job=job, result=result)))
    return True


async def _bury(tx: Tx, job: JobState, reason: str, told: Callable[[Tx], Awaitable[None]]) -> bool:
    buried = await jobs.fail(tx, job, reason, attempts_max=0)
    if buried:
        await told(tx)
    return buried


def _tell(job: JobState, outcome: str, counted: bool) -> None:
    """Count how an attempt ended; one that was taken over ended nothing."""
    JOBS.labels(job.kind, outcome if counted else "lost").inc()
    if not counted:
        _LOG.warning("job-lost", kind=job.kind, job=str(job.id), attempt=job.attempts, outcome=outcome)


@asynccontextmanager
async def _kept(db: Database, job: JobState) -> AsyncIterator[None]:
    """Keep a job's lock while its step runs; a step whose job was taken over or cancelled is stopped where it stands.

    errors   StepCancelled
    """
    step, lost = asyncio.current_task(), asyncio.Event()
    assert step is not None
    keeping = asyncio.create_task(_keep(db, job, step, lost))
    try:
        yield
    except asyncio.CancelledError:
        if not lost.is_set() or step.uncancel():
            raise
        raise StepCancelled from None
    finally:
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)


async def _keep(db: Database, job: JobState, step: asyncio.Task[Any], lost: asyncio.Event) -> None:
    while True:
        await asyncio.sleep(LOCK_S / 4)
        try:
            held = await db.run(partial(jobs.keep, job=job, lock_s=LOCK_S))
        except DatabaseAway as error:
            # The next time may still be early enough; if not, the job comes again, which every step is made for.
            _LOG.warning("lock-not-kept", job=str(job.id), error=str(error))
            continue
        if not held:
            _LOG.warning("lock-lost", kind=job.kind, job=str(job.id), attempt=job.attempts)
            lost.set()
            step.cancel()
            return
