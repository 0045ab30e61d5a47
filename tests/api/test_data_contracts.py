"""Data contracts over HTTP: put, read in both ways of writing, tried without keeping anything, refused with what is right."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from exchange.kernel.clock import FixedClock
from tests.support.api import Market, market
from tests.support.trade import DATASET, OnSale, on_sale

DOCUMENT: dict[str, Any] = {
    "apiVersion": "v3.1.0",
    "kind": "DataContract",
    "id": "poems",
    "version": "1.0.0",
    "status": "active",
    "schema": [
        {"name": "poems", "quality": [{"metric": "duplicateValues", "unit": "percent", "mustBeLessThan": 0.5}]},
    ],
    "price": {"priceAmount": 300, "priceCurrency": "CNY", "priceUnit": "month"},
    "support": [{"channel": "mail", "url": "mailto:data@example.com"}],
}


@pytest.fixture
async def m(database_url: str, tmp_path: Path) -> AsyncIterator[Market]:
    async with market(database_url, tmp_path, clock=FixedClock(datetime(2026, 1, 15, 8, tzinfo=UTC))) as made:
        yield made


@pytest.fixture
async def sold(m: Market) -> OnSale:
    return await on_sale(m)


async def test_a_contract_is_versioned_and_public_in_json_and_yaml(m: Market, sold: OnSale) -> None:
    path = f"/supplier/v1/datasets/{sold.dataset}/data-contract"
    public = f"/catalog/v1/datasets/{sold.dataset}/data-contract"
    assert (await m.get(sold.supplier, path)).status_code == 404
    assert (await m.http.get(public)).status_code == 404
    first = await m.done(sold.supplier, path, DOCUMENT)
    same = await m.done(sold.supplier, path, DOCUMENT)
    assert (first["made"], same["made"], same["number"]) == (True, False, 1)
    headers = {**sold.supplier.headers, "idempotency-key": "yaml", "content-type": "application/yaml"}
    text = yaml.safe_dump({**DOCUMENT, "version": "1.1.0"})
    second = await m.http.post(path, content=text.encode(), headers=headers)
    assert (second.status_code, second.json()["number"]) == (201, 2)
    shown = await m.http.get(public)
    assert shown.json() == {**DOCUMENT, "version": "1.1.0"}
    for asked in (f"{public}?format=yaml", public):
        answer = await m.http.get(asked, headers={"accept": "application/yaml"})
        assert answer.headers["content-type"].startswith("application/yaml")
        assert yaml.safe_load(answer.text) == shown.json()
    versions = (await m.get(sold.supplier, f"{path}/versions")).json()["items"]
    assert [(one["number"], one["in_force"]) for one in versions] == [(2, True), (1, False)]
    mark = (await m.http.get(f"/catalog/v1/listings/{sold.listing}")).json()["data_contract"]
    assert (mark["state"], mark["version"]) == ("unchecked", 2)


async def test_a_wrong_contract_is_refused_in_both_languages_and_nothing_is_kept(m: Market, sold: OnSale) -> None:
    path = f"/supplier/v1/datasets/{sold.dataset}/data-contract"
    document = {key: value for key, value in DOCUMENT.items() if key != "status"}
    for language, says in (("en", "/status is missing"), ("zh", "缺失")):
        headers = {**sold.supplier.headers, "idempotency-key": language, "accept-language": language}
        answer = await m.http.post(path, json=document, headers=headers)
        assert answer.status_code == 422
        assert says in answer.json()["detail"]
    assert (await m.get(sold.supplier, path)).status_code == 404


async def test_a_trial_names_every_mistake_or_what_a_revision_breaks(m: Market, sold: OnSale) -> None:
    path = "/supplier/v1/data-contracts/check"

    async def trial(**body: Any) -> dict[str, Any]:
        answer = await m.http.post(path, json=body, headers=sold.supplier.headers)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    mistaken = await trial(document={**DOCUMENT, "kind": "Contract", "status": "live"})
    assert [one["field"] for one in mistaken["mistakes"]] == ["/kind", "/status"]
    assert set(mistaken["mistakes"][0]["why"]) == {"en", "zh"}
    assert (await trial(document=DOCUMENT))["measured"] is False
    assert await trial(**DOCUMENT) == await trial(document=DOCUMENT)
    strict = json.loads(json.dumps(DOCUMENT))
    strict["schema"][0]["quality"].append({"metric": "rowCount", "mustBeGreaterThan": 80})
    strict["customProperties"] = [{"property": "onBreach", "value": "stop"}]
    tried = await trial(document=strict, revision=sold.revision)
    assert (tried["measured"], tried["stopped"], tried["rules"]) == (True, True, 2)
    assert tried["found"][0]["why"]["en"] == "rowCount is 80, must be more than 80"
    assert (await m.get(sold.supplier, f"/supplier/v1/datasets/{sold.dataset}/data-contract")).status_code == 404


async def test_a_contract_on_unlisted_data_is_its_suppliers_own(m: Market, sold: OnSale) -> None:
    dataset = (await m.done(sold.supplier, "/supplier/v1/datasets", DATASET))["id"]
    path = f"/supplier/v1/datasets/{dataset}/data-contract"
    await m.done(sold.supplier, path, DOCUMENT)
    assert (await m.http.get(f"/catalog/v1/datasets/{dataset}/data-contract")).status_code == 404
    other = await m.join("supplier")
    for asked in (path, f"{path}/versions", f"{path}/checks"):
        assert (await m.get(other, asked)).status_code == 404
    assert (await m.post(other, path, DOCUMENT)).status_code == 404
    assert (await m.get(sold.supplier, f"{path}/checks")).json()["items"] == []
