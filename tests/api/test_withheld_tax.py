from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pypdfium2
import pytest

from exchange.flows.pay_out import PayOut, pay_out
from exchange.kernel.db import Tx
from exchange.kernel.money import Money
from settlement import postings
from settlement.accounts import pending
from settlement.payouts import Rail
from settlement.store import ledger
from tests.support.api import Market, market


@pytest.fixture
async def m(database_url: str, tmp_path: Path) -> AsyncIterator[Market]:
    async with market(database_url, tmp_path) as made:
        yield made


async def _earn(tx: Tx, who: Any, units: int) -> None:
    money = Money(units, "CNY")
    await ledger.post(tx, [postings.top_up(tx.new_id(), who, money)])
    await ledger.post(tx, [postings.wallet_purchase(tx.new_id(), who, money, ((pending(who, "CNY"), units),))])
    await ledger.post(tx, [postings.release(tx.new_id(), [(who, money)])])


async def test_a_payee_reads_what_was_withheld_in_a_year_and_the_operator_lowers_it(m: Market) -> None:
    supplier, other = await m.join("supplier", country="HK"), await m.join("supplier")
    operator, db = await m.operator(), m.services.db
    year = db.clock.now().year
    # An EXAMPLE: no law is meant.
    rule = {"valid_from": "2020-01-01", "source": "EXAMPLE", "source_date": "2020-01-01"}
    rules = [rule | {"payees": ["CN"], "percent": "0"}, rule | {"payees": "abroad", "percent": "10"}]
    tables = "/operator/v1/withholding-tables"
    assert (await m.get(operator, tables)).json() == {"withheld": False, "items": []}
    proposed = await m.done(operator, tables, {"payer": "CN", "rules": rules})
    adoption = f"{tables}/{proposed['id']}/adoption"
    assert (await m.post(operator, adoption)).json()["type"] == "/problems/approval-missing"
    second = await m.another_client(operator)
    await m.done(second, f"/operator/v1/approvals/{proposed['approval']}/approval", {})
    assert (await m.done(operator, adoption))["in_force"] is True
    shown = (await m.get(operator, tables)).json()
    assert (shown["withheld"], [one["in_force"] for one in shown["items"]]) == (True, [True])
    relief = {
        "organisation": supplier.organisation,
        "payer": "CN",
        "income": "royalty",
        "rate": "0.07",
        "number": "HK-1",
        "valid_from": f"{year}-01-01",
        "valid_to": f"{year}-12-31",
    }
    path = "/operator/v1/withholding-reliefs"
    wrong = await m.post(operator, path, relief | {"payer": "BR"})
    assert (wrong.status_code, wrong.json()["type"]) == (422, "/problems/withholding-relief-invalid")
    periods = iter("abc")

    async def pay() -> None:
        await db.run(partial(_earn, who=supplier.id, units=100_000_000))
        wish = PayOut(supplier.id, "CNY", next(periods), Rail.BANK, "account")
        await db.run(lambda tx: pay_out(tx, [wish]))

    await pay()
    made = await m.done(operator, path, relief)
    await pay()
    assert (await m.done(operator, f"{path}/{made['id']}/end"))["ended"] is True
    await pay()
    found = (await m.get(supplier, "/supplier/v1/withheld-tax", year=year)).json()
    assert [one["withheld"]["amount"] for one in found["lines"]] == ["10.00", "7.00", "10.00"]
    assert [one["relief"] for one in found["lines"]] == [None, made["id"], None]
    (total,) = found["sums"]
    assert [total[name]["amount"] for name in ("gross", "withheld", "net")] == ["300.00", "27.00", "273.00"]
    for party, asked in ((supplier, {"year": year - 1}), (other, {"year": year}), (other, {})):
        empty = (await m.get(party, "/supplier/v1/withheld-tax", **asked)).json()
        assert (empty["lines"], empty["sums"]) == ([], [])
        missing = await m.get(party, "/supplier/v1/withheld-tax/certificate.html", year=asked.get("year", year))
        assert missing.status_code == 404
    for language, words in (("en", "Certificate of tax withheld"), ("zh", "代扣税款证明")):
        path = "/supplier/v1/withheld-tax/certificate"
        page = await m.get(supplier, f"{path}.html", year=year, lang=language)
        assert page.headers["content-type"].startswith("text/html")
        assert words in page.text
        for amount in ("300.00", "27.00", "273.00", "EXAMPLE (2020-01-01)", made["id"]):
            assert amount in page.text
        files = [(await m.get(supplier, f"{path}.pdf", year=year, lang=language)).content for _ in range(2)]
        assert files[0] == files[1]
        text = "".join(page.get_textpage().get_text_range() for page in pypdfium2.PdfDocument(files[0]))
        assert "273.00" in text


