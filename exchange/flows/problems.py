"""Refusals that only a flow can know, because they join several packages."""

from __future__ import annotations

from exchange.kernel.errors import Kind, problem_type
from exchange.kernel.text import Text

NOT_FOR_SALE = problem_type(
    "not-for-sale",
    Kind.CONFLICT,
    title=Text("Not for sale", "暂不可购买"),
    detail=Text("This offer cannot be ordered now: {reason}.", "该报价方案当前无法下单：{reason}。"),
    remedy=Text("Read the listing again and choose a current offer.", "请重新查看上架产品并选择有效的报价方案。"),
)
BUYER_NOT_VERIFIED = problem_type(
    "buyer-not-verified",
    Kind.FORBIDDEN,
    title=Text("Not verified yet", "机构尚未通过核验"),
    detail=Text(
        "Your organisation is {state}; only a verified one may order.", "您的机构状态为 {state}，仅已核验机构可下单。"
    ),
    remedy=Text(
        "Submit your registration number and evidence, then wait for the operator's decision.",
        "请提交登记号码及证明材料，并等待运营方核验。",
    ),
)
OWN_OFFER = problem_type(
    "own-offer",
    Kind.CONFLICT,
    title=Text("Your own offer", "不能购买自己的产品"),
    detail=Text("Buyer and seller are the same organisation.", "买方与卖方为同一机构。"),
    remedy=Text("Use the supplier portal to read your own data.", "请通过供应方接口读取自己的数据。"),
)
WALLET_TOO_LOW = problem_type(
    "wallet-too-low",
    Kind.PAYMENT_REQUIRED,
    title=Text("Wallet too low", "钱包余额不足"),
    detail=Text("This costs {price}; the wallet holds {available}.", "应付 {price}，钱包余额为 {available}。"),
    remedy=Text("Top up the wallet, or order with payment by card.", "请先充值，或选择银行卡支付。"),
)
FROZEN = problem_type(
    "trade-frozen",
    Kind.FORBIDDEN,
    title=Text("Frozen by directive", "已被监管指令冻结"),
    detail=Text("A regulator's directive has frozen {object}.", "监管指令已冻结 {object}。"),
    remedy=Text(
        "Ask the regulator named in the directive; orders work again once it is lifted.",
        "请联系指令所列监管机构；指令解除后即可恢复。",
    ),
)
QUOTE_OF_ANOTHER_OFFER = problem_type(
    "quote-mismatch",
    Kind.UNPROCESSABLE,
    title=Text("Quote for another offer", "询价单与报价方案不符"),
    detail=Text("The quote is for another offer than the one ordered.", "该询价单对应的报价方案与所下单的不一致。"),
    remedy=Text(
        "Order the offer that the quote names, or ask a new quote.", "请按询价单所列报价方案下单，或重新询价。"
    ),
)
FORECAST_INVALID = problem_type(
    "forecast-invalid",
    Kind.UNPROCESSABLE,
    title=Text("Forecast not understood", "用量预测无效"),
    detail=Text("The forecast of use cannot be priced: {reason}.", "无法按该用量预测计价：{reason}。"),
    remedy=Text(
        "Send one object per month, meter names to whole numbers, for 1 to 36 months.",
        "请按月提交对象（计量项名称对应整数用量），共 1 至 36 个月。",
    ),
)
DAY_NOT_OVER = problem_type(
    "day-not-over",
    Kind.UNPROCESSABLE,
    title=Text("Day not over", "该日尚未结束"),
    detail=Text("The UTC day {day} is not over.", "{day}（UTC）尚未结束。"),
    remedy=Text("Name a day before today in UTC.", "请指定早于今日（UTC）的日期。"),
)
PRICE_NOT_CHARGEABLE = problem_type(
    "price-not-chargeable",
    Kind.UNPROCESSABLE,
    title=Text("No card can be charged this price", "该价格无法用银行卡支付"),
    detail=Text("{price} is not an amount that a card can be charged.", "{price} 不是银行卡可以扣款的金额。"),
    remedy=Text("Pay from the wallet.", "请使用钱包余额支付。"),
)
