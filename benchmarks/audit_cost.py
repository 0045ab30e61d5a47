"""What the audit costs: purchases per second with it, as a share of those without it, in turns on one database."""

from __future__ import annotations

import asyncio
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from math import comb
from pathlib import Path
from typing import NamedTuple

import httpx

from benchmarks.house import house, one_price
from benchmarks.load import drive
from benchmarks.purchase import lane
from benchmarks.result import Result, result

NAME, FLOOR, AIM = "audit_cost", 0.80, 0.90
CONNECTIONS, BUYERS = 64, 16
PAIRS = int(os.environ.get("AUDIT_PAIRS", "22"))
# The sequencer is half a second behind who writes: what a slice costs begins and ends within its lead and its own time.
LEAD_S, SLICE_S = 0.8, 2.0
_READY_S = 60
_COUNT = "SELECT count(*) FROM compliance.audit_entry WHERE action = 'purchase'"


class Spread(NamedTuple):
    """What many ratios of one quantity say: their median, in which range it lies in 19 of 20 cases, and the middle half."""

    median: float
    low: float
    high: float
    first: float
    third: float

    @classmethod
    def of(cls, ratios: Sequence[float]) -> Spread:
        """Work it out; the range follows from the ranks alone, whatever the noise looks like."""
        ordered, count = sorted(ratios), len(ratios)
        first, median, third = statistics.quantiles(ordered, n=4)
        at, tail = 0, 0.5**count
        while tail <= 0.025:
            at += 1
            tail += comb(count, at) * 0.5**count
        return cls(median, ordered[at], ordered[-1 - at], first, third)


async def measure() -> Result:
    """Drive a web process with the audit and one without it in short turns; the log's sequencer runs beside both."""
    async with house() as made:
        home, port = made.settings.process.home, made.settings.process.port
        offer = await made.offer("bench", "one_off", one_price(), six=True)
        buyers = await made.buyers(BUYERS, "90000000.00")
        names = ("exchange", "benchmarks.unaudited")
        ports = {name: port + 10 + n for n, name in enumerate(names)}
        rates: dict[str, list[float]] = {name: [] for name in names}
        work: dict[str, list[float]] = {name: [] for name in names}
        bought, before = 0, await made.count(_COUNT)
        with ExitStack() as stack:
            for name, one in ports.items():
                stack.enter_context(_server(name, home, one, made.settings.origin))
            for one in ports.values():
                await _until_ready(one)
            for turn in range(-1, PAIRS):
                # Each comes first as often as the other, so that what grows slower with time is on both sides.
                for name in names if turn % 2 else reversed(names):
                    for part, seconds in (("lead", LEAD_S), ("slice", SLICE_S)):
                        lanes = [
                            lane(buyers[n % BUYERS], offer, f"{name}-{turn}-{part}-{n}") for n in range(CONNECTIONS)
                        ]
                        busy = _busy_s()
                        outcome = await drive("127.0.0.1", ports[name], lanes, seconds)
                        busy = _busy_s() - busy
                        assert set(outcome.statuses) == {201}, (outcome.statuses, outcome.samples)
                        bought += outcome.done if name == names[0] else 0
                    if turn >= 0:
                        rates[name].append(outcome.per_second)
                        work[name].append(busy / outcome.done)
        logged = await made.count(_COUNT) - before
        assert logged == bought, (logged, bought)
    audited, bare = (statistics.median(rates[name]) for name in names)
    spread = _ratios(rates)
    processor = _ratios(work)
    line = result(
        NAME,
        audited,
        "purchases/s",
        bare,
        floor=FLOOR,
        aim=AIM,
        includes=f"the audit costs {1 - spread.median:.1%} of the purchases that would go through without it (aim: under 10 %); "
        f"in 19 of 20 cases between {1 - spread.high:.1%} and {1 - spread.low:.1%}, the middle half of the pairs between "
        f"{1 - spread.third:.1%} and {1 - spread.first:.1%}. {PAIRS} pairs of slices of {SLICE_S:.0f} s, each after a lead of "
        f"{LEAD_S} s, first the one and then the other in turns; the ratio is the median of the pairs' ratios. One web process "
        f"each on one database, {CONNECTIONS} connections. With: entries, their indexes, and the sequencer that signs them "
        "beside it. Without: the same server with `store.append` replaced by nothing. Processor time of the whole machine for a "
        f"purchase: {processor.median - 1:+.1%} with the audit (in 19 of 20 cases {processor.low - 1:+.1%} to {processor.high - 1:+.1%}).",
    )
    return replace(line, ratio=round(spread.median, 4), ok=spread.median >= FLOOR)


def _ratios(seen: Mapping[str, Sequence[float]]) -> Spread:
    """What the pairs of slices say: with the audit, as a multiple of without it."""
    pairs = zip(*seen.values(), strict=True)
    return Spread.of([with_ / without if without else 1.0 for with_, without in pairs])


def _busy_s() -> float:
    """How long the processors of this machine have worked so far, for whomever; 0 where the system does not say."""
    try:
        fields = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]
    except OSError:
        return 0.0
    user, nice, system, _idle, _waiting, *interrupts = map(int, fields)
    return (user + nice + system + sum(interrupts[:2])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def _server(module: str, home: str, port: int, issuer: str) -> Iterator[None]:
    more = {
        "EXCHANGE_PORT": str(port),
        "EXCHANGE_ORIGIN": issuer,
        "EXCHANGE_TOKEN_TTL_S": "7200",
        "EXCHANGE_HOME": home,
    }
    with Path(home, f"{module}.log").open("wb") as log:
        command = [sys.executable, "-m", module, "serve", "--quiet", "--no-worker"]
        child = subprocess.Popen(command, env={**os.environ, **more}, stdout=log, stderr=log)
        try:
            yield
        finally:
            child.terminate()
            child.wait(30)


async def _until_ready(port: int) -> None:
    until = time.monotonic() + _READY_S
    async with httpx.AsyncClient(trust_env=False) as http:
        while time.monotonic() < until:
            try:
                if (await http.get(f"http://127.0.0.1:{port}/readyz")).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.1)
    raise TimeoutError("a server did not become ready")
