"""What the audit costs: purchases per second with it, as a share of those without it, in turns on one database."""

from __future__ import annotations

import asyncio
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx

from benchmarks.house import House, house, one_price
from benchmarks.load import drive
from benchmarks.purchase import lane
from benchmarks.result import Result, result

NAME, FLOOR, AIM = "audit_cost", 0.80, 0.90
CONNECTIONS, BUYERS, TURNS, SECONDS = 64, 16, 4, 6.0
_READY_S = 60


async def measure() -> Result:
    """Drive a web process with the audit and one without it in turns; the log's sequencer runs beside both."""
    async with house() as made:
        home, port = made.settings.process.home, made.settings.process.port
        offer = await made.offer("bench", "one_off", one_price(), six=True)
        buyers = await made.buyers(BUYERS, "90000000.00")
        rates: dict[str, list[float]] = {"exchange": [], "benchmarks.unaudited": []}
        ports = {name: port + 10 + n for n, name in enumerate(rates)}
        with ExitStack() as stack:
            for name, one in ports.items():
                stack.enter_context(_server(name, home, one, made.settings.origin))
            for one in ports.values():
                await _until_ready(one)
            logged = 0
            for turn in range(-1, TURNS):
                for name, seen in rates.items():
                    before = await _entries(made)
                    lanes = [lane(buyers[n % BUYERS], offer, f"{name}-{turn}-{n}") for n in range(CONNECTIONS)]
                    outcome = await drive("127.0.0.1", ports[name], lanes, SECONDS if turn >= 0 else 2.0)
                    assert set(outcome.statuses) == {201}, (outcome.statuses, outcome.samples)
                    logged = await _entries(made) - before
                    assert logged == (outcome.done if name == "exchange" else 0), (name, logged, outcome.done)
                    if turn >= 0:
                        seen.append(outcome.per_second)
        audited, bare = (statistics.median(rates[name]) for name in rates)
    spread = ", ".join(f"{with_:,.0f} / {without:,.0f}" for with_, without in zip(*rates.values(), strict=True))
    return result(
        NAME,
        audited,
        "purchases/s",
        bare,
        floor=FLOOR,
        aim=AIM,
        includes=f"{1 - audited / bare:.1%} of the purchases that would go through without audit (aim: under 10 %). Medians of "
        f"{TURNS} turns of {SECONDS:.0f} s each ({spread}), one web process each on one database, {CONNECTIONS} connections. With: "
        "entries, their indexes, and the sequencer that signs them beside it. Without: the same server with `store.append` "
        "replaced by nothing.",
    )


async def _entries(made: House) -> int:
    return await made.count("SELECT count(*) FROM compliance.audit_entry WHERE action = 'purchase'")


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
