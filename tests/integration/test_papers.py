"""Papers of settlement runs: sales, credit notes, shares and fees, with numbers that have no gap and tax that is booked."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, date, datetime

import asyncpg
import jsonschema
import pytest

from exchange.flows import efapiao
from exchange.flows.close_checklist import check_month
from exchange.flows.issue_missing import issue_missing
from exchange.flows.refund_order import RefundReceipt
from exchange.flows.self_billing import end_self_billing
from exchange.kernel import ids
from exchange.kernel.clock import FixedClock
from exchange.kernel.db import Database, Tx
from exchange.kernel.errors import Problem
from exchange.kernel.keys import Keyring
from exchange.kernel.pages import PageRequest
from settlement.close_points import Point
from settlement.efapiao.filling import Confirmed, Reason
from settlement.efapiao.numbers import Numbered, State
from settlement.fiscal import FiscalDoc
from settlement.fiscal_document import read_document
from settlement.fiscal_rules import check
from settlement.paper.sheet import Table
from settlement.paper.statement_sheet import statement_sheet
from settlement.store import audit, fiscal
from settlement.store import efapiao as fapiao_store
from tests.support.efapiao_samples import SCHEMA, TABLE
from tests.support.papered import agree, operated, profiled
from tests.support.refunding import YUAN, accept, books, furnished, of, pay, refund, run_to, sound
from tests.support.settlement_market import BROKER, BUYER, OPERATOR, SELLER, actor
from tests.support.superuser import edit


async def issued(database: Database) -> list[tuple[str, FiscalDoc]]:
    """All papers in the order of their numbers."""

    async def flow(tx: Tx) -> list[tuple[str, FiscalDoc]]:
        rows = await (await tx.driver()).fetch(
            "SELECT about, document FROM settlement.fiscal_document ORDER BY issued_at, series, number"
        )
        return [(row[0], read_document(row[1])) for row in rows]

    return await database.run(flow)


async def fee_lines(database: Database) -> dict[str, list[str]]:
    """What the seller's statement says below each line of tax on a fee, by paper."""

    async def flow(tx: Tx) -> bytes:
        found: bytes = await (await tx.driver()).fetchval(
            "SELECT document FROM settlement.statement WHERE organisation_id = $1 ORDER BY number DESC LIMIT 1", SELLER
        )
        return found

    document = json.loads(await database.run(flow))
    (table,) = [one for one in statement_sheet(document, bytes(32), "seller", "en").blocks if isinstance(one, Table)]
    shown = zip(table.rows, document["lines"], strict=True)
    return {line["source"]: list(row.below) for row, line in shown if line["kind"] == "fee_tax"}


async def missing(database: Database) -> list[tuple[str, tuple[str, ...]]]:
    """What the operator sees as missing."""
    page = await database.run(lambda tx: fiscal.list_missing(tx, PageRequest()))
    return sorted((one.about, one.reasons) for one in page.items)


async def documents_point(database: Database, end: datetime = datetime(2026, 2, 1, tzinfo=UTC)) -> tuple[bool, str]:
    """What the checklist of a month says of papers, in English."""
    points = await database.run(lambda tx: check_month(tx, "CNY", end))
    (found,) = [(one.ready, one.said.en) for one in points if one.point is Point.DOCUMENTS]
    return found


# What somebody past every trigger does to papers, one after another, and the check that finds it.
FORGED = {
    "efapiao-is-as-filled-in": "UPDATE settlement.efapiao SET invoice_type = '82' WHERE original_id IS NULL",
    "efapiao-file-has-its-hash": "UPDATE settlement.efapiao_export SET sha256 = sha256('')",
    "efapiao-export-is-whole": "UPDATE settlement.efapiao_export SET count = count + 1",
    "efapiao-red-after-blue": "UPDATE settlement.efapiao_number SET entered_at = entered_at + interval '9 days'",
    "efapiao-number-after-export": "UPDATE settlement.efapiao_number SET entered_at = entered_at - interval '18 days'",
    "paper-tax-is-booked": "UPDATE settlement.fiscal_document SET tax_units = tax_units + 1 WHERE about = 'share'",
    "paper-bills-what-was-sold": "UPDATE settlement.fiscal_source SET net_units = net_units + 1 WHERE about = 'sale'",
    "paper-numbers-have-no-gap": "UPDATE settlement.series SET last = last + 1 WHERE name LIKE 'SB/%'",
    "self-billing-ends-once-begun": "INSERT INTO settlement.self_billing_end SELECT id, organisation_id, accepted_by, "
    "accepted_at - interval '1 day' FROM settlement.self_billing",
    "paper-is-sound": "UPDATE settlement.fiscal_document SET document = document || ' ', sha256 = sha256(document || ' ')",
}


