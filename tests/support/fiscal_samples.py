"""Fiscal documents of every kind: home and abroad, reverse charge, outside the scope, in five currencies, with Chinese names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from exchange.kernel import ids
from exchange.kernel.money import Money, units_of
from settlement.fiscal import (
    Category,
    DocKind,
    FiscalDoc,
    LegalId,
    Party,
    Period,
    Preceding,
    Writer,
    fee_series,
    sales_series,
    self_billed_series,
)
from settlement.fiscal_build import Earlier, Head, Item, compose
from settlement.fiscal_words import NET_OF_SHARES, corrects, vat_of

AT = datetime(2026, 11, 3, 9, tzinfo=UTC)
ISSUED, PERIOD = date(2026, 11, 3), Period(date(2026, 10, 1), date(2026, 10, 31))
NET_30: Mapping[str, str] = {"en": "Net 30 days.", "zh": "30 天内付款。"}


def named(*what: object) -> UUID:
    """An id that follows from a name."""
    return ids.derived(AT, "sample", *what)


def _party(name: str, legal: Mapping[str, str], place: tuple[str, str, str, str], **numbers: Any) -> Party:
    street, city, postcode, country = place
    language = "zh" if country == "CN" else "en"
    return Party(
        named(name), legal, language, (street,), city, postcode, numbers.pop("subdivision", ""), country,
        profile_version=1, **numbers,
    )  # fmt: skip


PLATFORM = _party(
    "platform", {"en": "Corpus Exchange GmbH"}, ("Unter den Linden 1", "Berlin", "10117", "DE"),
    vat_id="DE136695976", legal_id=LegalId("HRB 123456 B"),
)  # fmt: skip
GERMAN = _party(
    "german", {"en": "Rhein Text GmbH"}, ("Domstraße 4", "Köln", "50668", "DE"), vat_id="DE136695976",
)  # fmt: skip
BUYER = _party(
    "buyer",
    {"en": "Alster KI AG"},
    ("Jungfernstieg 7", "Hamburg", "20354", "DE"),
    vat_id="DE136725570",
)
FRENCH = _party(
    "french", {"en": "Données & Fils SAS"}, ("12 rue de l'Œuvre", "Lyon", "69002", "FR"), vat_id="FR40303265045",
)  # fmt: skip
CHINESE = _party(
    "chinese", {"zh": "上海语料科技有限公司", "en": "Shanghai Corpus Technology Co., Ltd."},
    ("浦东新区张江路 88 号", "上海市", "201203", "CN"), subdivision="上海市",
    tax_id="91110000600037341L", legal_id=LegalId("91110000600037341L"),
)  # fmt: skip
BEIJING = _party(
    "beijing", {"zh": "北京智算中心有限公司", "en": "Beijing Compute Centre Ltd."},
    ("海淀区中关村大街 1 号", "北京市", "100080", "CN"),
    tax_id="91110000600037341L", legal_id=LegalId("91110000600037341L"),
)  # fmt: skip
AMERICAN = _party(
    "american", {"en": 'Lab "A" <Research> Inc.'}, ("1 Market St & 2nd", "San Francisco", "94105", "US"),
    subdivision="CA", legal_id=LegalId("529900T8BM49AURSDO55", "0199"),
)  # fmt: skip
JAPANESE = _party(
    "japanese", {"en": "Tokyo Gengo K.K.", "zh": "东京言语株式会社"}, ("1-1 Marunouchi", "Tokyo", "100-0005", "JP"),
    tax_id="T7000012050002",
)  # fmt: skip

_NOTE = {"en": "As the law of {} says.", "zh": "依 {} 法律。"}


def treatment(code: str, rate: str = "0", country: str = "DE") -> dict[str, Any]:
    """A treatment as it stands beside an order."""
    note = {language: text.format(country) for language, text in _NOTE.items()}
    return {"code": code, "rate": rate, "country": country, "name": note, "note": note, "source": "sample"}


HOME, BOOKS = treatment("standard", "0.19"), treatment("reduced", "0.07")
CHINA, JAPAN = treatment("standard", "0.06", "CN"), treatment("standard", "0.1", "JP")
REVERSE, ABROAD = treatment("reverse_charge", country="FR"), treatment("outside_scope")
ZERO, EXEMPT = treatment("zero", country="CN"), treatment("exempt")
UNREGISTERED = None
Treated = Mapping[str, Any] | None


def item(number: int, net: str, currency: str, treated: Treated, kind: str = "order", what: str = "") -> Item:
    """A line's worth: an exact net amount, taxed exactly."""
    units = units_of(net)
    rate = Decimal(treated["rate"]) if treated else Decimal(0)
    tax = Money(round(Decimal(units) * rate), currency)
    source = named(kind, number, net, currency)
    names = {
        "order": {"en": f"Order {number}: news corpus", "zh": f"订单 {number}：新闻语料"},
        "charge": {"en": f"Use of corpus {number}", "zh": f"语料 {number} 的用量"},
        "refund": {"en": f"Refund for order {number}", "zh": f"订单 {number} 退款"},
        "statement": {"en": f"Share of sales {number}", "zh": f"销售分成 {number}"},
    }
    words = {"en": what, "zh": what} if what else None
    return Item((kind, source), names[kind], Money(units, currency), tax, vat_of(treated), words, PERIOD)


