"""Negotiations where something else happens at the same moment, and input that no calendar and no reader can take."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest_asyncio

from exchange.flows.close_auction import award_auction, close_auction
from exchange.kernel import ids
from exchange.kernel.clock import FixedClock
from exchange.kernel.db import Tx
from tests.support.api import Market, market
from tests.support.auctions import AuctionHouse
from tests.support.months import go_to
from tests.support.negotiations import Table, cheaper, fill, table
from tests.support.signing import sign_kept
from tests.support.trade import component, offer_document

EARLY, LATE = "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"


@pytest_asyncio.fixture
async def m(database_url: str, tmp_path: Path, clock: FixedClock) -> AsyncIterator[Market]:
    async with market(database_url, tmp_path, clock=clock, only=("supplier", "assessor", "buyer", "regulator")) as made:
        yield made


def slug(answer: Any) -> str:
    return str(answer.json().get("type", "")).rpartition("/")[2]


async def test_a_plan_without_a_time_zone_is_negotiated(m: Market) -> None:
    plan = {name: value for name, value in cheaper().items() if name != "time_zone"}
    deal = await (await table(m)).begin(changes={"plan": plan})
    for verb in ("agree", "verify", "finalize"):
        assert (await deal.send(verb)).status_code == 200
    private = {"buyer": deal.buyer.organisation, "document": {**offer_document(), "plan": plan}}
    path = f"/supplier/v1/listings/{deal.sale.listing}/private-offers"
    assert (await m.done(deal.supplier, path, private))["state"] == "OFFERED"


async def test_no_award_slips_in_while_a_negotiation_is_finalized(m: Market, clock: FixedClock) -> None:
    house = AuctionHouse(m, clock)
    await house.furnish("ada", "bo")
    auction = await house.open()
    assert (await house.bid("bo", auction, "900.00"))[0] == 201
    await house.pass_by(25)
    services, name = m.services, ids.parse("auc", auction)
    await services.db.run(lambda tx: close_auction(tx, name))
    buyer, supplier = await go_to(m, clock, clock.now(), house.parties["ada"], house.parties["supplier"])
    await fill(m, buyer, 1_000)
    made = {"buyer": buyer.organisation, "document": {**offer_document(), "plan": cheaper()}}
    begun = await m.done(supplier, f"/supplier/v1/listings/{house.listing}/private-offers", made)
    # The table's sale is only asked for its offer, which this negotiation does not begin from.
    deal = Table(m, None, buyer, supplier, begun["id"])  # type: ignore[arg-type]
    for verb in ("accept", "agree", "verify"):
        assert (await deal.send(verb)).status_code == 200
    held, go_on = asyncio.Event(), asyncio.Event()

    async def hold(tx: Tx) -> None:
        # Where a finalization waits after it has asked whether the dataset is sold to one alone.
        await (await tx.driver()).execute("SELECT FROM catalog.offer_standing WHERE state = 'reserved' FOR UPDATE")
        held.set()
        await go_on.wait()

    holder = asyncio.create_task(services.db.run(hold))
    await held.wait()
    finalized = asyncio.create_task(deal.send("finalize"))
    await _waiting(m, 1)
    award = asyncio.create_task(services.db.run(lambda tx: award_auction(tx, services.sales, services.keyring, name)))
    await _waiting(m, 2)
    go_on.set()
    await holder
    assert (await finalized).status_code == 200
    assert await award == "awarded"
    # From now on the dataset is sold to one alone.
    later = await m.post(supplier, f"/supplier/v1/listings/{house.listing}/private-offers", made)
    assert slug(later) == "sold-exclusively"


async def _waiting(m: Market, count: int) -> None:
    async def waiters(tx: Tx) -> int:
        found: int = await (await tx.driver()).fetchval("SELECT count(DISTINCT pid) FROM pg_locks WHERE NOT granted")
        return found

    async with asyncio.timeout(10):
        while await m.services.db.run(waiters) < count:
            await asyncio.sleep(0.02)


async def test_an_agreement_that_is_refused_brings_in_no_meter(m: Market) -> None:
    start = await table(m)
    parts = [component({"type": "per_unit", "unit_price": "0.01"}, "x_gpu_seconds"), component({"type": "negotiated"})]
    open_price = {"kind": "pay_per_use", "plan": offer_document("pay_per_use", *parts)["plan"]}
    one = await start.begin(changes=open_price)

    async def meters(tx: Tx) -> int:
        found: int = await (await tx.driver()).fetchval("SELECT count(*) FROM access.custom_meter")
        return found

    refused = await one.send("agree")
    assert (refused.status_code, slug(refused)) == (409, "price-not-agreed"), refused.text
    assert await m.services.db.run(meters) == 0
    assert (await one.show())["state"] == "REQUESTED"


async def test_a_regulator_reads_every_negotiation_and_says_nothing(m: Market) -> None:
    start, regulator = await table(m), await m.join("regulator")
    one = await start.at("OFFERED")
    (listed,) = (await m.get(regulator, "/regulator/v1/negotiations", state="OFFERED")).json()["items"]
    assert (listed["id"], listed["possible"]) == (one.id, [])
    assert (await m.get(regulator, "/regulator/v1/negotiations", state="AGREED")).json()["items"] == []
    shown = (await m.get(regulator, f"/regulator/v1/negotiations/{one.id}")).json()
    assert shown["messages"] == (await one.show())["messages"]
    assert (await m.get(regulator, "/regulator/v1/negotiations/neg_00000000000000000000000000")).status_code == 404
    for party in (one.buyer, one.supplier):
        assert (await m.get(party, f"/regulator/v1/negotiations/{one.id}")).status_code == 403


async def test_an_amendment_names_countries(m: Market) -> None:
    start = await table(m)
    wish = {"offer": start.sale.offer, "purposes": ["pretrain"], "payment": "wallet"}
    agreement = (await m.done(start.buyer, "/buyer/v1/orders", wish))["agreement"]
    path = f"/buyer/v1/agreements/{agreement}/events"
    for place in ("not a place", "cn", "CHN", "\x00", "X" * 3_000):
        answer = await m.post(start.buyer, path, {"kind": "amendment", "territory": ["CN", place]})
        assert (answer.status_code, slug(answer)) == (422, "agreement-event-field"), place[:20]


async def test_words_that_nobody_can_read_are_refused(m: Market) -> None:
    start = await table(m)
    wish = {"offer": start.sale.offer, "purposes": ["pretrain"]}
    agreement = (await m.done(start.buyer, "/buyer/v1/orders", {**wish, "payment": "wallet"}))["agreement"]
    await sign_kept(m)
    for text in ("a\x00b", "\x1b[31mpaid\x1b[0m", "\x7f"):
        answer = await m.post(start.buyer, "/buyer/v1/negotiations", {**wish, "note": {"en": text}})
        assert (answer.status_code, slug(answer)) == (422, "negotiation-invalid"), repr(text)
        event = {"kind": "suspension", "reason": {"en": text, "zh": "未提交报告。"}}
        answer = await m.post(start.supplier, f"/supplier/v1/agreements/{agreement}/events", event)
        assert (answer.status_code, slug(answer)) == (422, "agreement-event-field"), repr(text)
    lines = {"en": "Two lines,\nand a\ttab."}
    assert (await m.post(start.buyer, "/buyer/v1/negotiations", {**wish, "note": lines})).status_code == 201


async def test_times_that_no_calendar_can_reckon_with_are_refused(m: Market) -> None:
    start = await table(m)
    wish = {"offer": start.sale.offer, "purposes": ["pretrain"], "payment": "wallet"}
    agreement = (await m.done(start.buyer, "/buyer/v1/orders", wish))["agreement"]
    obligation = "obl_00000000000000000000000000"
    why = {"en": "The audit of the year.", "zh": "年度审计。"}
    for at in (EARLY, LATE, "9999-12-31T23:59:59Z"):
        question = {"agreement": agreement, "purpose": "pretrain", "at": at}
        demand = {"reason": why, "due_at": at}
        for party, path, body in (
            (start.buyer, "/buyer/v1/questions", question),
            (start.supplier, f"/supplier/v1/obligations/{obligation}/demand", demand),
            (start.buyer, "/buyer/v1/negotiations", {"agreement": agreement, "expires_at": at}),
            (start.buyer, f"/buyer/v1/agreements/{agreement}/events", {"kind": "renewal", "ends_at": at}),
        ):
            answer = await m.post(party, path, body)
            assert 400 <= answer.status_code < 500, f"{path} {at}: {answer.status_code} {answer.text}"
