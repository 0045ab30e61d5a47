"""Laws of fiscal documents: sums hold, bytes come back, XML repeats, nothing is billed twice, and every rule can fail."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random
from uuid import UUID
from xml.etree import ElementTree as ET

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchange.kernel.money import Money
from settlement.en16931.cii import cii
from settlement.en16931.ubl import ubl
from settlement.fiscal import DocKind, FiscalDoc, Party, Writer, coin, coins
from settlement.fiscal_document import BadDocument, document_bytes, read_document
from settlement.fiscal_papers import About, Account, Sides, Sold, first_sheets, later_sheets, write_sheet
from settlement.fiscal_rules import RULES, check
from settlement.store.fiscal import original
from tests.support.fiscal_samples import AT, BUYER, GERMAN, HOME, PLATFORM, named, samples
from tests.support.fiscal_whole import any_document

SEEDS = st.integers(min_value=0, max_value=10**9)


@given(SEEDS)
@settings(max_examples=60)
def test_any_document_keeps_the_rules_and_comes_back(seed: int) -> None:
    doc = any_document(Random(seed))
    assert check(doc) == []
    assert read_document(document_bytes(doc)) == doc
    assert (cii(doc), ubl(doc)) == (cii(read_document(document_bytes(doc))), ubl(doc))
    for write in (cii, ubl):
        ET.fromstring(write(doc))
    # What is due is the ledger's sum less what was paid, to the coin.
    assert abs(doc.totals.due.units - (doc.exact.units - doc.totals.paid.units)) <= 2 * coin(doc.currency).units
    assert doc.totals.with_tax + doc.totals.rounding == coins(doc.exact)


def test_a_document_of_another_version_is_refused() -> None:
    for wrong in (b"{}", b"[]", b"x", document_bytes(samples()["380 home"]).replace(b'"v":2', b'"v":9')):
        with pytest.raises(BadDocument):
            read_document(wrong)


def test_control_characters_and_markup_do_not_reach_the_xml() -> None:
    doc = samples()["380 outside the scope"]
    line = replace(doc.lines[0], name={"en": 'a\x00b\ud800 <c> & "d"\r', "zh": "中"})
    for write in (cii, ubl):
        tree = ET.fromstring(write(replace(doc, lines=(line, *doc.lines[1:]))))
        assert any(one.text and 'a b  <c> & "d"' in one.text for one in tree.iter())
        assert any(one.text == 'Lab "A" <Research> Inc.' for one in tree.iter())


def _party(party: Party, **changed: object) -> Party:
    return replace(party, **changed)  # type: ignore[arg-type]


HOME_DOC = samples()["380 home"]
SHARE_DOC = samples()["389 home"]
# For each rule a document that breaks it.
BREAKERS: dict[str, FiscalDoc] = {
    "BR-02": replace(HOME_DOC, series=""),
    "BR-06": replace(HOME_DOC, seller=_party(GERMAN, legal_name={"en": " "})),
    "BR-07": replace(HOME_DOC, buyer=_party(BUYER, legal_name={})),
    "BR-08": replace(HOME_DOC, seller=_party(GERMAN, address=())),
    "BR-09": replace(HOME_DOC, seller=_party(GERMAN, country="de")),
    "BR-10": replace(HOME_DOC, buyer=_party(BUYER, city="")),
    "BR-11": replace(HOME_DOC, buyer=_party(BUYER, country="")),
    "BR-16": replace(HOME_DOC, lines=()),
    "BR-21": replace(HOME_DOC, lines=(HOME_DOC.lines[0], HOME_DOC.lines[0])),
    "BR-22": replace(HOME_DOC, lines=(replace(HOME_DOC.lines[0], quantity=Decimal(0)),)),
    "BR-23": replace(HOME_DOC, lines=(replace(HOME_DOC.lines[0], unit=""),)),
    "BR-25": replace(HOME_DOC, lines=(replace(HOME_DOC.lines[0], name={"en": ""}),)),
    "BR-53": replace(HOME_DOC, vat_in=Money(0, "EUR")),
    "BR-55": replace(samples()["381 home"], preceding=(replace(samples()["381 home"].preceding[0], number=" "),)),
    "BR-CL-03": replace(HOME_DOC, totals=replace(HOME_DOC.totals, due=Money(0, "USD"))),
    "BR-CL-08": replace(HOME_DOC, notes=(replace(HOME_DOC.notes[0], subject="XXX"),)),
    "BR-CO-13": replace(HOME_DOC, totals=replace(HOME_DOC.totals, without_tax=Money(0, "EUR"))),
    "BR-CO-18": replace(HOME_DOC, groups=()),
    "BR-CO-25": replace(HOME_DOC, terms=None, totals=replace(HOME_DOC.totals, due=Money(10_000, "EUR"))),
    "BR-DEC-09": replace(HOME_DOC, totals=replace(HOME_DOC.totals, paid=Money(1, "EUR"))),
    "BR-DEC-19": replace(HOME_DOC, groups=(replace(HOME_DOC.groups[0], tax=Money(1, "EUR")),)),
    "BR-DEC-23": replace(HOME_DOC, lines=(replace(HOME_DOC.lines[0], net=Money(1, "EUR")),)),
    "CX-01": replace(SHARE_DOC, agreement_id=None),
    "CX-02": replace(SHARE_DOC, writer=Writer.EXCHANGE),
    "CX-03": replace(HOME_DOC, totals=replace(HOME_DOC.totals, due=Money(-10_000, "EUR"))),
    "CX-04": replace(HOME_DOC, totals=replace(HOME_DOC.totals, rounding=Money(50_000, "EUR"))),
    "CX-05": replace(samples()["381 home"], issued_on=samples()["381 home"].preceding[0].issued_on.replace(year=2025)),
    "CX-06": replace(samples()["381 home"], exact=Money(-1, "EUR")),
    "CX-07": replace(SHARE_DOC, series=HOME_DOC.series),
    "CX-08": replace(HOME_DOC, lines=(replace(HOME_DOC.lines[0], price=Decimal(7)),)),
    "CX-09": replace(HOME_DOC, buyer=GERMAN),
    "CX-10": replace(HOME_DOC, due_on=HOME_DOC.issued_on.replace(year=2025)),
}  # fmt: skip
# These fail before the standard's own judges, in tests/interop/test_en16931.py.
ELSEWHERE = {
    "BR-27", "BR-29", "BR-CO-09", "BR-CO-10", "BR-CO-14", "BR-CO-15", "BR-CO-16", "BR-CO-17",
}  # fmt: skip


def test_every_rule_is_broken_by_something() -> None:
    assert set(BREAKERS) | ELSEWHERE == set(RULES)
    assert [rule for rule, doc in BREAKERS.items() if rule not in {one.rule for one in check(doc)}] == []


def sold(number: int, net: int, corrects: int | None = None, kind: str = "order") -> Sold:
    """A sale, or what went back of one, taxed at 19 %."""
    tax = net * 19 // 100
    of = ("order", UUID(int=corrects)) if corrects else None
    return Sold(
        (kind, UUID(int=number)), {"en": f"{number}", "zh": f"{number}"}, net, tax, net + tax, HOME, corrects=of
    )


def account(*what: Sold) -> Account:
    """What a run bills between two."""
    sides = (GERMAN.organisation_id, BUYER.organisation_id)
    return Account(
        About.SALE, *sides, "EUR", named("run"), named("account"), 1, AT, datetime(2026, 12, 1, tzinfo=UTC), what
    )


def test_a_purchase_on_account_has_a_paper_with_its_number_and_its_day() -> None:
    own = {"order_reference": "PO-1", "due_on": AT.date() + timedelta(days=10), "paid": 0}
    late = own | {"order_reference": "PO-2", "due_on": date(2020, 1, 1)}
    whole = [
        sold(1, 100_000_000),
        *(msgspec.structs.replace(sold(n, 50_000_000), **of) for n, of in ((2, own), (3, late))),
    ]
    docs = [
        write_sheet(account(*whole), one, Sides(GERMAN, BUYER), named("a"), AT) for one in first_sheets(account(*whole))
    ]
    assert [(one.order_reference, one.due_on) for one in docs] == [
        (None, None), ("PO-1", own["due_on"]), ("PO-2", docs[2].issued_on),
    ]  # fmt: skip
    assert [check(one.numbered(1)) for one in docs] == [[], [], []]


def test_what_is_given_back_stands_on_a_paper_for_each_that_it_corrects() -> None:
    wanted = account(
        sold(1, 100_000_000), sold(2, 50_000_000), sold(3, -10_000_000, 1, "refund"), sold(4, -5_000_000, 7, "refund"),
        sold(5, 2_000_000, 7, "charge"), sold(6, -1_000_000, 9, "refund"), sold(8, 3_000_000, 9, "charge"),
    )  # fmt: skip
    sides = Sides(GERMAN, BUYER)
    (first,) = first_sheets(wanted)
    assert not first.credit
    assert [one.source[1].int for one in first.sold] == [1, 2]
    doc = write_sheet(wanted, first, sides, named("a"), AT).numbered(1)
    old = samples()["380 two rates"]
    known = {("order", UUID(int=1)): original(doc), ("order", UUID(int=7)): original(old)}
    later, lost = later_sheets(wanted, known)
    # Of what nothing is known, only what adds is a sale of its own; nothing is netted, nothing falls away.
    assert [one.source[1].int for one in lost] == [6]
    papers = [
        (one.credit, [of.source[1].int for of in one.sold], one.original and one.original.preceding.number)
        for one in later
    ]
    assert papers == [(True, [3], doc.name), (True, [4], old.name), (False, [5], old.name), (False, [8], None)]
    docs = [write_sheet(wanted, one, sides, named("b", n), AT).numbered(n) for n, one in enumerate(later, 2)]
    assert [one.kind for one in docs] == [DocKind.CREDIT_NOTE, DocKind.CREDIT_NOTE, DocKind.INVOICE, DocKind.INVOICE]
    assert [one for of in docs for one in check(of)] == []
    assert PLATFORM.organisation_id not in {one.buyer.organisation_id for one in docs}


def test_days_are_those_of_the_seller() -> None:
    late = datetime(2026, 12, 31, 23, 30, tzinfo=UTC)
    (sheet,) = first_sheets(account(sold(1, 1_000_000)))
    german = write_sheet(account(sold(1, 1_000_000)), sheet, Sides(GERMAN, BUYER), named("a"), late)
    assert (german.issued_on.isoformat(), german.series[-4:]) == ("2027-01-01", "2027")
    american = replace(GERMAN, country="US")
    other = write_sheet(account(sold(1, 1_000_000)), sheet, Sides(american, BUYER), named("a"), late)
    assert (other.issued_on.isoformat(), other.series[-4:]) == ("2026-12-31", "2026")
