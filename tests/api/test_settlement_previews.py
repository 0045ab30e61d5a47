"""The operator sees over HTTP what a run would book, gives a run up, and one of a single region goes on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from exchange import main
from exchange.kernel.clock import FixedClock
from exchange.worker.loop import drain
from tests.support.api import Market, market
from tests.support.months import go_to
from tests.support.outcomes import funded
from tests.support.trade import offer_document, on_sale

START = datetime(2026, 1, 15, 8, tzinfo=UTC)
WISH: dict[str, Any] = {
    "period_start": "2026-01-01T00:00:00Z",
    "period_end": "2026-02-01T00:00:00Z",
    "currency": "CNY",
}


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(START)


@pytest.fixture
async def m(database_url: str, tmp_path: Path, clock: FixedClock) -> AsyncIterator[Market]:
    async with market(database_url, tmp_path, clock=clock) as made:
        yield made


async def test_a_preview_over_http_and_a_run_that_is_given_up(m: Market, clock: FixedClock) -> None:
    sold, buyer = await on_sale(m), await funded(m)
    made = await m.done(
        sold.supplier, f"/supplier/v1/listings/{sold.listing}/offers", {"code": "p", "document": offer_document()}
    )
    await m.done(buyer, "/buyer/v1/orders", {"offer": made["id"], "purposes": ["pretrain"], "payment": "wallet"})
    await go_to(m, clock, datetime(2026, 2, 2, tzinfo=UTC), buyer)
    operator, steps = await m.operator(), main.steps(m.services).table()
    asked = await m.done(operator, "/operator/v1/settlement-previews", WISH)
    path = f"/operator/v1/settlement-previews/{asked['preview']}"
    assert (await m.get(operator, path)).json()["state"] == "waiting"
    await drain(m.services.db, steps)
    job = (await m.get(operator, f"/operator/v1/jobs/{asked['job']}")).json()
    assert (job["state"], job["kind"]) == ("done", "preview_run")
    shown = (await m.get(operator, path)).json()
    assert (shown["state"], shown["summary"]["charges"], shown["summary"]["compared"]) == ("made", 0, None)
    payees = (await m.get(operator, f"{path}/lines?part=payee")).json()["items"]
    assert shown["summary"]["payable"]["amount"] == "264.00"
    payable = {one["line"].get("organisation"): one["line"]["payable"]["amount"] for one in payees}
    assert payable[sold.supplier.organisation] == "264.00"
    assert sum(Decimal(amount) for amount in payable.values()) == 264
    assert (await m.get(operator, f"{path}/lines")).json()["items"] == []
    assert (await m.get(operator, f"{path}/lines?part=everything")).status_code == 400
    (row,) = (await m.get(operator, "/operator/v1/settlement-previews")).json()["items"]
    assert row["id"] == asked["preview"]
    run = (await m.done(operator, "/operator/v1/settlement-runs", WISH))["run"]
    given_up = await m.done(operator, f"/operator/v1/settlement-runs/{run}/cancellation")
    assert given_up["state"] == "cancelled"
    await drain(m.services.db, steps)
    assert (await m.get(operator, f"/operator/v1/settlement-runs/{run}")).json()["run"]["state"] == "cancelled"
    again = (await m.done(operator, "/operator/v1/settlement-runs", {**WISH, "region": "CN"}))["run"]
    assert (await m.done(operator, f"/operator/v1/settlement-runs/{again}/resumption"))["region"] == "CN"
    await drain(m.services.db, steps)
    refused = await m.post(operator, f"/operator/v1/settlement-runs/{again}/cancellation")
    assert (refused.status_code, refused.json()["type"].rsplit("/", 1)[-1]) == (409, "state-conflict")
    wrong = await m.post(operator, "/operator/v1/settlement-previews", {**WISH, "region": "china"})
    assert wrong.status_code == 400
