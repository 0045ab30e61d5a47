"""A fiscal document as a paper for people: who, what, how each amount comes about, and the words that the law wants."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction

from exchange.kernel import ids
from exchange.kernel.money import Money, decimal_text
from exchange.kernel.text import Text
from settlement.fiscal import (
    Category,
    DocKind,
    DocLine,
    FiscalDoc,
    Party,
    VatGroup,
    Writer,
    decimal_plain,
    digits,
)
from settlement.fiscal_build import tax_of
from settlement.fiscal_words import REGULATION, TITLES
from settlement.paper.sheet import (
    Block,
    Box,
    Boxes,
    Column,
    Facts,
    Row,
    Sentences,
    Sheet,
    Sum,
    Sums,
    Table,
    Words,
    shown,
)

_SOURCES = {
    "order": ("ord", Text("order", "订单")),
    "charge": ("chg", Text("charge", "计费")),
    "refund": ("rfd", Text("refund", "退款")),
    "statement": ("stm", Text("statement", "结算单")),
}
# UNCL 5305, in words.
_CATEGORIES = {
    Category.STANDARD: Text("Taxed", "应税"),
    Category.ZERO: Text("Zero rate", "零税率"),
    Category.EXEMPT: Text("Exempt", "免税"),
    Category.REVERSE_CHARGE: Text("Reverse charge", "反向征税"),
    Category.EXPORT: Text("Export", "出口"),
    Category.OUTSIDE: Text("Outside the scope of tax", "不在征税范围"),
}
_NO_FAPIAO = Text(
    "This paper is not a Chinese VAT e-invoice (fapiao); where one is due, the seller issues it in the tax office's system.",
    "本单据不是增值税发票；依法应开具发票的，由销售方通过税务机关的电子发票服务平台开具。",
)


def fiscal_sheet(doc: FiscalDoc, sha256: bytes, language: str) -> Sheet:
    """The paper of a document in one language; it says what the document says and adds nothing but the arithmetic.

    shapes   sha256: of the document's bytes
    errors   KeyError for a source of a kind that no table of ours has
    """
    words = Words(language)
    title = words.of(TITLES[doc.kind])
    return Sheet(
        language=language,
        title=title,
        number=doc.name,
        dated=doc.issued_on,
        author=doc.seller.name if doc.writer is not Writer.BUYER else doc.buyer.name,
        foot=f"{title} {doc.name}",
        blocks=tuple(_blocks(doc, sha256, words)),
        about=f"{doc.kind.value} {ids.text('doc', doc.id)}",
    )


def _blocks(doc: FiscalDoc, sha256: bytes, words: Words) -> Iterator[Block]:
    yield Boxes(
        (
            Box(words("Seller", "销售方"), _party(doc.seller, words)),
            Box(words("Buyer", "购买方"), _party(doc.buyer, words)),
        )
    )
    yield Facts(tuple(_facts(doc, words)))
    yield _lines(doc, words)
    yield _groups(doc, words)
    yield _sums(doc, words)
    made_of = words(
        f"This paper says in words what document {ids.text('doc', doc.id)} says. SHA-256 of that: {sha256.hex()}",
        f"本文本为单据 {ids.text('doc', doc.id)} 的文字表述，其 SHA-256： {sha256.hex()}",
    )
    yield Sentences(words("Notes", "说明"), (*_notes(doc, words), made_of))


def _party(party: Party, words: Words) -> tuple[str, ...]:
    place = " ".join(part for part in (party.postcode, party.city) if part)
    lines = [party.name]
    if party.other_name:
        lines.append(party.other_name)
    lines += [*party.address, place]
    # In China a province may be a city of the same name.
    if party.subdivision and party.subdivision != party.city:
        lines.append(party.subdivision)
    lines.append(party.country)
    if party.vat_id:
        lines.append(f"{words('VAT number', '增值税号')}{words.colon()}{party.vat_id}")
    if party.tax_id:
        # The standard has no place for a buyer's (BT-32 is the seller's); people look for it all the same.
        lines.append(f"{words('Tax number', '税号')}{words.colon()}{party.tax_id}")
    if party.legal_id and party.legal_id.value != party.tax_id:
        lines.append(f"{words('Register number', '登记号')}{words.colon()}{party.legal_id.value}")
    lines.append(ids.text("org", party.organisation_id))
    return tuple(line for line in lines if line)


def _facts(doc: FiscalDoc, words: Words) -> Iterator[tuple[str, str]]:
    yield words("Issued on", "开具日期"), words.day(doc.issued_on)
    if doc.period:
        yield words("Period of supply", "供应期间"), words.days(doc.period.start, doc.period.end)
    if doc.tax_point:
        yield words("Tax point", "纳税义务发生日"), words.day(doc.tax_point)
    if doc.due_on:
        yield words("Due on", "付款期限"), words.day(doc.due_on)
    for one in doc.preceding:
        yield (
            words("Corrects", "更正单据"),
            words(f"{one.number} of {words.day(one.issued_on)}", f"{one.number}（{words.day(one.issued_on)}）"),
        )
    if doc.order_reference:
        yield words("Your purchase order", "采购订单号"), doc.order_reference
    if doc.agreement_id:
        yield words("Self-billing agreement", "自开票协议"), ids.text("sba", doc.agreement_id)
    if doc.run_id:
        yield words("Settlement run", "结算批次"), ids.text("run", doc.run_id)
    yield words("Currency", "币种"), doc.currency


def _lines(doc: FiscalDoc, words: Words) -> Table:
    columns = (
        Column(words("No.", "序号"), 6),
        Column(words("What", "内容"), 44),
        Column(words("Quantity", "数量"), 10, number=True),
        Column(words("Price", "单价"), 16, number=True),
        Column(words("Tax", "税率"), 10, number=True),
        Column(words("Net", "金额"), 16, number=True),
    )
    return Table(words("Lines", "明细"), columns, tuple(_line(doc, line, words) for line in doc.lines), indented=True)


def _line(doc: FiscalDoc, line: DocLine, words: Words) -> Row:
    prefix, kind = _SOURCES[line.source[0]]
    below = []
    if line.description:
        below.append(words.of(line.description))
    below.append(f"{words.of(kind)} {ids.text(prefix, line.source[1])}")
    if line.period and line.period != doc.period:
        below.append(words.days(line.period.start, line.period.end))
    places = digits(doc.currency)
    price = Money(int(line.price.scaleb(6)), doc.currency)
    exact = price.units * line.quantity
    if exact != line.net.units:
        product = f"{_number(line.quantity)} × {shown(price, places)}"
        below.append(
            words(
                f"{product} = {decimal_text(line.exact.units)}, rounded half to even to {_amount(line.net)}",
                f"{product} = {decimal_text(line.exact.units)}，按“四舍六入五成双”取整为 {_amount(line.net)}",
            )
        )
    cells = (
        str(line.number),
        words.of(line.name),
        _number(line.quantity),
        shown(price, places),
        _rate(line.category, line.rate),
        _amount(line.net),
    )
    return Row(cells, tuple(below))


def _groups(doc: FiscalDoc, words: Words) -> Table:
    columns = (
        Column(words("Treatment", "税务处理"), 30),
        Column(words("Base", "计税基础"), 15, number=True),
        Column(words("Rate", "税率"), 9, number=True),
        Column(words("How", "计算"), 34, number=True),
        Column(words("Tax", "税额"), 14, number=True),
    )
    return Table(words("Tax", "税额"), columns, tuple(_group(group, words) for group in doc.groups))


def _group(group: VatGroup, words: Words) -> Row:
    taxed = group.category in (Category.STANDARD, Category.ZERO)
    how = _product(group, words) if taxed else "–"
    below = []
    if group.reason:
        below.append(words.law(group.reason) + (f" ({group.reason_code})" if group.reason_code else ""))
    if taxed and group.exact != group.tax:
        below.append(
            words(
                f"In the ledger, before rounding: {decimal_text(group.exact.units)}",
                f"账簿中取整前的税额：{decimal_text(group.exact.units)}",
            )
        )
    cells = (
        f"{words.of(_CATEGORIES[group.category])} ({group.category.value})",
        _amount(group.base),
        _rate(group.category, group.rate),
        how,
        _amount(group.tax),
    )
    return Row(cells, tuple(below))


def _product(group: VatGroup, words: Words) -> str:
    exact = Fraction(group.base.units) * Fraction(group.rate) / 100
    said = f"{_amount(group.base)} × {decimal_plain(group.rate)} %"
    if exact == group.tax.units:
        return said
    # Base and rate have few decimals, so their product ends.
    product = decimal_plain(Decimal(exact.numerator) / Decimal(exact.denominator) / 1_000_000)
    if group.tax != tax_of(group.base, group.rate):
        return words(f"{said} = {product}, rounded with earlier ones", f"{said} = {product}，与此前各单合并取整")
    return words(f"{said} = {product}, rounded", f"{said} = {product}，取整")


def _sums(doc: FiscalDoc, words: Words) -> Sums:
    totals, credit = doc.totals, doc.kind.is_credit
    count = len(doc.lines)
    rows = [
        Sum(
            words("Sum of the lines", "明细合计"),
            words(f"{count} line{'s' if count > 1 else ''}", f"共 {count} 行"),
            _amount(totals.lines),
        ),
        Sum(words("+ tax", "+ 税额"), words("as above", "见上表"), _amount(totals.tax)),
        Sum(
            words("= total with tax", "= 价税合计"),
            f"{_amount(totals.without_tax)} + {_amount(totals.tax)}",
            _with(totals.with_tax),
            strong=True,
        ),
    ]
    if totals.paid.units:
        paid = words("− given back already", "− 已退还") if credit else words("− paid already", "− 已付")
        rows.append(Sum(paid, "", _amount(totals.paid)))
    if totals.rounding.units:
        how = words(
            f"the ledger's exact sum is {decimal_text(doc.exact.units)}",
            f"账簿中的精确合计为 {decimal_text(doc.exact.units)}",
        )
        rows.append(Sum(words("+ rounding", "+ 取整差额"), how, _amount(totals.rounding)))
    due = words("= to be given back", "= 应退") if credit else words("= due", "= 应付")
    parts = [_amount(totals.with_tax)]
    parts += [f"− {_amount(totals.paid)}"] if totals.paid.units else []
    parts += [f"+ {_in_sum(totals.rounding)}"] if totals.rounding.units else []
    rows.append(Sum(due, " ".join(parts) if len(parts) > 1 else "", _with(totals.due), strong=True))
    if doc.vat_in:
        # Where tax is accounted for in another currency, the office reads this one (BT-111).
        name = words(f"Tax in {doc.vat_in.currency}", f"以 {doc.vat_in.currency} 计的税额")
        rows.append(Sum(name, "", _with(doc.vat_in)))
    return Sums(words("Sums", "合计"), tuple(rows))


def _notes(doc: FiscalDoc, words: Words) -> Iterator[str]:
    for note in doc.notes:
        yield words.law(note.text) if note.subject == REGULATION else words.of(note.text)
    if doc.terms:
        yield words.of(doc.terms)
    if doc.kind in (DocKind.CREDIT_NOTE, DocKind.SELF_BILLED_CREDIT):
        yield words(
            "All amounts are given back: they stand above zero on a credit note.",
            "本单据所列金额均为退还金额，以正数列示。",
        )
    if "CN" in (doc.seller.country, doc.buyer.country):
        yield words.of(_NO_FAPIAO)


def _amount(money: Money) -> str:
    return shown(money, digits(money.currency))


def _in_sum(money: Money) -> str:
    return f"({_amount(money)})" if money.units < 0 else _amount(money)


def _with(money: Money) -> str:
    return f"{money.currency} {_amount(money)}"


def _number(quantity: object) -> str:
    return str(quantity).replace("-", "−")


def _rate(category: Category, rate: object) -> str:
    # Outside the scope there is no rate, not even one of zero.
    return "–" if category is Category.OUTSIDE else f"{rate} %"
