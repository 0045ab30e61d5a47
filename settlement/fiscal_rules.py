"""The rules of EN 16931 that our documents can break, held to before a number is taken: what fails here is never issued.

Each rule has the standard's own name; those with CX are ours. tests/interop holds them against the standard's Schematron.

source   EN 16931-1:2017+A1:2019, clause 6.4; the CEN validation artefacts
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from exchange.kernel.money import Money
from exchange.kernel.text import Text
from settlement.fiscal import FiscalDoc, Party, Period, VatGroup, Writer, coin, coins
from settlement.fiscal_tax_rules import tax_rules

_LETTERS, _COUNTRY = re.compile(r"[A-Z]{2}"), re.compile(r"[A-Z]{2}\Z")
_SUBJECTS = frozenset({"AAI", "REG", "ABL", "SUR", "PMT", "TXD", "CUS"})
Check = Callable[[FiscalDoc], bool]


@dataclass(frozen=True, slots=True)
class RuleBroken:
    """A rule that a document does not keep."""

    rule: str
    words: Text


def check(doc: FiscalDoc) -> list[RuleBroken]:
    """All rules that a document breaks; one without any may take a number."""
    broken = [RuleBroken(rule, words) for rule, (words, holds) in RULES.items() if not holds(doc)]
    return broken + [RuleBroken(rule, words) for rule, words in tax_rules(doc)]


def _periods(doc: FiscalDoc) -> Iterator[Period]:
    yield from [doc.period] if doc.period else []
    yield from [line.period for line in doc.lines if line.period]


def _amounts(doc: FiscalDoc) -> Iterator[Money]:
    sums = doc.totals
    yield from (sums.lines, sums.without_tax, sums.tax, sums.with_tax, sums.paid, sums.rounding, sums.due)
    yield from [doc.vat_in] if doc.vat_in else []


def _in_coins(amounts: Iterator[Money]) -> bool:
    return all(coins(one) == one for one in amounts)


def _sum(doc: FiscalDoc, amounts: Iterator[Money]) -> Money:
    return sum(amounts, Money.zero(doc.currency))


def _vat_id(party: Party) -> bool:
    return party.vat_id is None or bool(_LETTERS.match(party.vat_id))


def _named(party: Party) -> bool:
    return bool(party.legal_name) and bool(party.name.strip())


def _worked_out(doc: FiscalDoc, group: VatGroup) -> bool:
    off = abs(group.base.units * group.rate / 100 - group.tax.units)
    # A credit note gives back the tax of all so far less that of those before it: a coin between them at most.
    together = doc.kind.is_credit and bool(doc.preceding)
    return off * (1 if together else 2) <= coin(group.base.currency).units


def _same_currency(doc: FiscalDoc) -> bool:
    sums = doc.totals
    every = [sums.lines, sums.tax, sums.due, *(line.net for line in doc.lines), *(group.base for group in doc.groups)]
    return all(one.currency == doc.currency for one in every)


def _rounded_little(doc: FiscalDoc) -> bool:
    most = (len(doc.lines) + len(doc.groups) + 1) * coin(doc.currency).units
    return abs(doc.totals.rounding.units) <= most


def _writer(doc: FiscalDoc) -> bool:
    return doc.kind.is_self_billed == (doc.writer is Writer.BUYER)


RULES: Mapping[str, tuple[Text, Check]] = {
    "BR-02": (Text("it has a number series", "须有编号序列"), lambda d: bool(d.series.strip()) and "/" in d.series),
    "BR-06": (Text("the seller has a name", "须有销售方名称"), lambda d: _named(d.seller)),
    "BR-07": (Text("the buyer has a name", "须有买方名称"), lambda d: _named(d.buyer)),
    "BR-08": (Text("the seller has an address", "须有销售方地址"), lambda d: bool(d.seller.address and d.seller.city)),
    "BR-09": (Text("the seller has a country", "须有销售方国家"), lambda d: bool(_COUNTRY.match(d.seller.country))),
    "BR-10": (Text("the buyer has an address", "须有买方地址"), lambda d: bool(d.buyer.address and d.buyer.city)),
    "BR-11": (Text("the buyer has a country", "须有买方国家"), lambda d: bool(_COUNTRY.match(d.buyer.country))),
    "BR-16": (Text("it has at least one line", "至少须有一行"), lambda d: bool(d.lines)),
    "BR-21": (
        Text("its lines are numbered, each once", "行号须各不相同"),
        lambda d: len({line.number for line in d.lines}) == len(d.lines),
    ),
    "BR-22": (Text("each line has a quantity", "每行须有数量"), lambda d: all(line.quantity != 0 for line in d.lines)),
    "BR-23": (Text("each line has a unit", "每行须有计量单位"), lambda d: all(line.unit for line in d.lines)),
    "BR-25": (
        Text("each line has a name", "每行须有名称"),
        lambda d: all(line.name and all(text.strip() for text in line.name.values()) for line in d.lines),
    ),
    "BR-27": (Text("no price is below zero", "单价不得为负"), lambda d: all(line.price >= 0 for line in d.lines)),
    "BR-29": (Text("no period ends before it starts", "期间终止日不得早于起始日"), lambda d: all(p.end >= p.start for p in _periods(d))),
    "BR-53": (
        Text("the tax in another currency is in another one", "折算税额须用另一币种"),
        lambda d: d.vat_in is None or d.vat_in.currency != d.currency,
    ),
    "BR-55": (
        Text("what it corrects has a number", "被更正单据须有编号"),
        lambda d: all(one.number.strip() for one in d.preceding),
    ),
    "BR-CL-03": (Text("all its amounts are of its currency", "全部金额须为本单币种"), _same_currency),
    "BR-CL-08": (
        Text("a note's subject is a code of UNTDID 4451", "备注主题须为 UNTDID 4451 代码"),
        lambda d: all(note.subject is None or note.subject in _SUBJECTS for note in d.notes),
    ),
    "BR-CO-09": (
        Text("a VAT number begins with its country's letters", "增值税号须以国家代码开头"),
        lambda d: _vat_id(d.seller) and _vat_id(d.buyer),
    ),
    "BR-CO-10": (
        Text("the sum of lines is that of the lines", "行合计须等于各行之和"),
        lambda d: d.totals.lines == _sum(d, (line.net for line in d.lines)),
    ),
    "BR-CO-13": (
        Text("the sum without tax is that of the lines", "不含税合计须等于行合计"),
        lambda d: d.totals.without_tax == d.totals.lines,
    ),
    "BR-CO-14": (
        Text("the tax is the sum of its groups", "税额须等于各税率组之和"),
        lambda d: d.totals.tax == _sum(d, (group.tax for group in d.groups)),
    ),
    "BR-CO-15": (
        Text("the sum with tax is the one without plus the tax", "含税合计须等于不含税合计加税额"),
        lambda d: d.totals.with_tax == d.totals.without_tax + d.totals.tax,
    ),
    "BR-CO-16": (
        Text("what is due is the sum with tax less what is paid, plus the rounding", "应付额须等于含税合计减已付额加取整额"),
        lambda d: d.totals.due == d.totals.with_tax - d.totals.paid + d.totals.rounding,
    ),
    "BR-CO-17": (
        Text("each group's tax is its base times its rate", "各组税额须等于税基乘税率"),
        lambda d: all(_worked_out(d, group) for group in d.groups),
    ),
    "BR-CO-18": (Text("it has at least one group of tax", "至少须有一个税率组"), lambda d: bool(d.groups)),
    "BR-CO-25": (
        Text("where something is due, it says when", "有应付额时须写明付款日或付款条件"),
        lambda d: d.totals.due.units <= 0 or d.due_on is not None or bool(d.terms),
    ),
    "BR-DEC-09": (Text("its sums are in whole coins", "合计须为最小货币单位的整数倍"), lambda d: _in_coins(_amounts(d))),
    "BR-DEC-19": (
        Text("its groups are in whole coins", "税率组金额须为最小货币单位的整数倍"),
        lambda d: _in_coins(one for group in d.groups for one in (group.base, group.tax)),
    ),
    "BR-DEC-23": (
        Text("its lines are in whole coins", "行金额须为最小货币单位的整数倍"),
        lambda d: _in_coins(line.net for line in d.lines),
    ),
    "CX-01": (
        Text("a self-billed document stands on an agreement", "自开票须有自开票协议"),
        lambda d: d.kind.is_self_billed == (d.agreement_id is not None),
    ),
    "CX-02": (Text("only a buyer writes self-billed documents", "自开票只能由买方开具"), _writer),
    "CX-03": (Text("nothing due is below zero", "应付额不得为负"), lambda d: d.totals.due.units >= 0),
    "CX-04": (Text("rounding is a coin a line and group at most", "取整额不得超过每行每组一个最小货币单位"), _rounded_little),
    "CX-05": (
        Text("what it corrects was issued before it", "被更正单据须先于本单开具"),
        lambda d: all(one.issued_on <= d.issued_on and one.id != d.id for one in d.preceding),
    ),
    "CX-06": (
        Text("a credit note gives back, so its sum is not below zero", "贷项通知单合计不得为负"),
        lambda d: d.totals.with_tax.units >= 0 and d.exact.units >= 0,
    ),
    "CX-07": (
        Text("a self-billed document has a series of its own", "自开票须用独立编号序列"),
        lambda d: d.series.startswith("SB/") == d.kind.is_self_billed,
    ),
    "CX-08": (
        Text("a line's net amount is its quantity times its price", "行净额须等于数量乘单价"),
        lambda d: all(
            abs(line.quantity * line.price - Decimal(line.net.units).scaleb(-6)) * 2
            <= Decimal(coin(d.currency).units).scaleb(-6)
            for line in d.lines
        ),
    ),
    "CX-09": (
        Text("seller and buyer are two", "销售方与买方不得为同一机构"),
        lambda d: d.seller.organisation_id != d.buyer.organisation_id,
    ),
    "CX-10": (Text("its due day is not before it", "付款日不得早于开具日"), lambda d: d.due_on is None or d.due_on >= d.issued_on),
}  # fmt: skip
