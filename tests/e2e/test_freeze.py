"""A freeze over HTTP while fifty slow downloads run on three processes of one exchange; then it is lifted.

Run with -s to see the figures: how long after the regulator's request was sent the last byte reached a client, and the last
one left the exchange's hands. A listing that the freeze does not name goes on being read all the while.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import secrets
import socket
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest_asyncio

from exchange.kernel.db import DatabaseUrls
from exchange.kernel.money import Money
from exchange.settings import environment_of
from sandbox.stripe.process import free_port
from settlement import postings
from settlement.store import ledger
from tests.support.api import Market, Party, market
from tests.support.directives import wish
from tests.support.trade import CONTENT, SUMMARY, TITLE, OnSale, offer_document, on_sale

PROCESSES, DOWNLOADS, BUYERS = 3, 50, 5
FILE_BYTES = 3 * 1024 * 1024
# What a client takes in a second, a spoonful at a time, and how much its own kernel may hold for it.
SPOON_BYTES, SPOON_EVERY_S, RECEIVE_BUFFER_BYTES = 8 * 1024, 0.04, 8 * 1024
RUNNING_S, BEGUN_S_MAX = 1.0, 20.0
BOUND_S = 5.0
READY_S_MAX = 90.0
ENDED_S_MAX = 30.0


@dataclass
class Download:
    """One client's download of the file, read slowly; how far it came and when it saw its last byte."""

    port: int
    token: str
    path: str
    received: int = 0
    status: int = 0
    last_at: float = 0.0
    digest: Any = field(default_factory=hashlib.sha256)

    async def run(self, *, slowly: bool) -> None:
        """Read on from where it was cut, until the server ends."""
        loop = asyncio.get_running_loop()
        with socket.socket() as link:
            if slowly:
                link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
            link.setblocking(False)
            await loop.sock_connect(link, ("127.0.0.1", self.port))
            lines = [
                f"GET {self.path} HTTP/1.1",
                "Host: exchange",
                f"Authorization: Bearer {self.token}",
                f"Range: bytes={self.received}-",
                "Connection: close",
            ]
            await loop.sock_sendall(link, ("\r\n".join(lines) + "\r\n\r\n").encode())
            head = b""
            while b"\r\n\r\n" not in head:
                got = await loop.sock_recv(link, 1024)
                assert got, f"the server hung up: {head!r}"
                head += got
            head, _, body = head.partition(b"\r\n\r\n")
            self.status = int(head.split(b" ", 2)[1])
            while True:
                if body:
                    self.received, self.last_at = self.received + len(body), time.monotonic()
                    self.digest.update(body)
                if slowly:
                    await asyncio.sleep(SPOON_EVERY_S)
                try:
                    body = await loop.sock_recv(link, SPOON_BYTES if slowly else 256 * 1024)
                except ConnectionResetError:
                    return
                if not body:
                    return


@pytest_asyncio.fixture
async def m(database_url: str, tmp_path: Path) -> AsyncIterator[Market]:
    """The exchange that the three processes belong to."""
    url = DatabaseUrls.from_one(database_url).app
    async with market(database_url, tmp_path, EXCHANGE_TOKEN_TTL_S="3600", DATABASE_URL=url) as made:
        yield made


@contextlib.asynccontextmanager
async def served(m: Market, ports: list[int]) -> AsyncIterator[None]:
    """`exchange serve --no-worker` on each of these ports, over the market's home and database."""
    children = []
    try:
        for port in ports:
            clean = {name: value for name, value in os.environ.items() if not name.startswith(("EXCHANGE_", "STRIPE_"))}
            environment = {**clean, **environment_of(m.services.settings), "EXCHANGE_PORT": str(port)}
            command = [sys.executable, "-m", "exchange", "serve", "--no-worker", "--quiet", "--leashed"]
            child = await asyncio.create_subprocess_exec(*command, env=environment, stdin=asyncio.subprocess.PIPE)
            children.append(child)
        async with httpx.AsyncClient(trust_env=False) as http:
            for port in ports:
                await _ready(http, port)
        yield
    finally:
        for child in children:
            assert child.stdin is not None
            child.stdin.close()
        await asyncio.gather(*map(_over, children))


async def _over(child: asyncio.subprocess.Process) -> None:
    """It ends by itself, also where downloads still run that nobody reads any more."""
    try:
        assert await asyncio.wait_for(child.wait(), ENDED_S_MAX) == 0
    except TimeoutError:
        child.kill()
        await child.wait()
        raise


async def _ready(http: httpx.AsyncClient, port: int) -> None:
    until = time.monotonic() + READY_S_MAX
    while True:
        with contextlib.suppress(httpx.TransportError):
            if (await http.get(f"http://127.0.0.1:{port}/readyz")).status_code == 200:
                return
        assert time.monotonic() < until, "a process did not come up"
        await asyncio.sleep(0.05)


async def second_listing(m: Market, sale: OnSale) -> str:
    """Another listing of the same revision; answers its offer."""
    supplier = sale.supplier
    named = {"revision": sale.revision, "title": TITLE, "summary": SUMMARY}
    listing = (await m.done(supplier, "/supplier/v1/listings", named))["id"]
    path = f"/supplier/v1/listings/{listing}"
    offer: str = (await m.done(supplier, f"{path}/offers", {"code": "once", "document": offer_document()}))["id"]
    await m.done(supplier, f"{path}/publication")
    return offer


