"""Papers over HTTP: who sees which, as what, and what the operator sees of those that are missing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from exchange.kernel import ids
from settlement.en16931.cii import cii
from settlement.en16931.ubl import ubl
from settlement.fiscal_document import document_bytes
from settlement.fiscal_papers import About
from tests.support.api import Market, Party, market
from tests.support.fiscal_kept import between, keep


@pytest_asyncio.fixture
async def exchange(database_url: str, tmp_path: Path) -> AsyncIterator[Market]:
    """The exchange with the portals of this module."""
    async with market(database_url, tmp_path, only=("operator", "buyer", "supplier", "regulator")) as made:
        yield made


async def seen(exchange: Market, who: Party, portal: str) -> list[str]:
    """The kinds of the papers that a portal lists."""
    page = (await exchange.get(who, f"/{portal}/v1/documents")).json()
    return sorted(f"{one['about']} {one['kind']}" for one in page["items"])


async def test_everybody_sees_its_own_papers_as_json_cii_and_ubl(exchange: Market) -> None:
    supplier, buyer = await exchange.join("supplier"), await exchange.join("buyer")
    operator = await exchange.operator()
    sale = between("380 china", supplier.id, buyer.id)
    await keep(exchange.services.db, About.SALE, sale)
    await keep(exchange.services.db, About.SHARE, between("389 reverse charge", supplier.id, operator.id))
    await keep(exchange.services.db, About.FEE, between("380 fee", operator.id, supplier.id))
    assert await seen(exchange, buyer, "buyer") == ["sale 380"]
    assert await seen(exchange, supplier, "supplier") == ["fee 380", "sale 380", "share 389"]
    one = f"/documents/{ids.text('doc', sale.id)}"
    for who, portal in ((buyer, "buyer"), (supplier, "supplier")):
        shown = (await exchange.get(who, f"/{portal}/v1{one}")).json()
        assert shown["paper"]["number"] == sale.name
        assert shown["document"]["seller"]["legal_name"]["zh"] == "上海语料科技有限公司"
        for write, name in ((cii, "cii.xml"), (ubl, "ubl.xml")):
            answer = await exchange.get(who, f"/{portal}/v1{one}/{name}")
            assert answer.headers["content-type"].startswith("application/xml")
            assert answer.content == write(sale)
    assert shown["paper"]["sha256"]
    assert document_bytes(sale)
    only = (await exchange.get(supplier, "/supplier/v1/documents?kind=389")).json()["items"]
    assert [one["about"] for one in only] == ["share"]
    regulator = await exchange.join("regulator")
    assert await seen(exchange, regulator, "regulator") == ["fee 380", "sale 380", "share 389"]
    only = (await exchange.get(regulator, "/regulator/v1/documents?kind=389")).json()["items"]
    assert [one["about"] for one in only] == ["share"]
    assert (await exchange.get(regulator, f"/regulator/v1{one}")).json() == shown
    assert (await exchange.get(buyer, f"/regulator/v1{one}")).status_code == 403


async def test_a_payee_accepts_the_words_that_it_read_and_ends_that(exchange: Market) -> None:
    supplier = await exchange.join("supplier")
    operator = await exchange.operator()
    offered = (await exchange.get(supplier, "/supplier/v1/self-billing")).json()
    assert offered["words"]["issuer"] == ids.text("org", operator.id)
    assert offered["agreements"] == []
    path = "/supplier/v1/self-billing"
    wrong = await exchange.post(supplier, f"{path}/acceptance", {"sha256": "0" * 64})
    assert wrong.json()["type"] == "/problems/self-billing-words"
    wish = {"sha256": offered["sha256"]}
    kept = await exchange.done(supplier, f"{path}/acceptance", wish)
    assert (await exchange.done(supplier, f"{path}/acceptance", wish))["agreement"] == kept["agreement"]
    await exchange.done(supplier, f"{path}/{kept['agreement']}/end")
    (only,) = (await exchange.get(supplier, path)).json()["agreements"]
    assert only["ended_at"]
    assert (await exchange.done(supplier, f"{path}/acceptance", wish))["agreement"] != kept["agreement"]
    assert (await exchange.get(operator, "/operator/v1/documents/missing")).json()["items"] == []
    tried = await exchange.done(operator, "/operator/v1/documents/missing/issue")
    assert (tried["issued"], tried["missing"], tried["more"]) == (0, 0, False)
