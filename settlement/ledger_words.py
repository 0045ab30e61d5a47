"""What people call the accounts and the kinds of journals."""

from __future__ import annotations

from collections.abc import Mapping

from exchange.kernel.text import Text
from settlement.accounts import AccountKind

ACCOUNTS: Mapping[AccountKind, Text] = {
    AccountKind.WALLET: Text("wallet", "钱包"),
    AccountKind.RECEIVABLE: Text("receivable", "应收款"),
    AccountKind.PENDING: Text("pending share", "待结算分成"),
    AccountKind.PAYABLE: Text("payable", "应付款"),
    AccountKind.IN_TRANSIT: Text("in transit", "付款在途"),
    AccountKind.HELD: Text("held", "冻结款"),
    AccountKind.ADVANCE: Text("advance", "预付款"),
    AccountKind.DEBT: Text("debt", "欠款"),
    AccountKind.STRIPE: Text("Stripe", "Stripe"),
    AccountKind.BANK: Text("bank", "银行"),
    AccountKind.SUSPENSE: Text("suspense", "暂记款"),
    AccountKind.REVENUE: Text("revenue of the exchange", "平台收入"),
    AccountKind.TAX: Text("tax", "税款"),
    AccountKind.ROUNDING: Text("rounding", "尾差"),
    AccountKind.CONVERSION: Text("currency conversion", "货币兑换"),
    AccountKind.CLEARING: Text("to be split by rule", "待按规则分成"),
    AccountKind.POOL: Text("supplier incentive pool", "供应方激励池"),
}
_JOURNALS: Mapping[str, Text] = {
    "top_up": Text("card top-up", "银行卡充值"),
    "bank_credit": Text("bank transfer in", "银行来款"),
    "bank_match": Text("bank transfer claimed", "来款认领"),
    "purchase": Text("purchase", "购买"),
    "charge": Text("charge", "费用"),
    "collect": Text("debt collected", "收回欠费"),
    "release": Text("settlement", "结算"),
    "payout": Text("payout ordered", "付款发起"),
    "payout_paid": Text("payout confirmed", "付款到账"),
    "payout_failed": Text("payout came back", "付款退回"),
    "service_credit": Text("service credit", "服务补偿"),
    "conversion": Text("conversion", "货币兑换"),
    "hold": Text("hold", "冻结"),
    "hold_end": Text("hold ended", "解除冻结"),
    "refund": Text("refund", "退款"),
    "netting": Text("debt netted", "欠款抵扣"),
    "split": Text("split by a rule", "按规则分成"),
    "advance": Text("advance", "预付款"),
    "pool": Text("share of the incentive pool", "激励池分配"),
    "guarantee": Text("minimum guarantee", "保底补足"),
}


def journal_word(kind: str) -> Text:
    """What people call a kind of journal; a kind without a word of its own goes by its name."""
    return _JOURNALS.get(kind) or Text(kind.replace("_", " "), kind)
