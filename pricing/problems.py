"""What pricing refuses, and why."""

from __future__ import annotations

from exchange.kernel.errors import Kind, problem_type
from exchange.kernel.text import Text

PLAN_FIELD = problem_type(
    "plan-field-wrong",
    Kind.UNPROCESSABLE,
    title=Text("A field of the price plan is wrong", "价格方案字段有误"),
    detail=Text("{field} {why}.", "{field} {why}。"),
    remedy=Text(
        "Correct the field; the JSON Schema is at /catalog/v1/schemas/plan.schema.json, worked examples are in the documentation.",
        "请修改该字段；JSON Schema 见 /catalog/v1/schemas/plan.schema.json，示例见文档。",
    ),
)
PLAN_NOTE = problem_type(
    "plan-note",
    Kind.UNPROCESSABLE,
    title=Text("The price plan may not do what you want", "价格方案可能与预期不符"),
    detail=Text("{field}: {why}.", "{field}：{why}。"),
    remedy=Text(
        "Look at the example; change the plan, or keep it if this is what you mean.",
        "请查看示例；如非本意请修改方案，否则可保留。",
    ),
)
QUOTE_EXPIRED = problem_type(
    "quote-expired",
    Kind.GONE,
    title=Text("The quote has expired", "报价单已过期"),
    detail=Text("The quote was valid until {expires_at}.", "该报价单有效期至 {expires_at}。"),
    remedy=Text("Ask for a new quote and order with that one.", "请重新询价并使用新的报价单下单。"),
)
PRICE_NOT_AGREED = problem_type(
    "price-not-agreed",
    Kind.CONFLICT,
    title=Text("The price is not agreed yet", "价格尚未商定"),
    detail=Text("The price of {components} is negotiated or auctioned.", "{components} 的价格需要协商或拍卖确定。"),
    remedy=Text(
        "As the supplier, name your price of each in `amounts`. As a buyer, ask the supplier for a quote, or take part in "
        "the auction, and order with the quote you get.",
        "供应方：请在 `amounts` 中写明各项价格；买方：请向供应方询价或参加拍卖，并使用获得的报价单下单。",
    ),
)
CURRENCY_NOT_OFFERED = problem_type(
    "currency-not-offered",
    Kind.UNPROCESSABLE,
    title=Text("The offer has no price in this currency", "该报价方案没有此货币的价格"),
    detail=Text(
        "There is no price in {currency}; there is one in {offered}.", "没有 {currency} 价格；可选货币：{offered}。"
    ),
    remedy=Text("Choose one of the offered currencies.", "请选择所列货币之一。"),
)
PRICE_BELOW_FLOOR = problem_type(
    "price-below-floor",
    Kind.UNPROCESSABLE,
    title=Text("The amount is below the floor", "金额低于最低价"),
    detail=Text("The least for {component} is {floor} {currency}.", "{component} 的最低金额为 {floor} {currency}。"),
    remedy=Text("Name the floor or more.", "请填写不低于最低价的金额。"),
)
COUPON_INVALID = problem_type(
    "coupon-invalid",
    Kind.UNPROCESSABLE,
    title=Text("The coupon does not hold", "优惠码无效"),
    detail=Text(
        "The offer has no such coupon, or it is not valid now.", "该报价方案没有此优惠码，或优惠码当前不在有效期内。"
    ),
    remedy=Text("Check the code and its dates, or order without it.", "请检查优惠码及其有效期，或不使用优惠码下单。"),
)
CHOICE_INVALID = problem_type(
    "choice-invalid",
    Kind.UNPROCESSABLE,
    title=Text("The offer does not have this choice", "该报价方案不提供此选项"),
    detail=Text("{field}: {why}.", "{field}：{why}。"),
    remedy=Text(
        "Look at the offer's price and choose what it offers.", "请查看该报价方案的价格说明并选择其提供的选项。"
    ),
)
