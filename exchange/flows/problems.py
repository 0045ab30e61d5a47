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
    detail=Text("Buyer and seller are the same organisation.", "买方与供应方为同一机构。"),
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
    title=Text("Stopped by directive", "已被监管指令停止交易"),
    detail=Text("A regulator's directive has stopped the sale of {object}.", "监管指令已停止 {object} 的交易。"),
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
PRICE_ABOVE_VERIFIED = problem_type(
    "price-above-verified",
    Kind.CONFLICT,
    title=Text("More than the buyer verified", "超过买方确认的金额"),
    detail=Text(
        "An order now costs {price}, and the buyer verified {verified}.",
        "现在下单应付 {price}，而买方确认的金额为 {verified}。",
    ),
    remedy=Text(
        "Its price depends on the day or on a tax that has changed: end this negotiation and agree again.",
        "价格因下单日期或税率变化而不同：请终止本次协商并重新达成一致。",
    ),
)
QUOTE_USED = problem_type(
    "quote-used",
    Kind.CONFLICT,
    title=Text("The quote was ordered with already", "该询价单已被使用"),
    detail=Text(
        "An order names {quote}; a quote is good for one order.", "已有订单使用 {quote}；每份询价单仅可下单一次。"
    ),
    remedy=Text("Ask for a new quote, or order at the offer's price.", "请重新询价，或按报价方案的价格下单。"),
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
QUOTE_HAS_CHOICES = problem_type(
    "quote-has-choices",
    Kind.UNPROCESSABLE,
    title=Text("The quote has fixed this already", "报价单已确定这些选择"),
    detail=Text(
        "Currency, commitment, term, coupon and amounts are fixed by the quote that the order names.",
        "币种、承诺用量、期限、优惠码和金额已由订单所指定的报价单确定。",
    ),
    remedy=Text(
        "Leave them out of the order, or ask for a new quote with other choices.",
        "请在订单中省略这些字段，或以其他选择重新询价。",
    ),
)
QUOTE_FOR_OTHER_PURPOSES = problem_type(
    "quote-for-other-purposes",
    Kind.UNPROCESSABLE,
    title=Text("Quote for other purposes", "报价单用途不符"),
    detail=Text("The quote is for {purposes}.", "该报价单适用的用途为 {purposes}。"),
    remedy=Text("Order for these purposes, or ask for a new quote.", "请按所列用途下单，或重新询价。"),
)
NOT_NEGOTIABLE = problem_type(
    "not-negotiable",
    Kind.UNPROCESSABLE,
    title=Text("This price is not open to negotiation", "该价格不可协商"),
    detail=Text(
        "The component {component} is not one that the plan leaves to be negotiated or to be chosen by the buyer.",
        "组成项 {component} 不是价格方案中可协商或由买方自选价格的组成项。",
    ),
    remedy=Text(
        "Name components of the models negotiated and pay_what_you_want only; everything else has one price for everybody.",
        "仅可填写 negotiated 或 pay_what_you_want 模型的组成项；其他组成项对所有买方价格相同。",
    ),
)
PRIVATE_QUOTE_INVALID = problem_type(
    "private-quote-invalid",
    Kind.UNPROCESSABLE,
    title=Text("A field of the quote is wrong", "报价单字段有误"),
    detail=Text("{field}: {reason}.", "{field}：{reason}。"),
    remedy=Text("Correct the field and send the quote again.", "请修改该字段后重新提交。"),
)
TERM_NOT_OVER = problem_type(
    "term-not-over",
    Kind.CONFLICT,
    title=Text("The term is not over", "承诺期限未满"),
    detail=Text("The price rests on a term that lasts until {ends_at}.", "该价格以承诺期限为前提，期限至 {ends_at}。"),
    remedy=Text(
        "Change the offer after that, or order the other offer beside this one.",
        "请在期限届满后更换报价方案，或另行下单。",
    ),
)
OFFER_OF_ANOTHER_LISTING = problem_type(
    "offer-of-another-listing",
    Kind.UNPROCESSABLE,
    title=Text("Offer of another listing", "报价方案不属于该上架产品"),
    detail=Text("A change stays within the listing that the grant is for.", "只能更换为同一上架产品的报价方案。"),
    remedy=Text(
        "Choose an offer of the same listing, or place an order.", "请选择同一上架产品的报价方案，或另行下单。"
    ),
)
SAME_OFFER = problem_type(
    "same-offer",
    Kind.CONFLICT,
    title=Text("The grant is on this offer already", "该使用权已采用此报价方案"),
    detail=Text("A change goes to another offer.", "只能更换为其他报价方案。"),
    remedy=Text("Choose another offer, or place another order.", "请选择其他报价方案，或另行下单。"),
)
CHANGE_TOO_EARLY = problem_type(
    "change-too-early",
    Kind.CONFLICT,
    title=Text("The grant has not begun yet", "使用权尚未生效"),
    detail=Text(
        "The grant {grant} begins at {starts_at} and cannot be changed before.",
        "使用权 {grant} 将于 {starts_at} 生效，此前不可更换。",
    ),
    remedy=Text("Change the offer after that.", "请在生效后更换报价方案。"),
)
GRANT_ENDS_ALREADY = problem_type(
    "grant-ends-already",
    Kind.CONFLICT,
    title=Text("The grant ends already", "使用权即将结束"),
    detail=Text(
        "The grant {grant} ends at {ends_at}, which is not after the moment of the change; perhaps it was changed already.",
        "使用权 {grant} 将于 {ends_at} 结束，不晚于更换时间；可能已更换过。",
    ),
    remedy=Text(
        "Look at your grants; order the offer to use it after that.", "请查看您的使用权；如需此后继续使用，请下单。"
    ),
)
COUNTED_FOR_LIFE = problem_type(
    "counted-for-life",
    Kind.CONFLICT,
    title=Text("The offer counts use over its whole life", "该报价方案按整个合约期累计用量"),
    detail=Text(
        "Included quantities, packs, tiers or caps of this grant last as long as its agreement, so it has no period to end with.",
        "该使用权的包含量、基础包、阶梯或封顶在整个合约期内累计，没有可供更换的周期终点。",
    ),
    remedy=Text("End the grant and order the other offer.", "请终止该使用权，再订购其他报价方案。"),
)
TRIAL_USED = problem_type(
    "trial-used",
    Kind.CONFLICT,
    title=Text("The trial was used", "试用已使用"),
    detail=Text(
        "The quote counts on a trial, and this offer was ordered since; a trial runs once for each buyer.",
        "报价单含试用期，而此后已订购过该报价方案；每位买方仅可试用一次。",
    ),
    remedy=Text("Ask for a new quote, or order at the offer's price.", "请重新询价，或按报价方案的价格下单。"),
)
