"""The bare things that the exchange is measured against, on the same PostgreSQL and the same two cores."""

from __future__ import annotations

import asyncio
import io
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
_STATIC = """
import sys, tempfile, pathlib, uvloop, warnings
warnings.simplefilter("ignore")
from granian.constants import Interfaces
from granian.server.embed import Server
from litestar import Litestar
folder = pathlib.Path(tempfile.mkdtemp())
(folder / "file").write_bytes(bytes(int(sys.argv[2])))
mount = {"static_path_route": ["/static"], "static_path_mount": [folder]}
app = Litestar([], openapi_config=None, logging_config=None)
uvloop.run(Server(app, "127.0.0.1", int(sys.argv[1]), interface=Interfaces.ASGI, log_access=False, log_enabled=False, **mount).serve())
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


async def copied(server: EmbeddedServer, *, purchases: int) -> float:
    """Purchases per second of a binary COPY of their journals and postings into bare tables: no key, index, check or trigger.

    shapes   the rows come out of the database that the server is named after; `purchases` is how many there are
    """
    source = await asyncpg.connect(server.url)
    try:
        stored = {}
        for table in ("journal", "posting"):
            stored[table] = io.BytesIO()
            key = "id" if table == "journal" else "journal_id"
            rows = f"SELECT * FROM settlement.{table} WHERE {key} IN (SELECT id FROM settlement.journal WHERE kind = 'purchase')"
            told = await source.copy_from_query(rows, output=stored[table], format="binary")
            assert int(told.split()[1]) == purchases * (6 if table == "posting" else 1), told
            await source.execute(f"CREATE TABLE public.bare_{table} (LIKE settlement.{table})")
        started = time.perf_counter()
        async with source.transaction():
            for table, data in stored.items():
                data.seek(0)
                await source.copy_to_table(f"bare_{table}", schema_name="public", source=data, format="binary")
        took = time.perf_counter() - started
        for table in stored:
            await source.execute(f"DROP TABLE public.bare_{table}")
    finally:
        await source.close()
    return purchases / took


async def empty_handler(port: int, *, connections: int, seconds: float) -> float:
    """Requests per second of a Litestar handler that does nothing, behind the same server, in a process of its own."""
    return await _served([_EMPTY, str(port)], "/", port, connections, seconds)


async def static_file(port: int, size_bytes: int, *, connections: int, seconds: float) -> float:
    """Requests per second of a static file of this size that the same server sends by itself, without any Python."""
    return await _served([_STATIC, str(port), str(size_bytes)], "/static/file", port, connections, seconds)


async def _served(program: list[str], path: str, port: int, connections: int, seconds: float) -> float:
    child = subprocess.Popen([sys.executable, "-c", *program], env=dict(os.environ))
    try:
        await asyncio.sleep(1.5)
        asked = request("GET", path, {})
        await drive("127.0.0.1", port, [iter(lambda: asked, None) for _ in range(connections)], 1.0)
        outcome = await drive("127.0.0.1", port, [iter(lambda: asked, None) for _ in range(connections)], seconds)
    finally:
        child.terminate()
        child.wait(10)
    assert set(outcome.statuses) <= {200, 204}, outcome.statuses
    return outcome.per_second


def _create(server: EmbeddedServer) -> None:
    there = server.psql(f"SELECT count(*) FROM pg_database WHERE datname = '{_DATABASE}'")
    if "1" not in there:
        server.psql(f"CREATE DATABASE {_DATABASE}")


async def indexed_and_grouped(connection: asyncpg.Connection) -> dict[str, float]:
    """Seconds of the two statements that no proof and no roll-up of `bare.record` can do without; both are dropped again."""
    started = time.perf_counter()
    await connection.execute("CREATE UNIQUE INDEX bare_record_event ON bare.record (source_id, event_id)")
    indexed = time.perf_counter()
    await connection.execute(
        "CREATE TABLE bare.rollup AS SELECT grant_id, meter, date_bin('15 minutes', at, '2000-01-01 00:00+00') AS quarter, "
        "sum(quantity) AS quantity, count(*) AS n FROM bare.record GROUP BY 1, 2, 3"
    )
    grouped = time.perf_counter()
    await connection.execute("DROP TABLE bare.rollup; DROP INDEX bare.bare_record_event")
    return {"unique index": indexed - started, "grouping": grouped - indexed}