async def test_the_operator_makes_reports_of_sellers_and_corrects_them(m: Market) -> None:
    seller, operator, db = await m.join("supplier", country="FR"), await m.operator(), m.services.db
    path, year = "/operator/v1/seller-reports", db.clock.now().year - 1
    early = await m.post(operator, path, {"kind": "dac7", "year": year + 1, "currency": "EUR"})
    assert early.json()["type"] == "/problems/seller-report-early"
    odd = await m.post(operator, path, {"kind": "decree-810", "year": year, "currency": "EUR"})
    assert odd.status_code == 400

    async def state(month: int, sales: int, fees: int) -> None:
        async def flow(tx: Tx) -> None:
            start, end = (
                datetime(year, month, 1, tzinfo=UTC),
                datetime(year + month // 12, month % 12 + 1, 1, tzinfo=UTC),
            )
            await (await tx.driver()).execute(
                """INSERT INTO settlement.statement (id, run_id, organisation_id, currency, number, period_start, period_end,
                    opening_units, sales_units, fees_units, shares_units, payouts_units, adjustments_units, closing_units,
                    document, sha256, issued_at)
                VALUES ($1, $2, $3, 'EUR', $4, $5, $6, 0, $7::bigint, $8::bigint, 0, 0, 0, $7::bigint + $8::bigint, '', '', $9)""",
                tx.new_id(), tx.new_id(), seller.id, month, start, end, sales, fees, tx.now,
            )  # fmt: skip

        await db.run(flow)

    async def settle(tx: Tx) -> None:
        start, end = datetime(year, 12, 1, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC)
        await (await tx.driver()).execute(
            """INSERT INTO settlement.run (id, period_start, period_end, currency, number, state, created_at, closed_at)
            VALUES ($1, $2, $3, 'EUR', 1, 'closed', $4, $4)""",
            tx.new_id(), start, end, tx.now,
        )  # fmt: skip

    assert (await m.post(operator, path, {"kind": "dac7", "year": year, "currency": "EUR"})).status_code == 409
    await db.run(settle)
    await state(2, 90_000_000, -10_000_000)
    await state(3, 30_000_000, -5_000_000)
    wish = {"kind": "dac7", "year": year, "currency": "EUR"}
    first = await m.done(operator, path, wish)
    assert (first["number"], first["sellers"]) == (1, 1)
    assert (await m.done(operator, path, wish))["id"] == first["id"]
    at = f"{path}/{first['id']}"
    document = await m.get(operator, f"{at}/report.json")
    assert hashlib.sha256(document.content).hexdigest() == first["sha256"]
    (quarter,) = document.json()["sellers"][0]["quarters"]
    assert (quarter["gross"], quarter["fees"], quarter["net"]) == ("120.00", "15.00", "105.00")
    assert '"105.00"' in (await m.get(operator, f"{at}/report.csv")).text
    filing = {"country": "FR", "nexus": "RPONEX1", "activity": "PersonalServices", "message": "M-1"}
    sent = await m.get(operator, f"{at}/dpi.xml", **filing)
    assert "<dpi:ConsQ1" in sent.text
    assert (await m.get(operator, f"{at}/dpi.xml", corrected=True, **filing)).status_code == 404
    await state(5, 1_000_000, 0)
    second = await m.done(operator, path, wish)
    assert second["number"] == 2
    fixed = await m.get(operator, f"{path}/{second['id']}/dpi.xml", corrected=True, **filing)
    assert "<stf:CorrDocRefId>" in fixed.text
    part = await m.done(operator, path, wish | {"kind": "decree-810", "quarter": 2})
    table = (await m.get(operator, f"{path}/{part['id']}/report.csv")).text
    assert '"2","EUR","1.00"' in table
