"""Every word the demo says, in English and in Simplified Chinese."""

from __future__ import annotations

from sandbox.demo.money_texts import MONEY_TEXTS

TEXTS: dict[str, tuple[str, str]] = {
    **MONEY_TEXTS,
    # the frame
    "title": (
        "Corpus Exchange: one whole trade over HTTP, with real data, made-up parties and sandbox money",
        "语料交易所：通过 HTTP 完成一笔完整交易（真实数据、虚构机构、沙箱资金）",
    ),
    "starting": (
        "Starting PostgreSQL, a sandbox Stripe and the exchange ...",
        "正在启动 PostgreSQL、沙箱 Stripe 与交易所……",
    ),
    "started": (
        "The exchange answers at {origin} (started in {seconds} s).",
        "交易所已启动：{origin}（用时 {seconds} 秒）。",
    ),
    "took": ("({seconds} s, {calls} HTTP calls)", "（{seconds} 秒，{calls} 次 HTTP 请求）"),
    "done": (
        "Done: {steps} steps, {calls} HTTP calls, {seconds} s. Everything is in {home}",
        "完成：{steps} 个步骤，{calls} 次 HTTP 请求，用时 {seconds} 秒。全部数据位于 {home}",
    ),
    "kept": (
        "The exchange stays up at {origin} until you press Ctrl-C; credentials are in {path}",
        "交易所将继续运行于 {origin}，按 Ctrl-C 结束；凭证位于 {path}",
    ),
    "failed": ("The demo stopped: {why}", "演示已停止：{why}"),
    "server-said": ("The server's last words ({path}):", "服务器最后的日志（{path}）："),
    # who
    "role.operator": ("operator", "运营方"),
    "role.supplier": ("supplier", "供应方"),
    "role.archive": ("archive", "档案馆"),
    "role.assessor": ("assessor", "评估机构"),
    "role.broker": ("broker", "经纪机构"),
    "role.buyer": ("buyer", "买方"),
    "role.arbitrator": ("arbitrator", "仲裁机构"),
    "role.regulator": ("regulator", "监管机构"),
    # 1 join
    "join": (
        "Seven organisations join; the operator checks their papers and verifies them",
        "七家机构申请入驻，运营方核验其证明材料",
    ),
    "joined": ("{role}: {name}, {numbers}: verified", "{role}：{name}，{numbers}：核验通过"),
    "payout-account": ("{role} opens a payout account at Stripe: {account}", "{role}在 Stripe 开立收款账户：{account}"),
    # 2 upload
    "upload": (
        "The suppliers register three data sets and upload their files in parts",
        "供应方登记三个数据集，并分块上传文件",
    ),
    "resume": (
        "{path}: the line goes dead; the exchange says it has {offset} of {size} bytes, and the upload goes on from there",
        "{path}：连接中断；交易所告知已收到 {offset} / {size} 字节，从该处续传",
    ),
    "sealed": (
        "{title}: {files} file(s), {size} bytes, sealed as manifest {sha256}...",
        "{title}：{files} 个文件，共 {size} 字节，封存清单 {sha256}……",
    ),
    "measuring": ("measuring {title}: records", "正在测量 {title}，记录数"),
    # 3 list
    "list": ("Each data set gets a listing with its offers", "为每个数据集起草上架产品与报价方案"),
    "kind.once": ("one-off", "一次性购买"),
    "kind.monthly": ("monthly", "按月订阅"),
    "kind.once-eur": ("one-off in euro", "一次性购买（欧元）"),
    "kind.metered": ("pay per use", "按量付费"),
    "drafted": ("{title}: {prices}, to begin with", "{title}：{prices}（起付）"),
    "refused": ("Published too early, it is refused: {title}. {detail}", "过早发布被拒绝：{title}。{detail}"),
    # 4 certify
    "certify": (
        "The exchange has measured the files; the assessor reads the scorecards and signs certificates",
        "交易所已完成质量测量，评估机构核对评分卡并签发证书",
    ),
    "facts": (
        "{records:,} records, {tokens:,} tokens, {duplicate_records:,} exact duplicates, languages {tags}",
        "{records:,} 条记录，{tokens:,} 个词元，{duplicate_records:,} 条完全重复，语言 {tags}",
    ),
    "certified": (
        "{title}: {score} points, grade {grade}; {facts}; certificate until {until}",
        "{title}：{score} 分，等级 {grade}；{facts}；证书有效期至 {until}",
    ),
    # 5 publish
    "publish": ("The listings go on sale", "产品上架"),
    "published": (
        "{title}: published, {passed} of {count} rules of {rules} met",
        "{title}：已上架，满足 {rules} 的 {passed}/{count} 条规则",
    ),
    # 6 find
    "find": (
        "The buyer searches in Chinese and English and reads what stands about the best match",
        "买方以中英文搜索，并查看最匹配的产品",
    ),
    "found": (
        '"{words}": {count} found; first: {title} (grade {grade}, {score} points)',
        "“{words}”：找到 {count} 项；首项：{title}（等级 {grade}，{score} 分）",
    ),
    "scorecard": ("scorecard: {scores}", "评分卡：{scores}"),
    "offer": ("{kind}: {price}", "{kind}：{price}"),
    "terms": ("one may: {may}. One must: {must}.", "可以：{may}。必须：{must}。"),
    # 7 weigh
    "weigh": ("The buyer compares the offers and asks a quote", "买方比较各报价方案并询价"),
    "simulated": (
        "three months with {records} records in all would cost: {costs}",
        "三个月共读取 {records} 条记录，预计费用：{costs}",
    ),
    "quoted": (
        "signed quote {quote}: {total}, binding until {until}",
        "已签名询价单 {quote}：{total}，有效期至 {until}",
    ),
    # 8 fund
    "fund": ("The buyer fills the wallet, by card and by bank transfer", "买方通过银行卡和银行转账为钱包充值"),
    "charged": (
        "{amount} by card: Stripe charged it, its signed webhook booked it ({payment})",
        "银行卡 {amount}：由 Stripe 扣款，签名回调入账（{payment}）",
    ),
    "transferred": (
        "{amount} by bank: the operator's bank statement quotes {reference}, so it is the buyer's",
        "银行转账 {amount}：运营方导入的银行对账单附言为 {reference}，据此入账",
    ),
    "wallet": ("in the wallet: {balance}", "钱包余额：{balance}"),
    # 9 order
    "order": ("The buyer orders: from the wallet and by card", "买方下单：钱包支付与银行卡支付"),
    "way.wallet": ("from the wallet", "钱包支付"),
    "way.card": ("by card", "银行卡支付"),
    "ordered": ("{kind}, {title}: {total} {way} ({order})", "{kind}，{title}：{total}，{way}（{order}）"),
    "sent-twice": (
        "the first order was sent twice with one key: one order, one payment ({order})",
        "首个订单以同一幂等键重复发送：仅生成一个订单、一次付款（{order}）",
    ),
    "six-lines": (
        "its price was booked in {lines} lines that sum to zero: {parts}",
        "价款记为 {lines} 条分录，合计为零：{parts}",
    ),
    # 10 agree
    "agree": (
        "The buyer checks the agreements' signatures with the exchange's published keys",
        "买方使用交易所公布的公钥验证合约签名",
    ),
    "agreement": (
        "{agreement}: for {purposes}; sha256 {sha256}..., Ed25519 signature of key {kid}... holds",
        "{agreement}：用途 {purposes}；sha256 {sha256}……，密钥 {kid}…… 的 Ed25519 签名有效",
    ),
    # 11 use
    "use": ("The buyer uses the data; every byte and record is metered", "买方使用数据，逐字节、逐条计量"),
    "tokens": ("{count} grants, a token for each", "{count} 项使用权，各获取一个访问令牌"),
    "downloaded": (
        "{path}: {size} bytes in two ranges; together they have the promised hash {sha256}...",
        "{path}：分两段下载共 {size} 字节，合并后的哈希与承诺一致：{sha256}……",
    ),
    "poem": ("its first poem: {title} ({author}): {line}", "首篇：{title}（{author}）：{line}"),
    "rows": (
        "{title}: {rows} records read; {included} are included, {over} are overage",
        "{title}：读取 {rows} 条记录，其中 {included} 条在套餐内，{over} 条为超额用量",
    ),
    "rows-metered": ("{title}: {rows} records read, each paid for", "{title}：读取 {rows} 条记录，按量计费"),
    # 12 quota
    "quota": ("A quota without overage holds under many readers at once", "无超额选项的配额在并发读取下严格生效"),
    "exhausted": (
        "{readers} readers at once asked until they were refused: {delivered} records delivered, quota {limit}",
        "{readers} 个并发读取方持续请求直至被拒：共交付 {delivered} 条，配额 {limit} 条",
    ),
    # 13 follow
    "follow": (
        "The buyer buys one more copy in euro and one in yuan, and the money of both is followed",
        "买方分别以欧元和人民币再购一份，并追踪这两笔资金",
    ),
    "came-from": ("the {total} of {order} came in {origins}", "{order} 的 {total} 来自：{origins}"),
    "came.stripe": ("by card:", "银行卡"),
    "came.bank": ("by bank transfer:", "银行转账"),
    "stage.bought": ("of each 1 {currency} after the purchase: {parts}", "购买后，每 1 {currency} 的去向：{parts}"),
    "stage.settled": ("of each 1 {currency} after settlement: {parts}", "结算后，每 1 {currency} 的去向：{parts}"),
    "stage.partly": (
        "of each 1 {currency} after a part was refunded: {parts}",
        "部分退款后，每 1 {currency} 的去向：{parts}",
    ),
    "stage.whole": (
        "of each 1 {currency} after all was refunded: {parts}",
        "全额退款后，每 1 {currency} 的去向：{parts}",
    ),
    "at.wallet": ("{who} {part} (wallet)", "{who} {part}（钱包）"),
    "at.pending": ("{who} {part} (on hold)", "{who} {part}（待结算）"),
    "at.payable": ("{who} {part} (payable)", "{who} {part}（应付）"),
    "at.revenue": ("{who} {part}", "{who} {part}"),
    "at.tax": ("{who} {part}", "{who} {part}"),
    # 14 accept
    "accept": (
        "The buyer accepts what was delivered; until then the payees' shares were on hold",
        "买方验收交付；此前各方分成处于冻结状态",
    ),
    "inspected": (
        "{count} deliveries on hold; silence would have accepted them from {until} on",
        "{count} 项交付待验收；若无表示，自 {until} 起视为接受",
    ),
    "accepted": (
        "{count} deliveries accepted: what was paid for them is payable at once",
        "{count} 项交付验收通过，已付款项即时转为应付",
    ),
    # 15 month
    "month": ("The month ends; its use is sealed", "月末到来，用量封存"),
    "clock": ("the sandbox's clock goes from {before} to {after} (UTC)", "沙箱时钟由 {before} 前进到 {after}（UTC）"),
    "sealing": ("sealing {day}", "正在封存 {day}"),
    "sealed-day": ("use of {day}: nothing counted twice, sealed", "{day} 的用量：已证明无重复计数并封存"),
    "root": (
        "Merkle root over the {records} usage records of {grant}: {root}...",
        "{grant} 的 {records} 条用量记录的默克尔根：{root}……",
    ),
    # 16 settle
    "settle": (
        "A settlement run turns orders and use into charges, splits and invoices",
        "结算：将订单与用量转为费用、分成与账单",
    ),
    "settled": (
        "{run}: {currency}, {start} to {end}, {sellers} sellers, {payees} payees; closed with a trial balance of zero",
        "{run}：{currency}，{start} 至 {end}，{sellers} 家供应方、{payees} 家收款方；试算平衡为零，已关闭",
    ),
    "charge": ("charged {amount}: {explanation}", "费用 {amount}：{explanation}"),
    "invoice": (
        "invoice of the {seller}: {total} in {lines} lines, added up again by the buyer ({invoice})",
        "{seller}开具的账单：{total}，共 {lines} 行，买方复核无误（{invoice}）",
    ),
    "invoice-tax": ("of this, {tax} on {taxable}: {amount}", "其中{tax}，计税金额 {taxable}：{amount}"),
    # 17 back
    "back": (
        "A part of both orders is refunded, then all the rest: every payee gives back what it got of them",
        "两笔订单先部分退款，再退还其余全部：各方如数退回所得",
    ),
    "refunded": (
        "the supplier refunds {amount}; in all {refunded} of {paid} have gone back",
        "供应方退款 {amount}；累计退回 {refunded} / {paid}",
    ),
    "all-back": (
        "the buyer has all of {total} again, and the {payees} others have exactly nothing of it",
        "买方已收回全部 {total}，其余 {payees} 方所持恰为零",
    ),
    "column.held": ("who has it ({currency})", "资金归属（{currency}）"),
    "column.bought": ("bought", "购买后"),
    "column.settled": ("settled", "结算后"),
    "column.partly": ("partly refunded", "部分退款后"),
    "column.whole": ("all refunded", "全额退款后"),
    "line-by-line": ("see every step of it, with its rule:", "查看每一步及其规则："),
    # 18 pay
    "pay": (
        "The payees add their statements up again, and are paid through Stripe",
        "各收款方复核结算单，并通过 Stripe 收款",
    ),
    "statement": (
        "{role}: {closing} in {lines} lines; every line split again by its weights, all agree",
        "{role}：{closing}，共 {lines} 行；逐行按权重重新计算，全部一致",
    ),
    "paid-out": ("{role}: {amount} paid out by {rail}", "{role}：已通过 {rail} 付款 {amount}"),
    # 19 balance
    "balance": ("The exchange's books", "交易所账簿"),
    "zero": ("all accounts in {currency} sum to zero", "{currency} 全部账户合计为零"),
    "sound": (
        "every balance, order, grant, quota and document recomputed from the facts: all agree",
        "依据原始事实重新计算全部余额、订单、使用权、配额与单据：全部一致",
    ),
    "column.account": ("account (above zero: owed to its holder)", "账户（正数表示应付持有人）"),
    "account.wallet": ("buyers' wallets", "买方钱包"),
    "account.receivable": ("owed by buyers", "应收买方"),
    "account.pending": ("shares not settled yet", "待结算分成"),
    "account.payable": ("shares to pay out", "应付分成"),
    "account.in_transit": ("on the way to payees", "付款在途"),
    "account.stripe": ("held at Stripe", "Stripe 存款"),
    "account.bank": ("held at the bank", "银行存款"),
    "account.revenue": ("the exchange's fee", "交易所服务费"),
    "account.tax": ("tax", "税费"),
    "account.rounding": ("rounding", "舍入差额"),
    "account.suspense": ("bank money without an owner", "待认领来款"),
    # 20 export
    "export": (
        "The regulator exports the log of the period and checks it without the exchange",
        "监管机构导出审计日志，并脱离交易所独立核验",
    ),
    "checkpoint": ("the log's signed checkpoint: {size} entries", "日志签名检查点：{size} 条"),
    "exported": ("{entries} audit entries, {size} bytes: {path}", "{entries} 条审计条目，{size} 字节：{path}"),
    "verified": (
        "the stand-alone verifier (only Python, no network) says: everything holds",
        "独立核验程序（仅需 Python，不联网）结论：全部通过",
    ),
    "verify-again": ("check it again yourself:", "您可自行再次核验："),
    # 21 papers
    "papers": (
        "The buyer takes its agreements home, one file each, and checks them without the exchange",
        "买方下载合约（每份一个文件），并脱离交易所独立核验",
    ),
    "papers-verified": (
        "{count} agreements signed by both parties and the exchange; the stand-alone script says: everything holds",
        "{count} 份合约均由双方与交易所签名；独立核验脚本结论：全部通过",
    ),
    "paper": ("the first one to read, in {language}: {path}", "首份合约的阅读版（{language}）：{path}"),
    "language.en": ("English", "英文"),
    "language.zh": ("Chinese", "中文"),
    # the last table
    "who": ("\nWho paid and who got what ({currency})", "\n收支一览（{currency}）"),
    "row.paid": ("buyer paid in, by card and by bank", "买方付入（银行卡与银行转账）"),
    "row.wallet": ("left in the buyer's wallet", "买方钱包余额"),
    "row.payee": ("{role}: paid out", "{role}：已付款"),
    "row.fee": ("exchange: its fee", "交易所：服务费"),
    "row.tax": ("held by the exchange: tax", "交易所代收：税费"),
    "row.rounding": ("fractions of a coin that no card was charged", "银行卡未扣的零头"),
    "row.rest": ("fractions of a cent still owed to the payees", "待付收款方的不足一分尾数"),
    "row.sum": ("sum", "合计"),
    "column.who": ("who", "对象"),
    "column.amount": ("amount", "金额"),
    # the market of `exchange serve`
    "market-filling": ("Filling the market (once, about ten seconds) ...", "正在布置市场（仅首次，约十秒）……"),
    "market-open": (
        "The market is open: {origin}  (pages), {origin}/supplier/v1/docs (and buyer, assessor, operator, regulator)",
        "市场已开放：{origin}（页面），{origin}/supplier/v1/docs（以及 buyer、assessor、operator、regulator）",
    ),
    "market-secrets": (
        "Sandbox credentials, one client per organisation (also in {path}):",
        "沙箱凭证，每个机构一个应用（另存于 {path}）：",
    ),
    "market-failed": ("The market could not be filled: {why}", "市场布置失败：{why}"),
}
