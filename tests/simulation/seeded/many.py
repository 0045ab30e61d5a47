"""Many seeds, on two processes with a server each; what went wrong in which, and how often what was done to them."""

from __future__ import annotations

import asyncio
import faulthandler
import logging
import multiprocessing
import queue
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import structlog

from tests.simulation.seeded import ground
from tests.simulation.seeded.one import FAULTY, Life, Look, Told
from tests.support.clones import Clones

# No seed takes a tenth of this: one that does hangs.
_SEED_S = 60.0
# How many failing seeds a process looks into, and for how long.
_MINIMISED_MAX = 2
_MINIMISING_S = 60.0


@dataclass
class Summary:
    """What many seeds came to."""

    seeds: int = 0
    seconds: float = 0.0
    failing: dict[int, list[str]] = field(default_factory=dict)
    faults: Counter[str] = field(default_factory=Counter)
    at_commit: Counter[str] = field(default_factory=Counter)
    real: Counter[str] = field(default_factory=Counter)
    counts: Counter[str] = field(default_factory=Counter)

    def add(self, told: Told) -> None:
        """One more seed."""
        self.seeds += 1
        self.seconds += told.seconds
        self.faults += told.injected.kinds
        self.at_commit += told.injected.at_commit
        self.real += told.injected.real
        self.counts += told.counts
        if told.findings:
            self.failing[told.seed] = told.findings

    def lines(self) -> Iterator[str]:
        """The summary as it is printed."""
        yield f"{self.seeds} seeds, {self.seconds / max(self.seeds, 1):.2f} s each; {len(self.failing)} with findings"
        yield ", ".join(f"{name} {count:,}" for name, count in sorted(self.counts.items()))
        yield f"{'fault':44}{'in a flow':>12}{'at a commit':>14}"
        for kind in sorted({*self.faults, *self.at_commit}):
            yield f"{kind:44}{self.faults[kind]:>12,}{self.at_commit[kind]:>14,}"
        yield f"{'all':44}{self.faults.total():>12,}{self.at_commit.total():>14,}"
        if self.real:
            yield "not planted: " + ", ".join(f"{name} {count:,}" for name, count in sorted(self.real.items()))


def quiet() -> None:
    """Let planted faults not fill the terminal: jobs that fail say so in the log."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    # A pool that loses a connection says so, and so does a loop whose connection was cut with nobody asking.
    for name in ("sqlalchemy.pool", "asyncio"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)


async def live(clones: Clones, seed: int, look: Look | None = None, **how: Any) -> Told:
    """One seed in a database of its own."""
    url = await clones.make()
    try:
        return await Life(seed, url, **how).run(look)
    finally:
        await clones.drop(url)


def one_seed(seed: int) -> Told:
    """One seed on a server of its own."""
    quiet()

    async def run() -> Told:
        with ground.server() as server:
            async with ground.template(server) as clones:
                return await live(clones, seed)

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
        if isinstance(told, str):
            say(told)
            continue
        summary.add(told)
        for finding in told.findings:
            say(f"seed {told.seed}: {finding}")
        if summary.seeds % 20 == 0 or summary.seeds == len(seeds):
            faults = summary.faults.total() + summary.at_commit.total()
            say(f"{summary.seeds} of {len(seeds)} seeds, {faults:,} faults, {time.monotonic() - began:.0f} s")
    for worker in workers:
        worker.join(60)
    return summary


def _work(seeds: list[int], answers: Any) -> None:
    quiet()
    asyncio.run(_share(seeds, answers))


async def _share(seeds: list[int], answers: Any) -> None:
    with ground.server() as server:
        async with ground.template(server) as clones:
            left = _MINIMISED_MAX
            for seed in seeds:
                # Where not even a time-out helps, say where it stands, and end.
                faulthandler.dump_traceback_later(2 * _SEED_S, exit=True)
                told = await _told(clones, seed)
                faulthandler.cancel_dump_traceback_later()
                told.trace.clear()
                answers.put(told)
                if told.findings and left:
                    left -= 1
                    answers.put(await minimised(clones, seed))


async def _told(clones: Clones, seed: int, **how: Any) -> Told:
    """A seed that ends in an exception has that as its finding."""
    began = time.monotonic()
    url = await clones.make()
    life = Life(seed, url, **how)
    try:
        async with asyncio.timeout(_SEED_S):
            return await life.run()
    except (Exception, asyncio.CancelledError) as error:  # a campaign goes on, and says it
        said = f"ended with {type(error).__name__}: {error}"
        if isinstance(error, BaseExceptionGroup):
            said += f" ({error.exceptions[0]!r})"
        said = f"{said[:600]}; {life.turns}, after {life.trace[-4:]}"
        return Told.broken(seed, said, time.monotonic() - began)
    finally:
        await clones.drop(url)


async def minimised(clones: Clones, seed: int) -> str:
    """What of a failing seed is enough to fail: without faults, and with fewer inputs."""
    found = await _told(clones, seed, faulty=0.0)
    faulty = 0.0 if found.findings else FAULTY
    names = sorted({one.name for stage in Life(seed, "").stages for one in stage.deliveries})
    kept, size, until = names, max(len(names) // 2, 1), time.monotonic() + _MINIMISING_S
    while time.monotonic() < until and size:
        for start in range(0, len(kept), size):
            fewer = kept[:start] + kept[start + size :]
            if time.monotonic() > until:
                break
            if (await _told(clones, seed, faulty=faulty, without=frozenset(names) - frozenset(fewer))).findings:
                kept = fewer
                break
        else:
            size //= 2
    how = "without any fault" if faulty == 0.0 else "with its faults"
    return f"seed {seed} fails {how}, and needs no more than {len(kept)} of {len(names)} inputs: {', '.join(kept)}"
