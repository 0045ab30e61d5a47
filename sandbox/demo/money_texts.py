"""What the demo says about papers, webhooks, disputes, banks and proofs, in English and in Simplified Chinese."""

from __future__ import annotations

MONEY_TEXTS: dict[str, tuple[str, str]] = {
    "ready": (
        "Everybody says what stands on invoices; the operator gets a second pair of eyes",
        "各机构填写票据资料；运营方设立第二审批应用",
    ),
    "profiles": ("{count} organisations gave legal name and address", "{count} 家机构已填写法定名称与地址"),
    "self-billing": (
        "{count} payees agreed that the exchange writes the invoices for their shares",
        "{count} 家收款方同意由交易所代开分成票据",
    ),
    "second": (
        "the operator's second client {client} approves what the first one asks for",
        "运营方的第二个应用 {client} 负责审批第一个应用提出的事项",
    ),
    "destination": (
        "the {role} named its bank account (...{last4}), and the second client approved it",
        "{role}登记银行账户（尾号 {last4}），已由第二个应用批准",
    ),
    "subscribed": (
        "the supplier's own server listens at {url} for what happens to its orders",
        "供应方自有服务器在 {url} 接收订单通知",
    ),
    "told": (
        "The supplier's server was told of each order and delivery by signed webhooks",
        "供应方服务器通过签名 Webhook 获知每个订单与交付",
    ),
    "heard": (
        "{kind}: {count} received, each verified with the library standardwebhooks",
        "{kind}：收到 {count} 条，均经 standardwebhooks 库验证",
    ),
    "heard-link": ("a message carries no amounts, only where to look: {link}", "通知不含金额，仅含查询地址：{link}"),
    "heard-changed": (
        "{message} with one byte changed: the library refuses it",
        "{message} 改动一个字节后：该库拒绝接受",
    ),
    "fiscal": (
        "The day of the refunds is settled too; invoices and credit notes for the tax office",
        "退款日一并结算，开具税务票据与贷项通知单",
    ),
    "paper-380": ("invoice (380) {number} of the {seller}: {total}", "发票（380）{number}，{seller}开具：{total}"),
    "paper-381": (
        "credit note (381) {number} of the {seller}: {total}, for {original}",
        "贷项通知单（381）{number}，{seller}开具：{total}，对应 {original}",
    ),
    "paper-389": (
        "self-billed invoice (389) {number}, written in the place of the {role}: {total}",
        "自开票（389）{number}，代{role}开具：{total}",
    ),
    "paper-kept": (
        "the first credit note as PDF, with its EN 16931 XML beside it: {path}",
        "首张贷项通知单 PDF，另附 EN 16931 XML：{path}",
    ),
    "dispute": (
        "The buyer disputes a part of an order: that part is held at once, the rest is paid out",
        "买方对部分订单提起争议：争议部分立即冻结，其余照常付款",
    ),
    "disputed": ("{dispute}: {amount} in dispute. {words}", "{dispute}：争议金额 {amount}。{words}"),
    "dispute-held": ("held of each share: {shares}", "各方分成的冻结额：{shares}"),
    "dispute-answered": (
        "the supplier answers: {words} The buyer shows what the log says of the order",
        "供应方答辩：{words}买方提交订单日志作为证据",
    ),
    "decide": (
        "An arbitrator decides, both sides give up an appeal, the money moves",
        "仲裁机构裁决，双方放弃上诉，款项按裁决划转",
    ),
    "arbitrator": ("the {name} is asked, and takes up the case", "{name}接受指派并受理案件"),
    "decided": ("decided: {refund} go back. {words}", "裁决：退还 {refund}。{words}"),
    "moved.refund": ("{amount} back in the buyer's wallet, from everybody's share", "{amount} 由各方分成退回买方钱包"),
    "moved.arbitration_fee": ("the {who} bears {amount} of the arbitrator's fee", "{who}承担仲裁费 {amount}"),
    "batch": (
        "A payout leaves by the bank, in a file that two have looked at",
        "经双人审批，通过银行批量付款",
    ),
    "camt": (
        "the bank's camt.053 shows {amount} that quote {reference}: they are the buyer's",
        "银行 camt.053 对账单显示 {amount}，附言 {reference}，据此计入买方钱包",
    ),
    "batched": ("{batch}: {count} payment(s), {total}", "{batch}：{count} 笔，共 {total}"),
    "batch-own": (
        "who drew it up may not approve it: {said}. The second client does",
        "制单者不得自行审批：{said}。由第二个应用批准",
    ),
    "batch-file": ("the file for the bank, a pain.001: {path}", "交付银行的 pain.001 文件：{path}"),
    "batch-paid": (
        "the next camt.053 says that the {role} has its {amount}: paid",
        "下一份 camt.053 显示{role}已收到 {amount}：已付款",
    ),
    "prove": (
        "The daily proof: clients' money is there, at Stripe and at the bank",
        "每日证明：客户资金均在 Stripe 与银行账户中",
    ),
    "proof": (
        "{currency}, {day}: nothing is missing or unexplained (sha256 {sha256}...)",
        "{currency}，{day}：无短缺、无未解释差额（sha256 {sha256}……）",
    ),
    "proof-place": (
        "{account}: {stated} by its own statement, {ledger} in the books",
        "{account}：对方对账余额 {stated}，账面 {ledger}",
    ),
    "row.input-tax": ("tax on the payees' shares, to be claimed back", "收款方分成的进项税额（可抵扣）"),
    **{
        f"account.{kind}": words
        for kind, words in {
            "held": ("held for disputes and milestones", "争议与里程碑冻结款"),
            "advance": ("paid in advance", "预付款"),
            "debt": ("owed by payees", "收款方欠款"),
            "conversion": ("currency conversion", "货币兑换"),
            "clearing": ("clearing", "清算过渡"),
            "pool": ("pools to share out", "待分配奖池"),
            "credit": ("bought on credit", "赊购"),
            "fees": ("the provider's fees", "支付通道手续费"),
            "disputed": ("taken by card disputes", "拒付占用"),
            "reserve": ("held back by the provider", "支付通道准备金"),
            "sweep": ("on the way between our accounts", "自有账户间划转"),
            "withheld": ("tax withheld from payees", "代扣税款"),
            "input_tax": ("tax to be claimed back", "进项税额"),
        }.items()
    },
}