async def test_a_run_issues_every_paper_once(
    database: Database, database_url: str, keyring: Keyring, clock: FixedClock
) -> None:
    market = await furnished(database, keyring)
    await operated(market)
    await profiled(market, SELLER, BUYER, BROKER, OPERATOR)
    await agree(market, BROKER)
    tax = {"tax": {"category": "digital_service", "included": False}}
    await market.offer(
        "taxed",
        {"id": "price", "meter": None, "period": None, "model": {"type": "one_off", "amount": "100.005"}},
        kind="one_off",
        **tax,
    )
    first = await market.buy(BUYER, "taxed")
    second = await market.buy(BUYER, "one_off")
    for order in (first, second):
        await accept(market, order)
    assert isinstance(await refund(market, of(second), 30 * YUAN + 1), RefundReceipt)
    # The seller takes all its money before the exchange bills its fee: the tax on that is owed, not taken from nothing.
    paid = await pay(market, SELLER, "2026-01")
    assert not isinstance(paid, Problem)
    clock.advance(20 * 86_400)
    await run_to(market, datetime(2026, 2, 1, tzinfo=UTC))
    await sound(database)
    found = await issued(database)
    held = await books(database)
    assert held.get("seller", 0) == 0
    fees = sum(doc.totals.tax.units * (-1 if doc.kind.is_credit else 1) for about, doc in found if about == "fee")
    # Less than a coin stayed when it was paid out.
    assert 0 <= held["seller debt"] + fees < 10_000
    said = await fee_lines(database)
    assert said.keys() == {ids.text("doc", doc.id) for about, doc in found if about == "fee"}
    assert [text for texts in said.values() for text in texts if text] == [
        f"tax 4.80, of which {-held['seller debt'] / YUAN} became debt"
    ]
    assert all(check(doc) == [] for _, doc in found)
    kinds = sorted((about, doc.kind.value) for about, doc in found)
    assert kinds == [
        ("fee", "380"), ("fee", "381"), ("sale", "380"), ("sale", "381"), ("share", "261"), ("share", "389"),
    ]  # fmt: skip
    by_kind = {(about, doc.kind.value): doc for about, doc in found}
    sale, back = by_kind["sale", "380"], by_kind["sale", "381"]
    assert back.preceding[0].number == sale.name
    assert (sale.number, back.number) == (1, 2)
    assert sale.totals.due.units == back.totals.due.units == 0
    assert {group.category.value for group in sale.groups} == {"S"}
    share = by_kind["share", "389"]
    assert share.seller.organisation_id == BROKER
    assert share.totals.tax.units > 0
    await _as_fapiao(database, clock, found)
    await sound(database)
    # What nobody has yet stays away: a second run over the same period issues nothing anew.
    await refund(market, of(first), 10 * YUAN)
    clock.advance(40 * 86_400)
    march = datetime(2026, 3, 1, tzinfo=UTC)
    await run_to(market, march)
    await sound(database)
    # All that went back of the seller's part is debt, so no statement of its brings the credit note on the fee: the checklist
    # says so, and the operator has it issued.
    assert await documents_point(database, march) == (False, "1 refunds without a credit note")
    operator = actor(OPERATOR, "operator")
    asked = await asyncio.gather(*(database.run(lambda tx: issue_missing(tx, operator)) for _ in range(3)))
    assert sorted((one.issued, one.missing) for one in asked) == [(0, 0), (0, 0), (1, 0)]
    assert await documents_point(database, march) == (True, "all out")
    await sound(database)
    again = await issued(database)
    assert sorted((about, doc.kind.value) for about, doc in again[len(found) :]) == [
        ("fee", "381"), ("sale", "381"), ("share", "261"),
    ]  # fmt: skip
    assert await missing(database) == []
    numbers: dict[str, list[int]] = {}
    for _, doc in again:
        numbers.setdefault(doc.series, []).append(doc.number)
    assert all(sorted(of_series) == list(range(1, len(of_series) + 1)) for of_series in numbers.values())
    with pytest.raises(asyncpg.PostgresError):
        await database.run(_forge)
    for rule, statement in FORGED.items():
        await edit(database_url, statement)
        assert rule in {one.rule for one in await database.run(audit.check)}