def invoice(name: str, parties: tuple[Party, Party], items: Sequence[Item], **more: Any) -> FiscalDoc:
    """An invoice in a seller's name, paid from the wallet unless it says otherwise."""
    seller, buyer = parties
    exact = sum((one.net + one.tax for one in items), Money.zero(items[0].net.currency))
    more.setdefault("paid", exact)
    series = sales_series(seller.organisation_id, ISSUED.year)
    head = Head(
        named("invoice", name), DocKind.INVOICE, Writer.EXCHANGE, series, ISSUED, seller, buyer, named("run"),
        period=PERIOD, **more,
    )  # fmt: skip
    return compose(head, items).numbered(7)


def credit(of: FiscalDoc, items: Sequence[Item], earlier: Earlier | None = None) -> FiscalDoc:
    """A credit note for an earlier document, by whoever wrote that one; `earlier`: what others gave back of it before."""
    kind = DocKind.SELF_BILLED_CREDIT if of.kind.is_self_billed else DocKind.CREDIT_NOTE
    exact = sum((one.net + one.tax for one in items), Money.zero(of.currency))
    head = Head(
        named("credit", of.id), kind, of.writer, of.series, date(2026, 12, 2), of.seller, of.buyer, named("run2"),
        paid=exact, period=PERIOD, preceding=(Preceding(of.id, of.name, of.issued_on),), notes=(corrects(of.name),),
        agreement_id=of.agreement_id, earlier=earlier,
    )  # fmt: skip
    return compose(head, items).numbered(8)


def self_billed(name: str, supplier: Party, items: Sequence[Item]) -> FiscalDoc:
    """What the exchange writes in a supplier's place for what it bought from it."""
    exact = sum((one.net + one.tax for one in items), Money.zero(items[0].net.currency))
    series = self_billed_series(supplier.organisation_id, ISSUED.year)
    head = Head(
        named("self", name), DocKind.SELF_BILLED, Writer.BUYER, series, ISSUED, supplier, PLATFORM, named("run"),
        paid=exact, period=PERIOD, terms=NET_OF_SHARES, agreement_id=named("agreement", name),
    )  # fmt: skip
    return compose(head, items).numbered(3)


def fee(name: str, seller: Party, items: Sequence[Item]) -> FiscalDoc:
    """The exchange's own invoice for its fee."""
    doc = invoice(f"fee {name}", (PLATFORM, seller), items, terms=NET_OF_SHARES)
    series = fee_series(seller.organisation_id, ISSUED.year)
    return replace(doc, writer=Writer.SELLER, notes=(), series=series)


