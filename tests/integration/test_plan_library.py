"""The library of plans, and a month's real use under another plan."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from exchange.catalog.plans import PlanRequest
from exchange.catalog.settings import CatalogSettings
from exchange.flows.preview_plan import Preview, PreviewWish, preview_plan
from exchange.flows.retire_plan import retire_plan
from exchange.flows.store_plan import PlanReceipt, store_plan
from exchange.kernel import ids
from exchange.kernel.clock import FixedClock
from exchange.kernel.db import Database, Tx
from exchange.kernel.errors import Problem
from exchange.kernel.keys import Keyring
from tests.support.settlement_market import BUYER, MONTHLY, OTHER, PER_RECORD, SELLER, Market, actor, open_market

TITLE = {"en": "Monthly", "zh": "按月"}
ME = actor(SELLER, "supplier")


def plan(*components: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "plan", "v": 1, "currency": "CNY", "time_zone": "UTC", "components": list(components), **more}


async def stored(database: Database, document: dict[str, Any], code: str = "monthly", **limits: int) -> Any:
    settings = CatalogSettings(**limits)
    return await database.run(lambda tx: store_plan(tx, ME, PlanRequest(code, TITLE, document), settings))


async def test_a_library_is_bounded_and_its_versions_are_counted(database: Database, keyring: Keyring) -> None:
    await open_market(database, keyring)
    first = await stored(database, plan(MONTHLY), plans_max=1)
    assert isinstance(first, PlanReceipt)
    second = await stored(database, plan({**MONTHLY, "period": "year"}), plans_max=1)
    assert (second.version, second.code) == (2, "monthly")
    refused = await stored(database, plan(MONTHLY), "another", plans_max=1)
    assert isinstance(refused, Problem)
    assert refused.slug == "plans-too-many"
    same = await stored(database, plan({**MONTHLY, "period": "year"}))
    assert isinstance(same, Problem)
    assert (same.slug, same.fields["version"]) == ("plan-unchanged", 2)
    large = await stored(database, plan(MONTHLY), offer_document_max_bytes=50)
    assert isinstance(large, Problem)
    assert large.slug == "plan-invalid"


async def test_two_first_versions_at_once_are_one_after_the_other(database: Database, keyring: Keyring) -> None:
    await open_market(database, keyring)
    import asyncio

    documents = [plan({**MONTHLY, "period": period}) for period in ("day", "week", "month", "year")]
    made = await asyncio.gather(*(stored(database, one) for one in documents))
    assert sorted(one.version for one in made) == [1, 2, 3, 4]

    async def standing(tx: Tx) -> list[str]:
        rows = await (await tx.driver()).fetch("SELECT state FROM catalog.plan_standing ORDER BY state")
        return [row["state"] for row in rows]

    assert await database.run(standing) == ["current", "superseded", "superseded", "superseded"]


async def test_only_its_supplier_retires_a_plan(database: Database, keyring: Keyring) -> None:
    await open_market(database, keyring)
    made = await stored(database, plan(MONTHLY))
    plan_id = ids.parse("pln", made.id)
    foreign = await database.run(lambda tx: retire_plan(tx, actor(OTHER, "supplier"), plan_id))
    assert isinstance(foreign, Problem)
    assert foreign.slug == "not-found"
    retired = await database.run(lambda tx: retire_plan(tx, ME, plan_id))
    assert not isinstance(retired, Problem)
    refused = await previewed(database, None, plan_id)
    assert isinstance(refused, Problem)
    assert refused.slug == "plan-retired"


async def previewed(
    database: Database, market: Market | None, what: dict[str, Any] | UUID, month: str | None = None, **of: Any
) -> Preview | Problem:
    from exchange.flows.sale import Sales

    sales = market.sales if market else Sales()
    listing = market.listing if market else UUID(int=1)
    wish = PreviewWish(what, None if of else listing, month=month, **of)
    return await database.run(lambda tx: preview_plan(tx, ME, sales, wish))


@pytest.fixture
async def used(database: Database, keyring: Keyring, clock: FixedClock) -> Market:
    """January to March 2026: one grant by the record since 15 January, one at 30.00 a month; both are used."""
    market = await open_market(database, keyring)
    for buyer in (BUYER, OTHER):
        await market.fund(buyer, 1_000_000_000)
    await market.offer("tiered", {**PER_RECORD, "period": None, "model": {
        "type": "graduated",
        "tiers": [{"up_to": 1000, "unit_price": "0.02"}, {"unit_price": "0.01"}],
    }}, kind="pay_per_use")  # fmt: skip
    first = await market.buy(BUYER, "tiered")
    second = await market.buy(OTHER, "monthly")
    day = datetime(2026, 1, 20, 12, tzinfo=UTC)
    await market.use(first.grant, 800, day)
    clock.advance(timedelta(days=30).total_seconds())
    from exchange.access.store import seal

    await database.run(lambda tx: seal.ensure_partitions(tx, 3))
    later = datetime(2026, 2, 14, 6, tzinfo=UTC)
    await market.use(first.grant, 600, later)
    await market.use(second.grant, 5000, later)
    clock.advance(timedelta(days=20).total_seconds())
    return market


async def test_a_month_of_real_use_is_priced_twice(database: Database, used: Market) -> None:
    by_use = plan({**PER_RECORD, "period": "month", "model": {"type": "per_unit", "unit_price": "0.03"}})
    found = await previewed(database, used, by_use)
    assert isinstance(found, Preview), found
    # The clock stands at 6 March: the last month is February.
    assert (found.starts_at, found.ends_at) == ("2026-02-01T00:00:00Z", "2026-03-01T00:00:00Z")
    tiered, monthly = found.grants
    # 800 of the first 1,000 were used in January: 200 x 0.02 + 400 x 0.01 in February.
    assert (tiered.usage, tiered.was) == ({"records": 600}, {"amount": "8.00", "currency": "CNY"})
    assert tiered.would == {"amount": "18.00", "currency": "CNY"}
    assert tiered.difference == {"amount": "10.00", "currency": "CNY"}
    # Its second month began on 15 February; whoever pays by the month has no record counted by meter but still uses.
    assert monthly.was == {"amount": "30.00", "currency": "CNY"}
    assert monthly.would == {"amount": "150.00", "currency": "CNY"}
    assert found.was == [{"amount": "38.00", "currency": "CNY"}]
    assert found.would == [{"amount": "168.00", "currency": "CNY"}]
    assert not found.more
    assert ids.text("org", BUYER) not in str(found)


async def test_a_month_may_be_named_and_an_offer_alone_looked_at(database: Database, used: Market) -> None:
    fee = plan({**MONTHLY, "id": "flat"})
    january = await previewed(database, used, fee, "2026-01", offer_id=used.offers["tiered"])
    assert isinstance(january, Preview), january
    (one,) = january.grants
    assert (one.usage, one.was) == ({"records": 800}, {"amount": "16.00", "currency": "CNY"})
    assert one.would == {"amount": "30.00", "currency": "CNY"}
    assert [line.component for line in one.lines] == ["flat"]
    nobody = await previewed(database, used, fee, "2025-12")
    assert isinstance(nobody, Preview)
    assert (nobody.grants, nobody.was) == ([], [])
    for month in ("2026-13", "soon", "2026-04"):
        refused = await previewed(database, used, fee, month)
        assert isinstance(refused, Problem)
        assert refused.slug == "invalid-request"


async def test_a_plan_without_a_price_for_a_buyer_says_so(database: Database, used: Market) -> None:
    deal = plan({"id": "deal", "meter": None, "period": None, "model": {"type": "negotiated"}})
    found = await previewed(database, used, deal)
    assert isinstance(found, Preview)
    assert all(one.would is None and one.refused and one.refused["zh"] for one in found.grants)
    assert found.would == []
    dollars = plan({**PER_RECORD, "period": "month"})
    dollars["currency"] = "USD"
    other = await previewed(database, used, dollars)
    assert isinstance(other, Preview)
    assert {one.difference is None for one in other.grants} == {True}
    assert [money["currency"] for money in other.would] == ["USD"]


async def test_nobody_looks_at_anothers_listing(database: Database, used: Market) -> None:
    stranger = actor(OTHER, "supplier")
    wish = PreviewWish(plan(MONTHLY), used.listing)
    answer = await database.run(lambda tx: preview_plan(tx, stranger, used.sales, wish))
    assert isinstance(answer, Problem)
    assert answer.slug == "not-found"


async def test_an_offer_and_a_listing_named_together_belong_together(database: Database, used: Market) -> None:
    async def seen(listing: UUID) -> Preview | Problem:
        wish = PreviewWish(plan(MONTHLY), listing, used.offers["tiered"])
        return await database.run(lambda tx: preview_plan(tx, ME, used.sales, wish))

    assert isinstance(await seen(used.listing), Preview)
    elsewhere = await seen(UUID(int=99))
    assert isinstance(elsewhere, Problem)
    assert elsewhere.slug == "not-found"
