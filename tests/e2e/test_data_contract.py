"""A revision that breaks its data contract is stopped or flagged as the contract says, and the credit it names is booked."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from exchange import main
from exchange.access.store import seal
from exchange.flows.check_books import check_books
from exchange.flows.check_data_contract import follow_contract
from exchange.flows.pay_out import PayOut, PayoutReceipt, pay_out
from exchange.flows.profile_revision import profile_revision
from exchange.flows.register_organisation import Registered
from exchange.kernel import ids
from exchange.kernel.clock import FixedClock
from exchange.kernel.money import Money
from exchange.worker.loop import drain
from settlement import postings
from settlement.accounts import debt
from settlement.payouts import Rail
from settlement.store import ledger
from tests.support.api import Market, Party, market
from tests.support.trade import (
    CONTENT,
    SUMMARY,
    TITLE,
    OnSale,
    certified,
    component,
    measured,
    offer_document,
    on_sale,
    uploaded,
)

START = datetime(2026, 1, 15, 8, tzinfo=UTC)
FEW = b"".join(CONTENT.splitlines(keepends=True)[:30])


def contract(on_breach: str = "flag", credit: dict[str, str] | None = None, **changes: Any) -> dict[str, Any]:
    custom: list[dict[str, Any]] = [{"property": "onBreach", "value": on_breach}]
    if credit is not None:
        custom.append({"property": "serviceCredit", "value": credit})
    poems = {
        "name": "poems",
        "quality": [{"metric": "rowCount", "mustBeGreaterOrEqualTo": 50}],
        "properties": [{"name": "text", "logicalType": "string", "required": True, "unique": True}],
    }
    head = {"apiVersion": "v3.1.0", "kind": "DataContract", "id": "poems", "version": "1.0.0", "status": "active"}
    return {**head, "schema": [poems], "customProperties": custom, **changes}


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(START)


@pytest.fixture
async def m(database_url: str, tmp_path: Path, clock: FixedClock) -> AsyncIterator[Market]:
    async with market(database_url, tmp_path, clock=clock) as made:
        await made.services.db.run(lambda tx: seal.ensure_partitions(tx, 3))
        yield made


async def subscriber(m: Market, sold: OnSale) -> tuple[Party, str]:
    buyer = await m.join("buyer")
    money = postings.top_up(m.services.db.ids.new(START), buyer.id, Money(900_000_000, "CNY"))
    await m.services.db.run(lambda tx: ledger.post(tx, [money]))
    monthly = component({"type": "flat", "amount": "300.00"}, None, "month")
    body = {"code": f"m{buyer.id.hex[-6:]}", "document": offer_document("subscription", monthly)}
    offer = await m.done(sold.supplier, f"/supplier/v1/listings/{sold.listing}/offers", body)
    wish = {"offer": offer["id"], "purposes": ["pretrain"], "payment": "wallet"}
    return buyer, (await m.done(buyer, "/buyer/v1/orders", wish))["grant"]


async def once_buyer(m: Market, sold: OnSale) -> Party:
    buyer = await m.join("buyer")
    money = postings.top_up(m.services.db.ids.new(START), buyer.id, Money(900_000_000, "CNY"))
    await m.services.db.run(lambda tx: ledger.post(tx, [money]))
    await m.done(buyer, "/buyer/v1/orders", {"offer": sold.offer, "purposes": ["pretrain"], "payment": "wallet"})
    return buyer


async def wallet(m: Market, buyer: Party) -> str:
    balances = (await m.get(buyer, "/buyer/v1/wallet")).json()["balances"]
    return str(balances[0]["amount"])


async def accepted(m: Market, sold: OnSale, buyer: Party) -> None:
    """The buyer accepts its one delivery; the seller's share was on hold until then."""
    (waiting,) = (await m.get(sold.supplier, "/supplier/v1/inspections")).json()["items"]
    assert waiting["your_share"] == {"amount": "264.00", "currency": "CNY"}
    assert (await m.post(buyer, f"/buyer/v1/orders/{waiting['order']}/acceptance")).status_code == 200


async def next_revision(m: Market, sold: OnSale, content: bytes, path: str = "few.jsonl") -> str:
    upload = await uploaded(m, sold.supplier, sold.dataset, path, content)
    return (await measured(m, sold.supplier, sold.dataset, upload))[0]


async def relisted(m: Market, sold: OnSale, revision: str) -> str:
    await certified(m, sold.supplier, sold.assessor, revision)
    wish = {"revision": revision, "title": TITLE, "summary": SUMMARY}
    listing: str = (await m.done(sold.supplier, "/supplier/v1/listings", wish))["id"]
    body = {"code": "once", "document": offer_document()}
    await m.done(sold.supplier, f"/supplier/v1/listings/{listing}/offers", body)
    return listing


async def books(m: Market) -> list[Any]:
    services = m.services

    async def quiet(_stage: str, _done: int, _total: int | None) -> None:
        return None

    return list(await check_books(services.db, services.keyring, services.settings.process.log_origin, quiet))


