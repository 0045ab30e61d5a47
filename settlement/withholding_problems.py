"""What withholding refuses, and what to do then."""

from __future__ import annotations

from exchange.kernel.errors import Kind, problem_type
from exchange.kernel.text import Text

NO_WITHHOLDING_RULE = problem_type(
    "no-withholding-rule",
    Kind.CONFLICT,
    title=Text("No rule says what tax to withhold", "缺少代扣税款规则"),
    detail=Text(
        "Nothing in the table says what {payer} withholds from {income} paid to {payee}; the money stays on account.",
        "规则表未载明 {payer} 就支付给 {payee} 的 {income} 应如何代扣税款；款项留存于账户。",
    ),
    remedy=Text(
        "Ask the operator: it adds the rule, with its source, and pays again.",
        "请联系运营方：补充规则及其来源后重新付款。",
    ),
)
PAYOUT_SMALL = problem_type(
    "payout-small",
    Kind.CONFLICT,
    title=Text("Less than the least payout", "未达最低付款额"),
    detail=Text(
        "{amount} can be paid; by {rail} the least is {least}.", "可付 {amount}；{rail} 渠道最低付款额为 {least}。"
    ),
    remedy=Text(
        "It is paid with the next money, in December, or when the operator is told to pay small sums.",
        "将并入下次付款；每年十二月或运营方选择支付小额款项时一并付清。",
    ),
)
RELIEF_INVALID = problem_type(
    "withholding-relief-invalid",
    Kind.UNPROCESSABLE,
    title=Text("Not a relief that can count", "减免证明无效"),
    detail=Text("{reason}.", "{reason}。"),
    remedy=Text("Copy it from the office's paper.", "请按税务机关的证明填写。"),
)
WITHHOLDING_TABLE_INVALID = problem_type(
    "withholding-table-invalid",
    Kind.UNPROCESSABLE,
    title=Text("Not a table of withholding rules", "代扣税款规则表无效"),
    detail=Text("{reason}.", "{reason}。"),
    remedy=Text(
        "Name each rule once, with its days, its rate and its source.", "每条规则只列一次，并写明起止日期、税率与依据。"
    ),
)
WITHHOLDING_TABLE_ADOPTED = problem_type(
    "withholding-table-adopted",
    Kind.CONFLICT,
    title=Text("The table was adopted before", "规则表已启用过"),
    detail=Text("{table} was put in force before.", "{table} 已启用过。"),
    remedy=Text("Propose the same rules as a new table.", "如需重新启用，请以新规则表提出。"),
)
SELLER_REPORT_EARLY = problem_type(
    "seller-report-early",
    Kind.CONFLICT,
    title=Text("The report cannot be made yet", "尚不能编制报告"),
    detail=Text("No report of this stretch: {reason}.", "无法编制该期间的报告：{reason}。"),
    remedy=Text(
        "Settle the currency to the end of the stretch, by months, then ask again.", "请按月结算至期末后重试。"
    ),
)
