"""Bank details, statements in camt.053, files for banks, and whose money a line is."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from datetime import UTC, date, datetime
from uuid import UUID
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.kernel import ids
from exchange.kernel.errors import Problem
from exchange.kernel.money import Money
from exchange.kernel.subjects import SubjectKey, Unreadable
from settlement.banking.camt import Fault, Statement, read_camt
from settlement.banking.details import (
    BankDetails,
    Scheme,
    account_digest,
    opened_details,
    read_details,
    sealed_details,
)
from settlement.banking.files import FileForm, OrderList, PayOrder, cn_csv, pain001, sepa_text
from settlement.banking.matching import BetweenOurs, CameBack, CameIn, Entry, Known, Open, PaidOut, match, named
from settlement.payments import Method, Payment, PaymentState, Purpose
from settlement.payouts import Payout, PayoutState, Rail
from tests.support.camt_files import Booked, camt053

IBAN, OTHER = "DE89370400440532013000", "FR1420041010050500013M02606"
NOON = datetime(2026, 1, 14, 12, tzinfo=UTC)
EURO = 1_000_000
OURS = BankDetails(Scheme.IBAN, "Corpus Exchange 语料", IBAN, "COBADEFFXXX")


def _id(n: int) -> UUID:
    return ids.derived(NOON, "test", n)


@pytest.mark.parametrize(
    ("given_", "wrong"),
    [
        (("iban", "Müller & Co", "de89 3704 0044 0532 0130 00", "COBADEFF"), None),
        (("iban", "A", IBAN, ""), None),
        (("iban", "A", "DE89370400440532013001", ""), "account"),
        (("iban", "A", "BR1800360305000010009795493C1", ""), "account"),
        (("iban", "A", IBAN, "COBAFRPP"), "bank"),
        (("iban", "A", IBAN, "COBA"), "bank"),
        (("iban", "=1+1", IBAN, ""), "holder"),
        (("iban", "\uff1d1+1", IBAN, ""), "holder"),
        (("cn", "\u3000\uff0b86 公司", "6222021234567890123", "102100099996", "B"), "holder"),
        (("cn", "A", "6222021234567890123", "102100099996", " \uff20SUM(1)"), "bank_name"),
        (("cn", "北京语料有限公司", "6222 0212 3456 7890 123", "102100099996", "中国工商银行北京市分行"), None),
        (("cn", "A", "62220212345678X", "102100099996", "B"), "account"),
        (("cn", "A", "6222021234567890123", "10210009999", "B"), "bank"),
        (("cn", "A", "6222021234567890123", "102100099996", ""), "bank_name"),
    ],
)
def test_bank_details_are_right_or_say_what_is_wrong(given_: tuple[str, ...], wrong: str | None) -> None:
    found = read_details(Scheme(given_[0]), *given_[1:])
    assert (found.fields["field"] if isinstance(found, Problem) else None) == wrong
    if isinstance(found, BankDetails):
        assert found.account not in repr(found)
        key = SubjectKey(_id(1), bytes(32))
        sealed = sealed_details(key, _id(2), found)
        assert found.account.encode() not in sealed
        assert opened_details(key.key, _id(2), found.scheme, sealed) == found
        assert opened_details(None, _id(2), found.scheme, sealed) is None
        with pytest.raises(Unreadable):
            opened_details(key.key, _id(3), found.scheme, sealed)


@pytest.mark.parametrize("version", ["02", "04", "08", "14"])
def test_a_statement_of_any_version_is_read_to_the_same(version: str) -> None:
    rows = [
        Booked(50 * EURO, "R1", words=("pay_x", "second"), other=OTHER),
        Booked(-7 * EURO, "R2", end_to_end="pot-1"),
        Booked(99 * EURO, "R3", status="PDNG"),
        Booked(3 * EURO, words=("back",), reason="AC04"),
        Booked(-5 * EURO, "R4", parts=(Booked(-2 * EURO, end_to_end="a"), Booked(-3 * EURO, end_to_end="b"))),
    ]
    found = read_camt(camt053(IBAN, rows, opening=-EURO, version=version))
    assert isinstance(found, tuple), found
    (one,) = found
    assert (one.reference, one.account, one.opening.units, one.closing.units) == (
        "S1",
        account_digest(IBAN),
        -EURO,
        40 * EURO,
    )
    assert [(line.entry_ref, line.amount.units, line.end_to_end) for line in one.lines] == [
        ("R1", 50 * EURO, None),
        ("R2", -7 * EURO, "pot-1"),
        ("S1/3", 3 * EURO, None),
        ("R4", -2 * EURO, "a"),
        ("R4#2", -3 * EURO, "b"),
    ]
    assert one.lines[0].remittance == ("pay_x", "second")
    assert one.lines[0].counterparty == account_digest(OTHER)
    assert one.lines[2].return_reason == "AC04"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (camt053(IBAN, [Booked(EURO, "R")], closing=2 * EURO), "sum"),
        (camt053(IBAN, [Booked(EURO, "R")], kind="ITBD"), "balances"),
        (camt053(IBAN, [], version="15"), "not_camt"),
        (camt053(IBAN, []).replace(b"camt.053.001.08", b"camt.054.001.08"), "not_camt"),
        (camt053(IBAN, [Booked(EURO, "R")]).replace(b'<Ntry><Amt Ccy="EUR">', b'<Ntry><Amt Ccy="USD">'), "currency"),
        (camt053(IBAN, [Booked(EURO, "R")]).replace(b">1.00<", b">1,00<"), "amount"),
        (camt053(IBAN, [Booked(EURO, "R")]).replace(b"<BookgDt><Dt>2026-01-14", b"<BookgDt><Dt>14.01.2026"), "date"),
        (camt053(IBAN, []).replace(b"<Id>S1</Id>", b""), "no_reference"),
        (camt053(IBAN, []).replace(IBAN.encode(), b""), "no_account"),
        (b'<!DOCTYPE a [<!ENTITY b "c">]>' + camt053(IBAN, []).partition(b"?>")[2], "not_xml"),
        (camt053(IBAN, [])[:-20], "not_xml"),
        (b"", "not_xml"),
        (camt053(IBAN, []).replace(b"</Stmt>", b"<A>" * 62 + b"</A>" * 62 + b"</Stmt>"), "too_deep"),
    ],
)
def test_a_statement_that_is_not_whole_is_refused_whole(content: bytes, reason: str) -> None:
    found = read_camt(content)
    assert isinstance(found, Fault), found
    assert found.reason == reason
    assert set(found.text) == {"en", "zh"}


@given(st.lists(st.integers(-(10**15), 10**15).filter(bool), max_size=20), st.integers(-(10**15), 10**15))
def test_whatever_is_read_adds_up(amounts: list[int], opening: int) -> None:
    found = read_camt(camt053(IBAN, [Booked(units, "same") for units in amounts], opening=opening))
    assert isinstance(found, tuple)
    assert isinstance(found[0], Statement)
    assert [line.amount.units for line in found[0].lines] == amounts
    assert len({line.entry_ref for line in found[0].lines}) == len(amounts)
    assert found[0].closing.units - found[0].opening.units == sum(amounts)


def test_a_statement_may_hold_what_nobody_knows_as_deep_as_64() -> None:
    deep = b"<BkToCstmrStmt>" * 30 + b"</BkToCstmrStmt>" * 30
    assert isinstance(read_camt(camt053(IBAN, [Booked(EURO, "R")]).replace(b"</Stmt>", deep + b"</Stmt>")), tuple)


def _list(orders: int) -> OrderList:
    to = [
        BankDetails(Scheme.IBAN, "Łukasz Żółć & 北京", IBAN, ""),
        BankDetails(Scheme.IBAN, "Société", OTHER, "PSSTFRPPXXX"),
    ]
    made = [PayOrder(ids.text("pot", _id(n)), to[n % 2], Money((n + 1) * 10_000, "EUR"), "a_b") for n in range(orders)]
    return OrderList(ids.text("bat", _id(0)), OURS, date(2026, 2, 2), made)


def test_the_same_list_is_the_same_pain_001_and_every_payment_is_in_it_once() -> None:
    wanted = _list(25)
    content = pain001(wanted, NOON)
    assert content == pain001(_list(25), NOON)
    assert content != pain001(_list(25), NOON.replace(hour=13)) != pain001(_list(24), NOON)
    root = ElementTree.fromstring(content)
    space = "{urn:iso:std:iso:20022:tech:xsd:pain.001.001.09}"
    assert [one.text for one in root.iter(f"{space}EndToEndId")] == [o.name.replace("_", "-") for o in wanted.orders]
    assert [one.text for one in root.iter(f"{space}CtrlSum")] == ["3.25", "3.25"]
    assert {one.text for one in root.iter(f"{space}BtchBookg")} == {"false"}
    names = {one.text for one in root.iter(f"{space}Nm")}
    assert names == {"Corpus Exchange Yu Liao", "Lukasz Zolc Bei Jing", "Societe"}
    assert sepa_text("a_b @ §") == "a b SS"
    for amount in (Money(1, "EUR"), Money(EURO, "USD"), Money(10**15 + 10**10, "EUR")):
        with pytest.raises(ValueError):
            pain001(replace(wanted, orders=[replace(wanted.orders[0], amount=amount)]), NOON)


def test_the_table_for_chinese_banks_holds_texts_and_no_formula() -> None:
    to = BankDetails(Scheme.CN, "北京𠮷语料", "6222021234567890123", "102100099996", "工行北京分行")
    orders = [PayOrder("pot_1", to, Money(1_234_560_000, "CNY"), "pot_1")]
    wanted = OrderList("bat_1", to, date(2026, 2, 2), orders)
    for form, codec in ((FileForm.CSV_GB18030, "gb18030"), (FileForm.CSV_UTF8, "utf-8-sig")):
        content = cn_csv(wanted, form)
        assert content == cn_csv(wanted, form)
        rows = list(csv.reader(io.StringIO(content.decode(codec), newline="")))
        assert rows[1] == [to.holder, to.account, to.bank_name, to.bank, "1234.56", "CNY", "pot_1", "pot_1"]
        assert f'"{to.account}"'.encode() in content
        for evil in ('=HYPERLINK("x")', " =1", "\uff0b1,2", "\uff20w", "\u3000\uff0d1"):
            for details in (replace(to, holder=evil), replace(to, bank_name=evil)):
                with pytest.raises(ValueError, match="formula"):
                    cn_csv(replace(wanted, orders=[replace(orders[0], to=details)]), form)


def _payout(n: int, state: PayoutState, units: int = 5 * EURO) -> Payout:
    return Payout(_id(n), _id(90), 1, "2026-01", Rail.BANK, "dst", Money(units, "EUR"), state, NOON)


def _entry(n: int, units: int, *words: str, other: bytes | None = None, reason: str | None = None) -> Entry:
    return Entry(_id(1000 + n), str(n), Money(units, "EUR"), words, other, reason)


def test_a_name_is_found_however_a_bank_breaks_it() -> None:
    name = ids.text("pay", _id(7))
    for words in ([name], [name.upper().replace("_", "-")], [f"inv 5 {name[:9]}", f"{name[9:]} thanks"], [f"x{name}y"]):
        assert ("pay", _id(7)) in named(words), words
    assert named(["pay_0", "organisation", "pot-pay"]) == []


def test_lines_find_payouts_wallets_and_the_inbox() -> None:
    pay, org, inv = _id(3), _id(4), _id(5)
    payment = Payment(pay, org, Purpose.TOP_UP, None, Money(9 * EURO, "EUR"), Method.BANK, PaymentState.CREATED, NOON)
    exported, paid = _payout(1, PayoutState.EXPORTED), _payout(2, PayoutState.PAID)
    payouts = {_id(1): exported, _id(2): paid, _id(6): _payout(6, PayoutState.CREATED)}
    digest, announced = b"d" * 32, {(org, Money(4 * EURO, "EUR")): _id(8)}
    known = Known(
        payouts, {pay: payment}, frozenset({org}), {inv: _id(90)}, {digest: org}, announced, {b"o" * 32: _id(9)}
    )
    pot = [ids.text("pot", _id(n)).replace("_", "-") for n in (1, 2, 6)]
    entries = [
        _entry(1, -5 * EURO, pot[0]),
        _entry(2, -5 * EURO, pot[0]),
        _entry(3, 5 * EURO, pot[0], reason="AC01"),
        _entry(4, 5 * EURO, "returned", pot[1]),
        _entry(5, -4 * EURO, pot[1]),
        _entry(6, -5 * EURO, pot[2]),
        _entry(7, 9 * EURO, ids.text("pay", pay)),
        _entry(8, 9 * EURO, ids.text("pay", pay)),
        _entry(9, EURO, ids.text("org", org).upper()),
        _entry(10, EURO, ids.text("inv", inv)),
        _entry(11, 4 * EURO, "thanks", other=digest),
        _entry(12, 3 * EURO, "thanks", other=digest),
        _entry(13, 4 * EURO, "thanks"),
        _entry(14, EURO, ids.text("org", org), reason="MD07"),
        _entry(15, EURO, "to escrow", other=b"o" * 32),
        _entry(16, -EURO, "to escrow", other=b"o" * 32),
        _entry(17, EURO, ids.text("ord", inv)),
    ]
    assert match(entries, known) == [
        PaidOut(exported),
        Open(),
        CameBack(exported, "AC01"),
        CameBack(paid, "returned"),
        Open(),
        Open(),
        CameIn(org, pay),
        CameIn(org),
        CameIn(org),
        CameIn(_id(90)),
        Open(org, _id(8)),
        Open(),
        Open(),
        Open(),
        BetweenOurs(_id(9)),
        BetweenOurs(_id(9)),
        CameIn(_id(90), None, inv),
    ]
