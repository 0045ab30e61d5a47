"""From a fiscal document of a Chinese seller to the fields of a fully digitalised invoice (数电票). Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

from exchange.kernel import ids
from exchange.kernel.canonical import canonical
from exchange.kernel.money import Money, allocate
from exchange.kernel.text import pick
from settlement.efapiao.codes import Classified, Codes
from settlement.efapiao.words import COINS_MAX, amount_in_words
from settlement.fiscal import Category, DocKind, DocLine, FiscalDoc, Party, amount_text, decimal_plain

TYPE, VERSION = "efapiao", 1
COUNTRY, CURRENCY = "CN", "CNY"
# Special invoices, which a buyer may deduct, and ordinary ones.
SPECIAL, ORDINARY = "81", "82"
NAME_MAX, REMARK_MAX = 100, 200
_UNITS_OF_A_COIN = 10_000
_CREDIT_CODE = re.compile(r"[0-9A-Z]{18}")
_RATES = {Category.EXEMPT: "免税"}


class Reason(StrEnum):
    """Why an invoice is taken back, in the tax office's codes."""

    MISTAKE = "01"
    RETURNED = "02"
    ENDED = "03"
    ALLOWANCE = "04"


@dataclass(frozen=True, slots=True)
class Blue:
    """The issued invoice that a red-letter one takes back from: its number of 20 digits, its day, its type."""

    number: str
    issued_on: date
    invoice_type: str


@dataclass(frozen=True, slots=True)
class Confirmed:
    """The confirmation that the tax office's platform gave for a red-letter invoice."""

    number: str
    reason: Reason


@dataclass(frozen=True, slots=True)
class Red:
    """What a red-letter invoice says beside its amounts."""

    blue: Blue
    confirmed: Confirmed


@dataclass(frozen=True, slots=True)
class Missing:
    """Why an invoice cannot be filled in; `reasons` are in order and never empty."""

    reasons: tuple[str, ...]


def wants_efapiao(doc: FiscalDoc) -> bool:
    """Whether a document is to become one: what a seller in China sold, or gave back."""
    return doc.kind in (DocKind.INVOICE, DocKind.CREDIT_NOTE) and doc.seller.country == COUNTRY


def fill(doc: FiscalDoc, categories: Mapping[UUID, str], codes: Codes, red: Red | None = None) -> bytes | Missing:
    """The canonical bytes of an invoice's data, or what is missing.

    shapes   categories: what each line's source is, by the source's id; red: for credit notes, else None
    units    amounts in yuan with two decimals, below zero on red-letter invoices; the tax of a group is spread over its lines
             by largest remainder, so that the lines add up to the document's sums
    """
    lines = [line for line in doc.lines if line.net.units]
    reasons = _reasons(doc, lines, categories, codes, red)
    if reasons:
        return Missing(reasons)
    sign = -1 if doc.kind.is_credit else 1
    taxes = line_taxes(doc, lines)
    total = doc.totals.with_tax.units // _UNITS_OF_A_COIN * sign
    return canonical(
        {
            "type": TYPE,
            "v": VERSION,
            "paper": {"id": ids.text("doc", doc.id), "number": doc.name},
            "codes": codes.version,
            "colour": "red" if doc.kind.is_credit else "blue",
            "invoice_type": red.blue.invoice_type if red else _invoice_type(doc, lines),
            "currency": doc.currency,
            "seller": _party(doc.seller),
            "buyer": _party(doc.buyer),
            "items": [
                _item(number, line, taxes[line.number], sign, categories[line.source[1]], codes)
                for number, line in enumerate(lines, 1)
            ],
            "amount": _amount(doc.totals.without_tax, sign),
            "tax": _amount(doc.totals.tax, sign),
            "total": _amount(doc.totals.with_tax, sign),
            "total_in_words": amount_in_words(total),
            "remark": _remark(doc, red, len(doc.lines) - len(lines)),
            "red": _red(red) if red else None,
        }
    )


def _reasons(
    doc: FiscalDoc, lines: Sequence[DocLine], categories: Mapping[UUID, str], codes: Codes, red: Red | None
) -> tuple[str, ...]:
    why = []
    if not wants_efapiao(doc):
        why.append("not_chinese")
    if doc.currency != CURRENCY:
        why.append("currency")
    if credit_code(doc.seller) is None:
        why.append("seller_number")
    if doc.buyer.country == COUNTRY and credit_code(doc.buyer) is None:
        why.append("buyer_number")
    if any(line.category not in (Category.STANDARD, Category.ZERO, Category.EXEMPT) for line in lines):
        why.append("tax_treatment")
    # A discount stands below the line that it belongs to; which that is, the paper does not say.
    if any(line.net.units < 0 for line in lines):
        why.append("discount")
    if not lines or not 0 < doc.totals.with_tax.units // _UNITS_OF_A_COIN <= COINS_MAX:
        why.append("amount")
    if doc.kind.is_credit:
        if len(doc.preceding) != 1:
            why.append("several_originals")
        if red is None:
            why.append("confirmation")
    known = {categories.get(line.source[1]) for line in lines}
    if None in known:
        why.append("category")
    why += [f"code:{one}" for one in sorted(one for one in known if one is not None and codes.of(one) is None)]
    return tuple(why)