def samples() -> dict[str, FiscalDoc]:
    """All of them, by name; the name says what is in it."""
    home = invoice("home", (GERMAN, BUYER), [item(1, "100.00", "EUR", HOME), item(2, "0.004999", "EUR", HOME)])
    reverse = invoice("reverse", (GERMAN, FRENCH), [item(3, "1234.565", "EUR", REVERSE)])
    abroad = invoice("abroad", (GERMAN, AMERICAN), [item(4, "99.999999", "USD", ABROAD)])
    china = invoice("china", (CHINESE, BEIJING), [item(n, f"{n}.333333", "CNY", CHINA) for n in range(1, 6)])
    japan = invoice("japan", (JAPANESE, AMERICAN), [item(6, "1005", "JPY", JAPAN), item(7, "0.4", "JPY", JAPAN)])
    self_home = self_billed("self home", GERMAN, [item(8, "70.005", "EUR", HOME, "statement")])
    self_reverse = self_billed("self reverse", FRENCH, [item(9, "300", "EUR", REVERSE, "statement")])
    self_china = self_billed("self china", CHINESE, [item(10, "88.88", "CNY", ABROAD, "statement")])
    self_japan = self_billed("self japan", JAPANESE, [item(11, "12345", "JPY", UNREGISTERED, "statement")])
    discount = [item(12, "50", "EUR", HOME), item(13, "-5.5", "EUR", HOME, "charge", "Discount: 10 % / 折扣 10 %")]
    account = [item(15, "500", "EUR", HOME, "charge", "1,000 × 0.5")]
    rest = [
        replace(item(1, "59.996", "EUR", HOME, "refund"), before=Money(40_004_000, "EUR")),
        replace(item(2, "0.004999", "EUR", HOME, "refund"), before=Money(0, "EUR")),
    ]
    return {
        "380 home": home,
        "380 reverse charge": reverse,
        "380 outside the scope": abroad,
        "380 china": china,
        "380 japan": japan,
        "380 two rates": invoice(
            "rates", (GERMAN, BUYER), [item(16, "10.005", "EUR", HOME), item(17, "7.77", "EUR", BOOKS)]
        ),
        "380 discount": invoice("discount", (GERMAN, BUYER), discount),
        "380 zero": invoice("zero", (CHINESE, GERMAN), [item(18, "640.1", "CNY", ZERO)]),
        "380 exempt": invoice("exempt", (GERMAN, FRENCH), [item(19, "12", "EUR", EXEMPT)]),
        "380 not registered": invoice("plain", (AMERICAN, CHINESE), [item(20, "0.01", "USD", UNREGISTERED)]),
        "380 on account": invoice(
            "account", (GERMAN, BUYER), account, paid=None, due_on=date(2026, 12, 3), terms=NET_30,
            order_reference="PO-4711 & 12",
        ),
        "380 partly paid": invoice(
            "partly", (GERMAN, BUYER), [item(21, "80", "EUR", HOME)], paid=Money(20_000_000, "EUR"),
            due_on=date(2026, 12, 3), terms=NET_30,
        ),
        "380 corrective": invoice(
            "late", (GERMAN, BUYER), [item(22, "3", "EUR", HOME, "charge")],
            preceding=(Preceding(home.id, home.name, home.issued_on),),
        ),
        "380 fee": fee("home", GERMAN, [item(23, "12", "EUR", HOME, "statement")]),
        "380 fee reverse charge": fee("reverse", FRENCH, [item(24, "12.345", "EUR", REVERSE, "statement")]),
        "380 fee abroad": fee("abroad", CHINESE, [item(25, "5", "CNY", ABROAD, "statement")]),
        "381 home": credit(home, [item(1, "40.004", "EUR", HOME, "refund")]),
        "381 the rest": credit(home, rest, Earlier({(Category.STANDARD, Decimal(19)): Money(40_000_000, "EUR")}, Money(47_604_760, "EUR"))),
        "381 reverse charge": credit(reverse, [item(3, "1234.565", "EUR", REVERSE, "refund")]),
        "381 outside the scope": credit(abroad, [item(4, "1", "USD", ABROAD, "refund")]),
        "381 china": credit(china, [item(2, "2.333333", "CNY", CHINA, "refund")]),
        "381 japan": credit(japan, [item(6, "505", "JPY", JAPAN, "refund")]),
        "389 home": self_home,
        "389 reverse charge": self_reverse,
        "389 china": self_china,
        "389 japan": self_japan,
        "261 home": credit(self_home, [item(8, "7.005", "EUR", HOME, "statement")]),
        "261 reverse charge": credit(self_reverse, [item(9, "30", "EUR", REVERSE, "statement")]),
        "261 china": credit(self_china, [item(10, "8.88", "CNY", ABROAD, "statement")]),
        "261 japan": credit(self_japan, [item(11, "345", "JPY", UNREGISTERED, "statement")]),
    }  # fmt: skip
