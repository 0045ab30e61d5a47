"""Holds in the portals, and the books that the operator closes, on a socket."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest_asyncio

from exchange.kernel.db import Tx
from exchange.kernel.money import Money
from settlement import postings
from settlement.accounts import payable, wallet
from settlement.holds import Hold, HoldEnd, Outcome
from settlement.store import holds, ledger
from tests.support.api import Market, market


@pytest_asyncio.fixture
async def exchange(database_url: str, tmp_path: Path) -> AsyncIterator[Market]:
    """The exchange with the portals of this module."""
    async with market(database_url, tmp_path, only=("operator", "buyer", "supplier")) as made:
        yield made


async def test_an_organisation_sees_its_holds_and_the_operator_all(exchange: Market) -> None:
    buyer, supplier, operator = (
        await exchange.join("buyer"),
        await exchange.join("supplier"),
        await exchange.operator(),
    )

    async def hold(tx: Tx) -> None:
        await ledger.post(tx, [postings.top_up(tx.new_id(), buyer.id, Money(90_000_000, "CNY"))])
        wanted = [Hold(tx.new_id(), wallet(buyer.id, "CNY"), 10_000_000 * n, "escrow") for n in (1, 2)]
        await holds.open_holds(tx, wanted)
        await holds.end_holds(tx, [HoldEnd(wanted[0].id, Outcome.SETTLED, payable(supplier.id, "CNY"), 4_000_000)])

    await exchange.services.db.run(hold)
    mine = (await exchange.get(buyer, "/buyer/v1/holds")).json()["items"]
    assert [(one["state"], one["amount"]["amount"], one["settled"]["amount"]) for one in mine] == [
        ("open", "20.00", "0.00"),
        ("settled", "10.00", "4.00"),
    ]
    assert (await exchange.get(buyer, "/buyer/v1/holds", state="open")).json()["items"] == mine[:1]
    assert (await exchange.get(supplier, "/supplier/v1/holds")).json()["items"] == []
    assert (await exchange.get(operator, "/operator/v1/holds")).json()["items"] == mine
    # The wallet shows what can be spent, and nothing that is held.
    balances = (await exchange.get(buyer, "/buyer/v1/wallet")).json()["balances"]
    assert balances == [{"amount": "66.00", "currency": "CNY"}]


async def test_books_are_closed_once_and_in_order(exchange: Market) -> None:
    operator, db = await exchange.operator(), exchange.services.db
    buyer = await exchange.join("buyer")
    await db.run(lambda tx: ledger.post(tx, [postings.top_up(tx.new_id(), buyer.id, Money(5_000_000, "CNY"))]))
    now = db.clock.now().replace(second=0, microsecond=0)

    def wish(end: object) -> dict[str, object]:
        return {"currency": "CNY", "end": str(end).replace(" ", "T")}

    path = "/operator/v1/closed-periods"
    early = await exchange.post(operator, path, wish(now + timedelta(hours=1)))
    assert (early.status_code, early.json()["type"]) == (409, "/problems/period-not-over")
    odd = await exchange.post(operator, path, wish(now - timedelta(seconds=5)))
    assert (odd.status_code, odd.json()["type"]) == (400, "/problems/invalid-request")
    closed = await exchange.done(operator, path, wish(now - timedelta(days=1)))
    assert (closed["accounts"], closed["entries"]) == (0, 0)
    assert await exchange.done(operator, path, wish(now - timedelta(days=1))) == closed
    further = await exchange.post(operator, path, wish(now - timedelta(days=2)))
    assert (further.status_code, further.json()["type"]) == (409, "/problems/period-closed-further")
    assert (await exchange.get(operator, path)).json()["items"] == [closed]
