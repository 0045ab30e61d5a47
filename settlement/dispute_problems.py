"""What is refused in disputes, and what to do then."""

from __future__ import annotations

from exchange.kernel.errors import Kind, problem_type
from exchange.kernel.text import Text

DISPUTE_EXISTS = problem_type(
    "dispute-exists",
    Kind.CONFLICT,
    title=Text("It is in dispute already", "该事项已在争议中"),
    detail=Text(
        "There is an open dispute about {source}; its money is held until that is closed.",
        "{source} 已有未结争议，相关款项在结案前冻结。",
    ),
    remedy=Text(
        "Settle it there: send a proposal, or let the arbitrator decide.",
        "请在该争议中处理：提交和解方案，或由仲裁机构裁决。",
    ),
)
DISPUTE_AMOUNT = problem_type(
    "dispute-amount",
    Kind.UNPROCESSABLE,
    title=Text("More than can be in dispute", "超出可争议的金额"),
    detail=Text(
        "Between a hundredth and {left} of {source} can be in dispute, in its own currency; by its seller only all of it.",
        "{source} 可争议的金额不低于 0.01 且不超过 {left}，币种须一致；供应方自行提起的，须为全部剩余金额。",
    ),
    remedy=Text(
        "Name an amount up to that, or none: then all that is left is in dispute.",
        "请填写不超过该数额的金额；不填则以全部剩余金额为争议金额。",
    ),
)
DISPUTE_KIND = problem_type(
    "dispute-kind",
    Kind.UNPROCESSABLE,
    title=Text("That kind of dispute does not fit", "争议类型不符"),
    detail=Text(
        "A dispute of kind {kind} cannot be opened on {source}: {reason}.",
        "不能就 {source} 提起类型为 {kind} 的争议：{reason}。",
    ),
    remedy=Text(
        "Order, delivery and quality are of an order (ord_...), usage of a charge (chg_...); of a split, name the payee that has your share.",
        "订单、交付与质量争议针对订单（ord_...），用量争议针对费用（chg_...）；分成争议须指明取得该份额的收款方。",
    ),
)
DISPUTE_STATE = problem_type(
    "dispute-state",
    Kind.CONFLICT,
    title=Text("Not possible where the dispute stands", "争议当前状态不允许该操作"),
    detail=Text(
        "The dispute is {state}; {wanted} is not possible for you now.", "争议状态为 {state}，当前您不能执行 {wanted}。"
    ),
    remedy=Text(
        "Read the dispute: its `may` lists what you can do now.", "请查看争议详情，其中 may 列出您当前可执行的操作。"
    ),
)
DISPUTE_WORDS = problem_type(
    "dispute-words",
    Kind.UNPROCESSABLE,
    title=Text("These words cannot be shown", "文字内容无效"),
    detail=Text("The text is refused: {reason}.", "文本不符合要求：{reason}。"),
    remedy=Text("Write it in English or Chinese, or in both.", "请以中文或英文填写，也可同时填写。"),
)
AWARD_INVALID = problem_type(
    "award-invalid",
    Kind.UNPROCESSABLE,
    title=Text("These parts do not fit the dispute", "方案内容与争议不符"),
    detail=Text(
        "At most {left} can be moved, and: {reason}.",
        "最多可处置 {left}；另：{reason}。",
    ),
    remedy=Text(
        "Refund, credit and rework are for disputes between buyer and seller, a changed share for those between payees. Rework can be ordered once, while something is left.",
        "退款、补偿与返工适用于买卖双方的争议，分成变更适用于收款方之间的争议；返工仅可责令一次，且须尚有未处置金额。",
    ),
)
PROPOSAL_OVER = problem_type(
    "proposal-over",
    Kind.CONFLICT,
    title=Text("That proposal is not on the table", "该和解方案已失效"),
    detail=Text(
        "Only the last proposal of the other side can be accepted, by its id.",
        "只能按编号接受对方最近一次提出的和解方案。",
    ),
    remedy=Text("Read the dispute and name the id of its last proposal.", "请查看争议详情并填写最近方案的编号。"),
)
ARBITRATOR_UNFIT = problem_type(
    "arbitrator-unfit",
    Kind.UNPROCESSABLE,
    title=Text("Not a possible arbitrator of this case", "该机构不能担任本案仲裁人"),
    detail=Text("{organisation} cannot arbitrate it: {reason}.", "{organisation} 不能仲裁本案：{reason}。"),
    remedy=Text(
        "Assign a verified arbitration provider that has no part in the order.",
        "请指派与订单无关且已认证的仲裁机构。",
    ),
)
EVIDENCE_INVALID = problem_type(
    "dispute-evidence-invalid",
    Kind.UNPROCESSABLE,
    title=Text("Not evidence that can be taken", "证据无法接收"),
    detail=Text("The evidence is refused: {reason}.", "证据不符合要求：{reason}。"),
    remedy=Text(
        "Send one file of a known kind, or name what this exchange keeps of the order in dispute.",
        "请提交受支持类型的文件，或指明交易所保存的、与争议订单相关的记录。",
    ),
)
