"""Tax on a sale between two organisations: who has to charge which, why, and how much.

The rules, in this order; the first that fits decides, and what no rule fits is a problem, never a guess:

1. The category is not in the table: tax-category-unknown.
2. The seller is not registered for tax: not_registered, no tax.
3. The seller states that the law exempts its supply (category exempt_supply): exempt, no tax.
4. The seller's country is not in the table: tax-rate-unknown. It has no such tax: outside_scope.
5. Buyer and seller are in the same country: its rate of the category on that day (standard, reduced or zero).
6. Both are in the EU: reverse_charge where the buyer is registered, else the rate of the buyer's country (OSS).
7. The buyer is anywhere else: what the seller's country says of sales abroad, zero or outside_scope.

A rate that rule 5 or 6 needs and the table does not have for that category and day: tax-rate-unknown.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Any

from exchange.kernel.errors import Problem
from exchange.kernel.money import UNITS_PER_MAJOR, Money, decimal_text
from exchange.kernel.text import Text
from pricing.tax_problems import TAX_CATEGORY_UNKNOWN, TAX_RATE_UNKNOWN
from pricing.tax_table import RATES, Code, Country, RateTable

DEFAULT_CATEGORY = "digital_service"
EXEMPT_CATEGORY = "exempt_supply"
ROUNDING = "half_even"
_COUNTRY = re.compile(r"[A-Z]{2}\Z")
_TREATMENTS_MAX = 4_096
_NOTHING = Decimal(0)

_HOME = Text("Seller and buyer are in {en}: its tax applies.", "买卖双方均在{zh}，适用当地税率。")
_OSS = Text(
    "The buyer in {en} is not registered for VAT: the rate of its country applies (one-stop shop).",
    "买方所在地为{zh}且未登记增值税：适用买方所在国税率（一站式申报）。",
)
_REVERSE = Text(
    "The buyer in {en} is registered for VAT and accounts for it itself (Directive 2006/112/EC, Art. 44 and 196).",
    "买方所在地为{zh}且已登记增值税，由买方自行申报（欧盟指令 2006/112/EC 第 44、196 条）。",
)
_ABROAD = Text(
    "A sale from {en} to abroad: the seller charges no tax. What the buyer's country asks, the buyer works out itself.",
    "由{zh}向境外销售：供应方不收税。买方所在地如需纳税，由买方自行处理。",
)
_UNREGISTERED = Text("The seller is not registered for tax and charges none.", "供应方未作税务登记，不收取税款。")
_STATED = Text(
    "The seller states that the law exempts this supply; the exchange does not check it.",
    "供应方声明该供应依法免税；交易所不作审核。",
)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a party is, and whether it is registered for tax there.

    errors   ValueError for what is no ISO 3166-1 code of two capital letters
    """

    country: str
    tax_registered: bool

    def __post_init__(self) -> None:
        """Refuse what can be no country."""
        if not _COUNTRY.match(self.country):
            raise ValueError("a country is two capital letters (ISO 3166-1)")


@dataclass(frozen=True, slots=True)
class Treatment:
    """How a sale is taxed and by which rule.

    units    `rate` is a fraction of the net price; `country` is the one whose law speaks
    """

    code: Code
    rate: Decimal
    country: str
    name: Text
    note: Text
    valid_from: date | None
    valid_to: date | None
    source: str

    def document(self) -> dict[str, Any]:
        """The treatment as invoices and agreements keep it; numbers and days are texts."""
        return {
            "code": self.code.value,
            "rate": _plain(self.rate),
            "country": self.country,
            "name": self.name.map(),
            "note": self.note.map(),
            "valid_from": self.valid_from.isoformat() if self.valid_from else None,
            "valid_to": self.valid_to.isoformat() if self.valid_to else None,
            "source": self.source,
        }


