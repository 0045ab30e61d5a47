"""The rules of EN 16931 on each category of tax: who must be named by which number, which rates, which reasons.

source   EN 16931-1:2017+A1:2019, clause 6.4.3, table by table
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from exchange.kernel.money import Money
from exchange.kernel.text import Text
from settlement.fiscal import Category, FiscalDoc, VatGroup

_GROUPED = Text(
    "each category has its group, and the standard rate one a rate", "每个税种类别须各有一组，标准税率按税率分组"
)
_SELLER = Text("the seller has a tax number", "销售方须有税号")
_BUYER = Text("the buyer has a VAT or a register's number", "买方须有增值税号或登记号")
_RATE = Text("its rate is what the category allows", "税率须符合其类别")
_BASE = Text("its base is the sum of its lines", "税基须等于所属各行之和")
_NONE = Text("it has no tax", "税额须为零")
_REASON = Text("it says why there is no tax", "须写明不征税的原因")
_NO_REASON = Text("a rate needs no reason", "适用税率时不得写免税原因")
_NO_NUMBERS = Text("outside the scope of tax no VAT number is shown", "不在征税范围内时不得写增值税号")
_ALONE = Text("what is outside the scope of tax stands alone", "不在征税范围内的项目须单独开具")
_PREFIX = {
    Category.STANDARD: "BR-S",
    Category.ZERO: "BR-Z",
    Category.EXEMPT: "BR-E",
    Category.REVERSE_CHARGE: "BR-AE",
    Category.EXPORT: "BR-G",
    Category.OUTSIDE: "BR-O",
}
_RATED = frozenset({Category.STANDARD, Category.ZERO})
_VATEX = {
    Category.REVERSE_CHARGE: "VATEX-EU-AE",
    Category.EXPORT: "VATEX-EU-G",
    Category.OUTSIDE: "VATEX-EU-O",
}


def tax_rules(doc: FiscalDoc) -> Iterator[tuple[str, Text]]:
    """The rules on tax that a document breaks, by name and in words."""
    used = {line.category for line in doc.lines} | {group.category for group in doc.groups}
    for category in sorted(used):
        groups = [group for group in doc.groups if group.category is category]
        rates = [one.rate for one in doc.lines if one.category is category] + [one.rate for one in groups]
        rules = {
            "01": (_GROUPED, _grouped(doc, category, groups)),
            "02": (_seller_words(category), _seller(doc, category)),
            "05": (_RATE, all(_rate(category, rate) for rate in rates)),
            "08": (_BASE, all(_base(doc, group) for group in groups)),
            "09": (_NONE, category is Category.STANDARD or all(not group.tax.units for group in groups)),
            "10": (_NO_REASON if category in _RATED else _REASON, all(_reason(group) for group in groups)),
        }
        if category is Category.REVERSE_CHARGE:
            rules["02b"] = (_BUYER, bool(doc.buyer.vat_id or doc.buyer.legal_id))
        if category is Category.OUTSIDE:
            rules["11"] = (_ALONE, used == {Category.OUTSIDE})
        yield from ((f"{_PREFIX[category]}-{n}", words) for n, (words, holds) in rules.items() if not holds)


def _grouped(doc: FiscalDoc, category: Category, groups: list[VatGroup]) -> bool:
    rates = {line.rate for line in doc.lines if line.category is category}
    return sorted(rates) == sorted(group.rate for group in groups) and (
        category is Category.STANDARD or len(groups) == 1
    )


def _seller_words(category: Category) -> Text:
    return _NO_NUMBERS if category is Category.OUTSIDE else _SELLER


def _seller(doc: FiscalDoc, category: Category) -> bool:
    if category is Category.OUTSIDE:
        return doc.seller.vat_id is None and doc.buyer.vat_id is None
    if category is Category.EXPORT:
        return doc.seller.vat_id is not None
    return bool(doc.seller.vat_id or doc.seller.tax_id)


def _rate(category: Category, rate: Decimal) -> bool:
    return rate > 0 if category is Category.STANDARD else rate == 0


def _base(doc: FiscalDoc, group: VatGroup) -> bool:
    lines = [line.net for line in doc.lines if (line.category, line.rate) == (group.category, group.rate)]
    return group.base == sum(lines, Money.zero(doc.currency))


def _reason(group: VatGroup) -> bool:
    if group.category in _RATED:
        return not group.reason and group.reason_code is None
    code = _VATEX.get(group.category)
    return bool(group.reason or group.reason_code) and group.reason_code in (None, code)