def line_taxes(doc: FiscalDoc, lines: Sequence[DocLine]) -> dict[int, Money]:
    """The tax of each line, by the line's number, in whole coins: a group's tax spread over its lines by their amounts."""
    found: dict[int, Money] = {}
    for group in doc.groups:
        mine = [one for one in lines if (one.category, one.rate) == (group.category, group.rate)]
        # Spread in coins, not in millionths: a line shows two decimals.
        coins = Money(group.tax.units // _UNITS_OF_A_COIN, doc.currency)
        weights = [one.net.units // _UNITS_OF_A_COIN for one in mine]
        if not mine:
            continue
        for line, part in zip(mine, allocate(coins, weights), strict=True):
            found[line.number] = Money(part.units * _UNITS_OF_A_COIN, doc.currency)
    return found


def _invoice_type(doc: FiscalDoc, lines: Sequence[DocLine]) -> str:
    """A buyer with a number in China gets one that it may deduct, where every line is taxed; all others an ordinary one."""
    taxed = all(line.category is Category.STANDARD and line.rate > 0 for line in lines)
    return SPECIAL if credit_code(doc.buyer) and taxed else ORDINARY


def credit_code(party: Party) -> str | None:
    """The unified social credit code of a party in China; None for all others, and where its profile has none."""
    register = party.legal_id.value if party.legal_id and party.legal_id.scheme is None else None
    code = party.tax_id or register
    return code if party.country == COUNTRY and code and _CREDIT_CODE.fullmatch(code) else None


def _item(number: int, line: DocLine, tax: Money, sign: int, category: str, codes: Codes) -> dict[str, Any]:
    classified = codes.of(category)
    assert classified is not None, "`_reasons` looked"
    rate = _RATES.get(line.category) or decimal_plain(line.rate / Decimal(100))
    return {
        "number": number,
        "source": str(line.source[1]),
        "category": category,
        "code": classified.code,
        "name": _name(line, classified),
        "specification": classified.specification,
        "unit": classified.unit,
        "quantity": decimal_plain(line.quantity * sign),
        "price": decimal_plain(line.price),
        "amount": _amount(line.net, sign),
        "rate": rate,
        "tax": _amount(tax, sign),
    }


def _name(line: DocLine, classified: Classified) -> str:
    name = f"*{classified.short_name}*{pick(line.name, ['zh'])}"
    return name if len(name) <= NAME_MAX else f"{name[: NAME_MAX - 1]}…"


def _party(party: Party) -> dict[str, Any]:
    chinese = party.country == COUNTRY
    place = (party.subdivision, party.city, *party.address) if chinese else (*party.address, party.city, party.country)
    parts = [part for n, part in enumerate(place) if part and part not in place[:n]]
    return {
        "name": pick(party.legal_name, ["zh"]),
        "tax_number": credit_code(party),
        "address": ("" if chinese else ", ").join(parts),
        "phone": None,
        "bank_name": None,
        "bank_account": None,
    }


def _remark(doc: FiscalDoc, red: Red | None, dropped: int) -> str:
    said = [f"平台票据号：{doc.name}"]
    if red is not None:
        said += [f"被红冲蓝字数电发票号码：{red.blue.number}", f"红字发票信息确认单编号：{red.confirmed.number}"]
    if doc.order_reference:
        said.append(f"采购订单号：{doc.order_reference}")
    if doc.period:
        said.append(f"期间：{doc.period.start.isoformat()} 至 {doc.period.end.isoformat()}")
    if doc.totals.rounding.units:
        said.append(f"账簿尾差：{amount_text(doc.totals.rounding)} 元")
    if dropped:
        said.append(f"另有 {dropped} 项不足 0.01 元，未列示")
    text = "；".join(said)
    return text if len(text) <= REMARK_MAX else f"{text[: REMARK_MAX - 1]}…"


def _red(red: Red) -> dict[str, str]:
    return {
        "original_number": red.blue.number,
        "original_issued_on": red.blue.issued_on.isoformat(),
        "confirmation_number": red.confirmed.number,
        "reason": red.confirmed.reason.value,
    }


def _amount(money: Money, sign: int) -> str:
    return amount_text(Money(money.units * sign, money.currency))


def export_bytes(export_id: UUID, documents: Sequence[bytes]) -> bytes:
    """One file of many invoices: canonical JSON, the same for the same invoices in the same order."""
    head = f'{{"export":"{ids.text("efx", export_id)}","fapiao":['.encode()
    return head + b",".join(documents) + b'],"type":"efapiao_export","v":1}'
