"""Meters that suppliers bring in, over HTTP: in a plan, reported, delivered by data class, shown and charged by name."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from exchange.flows import seal_usage
from exchange.kernel.clock import FixedClock
from tests.support.api import Market, market
from tests.support.months import go_to, settle
from tests.support.outcomes import funded
from tests.support.trade import (
    CONTENT,
    DATASET,
    SUMMARY,
    TITLE,
    OnSale,
    certified,
    measured,
    offer_document,
    on_sale,
    uploaded,
)


def priced(name: str, meter: str, data_class: str | None = None) -> dict[str, Any]:
    title = {"en": name, "zh": name}
    model = {"type": "per_unit", "unit_price": "0.01"}
    made = {"id": name, "title": title, "meter": meter, "period": "month", "model": model}
    return made if data_class is None else {**made, "data_class": data_class}


@pytest.fixture
async def m(database_url: str, tmp_path: Path) -> AsyncIterator[Market]:
    async with market(database_url, tmp_path) as made:
        access = made.services.settings.access
        await made.services.db.run(lambda tx: seal_usage.prepare_days(tx, settings=access))
        yield made


async def granted(m: Market, sale: OnSale, *parts: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    body = {"code": "metered", "document": offer_document("pay_per_use", *parts)}
    offer = (await m.done(sale.supplier, f"/supplier/v1/listings/{sale.listing}/offers", body))["id"]
    buyer = await funded(m)
    wish = {"offer": offer, "purposes": ["pretrain"], "payment": "wallet"}
    return buyer, await m.done(buyer, "/buyer/v1/orders", wish)


async def test_what_is_reported_in_a_meter_of_one_s_own_is_shown_by_its_name(m: Market) -> None:
    sale = await on_sale(m)
    buyer, order = await granted(m, sale, priced("gpu", "x_gpu_hours"), priced("words", "tokens", "medical"))
    await m.done(sale.supplier, "/supplier/v1/usage/sources", {})
    at = m.services.db.clock.now().isoformat()
    said = [("x_gpu_hours", 12), ("tokens/medical", 500), ("tokens", 1)]
    events = [
        {"id": str(uuid.uuid4()), "subject": order["grant"], "time": at, "data": {"meter": meter, "value": value}}
        for meter, value in said
    ]
    answer = await m.post(sale.supplier, "/supplier/v1/usage/events", events)
    assert answer.json()["accepted"] == 2
    assert [one["type"] for one in answer.json()["refused"]] == ["usage-meter-unknown"]
    await m.services.db.run(lambda tx: seal_usage.roll_up_today(tx))
    for party, portal in ((buyer, "buyer"), (sale.supplier, "supplier")):
        grant = (await m.get(party, f"/{portal}/v1/grants")).json()["items"][0]
        assert sorted(grant["meters"]) == ["tokens/medical", "x_gpu_hours"]
        used = (await m.get(party, f"/{portal}/v1/grants/{order['grant']}/usage")).json()["items"]
        assert {one["meter"]: one["quantity"] for one in used} == {"x_gpu_hours": 12, "tokens/medical": 500}


async def test_a_file_in_a_folder_of_its_class_counts_as_that_class(m: Market) -> None:
    sale = await _two_classes(m)
    parts = (priced("plain", "records"), priced("medical", "records", "medical"), priced("bytes", "bytes"))
    buyer, order = await granted(m, sale, *parts)
    token = (await m.done(buyer, f"/buyer/v1/grants/{order['grant']}/tokens"))["token"]
    headers = {"authorization": f"Bearer {token}"}
    opened = (await m.http.get("/data/v1/grant", headers=headers)).json()
    assert sorted(opened["meters"]) == ["bytes", "records", "records/medical"]
    by_path = {asset["path"]: f"/data/v1/assets/{asset['id']}" for asset in opened["assets"]}
    for path, rows in (("plain.jsonl", 2), ("data_class=medical/notes.jsonl", 3), ("data_class=legal/a.jsonl", 4)):
        assert (await m.http.get(f"{by_path[path]}/rows?limit={rows}", headers=headers)).status_code == 200
    whole = await m.http.get(by_path["data_class=medical/notes.jsonl"], headers=headers)
    assert whole.content == CONTENT
    await m.services.db.run(lambda tx: seal_usage.roll_up_today(tx))
    used = (await m.get(buyer, f"/buyer/v1/grants/{order['grant']}/usage")).json()["items"]
    totals = {one["meter"]: one["quantity"] for one in used}
    records = CONTENT.count(b"\n")
    # What the plan has no class for counts plainly, and so do the meters it has no class for.
    assert (totals["records"], totals["records/medical"]) == (2 + 4, 3 + records)
    assert totals["bytes"] > len(CONTENT)
    assert set(totals) == {"bytes", "records", "records/medical"}


async def _two_classes(m: Market) -> OnSale:
    supplier, assessor = await m.join("supplier"), await m.join("assessor")
    dataset = (await m.done(supplier, "/supplier/v1/datasets", DATASET))["id"]
    paths = ("plain.jsonl", "data_class=medical/notes.jsonl", "data_class=legal/a.jsonl")
    uploads = [await uploaded(m, supplier, dataset, path, CONTENT) for path in paths]
    revision, scorecard = await measured(m, supplier, dataset, *uploads)
    certificate = await certified(m, supplier, assessor, revision)
    wish = {"revision": revision, "title": TITLE, "summary": SUMMARY}
    listing = (await m.done(supplier, "/supplier/v1/listings", wish))["id"]
    path = f"/supplier/v1/listings/{listing}"
    offer = (await m.done(supplier, f"{path}/offers", {"code": "once", "document": offer_document()}))["id"]
    await m.done(supplier, f"{path}/publication")
    return OnSale(supplier, assessor, dataset, revision, scorecard, certificate, listing, offer)


async def test_too_many_meters_of_one_s_own_are_refused_with_the_offer(m: Market) -> None:
    sale = await on_sale(m)
    path = f"/supplier/v1/listings/{sale.listing}/offers"
    for first in range(0, 120, 20):
        parts = [priced(f"c{n}", f"x_m{n}") for n in range(first, first + 20)]
        body = {"code": f"o{first}", "document": offer_document("pay_per_use", *parts)}
        answer = await m.post(sale.supplier, path, body)
        if first < 100:
            assert answer.status_code == 201, answer.text
        else:
            assert (answer.status_code, answer.json()["type"]) == (409, "/problems/meters-too-many")


async def test_a_meter_of_one_s_own_is_charged_by_its_name(database_url: str, tmp_path: Path) -> None:
    clock = FixedClock(datetime(2026, 1, 15, 8, tzinfo=UTC))
    async with market(database_url, tmp_path, clock=clock) as m:
        access = m.services.settings.access
        await m.services.db.run(lambda tx: seal_usage.prepare_days(tx, settings=access))
        sale = await on_sale(m)
        buyer, order = await granted(m, sale, priced("gpu", "x_gpu_hours"), priced("words", "tokens", "medical"))
        await m.done(sale.supplier, "/supplier/v1/usage/sources", {})
        said = [("x_gpu_hours", 1_200), ("tokens/medical", 500), ("x_gpu_hours", 34)]
        events = [
            {
                "id": str(uuid.uuid4()),
                "subject": order["grant"],
                "time": clock.now().isoformat(),
                "data": {"meter": meter, "value": value},
            }
            for meter, value in said
        ]
        assert (await m.post(sale.supplier, "/supplier/v1/usage/events", events)).json()["accepted"] == 3
        (buyer,) = await go_to(m, clock, datetime(2026, 2, 2, tzinfo=UTC), buyer)
        await settle(m, 2026, 1)
        charges = (await m.get(buyer, "/buyer/v1/charges")).json()["items"]
        assert {one["component"]: one["amount"]["amount"] for one in charges} == {"gpu": "12.34", "words": "5.00"}
        assert {one["component"]: one["quantity"] for one in charges} == {"gpu": "1234", "words": "500"}
