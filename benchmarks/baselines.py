"""The bare things that the exchange is measured against, on the same PostgreSQL and the same two cores."""

from __future__ import annotations

import asyncio
import os
import re
import statistics
import subprocess
import sys
import time
import uuid
from datetime import UTC, datetime

import asyncpg

from benchmarks.load import drive, request
from exchange.kernel.embedded import EmbeddedServer

SCALE, CLIENTS, THREADS = 64, 64, 2
_TPS = re.compile(r"tps = ([\d.]+)")
_DATABASE = "bare"
_EMPTY = """
import asyncio, sys, uvloop, warnings
warnings.simplefilter("ignore")
from granian.constants import Interfaces
from granian.server.embed import Server
from litestar import Litestar, get
@get("/")
async def empty() -> None: ...
app = Litestar([empty], openapi_config=None, logging_config=None)
uvloop.run(Server(app, "127.0.0.1", int(sys.argv[1]), interface=Interfaces.ASGI, log_access=False, log_enabled=False).serve())
"""


def tpcb(server: EmbeddedServer, *, seconds: int, runs: int = 3) -> float:
    """Transactions per second of pgbench's TPC-B, as the wheel ships it: the median of three runs."""
    tool, link = str(server.bin / "pgbench"), ["-h", server.host, "-p", str(server.port), "-U", "postgres", _DATABASE]
    _create(server)
    subprocess.run([tool, "-i", "-q", "-s", str(SCALE), *link], check=True, capture_output=True)
    flags = ["-c", str(CLIENTS), "-j", str(THREADS), "-M", "prepared", "-T", str(seconds), "-n"]
    rates = []
    for _ in range(runs):
        done = subprocess.run([tool, *flags, *link], check=True, capture_output=True, text=True)
        found = _TPS.search(done.stdout)
        assert found, done.stdout
        rates.append(float(found.group(1)))
    return statistics.median(rates)


async def unnest(server: EmbeddedServer, *, batch: int, seconds: float, connections: int = 4) -> float:
    """Rows per second of a bare `INSERT ... unnest ... ON CONFLICT DO NOTHING` into a table with that unique key."""
    _create(server)
    link = {"host": server.host, "port": server.port, "user": "postgres", "database": _DATABASE}
    first = await asyncpg.connect(**link)
    await first.execute(
        "CREATE TABLE IF NOT EXISTS bare_usage (source_id int, event_id uuid, grant_id uuid, meter smallint, "
        "at timestamptz, quantity bigint, PRIMARY KEY (source_id, event_id)); TRUNCATE bare_usage"
    )
    await first.close()
    insert = (
        "INSERT INTO bare_usage SELECT * FROM unnest($1::int[], $2::uuid[], $3::uuid[], $4::smallint[], "
        "$5::timestamptz[], $6::bigint[]) ON CONFLICT DO NOTHING"
    )
    now, grant = datetime.now(UTC), uuid.uuid4()
    constant = ([1] * batch, [grant] * batch, [2] * batch, [now] * batch, [1] * batch)
    end, done = time.perf_counter() + seconds, 0

    async def writer() -> None:
        nonlocal done
        connection = await asyncpg.connect(**link)
        source, grants, meter, at, quantity = constant
        while time.perf_counter() < end:
            events = [uuid.uuid4() for _ in range(batch)]
            await connection.execute(insert, source, events, grants, meter, at, quantity)
            done += batch
        await connection.close()

    started = time.perf_counter()
    await asyncio.gather(*(writer() for _ in range(connections)))
    return done / (time.perf_counter() - started)


async def empty_handler(port: int, *, connections: int, seconds: float) -> float:
    """Requests per second of a Litestar handler that does nothing, behind the same server, in a process of its own."""
    child = subprocess.Popen([sys.executable, "-c", _EMPTY, str(port)], env=dict(os.environ))
    try:
        await asyncio.sleep(1.5)
        asked = request("GET", "/", {})
        await drive("127.0.0.1", port, [iter(lambda: asked, None) for _ in range(connections)], 1.0)
        outcome = await drive("127.0.0.1", port, [iter(lambda: asked, None) for _ in range(connections)], seconds)
    finally:
        child.terminate()
        child.wait(10)
    return outcome.per_second


def _create(server: EmbeddedServer) -> None:
    there = server.psql(f"SELECT count(*) FROM pg_database WHERE datname = '{_DATABASE}'")
    if "1" not in there:
        server.psql(f"CREATE DATABASE {_DATABASE}")
