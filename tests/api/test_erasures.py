"""Erasure over HTTP: the organisation, the operator and the regulator ask; a stranger finds nobody; a hold is named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import asyncpg
import msgspec

from exchange import main
from exchange.kernel.clock import FixedClock
from exchange.kernel.money import Money
from exchange.worker.loop import drain
from settlement import postings
from settlement.store import ledger
from tests.support.api import Market, Party, market
from tests.support.directives import wish
from tests.support.trade import on_sale


async def erasures(m: Market, who: Party, portal: str) -> dict[str, Any]:
    found = (await m.get(who, f"/{portal}/v1/erasures")).json()["items"]
    return {one["subject"]: one for one in found}


async def test_an_organisation_erases_its_own_people(database_url: str, tmp_path: Path, clock: FixedClock) -> None:
    async with market(database_url, tmp_path, clock=clock) as m:
        buyer, other = await m.join("buyer"), await m.join("supplier")
        operator, regulator = await m.operator(), await m.join("regulator")
        steps = main.steps(m.services).table()
        (member,) = (await m.get(buyer, "/buyer/v1/organisation/members")).json()["items"]
        assert member["id"] == buyer.member
        assert member["person"] == {"name": "Li Hua", "email": "li.hua@example.com"}
        path = f"/buyer/v1/organisation/members/{buyer.member}/erasure"
        for stranger, way in (
            (other, f"/supplier/v1/organisation/members/{buyer.member}/erasure"),
            (regulator, f"/regulator/v1/organisation/members/{buyer.member}/erasure"),
            (buyer, f"/buyer/v1/organisation/members/{other.member}/erasure"),
            (buyer, f"/buyer/v1/organisation/members/{buyer.organisation}/erasure"),
        ):
            assert (await m.post(stranger, way)).status_code == 404, way
        assert (await m.post(buyer, f"/operator/v1/members/{buyer.member}/erasure")).status_code == 403

        first = await m.post(buyer, path, key="once")
        again = await m.post(buyer, path, key="once")
        assert (first.status_code, first.json()) == (201, {"subject": buyer.member, "state": "asked"})
        assert (again.json(), again.headers["idempotency-replayed"]) == (first.json(), "true")
        assert (await erasures(m, operator, "operator"))[buyer.member]["state"] == "asked"
        assert await drain(m.services.db, steps) >= 1
        (member,) = (await m.get(buyer, "/buyer/v1/organisation/members")).json()["items"]
        assert (member["state"], member["person"]) == ("left", None)
        for who, portal in ((operator, "operator"), (regulator, "regulator")):
            one = (await erasures(m, who, portal))[buyer.member]
            assert (one["state"], one["asked_by"], one["organisation"]) == (
                "erased",
                buyer.organisation,
                buyer.organisation,
            )
            assert one["erased_at"]
        seen = (await m.get(operator, f"/operator/v1/organisations/{buyer.organisation}/members")).json()["items"]
        assert seen[0]["person"] is None


async def test_a_hold_is_named_and_operator_and_regulator_may_ask(
    database_url: str, tmp_path: Path, clock: FixedClock
) -> None:
    async with market(database_url, tmp_path, clock=clock) as m:
        buyer, supplier = await m.join("buyer"), await m.join("supplier")
        operator, regulator = await m.operator(), await m.join("regulator")
        ordered = wish("preserve", buyer.organisation)
        directive = (await m.done(regulator, "/regulator/v1/directives", ordered))["id"]
        for who, path in (
            (buyer, f"/buyer/v1/organisation/members/{buyer.member}/erasure"),
            (operator, f"/operator/v1/members/{buyer.member}/erasure"),
            (regulator, f"/regulator/v1/members/{buyer.member}/erasure"),
        ):
            refused = await m.post(who, path, headers={"accept-language": "zh-CN"})
            assert refused.status_code == 409
            assert refused.json()["type"] == "/problems/held-by-directive"
            assert refused.json()["directive"] == directive
            assert directive in refused.json()["detail"]
        assert (await m.post(operator, f"/operator/v1/members/{supplier.member}/erasure")).status_code == 201
        await m.done(regulator, f"/regulator/v1/directives/{directive}/lifting")
        assert (await m.post(regulator, f"/regulator/v1/members/{buyer.member}/erasure")).status_code == 201
        await drain(m.services.db, main.steps(m.services).table())
        states = {name: one["state"] for name, one in (await erasures(m, regulator, "regulator")).items()}
        assert states == {buyer.member: "erased", supplier.member: "erased"}
        assert {one["asked_by"] for one in (await erasures(m, operator, "operator")).values()} == {
            operator.organisation,
            regulator.organisation,
        }


async def test_entries_say_through_which_app_they_came(database_url: str, tmp_path: Path, clock: FixedClock) -> None:
    body = {
        "name": {"en": "Example"},
        "roles": ["buyer"],
        "country": "CN",
        "identifiers": {"uscc": "91110000600037341L"},
        "contact": {"name": "Li Hua", "email": "li.hua@example.com"},
    }
    async with market(database_url, tmp_path, clock=clock) as m:
        sold, buyer = await on_sale(m), await m.join("buyer")
        money = postings.top_up(m.services.db.ids.new(clock.now()), buyer.id, Money(900_000_000, "CNY"))
        await m.services.db.run(lambda tx: ledger.post(tx, [money]))
        # Purchases come through a batch, which runs in a task of its own.
        await m.done(buyer, "/buyer/v1/orders", {"offer": sold.offer, "purposes": ["pretrain"], "payment": "wallet"})
        assert (await m.http.post("/catalog/v1/organisations", json=body)).status_code == 201
        await m.done(buyer, "/buyer/v1/clients", {"label": "second", "scopes": ["buyer"]})
        await m.done(buyer, f"/buyer/v1/organisation/members/{buyer.member}/erasure")
        await drain(m.services.db, main.steps(m.services).table())
        connection = await asyncpg.connect(database_url)
        rows = await connection.fetch("SELECT envelope FROM compliance.audit_entry ORDER BY seq")
        await connection.close()
    said = [msgspec.json.decode(row[0]) for row in rows]
    where = [(one["action"], one["where"]) for one in said]
    assert ("organisation.register", "public") in where
    assert ("client.create", "buyer") in where
    assert ("purchase", "buyer") in where
    assert ("listing.publish", "supplier") in where
    assert ("erasure.requested", "buyer") in where
    assert ("erasure.completed", "worker") in where
    joined = next(one for one in said if one["where"] == "public")
    assert (joined["v"], joined["member"], len(joined["sealed"]), joined["digests"]) == (2, None, 2, {})