async def bought(m: Market, offer: str) -> tuple[Party, str, str]:
    """A buyer with money, the grant it bought, and a token of it."""
    buyer = await m.join("buyer")
    money = postings.top_up(m.services.db.ids.new(m.services.db.clock.now()), buyer.id, Money(900_000_000, "CNY"))
    await m.services.db.run(lambda tx: ledger.post(tx, [money]))
    wanted = {"offer": offer, "purposes": ["pretrain"], "payment": "wallet"}
    grant = (await m.done(buyer, "/buyer/v1/orders", wanted))["grant"]
    return buyer, grant, (await m.done(buyer, f"/buyer/v1/grants/{grant}/tokens"))["token"]


async def command(port: int, party: Party, path: str, body: Any = None) -> httpx.Response:
    """A command to one of the processes."""
    headers = {**party.headers, "idempotency-key": secrets.token_hex(8)}
    async with httpx.AsyncClient(trust_env=False, timeout=30, verify=False) as http:
        return await http.post(f"http://127.0.0.1:{port}{path}", json=body, headers=headers)


async def test_a_freeze_cuts_fifty_downloads_on_three_processes_within_five_seconds(m: Market) -> None:
    content = (CONTENT * (FILE_BYTES // len(CONTENT) + 1))[: FILE_BYTES - 1] + b"\n"
    content = content[: content[:-1].rfind(b"\n") + 1]
    sale = await on_sale(m, content)
    other = await second_listing(m, sale)
    regulator = await m.join("regulator")
    buyers = [await bought(m, sale.offer) for _ in range(BUYERS)]
    _, _, elsewhere = await bought(m, other)
    (asset,) = (await m.http.get("/data/v1/grant", headers={"authorization": f"Bearer {elsewhere}"})).json()["assets"]
    path = f"/data/v1/assets/{asset['id']}"
    ports = [free_port() for _ in range(PROCESSES)]
    async with served(m, ports):
        running = [Download(ports[n % PROCESSES], buyers[n % BUYERS][2], path) for n in range(DOWNLOADS)]
        free = [Download(port, elsewhere, path) for port in ports]
        tasks = [asyncio.create_task(one.run(slowly=True)) for one in (*running, *free)]
        began = time.monotonic()
        while not all(one.received for one in running):
            assert time.monotonic() < began + BEGUN_S_MAX, f"begun: {[(one.status, one.received) for one in running]}"
            await asyncio.sleep(0.05)
        await asyncio.sleep(RUNNING_S)
        assert not any(task.done() for task in tasks), "and none is over"

        began, began_at = time.monotonic(), m.services.db.clock.now()
        issued = await command(ports[0], regulator, "/regulator/v1/directives", wish("freeze", sale.listing))
        answered = time.monotonic() - began
        assert issued.status_code == 201, issued.text
        await asyncio.wait_for(asyncio.gather(*tasks[:DOWNLOADS]), 30)
        last = sorted(one.last_at - began for one in running)
        left = await _last_sent(m, [grant for _, grant, _ in buyers]) - began_at
        print(
            f"\nfreeze of {DOWNLOADS} running downloads on {PROCESSES} processes: the request was answered after "
            f"{answered:.2f} s; the last byte left the exchange after {left.total_seconds():.2f} s and reached a client "
            f"after {last[-1]:.2f} s (median {last[DOWNLOADS // 2]:.2f} s)"
        )
        assert all(one.received < len(content) for one in running), "every download was cut"
        assert last[-1] < BOUND_S
        assert left.total_seconds() < BOUND_S

        before = [one.received for one in free]
        for port, (buyer, grant, token) in zip(ports, buyers, strict=False):
            refused = await command(port, buyer, f"/buyer/v1/grants/{grant}/tokens")
            assert refused.json()["type"] == "/problems/frozen-by-directive"
            again = Download(port, token, path)
            await again.run(slowly=False)
            assert again.status == 403
        ordered = {"offer": sale.offer, "purposes": ["pretrain"], "payment": "wallet"}
        refused = await command(ports[1], buyers[0][0], "/buyer/v1/orders", ordered)
        assert refused.json()["type"] == "/problems/trade-frozen"
        await asyncio.sleep(0.2)
        assert all(one.received > was for one, was in zip(free, before, strict=True)), "what is not named goes on"

        lifted = await command(ports[2], regulator, f"/regulator/v1/directives/{issued.json()['id']}/lifting")
        assert lifted.status_code == 200, lifted.text
        for task in tasks[DOWNLOADS:]:
            task.cancel()
        cut = [one.received for one in running]
        await asyncio.gather(*(one.run(slowly=False) for one in running))
        assert {one.status for one in running} == {206}
        assert all(0 < was < len(content) for was in cut)
        assert {one.digest.hexdigest() for one in running} == {asset["sha256"]} == {hashlib.sha256(content).hexdigest()}


async def _last_sent(m: Market, grants: list[str]) -> Any:
    """When the log was last told what left under these grants: a download that is cut says so as it is cut."""

    async def read(tx: Any) -> Any:
        driver = await tx.driver()
        asked = "SELECT max(created_at) FROM compliance.audit_entry WHERE action = 'data.sent' AND object_id = ANY($1)"
        return await driver.fetchval(asked, grants)

    return await m.services.db.run(read)
