"""E-fapiao over HTTP: from drafts that lack a code, through the file, to numbers that come back; red only after blue."""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import jsonschema
import pytest_asyncio

from exchange.kernel import ids
from exchange.kernel.errors import Problem
from settlement.fiscal import FiscalDoc
from settlement.fiscal_papers import About
from settlement.store import audit
from tests.support import settlement_market as trade
from tests.support.api import Market, Party, market
from tests.support.efapiao_samples import SCHEMA, TABLE
from tests.support.fiscal_kept import keep
from tests.support.fiscal_samples import BEIJING, CHINA, CHINESE, credit, invoice, item

YUAN = 1_000_000
PATH = "/operator/v1/efapiao"
NUMBERS = ("25312000000000000001", "25312000000000000002")


@pytest_asyncio.fixture
async def exchange(database_url: str, tmp_path: Path) -> AsyncIterator[Market]:
    """The exchange with the portals of this module."""
    async with market(database_url, tmp_path, only=("operator", "buyer", "supplier")) as made:
        yield made


async def papers(exchange: Market, supplier: Party, buyer: Party) -> tuple[FiscalDoc, FiscalDoc]:
    """An invoice for an order of a listing, and the credit note for it."""
    shop = await trade.open_market(exchange.services.db, exchange.services.keyring)
    await shop.fund(trade.BUYER, 1_000 * YUAN)
    bought = await shop.buy(trade.BUYER, "one_off")
    assert not isinstance(bought, Problem)
    order = ("order", ids.parse("ord", bought.id))
    sides = (replace(CHINESE, organisation_id=supplier.id), replace(BEIJING, organisation_id=buyer.id))
    blue = invoice("fapiao", sides, [replace(item(1, "1680.32", "CNY", CHINA), source=order)])
    red = credit(blue, [replace(item(1, "100", "CNY", CHINA), source=order)])
    # Kept on one day that is past, whenever this runs.
    blue = replace(blue, issued_on=date(2025, 1, 2))
    for doc in (blue, red):
        await keep(exchange.services.db, About.SALE, doc)
    return blue, red


async def send(exchange: Market, who: Party, path: str, text: str) -> Any:
    headers = {**who.headers, "content-type": "text/csv", "idempotency-key": hashlib.sha256(text.encode()).hexdigest()}
    return await exchange.http.post(f"{PATH}/{path}", content=text.encode(), headers=headers)


async def listed(exchange: Market, who: Party, state: str) -> dict[str, list[str]]:
    page = (await exchange.get(who, f"{PATH}?state={state}")).json()
    return {one["document"]: one["missing"] for one in page["items"]}


async def test_a_paper_becomes_an_e_fapiao_and_then_its_credit_note_a_red_one(exchange: Market) -> None:
    supplier, buyer, operator = await exchange.join("supplier"), await exchange.join("buyer"), await exchange.operator()
    blue, red = await papers(exchange, supplier, buyer)
    one, other = ids.text("doc", blue.id), ids.text("doc", red.id)
    drafts = await listed(exchange, operator, "draft")
    assert drafts == {one: ["code:text"], other: ["original_not_issued"]}
    assert (await exchange.post(operator, f"{PATH}/exports", {})).json()["type"].endswith("/no-efapiao-codes")
    refused = await send(exchange, operator, "codes", TABLE.replace("text,", "prose,"))
    assert refused.json()["type"].endswith("/bad-efapiao-codes")
    assert (await send(exchange, operator, "codes", TABLE)).json()["version"] == 1
    assert (await exchange.get(operator, f"{PATH}/codes/newest")).json()["content"] == TABLE
    # Its number cannot come before its data left, and a red one not before the blue one.
    wish = {"number": NUMBERS[0], "issued_on": "2025-01-03"}
    assert (await exchange.post(operator, f"{PATH}/{one}/number", wish)).status_code == 422
    for nonsense in ({"number": NUMBERS[0][1:]}, {"number": "26" + NUMBERS[0][2:]}, {"issued_on": "2025-02-30"}):
        refused = await exchange.post(operator, f"{PATH}/{one}/number", {**wish, **nonsense})
        assert refused.json()["type"].endswith("/bad-efapiao-number")
    assert (await exchange.post(supplier, f"{PATH}/exports", {})).status_code == 403
    confirmation = {"number": "31000026110000000042", "reason": "02"}
    early = await exchange.post(operator, f"{PATH}/{other}/confirmation", confirmation)
    assert early.json()["type"].endswith("/efapiao-not-red")
    assert (await exchange.get(buyer, f"/buyer/v1/documents/{one}/efapiao")).status_code == 404
    made = await exchange.done(operator, f"{PATH}/exports", {})
    assert (made["count"], made["waiting"], made["last"]) == (1, 1, None)
    file = await exchange.get(operator, f"{PATH}/exports/{made['export']}/file")
    assert hashlib.sha256(file.content).hexdigest() == made["sha256"]
    (fapiao,) = json.loads(file.content)["fapiao"]
    jsonschema.validate(fapiao, SCHEMA)
    assert (fapiao["amount"], fapiao["invoice_type"]) == ("1680.32", "81")
    assert await listed(exchange, operator, "exported") == {one: []}
    assert (await exchange.post(operator, f"{PATH}/exports", {})).json()["type"].endswith("/nothing-to-export")
    rows = f"{','.join(('document', 'number', 'issued_on'))}\n{one},{NUMBERS[0]},2025-01-03\n"
    assert (await send(exchange, operator, "numbers", rows)).json() == {"kept": 1, "known": 0}
    assert (await exchange.done(operator, f"{PATH}/{one}/number", wish))["known"] == 1
    changed = {**wish, "number": NUMBERS[1]}
    assert (await exchange.post(operator, f"{PATH}/{one}/number", changed)).status_code == 422
    for who, portal in ((buyer, "buyer"), (supplier, "supplier")):
        seen = (await exchange.get(who, f"/{portal}/v1/documents/{one}/efapiao")).json()
        assert (seen["number"], seen["issued_on"], seen["fapiao"]) == (NUMBERS[0], "2025-01-03", fapiao)
    stranger = await exchange.join("buyer")
    assert (await exchange.get(stranger, f"/buyer/v1/documents/{one}/efapiao")).status_code == 404
    assert await listed(exchange, operator, "draft") == {other: ["confirmation"]}
    await exchange.done(operator, f"{PATH}/{other}/confirmation", confirmation)
    again = await exchange.done(operator, f"{PATH}/exports", {})
    (said,) = json.loads((await exchange.get(operator, f"{PATH}/exports/{again['export']}/file")).content)["fapiao"]
    jsonschema.validate(said, SCHEMA)
    assert said["red"]["original_number"] == NUMBERS[0]
    assert said["total"] == "-106.00"
    await exchange.done(operator, f"{PATH}/{other}/number", changed)
    assert sorted(await listed(exchange, operator, "issued")) == sorted((one, other))
    found = await exchange.services.db.run(audit.check)
    assert [finding for finding in found if finding.rule.startswith("efapiao")] == []
