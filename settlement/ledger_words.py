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
    AccountKind.CREDIT: Text("bought on account", "赊购款"),
    AccountKind.FEES: Text("fees of providers", "支付服务费"),
    AccountKind.DISPUTED: Text("charged back, not decided", "拒付争议款"),
    AccountKind.RESERVE: Text("kept in reserve by a provider", "支付机构准备金"),
    AccountKind.SWEEP: Text("on its way between own accounts", "自有账户划转在途"),
    AccountKind.WITHHELD: Text("withheld tax", "代扣税款"),
    AccountKind.INPUT_TAX: Text("input tax", "进项税额"),
}
_JOURNALS: Mapping[str, Text] = {
    "top_up": Text("card top-up", "银行卡充值"),
    "bank_credit": Text("bank transfer in", "银行来款"),
    "bank_match": Text("bank transfer claimed", "来款认领"),
    "bank_fee": Text("bank fee", "银行手续费"),
    "purchase": Text("purchase", "购买"),
    "charge": Text("charge", "费用"),
    "collect": Text("debt collected", "收回欠费"),
    "release": Text("settlement", "结算"),
    "payout": Text("payout ordered", "付款发起"),
    "payout_paid": Text("payout confirmed", "付款到账"),
    "payout_failed": Text("payout came back", "付款退回"),
    "payout_reversed": Text("payout taken back", "付款撤回"),
    "provider_fee": Text("fee of the payment provider", "支付服务商手续费"),
    "provider_conversion": Text("settled in another currency", "支付服务商换汇结算"),
    "card_refund_returned": Text("refund to card came back", "原路退款被退回"),
    "dispute_withdrawn": Text("chargeback: money withdrawn", "拒付：款项被扣"),
    "dispute_reinstated": Text("chargeback won: money back", "拒付胜诉：款项返还"),
    "chargeback": Text("chargeback lost: taken from the wallet", "拒付败诉：自钱包扣回"),
    "recovery": Text("debt brought back", "追回欠款"),
    "sweep": Text("own accounts: money moved", "自有账户划转"),
    "sweep_back": Text("own accounts: moved back", "自有账户划转退回"),
    "own_sweep": Text("own money taken out", "划出自有资金"),
    "reserve": Text("kept in reserve, or let go", "准备金冻结或释放"),
    "taken_back": Text("payment taken back, not explained", "付款被收回，待说明"),
    "covered": Text("payee's balance at the provider made good", "代收款方补足支付账户"),
    "resolved": Text("settled by two persons", "经双人审批处理"),
    "service_credit": Text("service credit", "服务补偿"),
    "conversion": Text("conversion", "货币兑换"),
    "hold": Text("hold", "冻结"),
    "hold_end": Text("hold ended", "解除冻结"),
    "refund": Text("refund", "退款"),
    "netting": Text("debt netted", "欠款抵扣"),
    "withholding": Text("tax withheld", "代扣税款"),
    "withholding_back": Text("withheld tax returned", "代扣税款退回"),
    "split": Text("split by a rule", "按规则分成"),
    "advance": Text("advance", "预付款"),
    "pool": Text("share of the incentive pool", "激励池分配"),
    "guarantee": Text("minimum guarantee", "保底补足"),
    "self_bill_tax": Text("tax on shares", "分成税额"),
    "fee_tax": Text("tax on fees", "服务费税额"),
    "award": Text("award in a dispute", "争议裁决款"),
    "arbitration_fee": Text("arbitrator's fee", "仲裁费"),
}


def journal_word(kind: str) -> Text:
    """What people call a kind of journal; a kind without a word of its own goes by its name."""
    return _JOURNALS.get(kind) or Text(kind.replace("_", " "), kind)