async def test_a_flagged_breach_is_announced_marked_and_credited_once(m: Market) -> None:
    sold = await on_sale(m)
    put = await m.done(
        sold.supplier, f"/supplier/v1/datasets/{sold.dataset}/data-contract", contract(credit={"percent": "10"})
    )
    assert (put["number"], put["service_credit"], put["in_force"]) == (1, {"percent": "10"}, True)
    (buyer, grant), other = await subscriber(m, sold), await once_buyer(m, sold)
    before = await wallet(m, buyer)
    revision = await next_revision(m, sold, FEW)
    assert await wallet(m, buyer) == str(int(float(before)) + 30) + ".00"
    (told,) = (await m.get(buyer, "/buyer/v1/breaches")).json()["items"]
    assert (told["grant"], told["revision"], told["credit"]) == (
        grant,
        revision,
        {"amount": "30.00", "currency": "CNY"},
    )
    assert [one["metric"] for one in told["broken"]] == ["rowCount"]
    assert told["broken"][0]["why"]["zh"] == "rowCount 为 30，不得小于 50"
    # Who bought one revision for good is told, and has no period that anything could be a share of.
    (also,) = (await m.get(other, "/buyer/v1/breaches")).json()["items"]
    assert also["credit"] is None
    moved = (await m.get(buyer, "/buyer/v1/wallet/movements?currency=CNY")).json()["items"][0]
    assert moved["kind"] == "service_credit", moved
    # Run again, by several workers at once, nothing more is booked.
    again = (profile_revision(m.services.db, m.services.files, ids.parse("rev", revision)) for _ in range(4))
    await asyncio.gather(*again)
    assert len((await m.get(buyer, "/buyer/v1/breaches")).json()["items"]) == 1
    assert await wallet(m, buyer) == str(int(float(before)) + 30) + ".00"
    # It is flagged and not stopped: it goes on sale with its mark.
    listing = await relisted(m, sold, revision)
    await m.done(sold.supplier, f"/supplier/v1/listings/{listing}/publication")
    shown = (await m.http.get(f"/catalog/v1/listings/{listing}")).json()["data_contract"]
    assert (shown["state"], shown["broken"]) == ("broken", 1)
    (mine,) = (await m.get(sold.supplier, "/supplier/v1/breaches")).json()["items"]
    assert {one["outcome"] for one in mine["found"]} == {"broken", "unmeasured"}
    assert await books(m) == []


async def test_a_breach_that_stops_keeps_the_revision_off_sale_until_a_better_one_comes(
    m: Market, clock: FixedClock
) -> None:
    sold = await on_sale(m)
    at = f"/supplier/v1/datasets/{sold.dataset}/data-contract"
    await m.done(sold.supplier, at, contract("stop"))
    revision = await next_revision(m, sold, FEW)
    listing = await relisted(m, sold, revision)
    # The review says so beforehand, by a rule of its own and with what is broken.
    review = (await m.get(sold.supplier, f"/supplier/v1/listings/{listing}/review")).json()
    assert {one["rule"]: one["passed"] for one in review["rules"]}["data-contract-kept"] is False
    assert any("rowCount" in one["en"] for one in review["notes"])
    refused = await m.post(sold.supplier, f"/supplier/v1/listings/{listing}/publication")
    assert refused.status_code == 409, refused.text
    assert refused.json()["type"].endswith("data-contract-broken")
    assert refused.json()["broken"] == ["/schema/0/quality/0"]
    # A softer contract afterwards does not help: the one in force when it was sealed counts.
    clock.advance(1)
    await m.done(sold.supplier, at, contract("flag", version="1.1.0"))
    again = await m.post(sold.supplier, f"/supplier/v1/listings/{listing}/publication")
    assert again.status_code == 409
    kept = await relisted(m, sold, await next_revision(m, sold, CONTENT, "all.jsonl"))
    assert (await m.done(sold.supplier, f"/supplier/v1/listings/{kept}/publication"))["state"] == "published"
    shown = (await m.http.get(f"/catalog/v1/listings/{kept}")).json()["data_contract"]
    assert (shown["state"], shown["version"]) == ("kept", 2)


async def test_workers_that_book_a_breach_at_once_book_it_once(m: Market, monkeypatch: pytest.MonkeyPatch) -> None:
    sold = await on_sale(m)
    path = f"/supplier/v1/datasets/{sold.dataset}/data-contract"
    await m.done(sold.supplier, path, contract(credit={"percent": "10"}))
    buyer, _ = await subscriber(m, sold)
    before = float(await wallet(m, buyer))

    async def later(*_: Any) -> None:
        return None

    with monkeypatch.context() as first:
        first.setattr("exchange.flows.profile_revision.follow_contract", later)
        revision = ids.parse("rev", await next_revision(m, sold, FEW))
    await asyncio.gather(*(follow_contract(m.services.db, revision) for _ in range(5)))
    assert float(await wallet(m, buyer)) == before + 30
    assert len((await m.get(buyer, "/buyer/v1/breaches")).json()["items"]) == 1
    assert await books(m) == []


