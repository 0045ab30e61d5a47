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
    detail=Text(
        "The run {run} over another period, or over other regions, is still open.",
        "针对其他期间或其他地区的结算批次 {run} 尚未关闭。",
    ),
    remedy=Text(
        "Let it finish, or cancel it while nothing of it is booked, then start this one.",
        "请先完成该批次（尚未入账时也可取消），再启动新的批次。",
    ),
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
ACCEPTANCE_STATE = problem_type(
    "acceptance-state",
    Kind.CONFLICT,
    title=Text("Not possible any more for this delivery", "该交付已不可如此处理"),
    detail=Text(
        "The delivery stands at {standing} and cannot be {wanted}; its inspection ends at {until}.",
        "该交付当前为 {standing}，不能再 {wanted}；验收期截止于 {until}。",
    ),
    remedy=Text(
        "Within the window a buyer accepts or rejects; after it, ask the seller or the operator for a refund.",
        "验收期内买方可接受或拒绝；逾期请向供应方或运营方申请退款。",
    ),
)
REFUND_TOO_LARGE = problem_type(
    "refund-too-large",
    Kind.UNPROCESSABLE,
    title=Text("More than can go back", "退款金额超出可退范围"),
    detail=Text("{left} of {paid} can still go back.", "已付 {paid}，尚可退 {left}。"),
    remedy=Text("Refund at most that; nothing was booked.", "请在该金额以内退款；未产生任何记账。"),
)
REFUND_END = problem_type(
    "refund-grant-end",
    Kind.UNPROCESSABLE,
    title=Text("The use cannot end then", "使用权不能在该时刻结束"),
    detail=Text(
        "A partial refund can end the use between now and {ends_at}; a full one ends it now.",
        "部分退款可将使用权提前至现在与 {ends_at} 之间结束；全额退款即时结束使用权。",
    ),
    remedy=Text(
        "Leave out grant_ends_at, or name a moment within these limits.", "请省略 grant_ends_at 或改为范围内的时刻。"
    ),
)
RATE_INVALID = problem_type(
    "rate-invalid",
    Kind.UNPROCESSABLE,
    title=Text("Not a rate", "汇率无效"),
    detail=Text(
        "The rate of {sell} for {buy} cannot be published: {reason}.", "{sell} 兑 {buy} 的汇率无法发布：{reason}。"
    ),
    remedy=Text("Correct the rate; none of this request was published.", "请更正该汇率；本次请求中的汇率均未发布。"),
)
RATE_EXISTS = problem_type(
    "rate-exists",
    Kind.CONFLICT,
    title=Text("A rate begins then already", "该时刻已有汇率生效"),
    detail=Text("A rate of {sell} for {buy} begins at {at} already.", "{sell} 兑 {buy} 已有汇率于 {at} 生效。"),
    remedy=Text(
        "Rates are never changed: publish one that begins at another moment. It ends the one before.",
        "汇率不可更改：请发布在其他时刻生效的新汇率，新汇率生效时旧汇率随即失效。",
    ),
)
RATE_ROUND_TRIP = problem_type(
    "rate-round-trip",
    Kind.UNPROCESSABLE,
    title=Text("Rates that would make money out of nothing", "汇率存在循环套利"),
    detail=Text(
        "Whoever converts {round} would get back {gain} for each 1 at {at}.",
        "按 {round} 依次兑换，在 {at} 每投入 1 将换回 {gain}。",
    ),
    remedy=Text(
        "Publish both directions in one request, so that no round of conversions gives back more than it took.",
        "请在同一请求中同时发布两个方向的汇率，确保任何循环兑换都不会获利。",
    ),
)
RATE_LAPSED = problem_type(
    "rate-lapsed",
    Kind.CONFLICT,
    title=Text("The rate has lapsed", "汇率已失效"),
    detail=Text(
        "The rate {rate} does not hold any more, or not until the time you named.",
        "汇率 {rate} 已不再有效，或在您所指定的时间之前已失效。",
    ),
    remedy=Text("Ask for a new quote; nothing was converted.", "请重新询价；未发生任何兑换。"),
)
CONVERSION_AMOUNT = problem_type(
    "conversion-amount",
    Kind.UNPROCESSABLE,
    title=Text("An amount that cannot be converted", "该金额无法兑换"),
    detail=Text(
        "{amount} at {value} buys nothing, or more than can be booked.",
        "{amount} 按 {value} 兑换所得为零，或超出可记账范围。",
    ),
    remedy=Text("Convert another amount.", "请更换金额。"),
)
PAYABLE_INSUFFICIENT = problem_type(
    "payable-insufficient",
    Kind.CONFLICT,
    title=Text("Not enough settled money", "已结算款项不足"),
    detail=Text(
        "This needs {needed}; {available} is settled and free.", "该操作需要 {needed}，已结算且可动用的为 {available}。"
    ),
    remedy=Text("Convert less, or wait for the next settlement.", "请减少兑换金额，或等待下一次结算。"),
)
SPLIT_FIELD = problem_type(
    "split-rule-field-wrong",
    Kind.UNPROCESSABLE,
    title=Text("A field of the split rule is wrong", "分成规则字段有误"),
    detail=Text("{field} {why}.", "{field} {why}。"),
    remedy=Text(
        "Correct that field. The JSON Schema is at /catalog/v1/schemas/waterfall.schema.json; the guide on split rules has an "
        "example of every step.",
        "请更正该字段。JSON Schema 见 /catalog/v1/schemas/waterfall.schema.json；分成规则指南中有每种步骤的示例。",
    ),
)
SPLIT_REFUSED = problem_type(
    "split-rule-refused",
    Kind.UNPROCESSABLE,
    title=Text("By this rule the money cannot be split", "无法按该规则分成"),
    detail=Text("Step {step}: {why}.", "步骤 {step}：{why}。"),
    remedy=Text(
        "Ask for a check of the rule: it lists every finding with its step.",
        "请调用规则检查接口，其中列出每个步骤的全部问题。",
    ),
)
SPLIT_UNCHANGED = problem_type(
    "split-rule-unchanged",
    Kind.CONFLICT,
    title=Text("The rule is the same as before", "分成规则未变化"),
    detail=Text("Version {version} ({rule}) says the same.", "第 {version} 版（{rule}）内容相同。"),
    remedy=Text("Use that version, or change the rule.", "请使用该版本，或修改规则内容。"),
)
SPLIT_RULES_TOO_MANY = problem_type(
    "split-rules-too-many",
    Kind.CONFLICT,
    title=Text("Too many split rules", "分成规则过多"),
    detail=Text("A dataset has at most {limit} versions of rules.", "每个数据集最多 {limit} 个规则版本。"),
    remedy=Text("Use one of the rules that are there.", "请使用已有的规则。"),
)
SPLIT_UNFIT = problem_type(
    "split-rule-unfit",
    Kind.UNPROCESSABLE,
    title=Text("The offer cannot use this split rule", "报价方案不能使用该分成规则"),
    detail=Text("The rule {rule} {why}.", "规则 {rule} {why}。"),
    remedy=Text(
        "Name a rule of the same dataset and currency that is in force, by its id and SHA-256.",
        "请以编号和 SHA-256 指定同一数据集、同一货币且在有效期内的规则。",
    ),
)
SHARE_TOO_LOW = problem_type(
    "share-below-minimum",
    Kind.UNPROCESSABLE,
    title=Text("A share is below the exchange's minimum", "分成低于交易所最低比例"),
    detail=Text(
        "The share of the {role} is {percent} %; the exchange asks for at least {least} % of each sale.",
        "{role} 的分成为 {percent}%，交易所要求每笔销售至少 {least}%。",
    ),
    remedy=Text(
        "Raise that share of the gross, without an upper limit on it.", "请提高该方按销售总额计算的分成，且不设上限。"
    ),
)
MINIMUM_INVALID = problem_type(
    "split-minimum-invalid",
    Kind.UNPROCESSABLE,
    title=Text("Not a possible minimum", "最低分成比例无效"),
    detail=Text("The minimum {why}.", "最低分成比例{why}。"),
    remedy=Text(
        "Choose a percentage from 0 to 100 that begins now or later.", "请填写 0 至 100 的百分比，且自当前或以后生效。"
    ),
)
MANDATE_INVALID = problem_type(
    "mandate-invalid",
    Kind.UNPROCESSABLE,
    title=Text("Not a possible mandate", "经纪委托无效"),
    detail=Text("{field} {why}.", "{field} {why}。"),
    remedy=Text("Correct that field.", "请更正该字段。"),
)
MANDATE_NOT_IN_FORCE = problem_type(
    "mandate-not-in-force",
    Kind.CONFLICT,
    title=Text("The mandate is not in force", "经纪委托不在有效期内"),
    detail=Text(
        "The mandate {mandate} runs from {starts_at} to {ends_at}.",
        "委托 {mandate} 的期限为 {starts_at} 至 {ends_at}。",
    ),
    remedy=Text(
        "Buyers are claimed while the mandate runs; its tail only keeps claims that were made before.",
        "仅可在委托期限内登记买方；尾期只保留此前已登记的买方。",
    ),
)
BUYER_CLAIMED = problem_type(
    "buyer-claimed",
    Kind.CONFLICT,
    title=Text("The buyer was introduced before", "该买方已有引荐登记"),
    detail=Text(
        "Another claim on this buyer for the same supplier stands until {until}.",
        "针对同一供应方，该买方的另一项引荐登记有效至 {until}。",
    ),
    remedy=Text(
        "The first claim in force counts. Ask the supplier if you think that it is wrong.",
        "以最先登记且有效者为准。如有异议，请联系供应方。",
    ),
)
SALES_TOO_MANY = problem_type(
    "sales-too-many",
    Kind.UNPROCESSABLE,
    title=Text("Too many sales for one simulation", "模拟的销售笔数过多"),
    detail=Text("These months hold more than {limit} sales.", "所选月份的销售超过 {limit} 笔。"),
    remedy=Text("Ask for fewer months.", "请减少月份数量。"),
)
WEIGHTS_INVALID = problem_type(
    "weights-invalid",
    Kind.UNPROCESSABLE,
    title=Text("Contributions cannot be measured like this", "无法按此方式测量贡献"),
    detail=Text("{field}: {reason}.", "{field}：{reason}。"),
    remedy=Text(
        "Correct the field; the guide on contribution-based weights shows whole examples.",
        "请修改该字段；按贡献分成指南中有完整示例。",
    ),
)
WEIGHTS_STATE = problem_type(
    "weights-state",
    Kind.CONFLICT,
    title=Text("The weight vector has moved on", "权重向量状态已变化"),
    detail=Text("The weight vector is {state}; this needs {needs}.", "该权重向量当前为 {state}，此操作需要 {needs}。"),
    remedy=Text(
        "Read the weight vector again. What was measured never changes: order a new version instead.",
        "请重新读取该权重向量。已测量的结果不可更改，如需更新请另行申请新版本。",
    ),
)
TRACE_TOO_WIDE = problem_type(
    "trace-too-wide",
    Kind.UNPROCESSABLE,
    title=Text("Spread too widely to be followed", "资金去向过于分散，无法追踪"),
    detail=Text(
        "The money of {named} went through more postings than one trace follows.",
        "{named} 的资金经过的分录超出单次追踪的上限。",
    ),
    remedy=Text(
        "Trace an order, a charge, or one line of a journal.", "请改为追踪某个订单、某笔费用或凭证中的某一行。"
    ),
)
PERIOD_NOT_OVER = problem_type(
    "period-not-over",
    Kind.CONFLICT,
    title=Text("The period is not over for the books", "该期间尚不能关账"),
    detail=Text(
        "Books until {end} can be closed from {again_at} on: what began before may still be written.",
        "截至 {end} 的账簿最早可于 {again_at} 关闭：此前开始的交易可能仍在写入。",
    ),
    remedy=Text(
        "Close an earlier end, or try again then. If the moment keeps moving, look for a transaction that does not end.",
        "请改为更早的截止时间，或届时重试。若该时间不断推后，请检查是否有长时间未结束的事务。",
    ),
)
PERIOD_CLOSED_FURTHER = problem_type(
    "period-closed-further",
    Kind.CONFLICT,
    title=Text("Closed beyond that already", "账簿已关闭至更晚的时间"),
    detail=Text("The books of {currency} are closed until {until}.", "{currency} 账簿已关闭至 {until}。"),
    remedy=Text(
        "Name a later end. A statement can begin and end at any moment inside closed periods.",
        "请指定更晚的截止时间。对账单可在已关闭期间内的任意时刻起止。",
    ),
)
RUN_BOOKED = problem_type(
    "run-booked",
    Kind.CONFLICT,
    title=Text("The run has booked already", "该结算批次已入账"),
    detail=Text(
        "{done} of {total} sellers of {run} are settled; what is booked stays, and half a settlement is no settlement.",
        "结算批次 {run} 的 {total} 个供应方中已有 {done} 个完成结算；已入账的内容不可撤回，结算也不能只做一半。",
    ),
    remedy=Text(
        "Let it finish. What it booked wrongly is corrected by a further run over the same period, or by a refund.",
        "请待其完成。入账有误之处，由对同一期间的再次结算或退款更正。",
    ),
)
BOOKS_WAIT_FOR_RUN = problem_type(
    "books-wait-for-run",
    Kind.CONFLICT,
    title=Text("An open settlement run still books into that period", "尚有未关闭的结算批次记入该期间"),
    detail=Text(
        "The run {run} was opened at {opened_at}, and all that it books counts from then on.",
        "结算批次 {run} 于 {opened_at} 启动，其全部分录均自该时刻起计。",
    ),
    remedy=Text(
        "Let the run finish or cancel it, then close the books; or close them up to an earlier moment.",
        "请先完成或取消该批次再关账，或改为更早的截止时间。",
    ),
)
NOTHING_TO_COMPARE = problem_type(
    "nothing-to-compare",
    Kind.UNPROCESSABLE,
    title=Text("That run cannot be compared with", "无法与该结算批次比较"),
    detail=Text(
        "{run} is no closed run of {currency} over the same region.",
        "{run} 不是同一地区、币种为 {currency} 的已关闭结算批次。",
    ),
    remedy=Text(
        "Name a closed run of the same currency and region, or none: the last one is taken then.",
        "请指定同一币种和地区的已关闭批次；不指定时与最近一次比较。",
    ),
)
POOL_POLICY_INVALID = problem_type(
    "pool-policy-invalid",
    Kind.UNPROCESSABLE,
    title=Text("Not a possible policy of the pool", "激励池分配规则无效"),
    detail=Text("{field} {why}.", "{field} {why}。"),
    remedy=Text("Correct that field.", "请更正该字段。"),
)
POOL_NOT_GIVEN = problem_type(
    "pool-not-given",
    Kind.CONFLICT,
    title=Text("The pool cannot be given away", "激励池无法分配"),
    detail=Text("{currency} {month}: {why}.", "{currency} {month}：{why}。"),
    remedy=Text(
        "Look at the policies of the pool and at its balance; what is not given away stays in it.",
        "请查看激励池的分配规则与余额；未分配的金额留在池中。",
    ),
)
GUARANTEE_NOT_ASKED = problem_type(
    "guarantee-not-asked",
    Kind.CONFLICT,
    title=Text("The rule asks the exchange for no guarantee", "该规则未请求平台保底"),
    detail=Text(
        "No step of {rule} is guaranteed by the platform, or it was accepted before.",
        "{rule} 没有由平台承担的保底步骤，或此前已接受。",
    ),
    remedy=Text("Read the rule; its steps say who guarantees.", "请查看规则；其步骤注明保底方。"),
)
BOUNDS_INVALID = problem_type(
    "bounds-invalid",
    Kind.UNPROCESSABLE,
    title=Text("These bounds cannot be", "账户上下限无效"),
    detail=Text("Bounds of a {account} account: {reason}.", "{account} 账户的上下限：{reason}。"),
    remedy=Text(
        "Wallets and held money keep a floor, advances and debts a ceiling; the floor is not above the ceiling.",
        "钱包与冻结款须有下限，预付款与欠款须有上限，且下限不高于上限。",
    ),
)
BALANCE_OUTSIDE = problem_type(
    "balance-outside-bounds",
    Kind.CONFLICT,
    title=Text("What is in the account lies outside", "账户当前余额超出所设上下限"),
    detail=Text("The account holds {balance}; nothing was changed.", "账户当前余额为 {balance}，未作任何更改。"),
    remedy=Text(
        "Set bounds that its balance fits into, or wait until it has changed.",
        "请设置能容纳当前余额的上下限，或待余额变化后再试。",
    ),
)
POSITION_LIMITED = problem_type(
    "position-limited",
    Kind.CONFLICT,
    title=Text("The exchange converts no more of this for now", "交易所暂不受理该兑换"),
    detail=Text(
        "{amount} would take the exchange's open position in {currency} over its limit.",
        "兑换 {amount} 将使交易所的 {currency} 敞口超过限额。",
    ),
    remedy=Text(
        "Convert less, convert later, or ask the operator. Converting in the other direction is possible.",
        "请减少金额、稍后再试或联系运营方；反方向兑换不受影响。",
    ),
)
