"""An outcome-based deal from offer to charge, through HTTP: measured, agreed by both, charged by its result."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from contracts.measurements import verify
from exchange.flows.check_books import check_books
from exchange.kernel.clock import FixedClock
from tests.support.api import Market, Party, market
from tests.support.months import go_to, settle
from tests.support.outcomes import REASON, OutcomeDeal, agree, funded, outcome_deal, propose
from tests.support.trade import on_sale

START = datetime(2026, 1, 15, 8, tzinfo=UTC)
# Baseline 71, 100 for each point above it, at least 200 and at most 1,000.
RESULTS = {
    "76.5": "550.00",  # 5.5 points
    "71.5": "200.00",  # half a point comes to 50: the floor
    "73": "200.00",  # exactly the floor
    "81": "1000.00",  # exactly the cap
    "99": "1000.00",  # 28 points come to 2,800: the cap
    "60": "200.00",  # worse than before: no uplift, the floor
}


@pytest.fixture
def clock() -> FixedClock:
    """A clock that months pass on."""
    return FixedClock(START)


@pytest.fixture
async def m(database_url: str, tmp_path: Path, clock: FixedClock) -> AsyncIterator[Market]:
    """A market on that clock."""
    async with market(database_url, tmp_path, clock=clock) as made:
        yield made


async def charged(m: Market, buyer: Party, deal: OutcomeDeal) -> list[dict[str, Any]]:
    """The charges of a deal, as its buyer sees them."""
    items = (await m.get(buyer, "/buyer/v1/charges", limit="200")).json()["items"]
    return [one for one in items if one["grant"] == deal.grant]


async def test_a_result_that_both_sides_signed_is_charged_between_floor_and_cap(m: Market, clock: FixedClock) -> None:
    sale, buyer = await on_sale(m), await funded(m)
    deals: dict[str, OutcomeDeal] = {}
    for measured in RESULTS:
        deals[measured] = deal = await outcome_deal(m, sale, buyer=buyer)
        assert Decimal(deal.order["total"]["amount"]) == 0
        assert (await agree(m, deal, await propose(m, deal, measured)))["state"] == "agreed"
    disputed = await outcome_deal(m, sale, buyer=buyer)
    one = await propose(m, disputed, "99")
    await m.done(sale.supplier, f"/supplier/v1/measurements/{one['id']}/acceptance", {"sha256": one["sha256"]})
    await m.done(buyer, f"/buyer/v1/measurements/{one['id']}/dispute", {"reason": REASON})
    halfway = await outcome_deal(m, sale, buyer=buyer)
    waiting = await propose(m, halfway, "99")
    await m.done(halfway.buyer, f"/buyer/v1/measurements/{waiting['id']}/acceptance", {"sha256": waiting["sha256"]})

    (buyer, supplier) = await go_to(m, clock, datetime(2026, 2, 2, tzinfo=UTC), buyer, sale.supplier)
    await settle(m, 2026, 1)
    for measured, amount in RESULTS.items():
        (charge,) = await charged(m, buyer, deals[measured])
        assert charge["amount"] == {"amount": amount, "currency": "CNY"}, measured
        assert charge["component"] == "uplift"
        for language in ("en", "zh"):
            assert measured in charge["explanation"][language], charge["explanation"]
    assert await charged(m, buyer, disputed) == await charged(m, buyer, halfway) == []
    sold = (await m.get(supplier, "/supplier/v1/charges", limit="200")).json()["items"]
    assert sum(Decimal(charge["amount"]["amount"]) for charge in sold) == sum(map(Decimal, RESULTS.values()))
    # The same month again books nothing twice.
    await settle(m, 2026, 1)
    assert len((await m.get(buyer, "/buyer/v1/charges", limit="200")).json()["items"]) == len(RESULTS)

    # After the dispute the evaluator measures again; what is agreed in February is February's charge.
    everybody = (disputed.evaluator, buyer, supplier)
    evaluator, buyer, supplier = await go_to(m, clock, datetime(2026, 2, 3, tzinfo=UTC), *everybody)
    now = replace(disputed, evaluator=evaluator, buyer=buyer, supplier=supplier)
    again = await propose(m, now, "75")
    assert (await agree(m, now, again))["state"] == "agreed"
    await settle(m, 2026, 1)
    assert await charged(m, buyer, disputed) == []
    (buyer,) = await go_to(m, clock, datetime(2026, 3, 2, tzinfo=UTC), buyer)
    await settle(m, 2026, 2)
    (charge,) = await charged(m, buyer, disputed)
    assert charge["amount"] == {"amount": "400.00", "currency": "CNY"}
    await _anybody_can_check(m, buyer, again["id"])
    origin = m.services.settings.process.log_origin
    assert await check_books(m.services.db, m.services.keyring, origin, _unheard) == []


async def _unheard(_what: str, _done: int, _total: int | None) -> None:
    """Nobody watches the check."""


async def _anybody_can_check(m: Market, buyer: Party, measurement: str) -> None:
    """The signed conclusion verifies with the published key alone, and names both acceptances."""
    signed = (await m.get(buyer, f"/buyer/v1/measurements/{measurement}")).json()["agreed"]
    key = m.services.keyring.public_key(signed["kid"])
    assert key is not None
    published = (await m.http.get("/.well-known/jwks.json")).json()["keys"]
    assert signed["kid"] in {one["kid"] for one in published}
    assert verify(signed["document"].encode(), bytes.fromhex(signed["signature"]), key) is None