async def _as_fapiao(database: Database, clock: FixedClock, found: list[tuple[str, FiscalDoc]]) -> None:
    """The same papers as data of e-fapiao: invoices first, then what went back, once the tax office numbered and confirmed."""
    operator = actor(OPERATOR, "operator")
    blue = [doc for about, doc in found if about != "share" and not doc.kind.is_credit]
    red = [doc for about, doc in found if about != "share" and doc.kind.is_credit]
    assert isinstance(await database.run(lambda tx: efapiao.put_codes(tx, operator, TABLE.encode())), efapiao.CodesKept)
    assert await _filed(database) == sorted(doc.name for doc in blue)
    # What lacks something is passed by, however much of it stands before what lacks nothing.
    nothing = await database.run(lambda tx: efapiao.export_efapiao(tx, operator, per_file=1))
    assert isinstance(nothing, Problem)
    assert (nothing.fields["waiting"], len(red)) == (2, 2)
    # Nonsense: another number than its own, one number on two papers, a day to come, no export, no operator.
    said = [Numbered(doc.id, f"263110000000000000{n:02}", date(2026, 1, 21)) for n, doc in enumerate(blue)]
    twice = [said[0], Numbered(said[1].document_id, said[0].number, said[0].issued_on)]
    later = [Numbered(said[0].document_id, said[0].number, date(2026, 12, 31))]
    assert await _numbered(database, later) == "bad-efapiao-number"
    assert await _numbered(database, [Numbered(red[0].id, said[0].number, said[0].issued_on)]) == "bad-efapiao-number"
    assert await _numbered(database, said, who="supplier") == "forbidden"
    assert await _numbered(database, said[:1]) == "1 new, 0 known"
    assert await _numbered(database, twice) == "bad-efapiao-number"
    assert await _confirmed(database, red[0], "1") == "bad-efapiao-number"
    clock.advance(86_400)
    assert await _numbered(database, said) == f"{len(said) - 1} new, 1 known"
    assert await _confirmed(database, blue[0], "0" * 20) == "efapiao-not-red"
    red.sort(key=lambda doc: doc.id)
    for n, doc in reversed(list(enumerate(red))):
        assert await _confirmed(database, doc, f"310000261100000000{n:02}") == doc.name
        if doc is red[-1]:
            # Those before it lack something still, and keep it waiting no longer.
            assert len(red) > 1
            assert await _filed(database, per_file=1) == [doc.name]
        other = await _confirmed(database, doc, f"310000261100000001{n:02}")
        assert other == "efapiao-not-red"
    clock.advance(86_400)
    assert await _filed(database) == sorted(doc.name for doc in red[:-1])
    page = await database.run(lambda tx: efapiao.list_efapiao(tx, PageRequest(), State.DRAFT))
    assert page.items == []


async def _filed(database: Database, per_file: int = efapiao.PER_FILE) -> list[str]:
    """Export what lacks nothing; the names of the papers whose data left, each by the schema and as its paper says."""
    operator = actor(OPERATOR, "operator")
    made = await database.run(lambda tx: efapiao.export_efapiao(tx, operator, per_file=per_file))
    assert isinstance(made, efapiao.Exported), made
    rows = await database.run(lambda tx: fapiao_store.of_export(tx, ids.parse("efx", made.export)))
    for one in map(json.loads, rows):
        jsonschema.validate(one, SCHEMA)
        assert (one["red"] is None) == (one["colour"] == "blue")
        assert one["amount"].startswith("-") == (one["colour"] == "red")
    return sorted(json.loads(row)["paper"]["number"] for row in rows)


async def _numbered(database: Database, said: list[Numbered], who: str = "operator") -> str:
    kept = await database.run(lambda tx: efapiao.record_numbers(tx, actor(OPERATOR, who), said))
    return kept.slug if isinstance(kept, Problem) else f"{kept.kept} new, {kept.known} known"


async def _confirmed(database: Database, doc: FiscalDoc, number: str) -> str:
    said = Confirmed(number, Reason.ALLOWANCE)
    kept = await database.run(lambda tx: efapiao.confirm_red(tx, actor(OPERATOR, "operator"), doc.id, said))
    return kept.slug if isinstance(kept, Problem) else doc.name


async def _forge(tx: Tx) -> None:
    await (await tx.driver()).execute("UPDATE settlement.fiscal_document SET total_units = 1")


async def test_what_is_missing_is_named_and_issued_later(
    database: Database, keyring: Keyring, clock: FixedClock
) -> None:
    market = await furnished(database, keyring)
    await operated(market)
    order = await market.buy(BUYER, "one_off")
    await accept(market, order)
    clock.advance(20 * 86_400)
    await run_to(market, datetime(2026, 2, 1, tzinfo=UTC))
    assert await issued(database) == []
    assert await missing(database) == [
        ("fee", ("buyer_profile", "operator_profile")),
        ("sale", ("buyer_profile", "seller_profile")),
        ("share", ("agreement", "operator_profile", "seller_profile")),
    ]
    said = "3 accounts without papers: agreement, buyer_profile, operator_profile, seller_profile"
    assert await documents_point(database) == (False, said)
    await profiled(market, SELLER, BUYER, BROKER, OPERATOR, taxed=False)
    operator = actor(OPERATOR, "operator")
    receipt = await database.run(lambda tx: issue_missing(tx, operator))
    assert (receipt.issued, receipt.missing) == (2, 1)
    assert await missing(database) == [("share", ("agreement",))]
    agreement = await agree(market, BROKER)
    assert (await database.run(lambda tx: issue_missing(tx, operator))).issued == 1
    assert sorted((about, doc.kind.value) for about, doc in await issued(database)) == [
        ("fee", "380"), ("sale", "380"), ("share", "389"),
    ]  # fmt: skip
    await sound(database)
    assert await documents_point(database) == (True, "all out")
    name = ids.parse("sba", agreement.agreement)
    assert not hasattr(await database.run(lambda tx: end_self_billing(tx, actor(BROKER, "supplier"), name)), "slug")
    strange = await database.run(lambda tx: end_self_billing(tx, actor(SELLER, "supplier"), name))
    assert isinstance(strange, Problem)
    assert strange.slug == "not-found"
