"""What is sold by the record is counted by the record, whichever way it leaves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from exchange.flows import seal_usage
from tests.support.api import Market, Party, market
from tests.support.trade import CONTENT, OnSale, component, offer_document, on_sale

RECORDS = CONTENT.count(b"\n")


async def _granted(m: Market, sale: OnSale, model: dict[str, Any], meter: str) -> tuple[Party, dict[str, str]]:
    document = offer_document("pay_per_use", component(model, meter, "month"))
    path = f"/supplier/v1/listings/{sale.listing}/offers"
    offer = (await m.done(sale.supplier, path, {"code": f"by-{meter}", "document": document}))["id"]
    buyer = await m.join("buyer")
    wish = {"offer": offer, "purposes": ["pretrain"], "payment": "wallet"}
    grant = (await m.done(buyer, "/buyer/v1/orders", wish))["grant"]
    token = (await m.done(buyer, f"/buyer/v1/grants/{grant}/tokens"))["token"]
    return buyer, {"authorization": f"Bearer {token}"}


async def _asset(m: Market, headers: dict[str, str]) -> str:
    opened = (await m.http.get("/data/v1/grant", headers=headers)).json()
    path: str = f"/data/v1/assets/{opened['assets'][0]['id']}"
    return path


@pytest.fixture
async def open_market(database_url: str, tmp_path: Path) -> Any:
    async with market(database_url, tmp_path) as m:
        access = m.services.settings.access
        await m.services.db.run(lambda tx: seal_usage.prepare_days(tx, settings=access))
        yield m


async def test_a_quota_of_records_holds_for_files_too(open_market: Market) -> None:
    sale = await on_sale(open_market)
    model = {"type": "included", "quantity": RECORDS - 1, "overage": None}
    _, headers = await _granted(open_market, sale, model, "records")
    path = await _asset(open_market, headers)
    whole = await open_market.http.get(path, headers=headers)
    assert whole.status_code == 409
    assert whole.json()["type"] == "/problems/quota-exhausted"
    # Half of the file has half of the records, which the quota has room for, once.
    half = {**headers, "range": f"bytes=0-{len(CONTENT) // 2}"}
    assert (await open_market.http.get(path, headers=half)).status_code == 206
    assert (await open_market.http.get(path, headers=half)).status_code == 409


async def test_what_is_sold_by_the_token_leaves_as_rows_only(open_market: Market) -> None:
    sale = await on_sale(open_market)
    _, headers = await _granted(open_market, sale, {"type": "per_unit", "unit_price": "0.001"}, "tokens")
    path = await _asset(open_market, headers)
    refused = await open_market.http.get(path, headers=headers)
    assert (refused.status_code, refused.json()["type"]) == (403, "/problems/counted-by-token")
    assert (await open_market.http.get(f"{path}/rows?limit=2", headers=headers)).status_code == 200
