"""What settlement refuses, and what to do then."""

from __future__ import annotations

from exchange.kernel.errors import Kind, problem_type
from exchange.kernel.text import Text

WALLET_INSUFFICIENT = problem_type(
    "wallet-insufficient",
    Kind.PAYMENT_REQUIRED,
    title=Text("Not enough money in the wallet", "钱包余额不足"),
    detail=Text("This costs {needed}; the wallet holds {available}.", "该操作需要 {needed}，钱包余额为 {available}。"),
    remedy=Text(
        "Top up the wallet by card or bank transfer, or pay the order by card.",
        "请通过银行卡或银行转账充值，或改用银行卡支付订单。",
    ),
)
AMOUNT_INVALID = problem_type(
    "amount-invalid",
    Kind.UNPROCESSABLE,
    title=Text("Amount not possible", "金额无效"),
    detail=Text(
        "An amount here lies between {least} and {most}, in whole {currency} coins.",
        "金额须在 {least} 与 {most} 之间，并为 {currency} 最小货币单位的整数倍。",
    ),
    remedy=Text("Send an amount within these limits.", "请提交该范围内的金额。"),
)
SHARES_INVALID = problem_type(
    "shares-invalid",
    Kind.UNPROCESSABLE,
    title=Text("Shares that cannot be split by", "分成比例无效"),
    detail=Text("The list of shares is wrong: {reason}.", "分成列表有误：{reason}。"),
    remedy=Text(
        "Name each payee once per role, with a whole weight, and at least one weight above 0.",
        "每个收款方在每个角色中只能出现一次，权重须为整数，且至少一个大于 0。",
    ),
)
PAYMENT_STATE = problem_type(
    "payment-state",
    Kind.CONFLICT,
    title=Text("The payment has moved on", "支付状态已变化"),
    detail=Text("The payment is {state} and cannot become {wanted}.", "该支付当前为 {state}，不能变为 {wanted}。"),
    remedy=Text("Read the payment again; nothing was booked.", "请重新读取该支付；未产生任何记账。"),
)
BANK_ENTRY_MISMATCH = problem_type(
    "bank-entry-mismatch",
    Kind.CONFLICT,
    title=Text("The bank entry was recorded with other facts", "该银行流水已以不同内容入账"),
    detail=Text("The bank entry {entry} was recorded before: {recorded}.", "银行流水 {entry} 已入账：{recorded}。"),
    remedy=Text(
        "Compare it with the bank's own statement; entries are never changed, only corrected by new ones.",
        "请与银行对账单核对；已入账流水不可更改，只能以新的分录更正。",
    ),
)
PERIOD_INVALID = problem_type(
    "period-invalid",
    Kind.UNPROCESSABLE,
    title=Text("Not a period that can be settled", "无法结算的期间"),
    detail=Text(
        "A period starts before it ends, both on a quarter-hour of UTC, and it is over.",
        "期间的开始须早于结束，两端均为 UTC 整刻钟，且期间已结束。",
    ),
    remedy=Text("Choose edges such as 2026-01-01T00:00:00Z.", "请选择例如 2026-01-01T00:00:00Z 的时刻。"),
)
PERIOD_PASSED = problem_type(
    "period-passed",
    Kind.CONFLICT,
    title=Text("A later period was settled already", "之后的期间已结算"),
    detail=Text(
        "Settlement has come to {until}; a run that ends earlier would take back what was charged since.",
        "结算已进行到 {until}；截止更早的结算会冲回此后已收取的费用。",
    ),
    remedy=Text(
        "Use that came late is corrected by the next run: settle a period that ends at that moment or later.",
        "迟到的用量由下一次结算更正：请选择在该时刻或之后结束的期间。",
    ),
)
RUN_OPEN = problem_type(
    "run-open",
    Kind.CONFLICT,
    title=Text("Another settlement run is open", "另一个结算批次尚未关闭"),
    detail=Text("The run {run} over another period is still open.", "针对其他期间的结算批次 {run} 尚未关闭。"),
    remedy=Text("Let it finish (exchange settle --resume), then start this one.", "请先完成该批次，再启动新的批次。"),
)
RUN_UNFINISHED = problem_type(
    "run-unfinished",
    Kind.CONFLICT,
    title=Text("The settlement run is not finished", "结算批次尚未完成"),
    detail=Text("{left} parts of the run are still to do.", "该批次还有 {left} 项未处理。"),
    remedy=Text("Go on with the run, then close it.", "请继续执行该批次后再关闭。"),
)
NOT_PAYABLE = problem_type(
    "nothing-payable",
    Kind.CONFLICT,
    title=Text("Nothing to pay out", "没有可付款项"),
    detail=Text(
        "The account holds {payable}; the least payout is {least}.", "账户余额为 {payable}，最低付款额为 {least}。"
    ),
    remedy=Text("Wait for the next settlement.", "请等待下一次结算。"),
)
PAYOUT_EXISTS = problem_type(
    "payout-exists",
    Kind.CONFLICT,
    title=Text("Already paid out for this period", "该期间已付款"),
    detail=Text("The payout {payout} covers this account and period.", "付款 {payout} 已覆盖该账户与期间。"),
    remedy=Text("See the payout; the rest is paid with the next period.", "请查看该付款；余额将在下一期间支付。"),
)
PAYOUT_STATE = problem_type(
    "payout-state",
    Kind.CONFLICT,
    title=Text("The payout has moved on", "付款状态已变化"),
    detail=Text("The payout is {state} and cannot become {wanted}.", "该付款当前为 {state}，不能变为 {wanted}。"),
    remedy=Text("Read the payout again; nothing was booked.", "请重新读取该付款；未产生任何记账。"),
)
JOURNAL_MISMATCH = problem_type(
    "journal-mismatch",
    Kind.CONFLICT,
    title=Text("Booked before with other amounts", "已以不同金额记账"),
    detail=Text("The journal {journal} has other lines.", "凭证 {journal} 的分录内容不同。"),
    remedy=Text("Book a correction; journals are never changed.", "请另行更正；凭证不可更改。"),
)