@dataclass(frozen=True, slots=True)
class TaxLine:
    """One amount, taken apart: net and tax make gross, to the millionth.

    units    all three in the same currency; `included`: the amount given was the gross one
    """

    net: Money
    tax: Money
    gross: Money
    treatment: Treatment
    included: bool

    def explain(self) -> dict[str, Any]:
        """The arithmetic as text in both languages and as steps that `recompute` repeats.

        shapes   {text, steps: [{what, count, price, per?, amount}], exact, rounding, amount, net, gross, treatment}
        """
        exact, steps = Fraction(0), []
        if self.treatment.rate:
            step = _step(self)
            exact = _exact(step)
            steps = [step | {"amount": _written(exact)}]
        return {
            "text": {language: _sentence(self, exact, language) for language in ("en", "zh")},
            "steps": steps,
            "exact": _written(exact),
            "rounding": ROUNDING,
            "amount": self.tax.to_wire(),
            "net": self.net.to_wire(),
            "gross": self.gross.to_wire(),
            "included": self.included,
            "treatment": self.treatment.document(),
        }


def treat(seller: Place, buyer: Place, category: str, on: date, table: RateTable = RATES) -> Treatment | Problem:
    """How a sale on that day is taxed, by the rules at the top of this file.

    errors   answers TAX_CATEGORY_UNKNOWN, TAX_RATE_UNKNOWN
    source   Directive 2006/112/EC, Art. 44, 58, 59 and 196, for rule 6; the table names the law of each rate
    """
    return _treat(seller, buyer, category, on, table)


@lru_cache(_TREATMENTS_MAX)
def _treat(seller: Place, buyer: Place, category: str, on: date, table: RateTable) -> Treatment | Problem:
    if category not in table.categories:
        return TAX_CATEGORY_UNKNOWN(category=category[:40], known=", ".join(sorted(table.categories)))
    if not seller.tax_registered:
        return _untaxed(Code.NOT_REGISTERED, seller.country, _UNREGISTERED, "")
    if category == EXEMPT_CATEGORY:
        return _untaxed(Code.EXEMPT, seller.country, _STATED, "")
    here, there = table.find(seller.country), table.find(buyer.country)
    if here is None:
        return TAX_RATE_UNKNOWN(category=category, country=seller.country, on=on.isoformat())
    if here.no_tax is not None:
        return _untaxed(Code.OUTSIDE_SCOPE, here.code, *here.no_tax)
    if there is here:
        return _rated(here, category, on, _HOME)
    if there is not None and here.in_eu(on) and there.in_eu(on):
        if buyer.tax_registered:
            note, source = _about(_REVERSE, there), "Directive 2006/112/EC, Art. 44 and 196"
            return _untaxed(Code.REVERSE_CHARGE, there.code, note, source)
        return _rated(there, category, on, _OSS)
    assert here.export is not None, "the table was checked: rates and a rule for sales abroad come together"
    code, source = here.export
    return _untaxed(code, here.code, _about(_ABROAD, here), source)


def tax_on(amount: Money, treatment: Treatment, included: bool) -> TaxLine:
    """The tax on an amount, rounded once, half to even, to whole millionths.

    shapes   included: `amount` is gross, tax = gross * r / (1 + r), net = gross - tax; else tax = net * r
    errors   BadMoney when the gross amount does not fit 64 bits
    """
    rate = Fraction(treatment.rate)
    if included:
        tax = Money(round(amount.units * rate / (1 + rate)), amount.currency)
        return TaxLine(amount - tax, tax, amount, treatment, True)
    tax = Money(round(amount.units * rate), amount.currency)
    return TaxLine(amount, tax, amount + tax, treatment, False)


def recompute(document: Mapping[str, Any]) -> Money:
    """Repeat an explanation's arithmetic from its steps alone.

    errors   ValueError when its rounding is one we do not know
    """
    if document["rounding"] != ROUNDING:
        raise ValueError(f"unknown rounding {document['rounding']}")
    exact = sum((_exact(step) for step in document["steps"]), Fraction(0))
    return Money(round(exact * UNITS_PER_MAJOR), document["amount"]["currency"])


