"""Receipts: that money came in, or that an order was paid. They say what was paid and are no papers on tax."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from exchange.kernel.money import Money
from exchange.kernel.text import Text
from settlement.paper.sheet import Box, Boxes, Facts, Sentences, Sheet, Sum, Sums, Words, shown

_WAYS = {
    "card": Text("card", "银行卡"),
    "bank": Text("bank transfer", "银行转账"),
    "wallet": Text("wallet", "钱包余额"),
    "sepa_debit": Text("SEPA direct debit", "SEPA 直接扣款"),
    "alipay": Text("Alipay", "支付宝"),
    "wechat_pay": Text("WeChat Pay", "微信支付"),
}


@dataclass(frozen=True, slots=True)
class Receipt:
    """What was paid, by whom, when and how.

    shapes   number: the payment's or order's id as text; to: the seller of an order, None where the wallet was filled;
             refers: further ids that belong to it, such as the bank's reference
    units    `tax` is the part of the amount that is tax
    """

    number: str
    payer: Text
    payer_id: str
    to: Text | None
    amount: Money
    tax: Money | None
    way: str
    paid_at: datetime
    refers: tuple[tuple[Text, str], ...] = ()
    to_id: str = ""


def receipt_sheet(receipt: Receipt, language: str) -> Sheet:
    """The paper of a receipt in one language."""
    words = Words(language)
    title = words("Receipt", "收据")
    return Sheet(
        language=language,
        title=title,
        number=receipt.number,
        dated=receipt.paid_at.astimezone(UTC).date(),
        author=words("Corpus Exchange", "语料交易所"),
        foot=f"{title} {receipt.number}",
        blocks=(
            Boxes(
                (
                    Box(words("Paid by", "付款方"), _lines(words.of(receipt.payer), receipt.payer_id)),
                    Box(*_for(receipt, words)),
                )
            ),
            Facts(tuple(_facts(receipt, words))),
            _sums(receipt, words),
            Sentences(
                words("Notes", "说明"),
                (
                    words(
                        "This receipt says that the payment was received. It is no invoice and no paper on tax: invoices follow "
                        "with the settlement of the period.",
                        "本收据仅证明款项已收到，不是发票，也不作为税务凭证；账单随当期结算另行出具。",
                    ),
                ),
            ),
        ),
        about=receipt.number,
    )


def _for(receipt: Receipt, words: Words) -> tuple[str, tuple[str, ...]]:
    if receipt.to is None:
        return words("Paid for", "款项用途"), (words("Filling the wallet", "钱包充值"),)
    return words("Paid to", "收款方"), _lines(words.of(receipt.to), receipt.to_id)


def _lines(*texts: str) -> tuple[str, ...]:
    return tuple(one for one in texts if one)


def _facts(receipt: Receipt, words: Words) -> Iterator[tuple[str, str]]:
    at = receipt.paid_at.astimezone(UTC)
    yield words("Received at", "收款时间"), f"{at:%Y-%m-%d %H:%M} UTC"
    way = _WAYS.get(receipt.way)
    yield words("Paid by means of", "支付方式"), words.of(way) if way else receipt.way
    for name, value in receipt.refers:
        yield words.of(name), value


def _sums(receipt: Receipt, words: Words) -> Sums:
    amount, rows = receipt.amount, []
    if receipt.tax is not None and receipt.tax.units:
        rows.append(Sum(words("Price without tax", "不含税价款"), "", shown(amount - receipt.tax)))
        rows.append(Sum(words("+ tax", "+ 税额"), "", shown(receipt.tax)))
    rows.append(Sum(words("= received", "= 已收款"), "", f"{amount.currency} {shown(amount)}", strong=True))
    return Sums(words("Amount", "金额"), tuple(rows))
