"""Problems of money that goes back through the payment provider, and of the ways to pay."""

from __future__ import annotations

from exchange.kernel.errors import Kind, problem_type
from exchange.kernel.text import Text

CARD_REFUND_TOO_LARGE = problem_type(
    "card-refund-too-large",
    Kind.UNPROCESSABLE,
    title=Text("More than can go back to the card", "超出可原路退回的金额"),
    detail=Text(
        "{left} of {payment} can still go back the way it came, in whole coins above zero.",
        "{payment} 尚可原路退回 {left}，须为大于零的整分金额。",
    ),
    remedy=Text(
        "Name a smaller amount, or another payment; what is in the wallet can also be spent.",
        "请减少金额或选择其他付款；钱包余额也可用于购买。",
    ),
)
PAYMENT_NOT_REFUNDABLE = problem_type(
    "payment-not-refundable",
    Kind.CONFLICT,
    title=Text("Nothing of this payment can go back", "该付款无法原路退回"),
    detail=Text("The payment came by {method} and is {state}.", "该付款方式为 {method}，状态为 {state}。"),
    remedy=Text(
        "Only a payment through the payment provider that succeeded goes back the way it came.",
        "仅通过支付服务商成功支付的款项可原路退回。",
    ),
)
METHOD_CURRENCY = problem_type(
    "payment-method-currency",
    Kind.UNPROCESSABLE,
    title=Text("This way of paying does not take the currency", "该支付方式不支持此币种"),
    detail=Text("{method} takes {currencies}, not {currency}.", "{method} 支持 {currencies}，不支持 {currency}。"),
    remedy=Text("Choose another way of paying, or another currency.", "请更换支付方式或币种。"),
)
METHOD_STATE = problem_type(
    "payment-method-state",
    Kind.CONFLICT,
    title=Text("Not possible with this payment method now", "该支付方式当前无法执行此操作"),
    detail=Text("The payment method is {state}.", "该支付方式的状态为 {state}。"),
    remedy=Text(
        "Only an active one pays; one that failed or was removed is named anew.",
        "仅生效的支付方式可用于支付；失败或已移除的请重新添加。",
    ),
)
METHODS_MANY = problem_type(
    "payment-methods-many",
    Kind.CONFLICT,
    title=Text("Too many payment methods", "支付方式过多"),
    detail=Text("An organisation keeps {limit} at most.", "每个机构最多保存 {limit} 个支付方式。"),
    remedy=Text("Remove one that is not used any more.", "请移除不再使用的支付方式。"),
)
CHARGEBACK_STATE = problem_type(
    "chargeback-state",
    Kind.CONFLICT,
    title=Text("The chargeback cannot be answered", "该拒付无法应诉"),
    detail=Text(
        "It is {state}; it can be answered once, before it is due.", "当前状态为 {state}；只能在截止前应诉一次。"
    ),
    remedy=Text("Look at the list of chargebacks.", "请查看拒付列表。"),
)
NOTHING_TO_RECOVER = problem_type(
    "nothing-to-recover",
    Kind.CONFLICT,
    title=Text("Nothing can be brought back", "没有可追回的款项"),
    detail=Text(
        "{debt} is owed and not on its way back already; {sent} of it was paid out through the payment provider.",
        "未在追回途中的欠款为 {debt}，其中经支付服务商付出的为 {sent}。",
    ),
    remedy=Text("What is owed is taken off the next payout in any case.", "欠款将在下次付款时自动抵扣。"),
)
NOT_ONBOARDABLE = problem_type(
    "no-onboarding",
    Kind.CONFLICT,
    title=Text("There is no account to complete", "没有待完善的收款账户"),
    detail=Text("The payout account is {state}.", "收款账户状态为 {state}。"),
    remedy=Text(
        "Open a payout account first, and wait until the payment provider has made it.",
        "请先开立收款账户，待支付服务商建立后再试。",
    ),
)
PROVIDER_AWAY = problem_type(
    "payment-provider-away",
    Kind.UNAVAILABLE,
    title=Text("The payment provider does not answer", "支付服务商暂无响应"),
    detail=Text("It said: {code}.", "返回代码：{code}。"),
    remedy=Text("Try again in a moment.", "请稍后重试。"),
)
