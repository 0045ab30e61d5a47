"""What fiscal documents say in words, in both languages, and how a treatment of tax is written in the standard's codes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from exchange.kernel.money import Money, decimal_text
from exchange.kernel.text import LocaleMap
from settlement.fiscal import Category, DocKind, Note, percent

REGULATION, GENERAL = "REG", "AAI"

TITLES: Mapping[DocKind, LocaleMap] = {
    DocKind.INVOICE: {"en": "Invoice", "zh": "账单"},
    DocKind.CREDIT_NOTE: {"en": "Credit note", "zh": "贷项通知单"},
    DocKind.SELF_BILLED: {"en": "Self-billed invoice", "zh": "自开账单（买方代开）"},
    DocKind.SELF_BILLED_CREDIT: {"en": "Self-billed credit note", "zh": "自开贷项通知单（买方代开）"},
}

# Directive 2006/112/EC, Art. 226 (10a) asks for the word; the German one is what German law wants.
SELF_BILLING = Note(
    {
        "en": "Self-billing (Gutschrift): written by the buyer in the supplier's name, under their agreement.",
        "zh": "自开票（Self-billing）：由买方依双方协议以供应方名义开具。",
    },
    REGULATION,
)
IN_SELLERS_NAME = Note(
    {
        "en": "Issued by the exchange in the name and for the account of the seller.",
        "zh": "由交易所以供应方名义并代其开具。",
    },
    REGULATION,
)
PAID: LocaleMap = {"en": "Paid in full; nothing is due.", "zh": "已全额支付，无须再付。"}
GIVEN_BACK: LocaleMap = {"en": "Given back in full; nothing is left to give back.", "zh": "已全额退还，无余款待退。"}
NET_OF_SHARES: LocaleMap = {
    "en": "Settled with the supplier's account at the exchange, as its statement shows.",
    "zh": "与供应方在交易所的账户相抵，详见结算单。",
}
TERMS: LocaleMap = {
    "en": "Net 30 days; the wallet is charged as soon as there is money in it.",
    "zh": "30 天内付款；钱包有余额时即行扣款。",
}
ON_ACCOUNT: LocaleMap = {
    "en": "On account, due on the day that is named here; it is taken from the wallet then, if nobody has paid before.",
    "zh": "赊账订单，于本单载明的付款日到期；届时尚未支付的，从钱包扣款。",
}
CREDITED: LocaleMap = {
    "en": "Credited to the buyer's account at the exchange: to the wallet, or off what is still owed.",
    "zh": "已记入买方在交易所的账户：退回钱包，或冲减尚欠款项。",
}


def shares_line(count: int, statement: int, *, back: bool = False) -> dict[str, str]:
    """The line of a payee's shares, or of what it gives back of them."""
    sales = "1 sale" if count == 1 else f"{count} sales"
    return {
        "en": f"Shares of {sales}{' that went back' if back else ''}, statement {statement}",
        "zh": f"{count} 笔{'退款所退回' if back else '销售'}的分成，第 {statement} 期结算单",
    }


def fees_line(count: int, statement: int, *, back: bool = False) -> dict[str, str]:
    """The line of the exchange's fees, or of what it gives back of them."""
    sales = "1 sale" if count == 1 else f"{count} sales"
    return {
        "en": f"Fees on {sales}{' that went back' if back else ''}, statement {statement}",
        "zh": f"{count} 笔{'退款所退回' if back else '销售'}的平台服务费，第 {statement} 期结算单",
    }


_CATEGORIES = {
    "standard": Category.STANDARD,
    "reduced": Category.STANDARD,
    "zero": Category.ZERO,
    "reverse_charge": Category.REVERSE_CHARGE,
    "exempt": Category.EXEMPT,
    "outside_scope": Category.OUTSIDE,
    "not_registered": Category.OUTSIDE,
}
# The standard wants no reason where a rate applies, be it zero (BR-S-10, BR-Z-10).
_REASON_CODES = {Category.REVERSE_CHARGE: "VATEX-EU-AE", Category.OUTSIDE: "VATEX-EU-O", Category.EXPORT: "VATEX-EU-G"}
_REVERSE: LocaleMap = {"en": "Reverse charge", "zh": "反向征税（由买方申报）"}
_NOT_REGISTERED: LocaleMap = {
    "en": "The seller is not registered for tax and charges none.",
    "zh": "供应方未作税务登记，不收取税款。",
}


@dataclass(frozen=True, slots=True)
class Vat:
    """A treatment in the standard's codes; `rate` in percent."""

    category: Category
    rate: Decimal
    reason: LocaleMap | None
    reason_code: str | None


def vat_of(treatment: Mapping[str, Any] | None) -> Vat:
    """How a treatment, as it stands beside an order or a charge, is written; None is a seller without registration.

    errors   KeyError for a code that no table of ours has
    source   UNCL 5305; VATEX code list of the CEF
    """
    if treatment is None:
        return Vat(Category.OUTSIDE, Decimal(0), _NOT_REGISTERED, _REASON_CODES[Category.OUTSIDE])
    category = _CATEGORIES[treatment["code"]]
    if category in (Category.STANDARD, Category.ZERO):
        return Vat(category, percent(treatment["rate"]), None, None)
    note: LocaleMap = treatment["note"]
    if category is Category.REVERSE_CHARGE:
        # Art. 226 (11a) asks for these very words.
        note = {
            language: f"{_REVERSE[language]}{'。' if language == 'zh' else '. '}{text}"
            for language, text in note.items()
        }
    return Vat(category, Decimal(0), note, _REASON_CODES.get(category))


def exact_sum(exact: Money) -> Note:
    """What the ledger's exact sum is, where a paper's rounded one differs."""
    text = f"{decimal_text(exact.units)} {exact.currency}"
    return Note(
        {
            "en": f"Exact sum in the ledger: {text}. Amounts here are rounded to whole coins.",
            "zh": f"账簿中的精确金额：{text}。本单金额已取整至最小货币单位。",
        },
        GENERAL,
    )


def rounded_together(before: Money) -> Note:
    """That a credit note is rounded together with those before it."""
    text = f"{decimal_text(before.units)} {before.currency}"
    return Note(
        {
            "en": f"Earlier credit notes gave back {text} of the same document. Amounts here are rounded together with those, "
            "so that all of them never come to more than was billed.",
            "zh": f"此前已就同一单据退回 {text}。本单金额与此前各单合并取整，累计不超过原单金额。",
        },
        GENERAL,
    )


def corrects(numbers: str) -> Note:
    """Which document a paper corrects, in words."""
    return Note({"en": f"Corrects {numbers}.", "zh": f"更正 {numbers}。"}, GENERAL)