def _rated(country: Country, category: str, on: date, why: Text) -> Treatment | Problem:
    rate = country.rate(category, on)
    if rate is None:
        return TAX_RATE_UNKNOWN(category=category, country=country.code, on=on.isoformat())
    percent = _percent(rate.rate)
    name = Text(f"{country.tax.en} {percent}%", f"{country.tax.zh} {percent}%")
    note = _about(why, country)
    return Treatment(rate.code, rate.rate, country.code, name, note, rate.valid_from, rate.valid_to, rate.source)


_NAMES = {
    Code.ZERO: Text("Zero rated (sale abroad)", "零税率（跨境销售）"),
    Code.REVERSE_CHARGE: Text("Reverse charge", "反向征税（由买方申报）"),
    Code.EXEMPT: Text("Exempt from tax", "免税"),
    Code.OUTSIDE_SCOPE: Text("Outside the scope of tax", "不在征税范围内"),
    Code.NOT_REGISTERED: Text("Seller not registered for tax", "供应方未作税务登记"),
}


def _untaxed(code: Code, country: str, note: Text, source: str) -> Treatment:
    return Treatment(code, _NOTHING, country, _NAMES[code], note, None, None, source)


def _about(words: Text, country: Country) -> Text:
    return Text(words.en.format(en=country.name.en), words.zh.format(zh=country.name.zh))


def _step(line: TaxLine) -> dict[str, str]:
    """Count times price, divided by `per`: gross * 19 / 119 where the tax is inside, net * 0.19 where it is not."""
    if not line.included:
        return {"what": "tax", "count": _amount(line.net), "price": _plain(line.treatment.rate)}
    rate = Fraction(line.treatment.rate)
    whole = rate.numerator + rate.denominator
    # 19 of 119 says more to a person than 1 of 6: the percent and a hundred more, without decimals.
    scale = Fraction(100, rate.denominator) if 100 % rate.denominator == 0 else Fraction(1)
    price, per = rate.numerator * scale, whole * scale
    return {"what": "tax_included", "count": _amount(line.gross), "price": str(price), "per": str(per)}


def _exact(step: Mapping[str, str]) -> Fraction:
    return Fraction(step["count"]) * Fraction(step["price"]) / Fraction(step.get("per", "1"))


def _sentence(line: TaxLine, exact: Fraction, language: str) -> str:
    treatment = line.treatment
    name, note = treatment.name.in_(language), treatment.note.in_(language)
    if not treatment.rate:
        end = f"：{line.tax}。{note}" if language == "zh" else f": {line.tax}. {note}"
        return f"{name}{end}"
    step, sign = _step(line), "=" if exact * UNITS_PER_MAJOR == line.tax.units else "≈"
    sum_ = f"{step['count']} × {step['price']}" + (f" ÷ {step['per']}" if "per" in step else "")
    parts = f"{line.net} + {line.tax} = {line.gross}"
    if language == "zh":
        inside = "（价内）" if line.included else "（价外）"
        return f"{name}{inside}：{sum_} {sign} {line.tax}；{parts}。{note}"
    inside = "included in the price" if line.included else "on top of the price"
    return f"{name}, {inside}: {sum_} {sign} {line.tax}; {parts}. {note}"


def _amount(money: Money) -> str:
    return decimal_text(money.units)


def _percent(rate: Decimal) -> str:
    return _plain(rate.scaleb(2))


def _plain(value: Decimal) -> str:
    return format(value.normalize(), "f")


def _written(exact: Fraction) -> str:
    """A decimal text where it ends, else numerator/denominator, as `Fraction` reads both."""
    rest = exact.denominator
    for prime in (2, 5):
        while rest % prime == 0:
            rest //= prime
    if rest != 1:
        return f"{exact.numerator}/{exact.denominator}"
    shift = 0
    while (exact * 10**shift).denominator != 1:
        shift += 1
    return format(Decimal(int(exact * 10**shift)).scaleb(-shift), "f") if shift else str(int(exact))
