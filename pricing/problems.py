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
        "Correct the field; the plan's JSON Schema and worked examples are in the documentation.",
        "请修改该字段；价格方案的 JSON Schema 与示例见文档。",
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
