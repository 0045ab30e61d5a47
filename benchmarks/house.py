"""A fresh exchange for measuring: durable PostgreSQL, parties and offers, and the very process that `make serve` runs."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import msgspec

from exchange.flows.check_books import check_books
from exchange.kernel.embedded import EmbeddedServer
from exchange.process import ground, services
from exchange.settings import Settings
from settlement.checks import Finding
from tests.support.api import Market, Party, settings_for
from tests.support.trade import OnSale, component, offer_document, on_sale

ROWS = 20_000
READY_S = 60
PRICE = "12.50"


@dataclass
class House:
    """A running exchange: its server process, and a way in for setting up and checking."""

    market: Market
    server: EmbeddedServer
    settings: Settings
    sale: OnSale
    port: int

    async def buyers(self, count: int, funds: str) -> list[Party]:
        """Verified buyers with money in their wallets, paid in by bank transfer."""
        made = [await self.market.join("buyer") for _ in range(count)]
        head = "booking_date,amount,currency,payer_name,payer_account_digest,reference,entry_id"
        lines = [
            f"2026-01-14,{funds},CNY,Bench,{'ab' * 32},{one.organisation},BENCH-{one.organisation}" for one in made
        ]
        operator = await self.market.operator()
        headers = {**operator.headers, "idempotency-key": f"funds-{made[0].organisation}", "content-type": "text/csv"}
        body = "\n".join([head, *lines, ""]).encode()
        answer = await self.market.http.post("/operator/v1/bank-statements", content=body, headers=headers)
        assert answer.status_code == 201, answer.text
        return made

    async def offer(self, code: str, kind: str, *components: dict[str, Any], six: bool = False) -> str:
        """A new offer of the listing; `six` gives its price six journal lines."""
        document = offer_document(kind, *components)
        if six:
            others = [(role, await self.market.join(role)) for role in ("broker", "assessor", "supplier")]
            names = {"broker": "broker", "assessor": "assessor", "supplier": "upstream"}
            weights = {"broker": 500, "assessor": 300, "supplier": 1000}
            document["shares"] = [
                {"role": "supplier", "weight": 7000},
                {"role": "platform", "weight": 1200},
                *(
                    {"role": names[role], "weight": weights[role], "organisation": party.organisation}
                    for role, party in others
                ),
            ]
        path = f"/supplier/v1/listings/{self.sale.listing}/offers"
        made = await self.market.done(self.sale.supplier, path, {"code": code, "document": document})
        offer: str = made["id"]
        return offer

    async def count(self, statement: str) -> int:
        """One number out of the database."""

        async def flow(tx: Any) -> int:
            found: int = await (await tx.driver()).fetchval(statement)
            return found

        return await self.market.services.db.run(flow)

    async def fsck(self) -> list[Finding]:
        """Recompute everything from the facts."""

        async def quiet(_what: str, _done: int, _total: int | None) -> None:
            return None

        made = self.market.services
        return await check_books(made.db, made.keyring, self.settings.process.log_origin, quiet)


@asynccontextmanager
async def house() -> AsyncIterator[House]:
    """Open one on a free port, in a folder that goes when it closes."""
    with tempfile.TemporaryDirectory(prefix="exchange-bench-") as folder:
        port = _free_port()
        more = {"EXCHANGE_PORT": str(port), "EXCHANGE_TOKEN_TTL_S": "7200", "EXCHANGE_HOME": folder}
        settings = settings_for(Path(folder), **more)
        async with ground(settings) as on, services(on) as made:
            assert on.server is not None
            child = _serve(more, folder)
            try:
                async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60, trust_env=False) as http:
                    await _until_ready(http, child)
                    market = Market(made, http)
                    sale = await on_sale(market, _content())
                    yield House(market, on.server, settings, sale, port)
            finally:
                child.terminate()
                child.wait(30)


def one_price() -> dict[str, Any]:
    """A plan's component: one price, once."""
    return component({"type": "one_off", "amount": PRICE})


def per_record() -> dict[str, Any]:
    """A plan's component: so much per record."""
    return component({"type": "per_unit", "unit_price": "0.002"}, "records", "month")


def _content() -> bytes:
    line = "床前明月光，疑是地上霜。举头望明月，低头思故乡。第{n}行"
    return b"".join(msgspec.json.encode({"id": n, "text": line.format(n=n)}) + b"\n" for n in range(ROWS))


def _serve(more: dict[str, str], folder: str) -> subprocess.Popen[bytes]:
    # The same process that `make serve` starts, without its log line per request; its other lines are kept.
    command = [sys.executable, "-m", "exchange", "serve", "--quiet", "--processes", "auto"]
    log = Path(folder, "server.log").open("wb")  # noqa: SIM115  # the child holds it
    return subprocess.Popen(command, env={**os.environ, **more}, stdout=log, stderr=log)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def _until_ready(http: httpx.AsyncClient, child: subprocess.Popen[bytes]) -> None:
    for _ in range(READY_S * 10):
        if child.poll() is not None:
            raise RuntimeError(f"the server ended with {child.returncode}")
        try:
            if (await http.get("/readyz")).status_code == 200:
                return
        except httpx.TransportError:
            pass
        await asyncio.sleep(0.1)
    raise TimeoutError("the server did not become ready")
