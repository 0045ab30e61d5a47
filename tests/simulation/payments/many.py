"""Many seeds on two processes, each with a database server and a Stripe of its own; what went wrong in which."""

from __future__ import annotations

import asyncio
import faulthandler
import gc
import multiprocessing
import queue
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from exchange.kernel.keys import PURPOSES, Keyring, new_key
from tests.simulation.payments.inside import Inside, inside
from tests.simulation.payments.life import Life, Told, differences
from tests.simulation.payments.plan import Plan, draw_plan
from tests.simulation.seeded.ground import server
from tests.simulation.seeded.many import quiet
from tests.support.clones import Clones

# No seed takes a tenth of this: one that does hangs.
SEED_S = 120.0


@dataclass(slots=True)
class Ground:
    """What all seeds of a process share."""

    clones: Clones
    stripe: Inside
    keyring: Keyring

    async def live(self, seed: int, order: int = 0, plan: Plan | None = None) -> Told:
        """One life in a database and a world of its own."""
        url = await self.clones.make()
        life = Life(seed, url, self.stripe, self.keyring, order, plan)
        try:
            async with asyncio.timeout(SEED_S):
                return await life.run()
        except (Exception, asyncio.CancelledError) as error:  # a campaign goes on, and says it
            life.told.findings.append(f"ended with {type(error).__name__}: {str(error)[:600]}; {life.told.trace[-2:]}")
            return life.told
        finally:
            await self.clones.drop(url)

    async def twice(self, seed: int) -> Told:
        """A seed; lived a second time with its news lost, doubled and in another order, it must end in the same way."""
        told = await self.live(seed)
        if told.findings or draw_plan(seed).mixed:
            return told
        again = await self.live(seed, 1)
        told.seconds += again.seconds
        told.counts.update(again.counts)
        told.counts["lived twice"] += 1
        told.findings += [f"in another order: {one}" for one in again.findings]
        if not told.findings and told.digest != again.digest:
            told.findings.append(f"another order of news ended differently: {differences(told.final, again.final)}")
        return told


@asynccontextmanager
async def ground() -> AsyncIterator[Ground]:
    """A database server, a sandbox, and keys."""
    made = datetime(2025, 12, 1, tzinfo=UTC)
    keys = [new_key(purpose, made, bytes([number + 1]) * 32) for number, purpose in enumerate(PURPOSES)]
    with server() as running:
        clones = await Clones.open(running)
        try:
            async with inside() as stripe:
                yield Ground(clones, stripe, Keyring(keys))
        finally:
            await clones.close()


@dataclass
class Summary:
    """What many seeds came to."""

    seeds: int = 0
    seconds: float = 0.0
    took_s: float = 0.0
    failing: dict[int, list[str]] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)

    def add(self, told: Told) -> None:
        """One more seed."""
        self.seeds += 1
        self.seconds += told.seconds
        self.counts += told.counts
        if told.findings:
            self.failing[told.seed] = told.findings

    def lines(self) -> Iterator[str]:
        """The summary as it is printed."""
        yield ", ".join(f"{name} {count:,}" for name, count in sorted(self.counts.items()))
        each = self.seconds / max(self.seeds, 1)
        rate = 60 * self.seeds / max(self.took_s, 1e-9)
        yield (
            f"{self.seeds:,} seeds in {self.took_s:,.0f} s, {rate:.1f} a minute, {each:.2f} s each; "
            f"{len(self.failing)} with findings: {sorted(self.failing)}"
        )


def one_seed(seed: int) -> Told:
    """One seed on a ground of its own."""
    quiet()

    async def run() -> Told:
        async with ground() as made:
            return await made.twice(seed)

    return asyncio.run(run())


def run_many(seeds: range, processes: int, say: Callable[[str], None]) -> Summary:
    """Run seeds side by side and tell how it goes."""
    context = multiprocessing.get_context("spawn")
    answers: Any = context.Queue()
    shares = [list(seeds)[n::processes] for n in range(processes)]
    workers = [context.Process(target=_work, args=(share, answers), daemon=False) for share in shares if share]
    for worker in workers:
        worker.start()
    summary, began = Summary(), time.monotonic()
    while summary.seeds < len(seeds):
        try:
            told = answers.get(timeout=5)
        except KeyboardInterrupt:
            # The terminal has told the others, too.
            say("stopped")
            break
        except queue.Empty:
            if any(worker.is_alive() for worker in workers):
                continue
            say(f"the processes ended with {[worker.exitcode for worker in workers]}")
            break
        summary.add(told)
        for finding in told.findings:
            say(f"seed {told.seed}: {finding}")
        if summary.seeds % 10 == 0 or summary.seeds == len(seeds):
            say(f"{summary.seeds} of {len(seeds)} seeds, the last {told.seed}, {time.monotonic() - began:.0f} s")
    for worker in workers:
        worker.join(60)
    summary.took_s = time.monotonic() - began
    return summary


def _work(seeds: list[int], answers: Any) -> None:
    quiet()
    asyncio.run(_share(seeds, answers))


async def _share(seeds: list[int], answers: Any) -> None:
    async with ground() as made:
        # What is there by now stays: a campaign makes little that only the collector could free.
        gc.collect()
        gc.freeze()
        gc.set_threshold(50_000, 20, 50)
        for seed in seeds:
            # Where not even a time-out helps, say where it stands, and end.
            faulthandler.dump_traceback_later(4 * SEED_S, exit=True)
            told = await made.twice(seed)
            faulthandler.cancel_dump_traceback_later()
            told.trace.clear()
            told.final.clear()
            answers.put(told)