async def test_breaches_never_give_more_than_the_period_costs(m: Market) -> None:
    sold = await on_sale(m)
    path = f"/supplier/v1/datasets/{sold.dataset}/data-contract"
    await m.done(sold.supplier, path, contract(credit={"percent": "60"}))
    buyer, _ = await subscriber(m, sold)
    await once_buyer(m, sold)
    before = float(await wallet(m, buyer))
    for n in range(3):
        await next_revision(m, sold, FEW + json.dumps({"text": f"{n}"}).encode() + b"\n", f"{n}.jsonl")
    paid = [one["credit"] for one in (await m.get(buyer, "/buyer/v1/breaches")).json()["items"]]
    assert [one and one["amount"] for one in paid] == [None, "120.00", "180.00"]
    assert float(await wallet(m, buyer)) == before + 300
    assert await books(m) == []


async def test_a_credit_is_never_more_than_the_seller_has_here(m: Market) -> None:
    sold = await on_sale(m)
    path = f"/supplier/v1/datasets/{sold.dataset}/data-contract"
    await m.done(sold.supplier, path, contract(credit={"amount": "290.00", "currency": "CNY"}))
    buyer, _ = await subscriber(m, sold)
    await next_revision(m, sold, FEW)
    (told,) = (await m.get(buyer, "/buyer/v1/breaches")).json()["items"]
    # Of 300.00 the seller got 88 %.
    assert told["credit"] == {"amount": "264.00", "currency": "CNY"}
    assert await books(m) == []


async def test_a_credit_stands_on_the_sellers_statement_and_the_books_agree(m: Market, clock: FixedClock) -> None:
    sold = await on_sale(m)
    path = f"/supplier/v1/datasets/{sold.dataset}/data-contract"
    await m.done(sold.supplier, path, contract(credit={"percent": "10"}))
    buyer, _ = await subscriber(m, sold)
    await accepted(m, sold, buyer)
    await next_revision(m, sold, FEW)
    clock.advance(timedelta(days=1).total_seconds())
    operator = await m.operator()
    again = await m.sign_in(Registered(operator.organisation, "verified", "", operator.client), operator.secret)
    wish = {
        "period_start": START.replace(hour=0).isoformat(),
        "period_end": START.replace(day=16, hour=0).isoformat(),
        "currency": "CNY",
    }
    await m.done(again, "/operator/v1/settlement-runs", wish)
    await drain(m.services.db, main.steps(m.services).table())
    supplier = await m.sign_in(
        Registered(sold.supplier.organisation, "verified", "", sold.supplier.client), sold.supplier.secret
    )
    (statement,) = (await m.get(supplier, "/supplier/v1/statements")).json()["items"]
    # 300.00, of which the seller has 88 %, minus a credit of 30.00.
    assert statement["closing"] == {"amount": "234.00", "currency": "CNY"}, statement
    shown = (await m.get(supplier, f"/supplier/v1/statements/{statement['id']}")).text
    assert "service_credit" in shown
    assert await books(m) == []


async def test_a_credit_before_the_acceptance_is_the_sellers_debt_until_it_is_paid(m: Market) -> None:
    sold = await on_sale(m)
    path = f"/supplier/v1/datasets/{sold.dataset}/data-contract"
    await m.done(sold.supplier, path, contract(credit={"percent": "10"}))
    buyer, _ = await subscriber(m, sold)
    await next_revision(m, sold, FEW)
    assert await wallet(m, buyer) == "630.00"
    owed = debt(sold.supplier.id, "CNY")
    assert await m.services.db.run(lambda tx: ledger.sums(tx, [owed])) == {owed: -30_000_000}
    await accepted(m, sold, buyer)
    wish = PayOut(sold.supplier.id, "CNY", "2026-01", Rail.BANK, "account")
    (paid,) = await m.services.db.run(lambda tx: pay_out(tx, [wish]))
    assert isinstance(paid, PayoutReceipt)
    assert paid.amount == {"amount": "234.00", "currency": "CNY"}
    assert await m.services.db.run(lambda tx: ledger.sums(tx, [owed])) == {owed: 0}
    assert await books(m) == []


async def test_many_holders_are_told_and_credited_part_by_part(m: Market, monkeypatch: pytest.MonkeyPatch) -> None:
    sold = await on_sale(m)
    monkeypatch.setattr("exchange.flows.check_data_contract._AT_ONCE_MAX", 2)
    monkeypatch.setattr("exchange.flows.check_data_contract._CONCERNED_MAX", 1)
    monkeypatch.setattr("exchange.flows.grant_service_credit._AT_ONCE_MAX", 2)
    path = f"/supplier/v1/datasets/{sold.dataset}/data-contract"
    await m.done(sold.supplier, path, contract(credit={"percent": "10"}))
    buyers = [(await subscriber(m, sold))[0] for _ in range(5)]
    await next_revision(m, sold, FEW)
    for buyer in buyers:
        (told,) = (await m.get(buyer, "/buyer/v1/breaches")).json()["items"]
        assert told["credit"] == {"amount": "30.00", "currency": "CNY"}
        assert await wallet(m, buyer) == "630.00"
    assert await books(m) == []
