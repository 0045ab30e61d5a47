"""What a payee has and owes, beside what its statements close with; and holds for everybody who has some."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from exchange.flows import seal_usage
from exchange.flows.pay_out import PayOut, PayoutReceipt, pay_out
from exchange.kernel.clock import FixedClock
from exchange.kernel.db import Tx
from settlement import postings
from settlement.accounts import AccountKind, payable, platform
from settlement.holds import Hold
from settlement.journals import Journal, Line
from settlement.payouts import Rail
from settlement.store import holds, ledger
from tests.support.api import Market, Party, market
from tests.support.months import go_to, settle
from tests.support.outcomes import funded
from tests.support.trade import on_sale

YUAN = 1_000_000


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(datetime(2026, 1, 15, 8, tzinfo=UTC))


@pytest.fixture
async def m(database_url: str, tmp_path: Path, clock: FixedClock) -> AsyncIterator[Market]:
    async with market(database_url, tmp_path, clock=clock) as made:
        access = made.services.settings.access
        await made.services.db.run(lambda tx: seal_usage.prepare_days(tx, settings=access))
        yield made


async def bought(m: Market, buyer: Party, offer: str) -> str:
    wish = {"offer": offer, "purposes": ["pretrain"], "payment": "wallet"}
    return str((await m.done(buyer, "/buyer/v1/orders", wish))["id"])


async def standing(m: Market, party: Party, portal: str = "supplier") -> dict[str, str]:
    """What is not nothing, of the one currency that there is."""
    items = (await m.get(party, f"/{portal}/v1/balances")).json()["items"]
    return {} if not items else told(items[0])


def told(view: dict[str, Any]) -> dict[str, str]:
    return {name: money["amount"] for name, money in view.items() if money["amount"] != "0.00"}


async def test_a_debt_stands_beside_the_statement_until_a_payout_takes_it_off(m: Market, clock: FixedClock) -> None:
    sale, buyer = await on_sale(m), await funded(m)
    supplier = sale.supplier
    assert await standing(m, supplier) == {}
    order = await bought(m, buyer, sale.offer)
    assert await standing(m, supplier) == {"pending": "264.00"}
    await m.post(buyer, f"/buyer/v1/orders/{order}/acceptance")
    assert await standing(m, supplier) == {"payable": "264.00", "next_payout": "264.00"}
    supplier, buyer = await go_to(m, clock, datetime(2026, 2, 2, tzinfo=UTC), supplier, buyer)
    await settle(m, 2026, 1)

    clock.advance(60)

    async def pay(tx: Tx, period: str) -> Any:
        return (await pay_out(tx, [PayOut(supplier.id, "CNY", period, Rail.BANK, "account")]))[0]

    assert isinstance(await m.services.db.run(lambda tx: pay(tx, "2026-01")), PayoutReceipt)
    assert await standing(m, supplier) == {"in_transit": "264.00"}
    # All of the sale goes back after its money is on its way: it is owed, and more than the next sale brings is not paid.
    await m.done(supplier, f"/supplier/v1/orders/{order}/refunds", {"reason": "defect"})
    assert await standing(m, supplier) == {"in_transit": "264.00", "debt": "-264.00"}
    second = await bought(m, buyer, sale.offer)
    await m.post(buyer, f"/buyer/v1/orders/{second}/acceptance")
    assert await standing(m, supplier) == {"in_transit": "264.00", "debt": "-264.00", "payable": "264.00"}
    supplier, buyer = await go_to(m, clock, datetime(2026, 3, 2, tzinfo=UTC), supplier, buyer)
    await settle(m, 2026, 2)
    first, last = sorted(
        (await m.get(supplier, "/supplier/v1/statements")).json()["items"], key=lambda one: one["number"]
    )
    shown = [(await m.get(supplier, f"/supplier/v1/statements/{one['id']}")).json() for one in (first, last)]
    # The first was issued before anything was paid; the last one closes with 264, of which nothing can be paid out.
    assert [one["statement"]["closing"]["amount"] for one in shown] == ["264.00", "264.00"]
    assert told(shown[0]["beside"]) == {"payable": "264.00", "next_payout": "264.00"}
    assert told(shown[1]["beside"]) == {"in_transit": "264.00", "debt": "-264.00", "payable": "264.00"}
    # Nobody else sees it.
    other = await m.join("supplier")
    assert await standing(m, other) == {}
    assert (await m.get(other, f"/supplier/v1/statements/{last['id']}")).status_code == 404


async def test_an_advance_and_two_currencies_are_told_apart(m: Market) -> None:
    broker = await m.join("broker")

    async def flow(tx: Tx) -> None:
        euro = tx.new_id()
        bank = Line(platform(AccountKind.BANK, "EUR"), -7 * YUAN, euro)
        journal = Journal("test", euro, (bank, Line(payable(broker.id, "EUR"), 7 * YUAN, euro)))
        advance = postings.pay_advance(tx.new_id(), broker.id, postings.Money(50 * YUAN, "CNY"))
        await ledger.post(tx, [journal, advance])

    await m.services.db.run(flow)
    items = (await m.get(broker, "/assessor/v1/balances")).json()["items"]
    assert [told(one) for one in items] == [
        {"payable": "50.00", "advance": "-50.00", "next_payout": "50.00"},
        {"payable": "7.00", "next_payout": "7.00"},
    ]
    assert [one["payable"]["currency"] for one in items] == ["CNY", "EUR"]
    assert (await m.get(await m.join("buyer"), "/assessor/v1/balances")).status_code == 403


async def test_an_assessor_sees_its_own_holds(m: Market) -> None:
    assessor, other = await m.join("assessor"), await m.join("assessor")

    async def flow(tx: Tx) -> None:
        one = tx.new_id()
        bank = Line(platform(AccountKind.BANK, "CNY"), -9 * YUAN, one)
        key = payable(assessor.id, "CNY")
        await ledger.post(tx, [Journal("test", one, (bank, Line(key, 9 * YUAN, one)))])
        await holds.open_holds(tx, [Hold(tx.new_id(), key, 4 * YUAN, "dispute")])

    await m.services.db.run(flow)
    (hold,) = (await m.get(assessor, "/assessor/v1/holds", state="open")).json()["items"]
    assert (hold["account"], hold["amount"]["amount"], hold["reason"]) == ("payable", "4.00", "dispute")
    assert (await m.get(other, "/assessor/v1/holds")).json()["items"] == []
    assert await standing(m, assessor, "assessor") == {"payable": "5.00", "held": "4.00", "next_payout": "5.00"}
