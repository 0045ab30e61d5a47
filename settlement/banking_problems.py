"""What banks, batches and credit terms refuse."""

from __future__ import annotations

from exchange.kernel.errors import Kind, problem_type
from exchange.kernel.text import Text

BANK_DETAILS_INVALID = problem_type(
    "bank-details-invalid",
    Kind.UNPROCESSABLE,
    title=Text("These bank details cannot be right", "银行账户信息有误"),
    detail=Text("{field}: {reason}.", "{field}：{reason}。"),
    remedy=Text("Copy them from a statement of that account.", "请按该账户的对账单填写。"),
)
DESTINATION_UNCHANGED = problem_type(
    "bank-destination-unchanged",
    Kind.CONFLICT,
    title=Text("This account is named already", "该账户已登记"),
    detail=Text(
        "{destination} is the same account and stands as {state}.", "{destination} 即为该账户，状态为 {state}。"
    ),
    remedy=Text("Nothing has to be done.", "无须操作。"),
)
DESTINATION_STATE = problem_type(
    "bank-destination-state",
    Kind.CONFLICT,
    title=Text("Not possible for this account now", "该账户当前状态不允许此操作"),
    detail=Text("The account stands as {state}.", "该账户状态为 {state}。"),
    remedy=Text("Read it again.", "请重新读取。"),
)
BANK_ACCOUNT_EXISTS = problem_type(
    "bank-account-exists",
    Kind.CONFLICT,
    title=Text("There is such an account", "账户已存在"),
    detail=Text(
        "{account} is that account, or the one account for clients' money in this currency.",
        "{account} 即为该账户，或为该币种唯一的客户资金账户。",
    ),
    remedy=Text("Use that one, or close it first.", "请使用该账户，或先将其关闭。"),
)
NO_CLIENT_ACCOUNT = problem_type(
    "no-client-account",
    Kind.CONFLICT,
    title=Text("No bank account for clients' money", "没有客户资金账户"),
    detail=Text(
        "There is no open account for clients' money in {currency}.", "没有处于开立状态的 {currency} 客户资金账户。"
    ),
    remedy=Text("Open one under bank-accounts.", "请先在 bank-accounts 下开立。"),
)
STATEMENT_REFUSED = problem_type(
    "bank-statement-refused",
    Kind.UNPROCESSABLE,
    title=Text("The statement was not taken", "对账单未被接受"),
    detail=Text("{reason} ({where})", "{reason}（{where}）"),
    remedy=Text(
        "Nothing of the file was booked. Ask the bank for a whole one.",
        "该文件未作任何入账。请向银行索取完整的对账单。",
    ),
)
STATEMENT_DIFFERS = problem_type(
    "bank-statement-differs",
    Kind.CONFLICT,
    title=Text("Another statement of this name was taken before", "已导入过同名的另一份对账单"),
    detail=Text(
        "A statement {statement} of this account was taken before, with other balances or another count of entries: {recorded}.",
        "该账户已导入过对账单 {statement}，但余额或条目数不同：{recorded}。",
    ),
    remedy=Text(
        "Nothing of the file was booked. Ask the bank which of the two counts, and for one of a name of its own.",
        "该文件未作任何入账。请向银行核实以哪一份为准，并索取编号不重复的对账单。",
    ),
)
STATEMENT_OTHER_ACCOUNT = problem_type(
    "bank-statement-of-another-account",
    Kind.UNPROCESSABLE,
    title=Text("A statement of another account", "对账单属于其他账户"),
    detail=Text("{statement} is of another account or currency.", "{statement} 属于其他账户或币种。"),
    remedy=Text("Hand it in at the account that it is of.", "请在其所属账户下提交。"),
)
STATEMENT_BREAKS_CHAIN = problem_type(
    "bank-statement-breaks-chain",
    Kind.CONFLICT,
    title=Text("A statement is missing", "对账单不连续"),
    detail=Text(
        "{statement} opens with {opening}, and the last one closed with {closing}.",
        "{statement} 的期初余额为 {opening}，而上一份的期末余额为 {closing}。",
    ),
    remedy=Text("Hand in the statements between them first.", "请先提交其间缺失的对账单。"),
)
BATCH_EMPTY = problem_type(
    "payout-batch-empty",
    Kind.CONFLICT,
    title=Text("Nothing to pay by bank", "没有可通过银行发放的付款"),
    detail=Text(
        "No payout in {currency} waits for a batch and has an account it can go to.",
        "没有等待批次且已有可用收款账户的 {currency} 付款。",
    ),
    remedy=Text("Order payouts first.", "请先发起付款。"),
)
BATCH_STATE = problem_type(
    "payout-batch-state",
    Kind.CONFLICT,
    title=Text("Not possible for this batch now", "该付款批次当前状态不允许此操作"),
    detail=Text("The batch is {state}.", "该批次状态为 {state}。"),
    remedy=Text("Read it again.", "请重新读取。"),
)
BATCH_FORM = problem_type(
    "payout-batch-form",
    Kind.UNPROCESSABLE,
    title=Text("No such file for this currency", "该币种不支持此文件格式"),
    detail=Text("Payouts in {currency} are not written as {form}.", "{currency} 付款不能写成 {form}。"),
    remedy=Text("EUR is written as pain.001, CNY as CSV.", "欧元用 pain.001，人民币用 CSV。"),
)
BATCH_DATE = problem_type(
    "payout-batch-date",
    Kind.UNPROCESSABLE,
    title=Text("No bank pays on that day", "银行不会在该日付款"),
    detail=Text(
        "Today (UTC) is {today}; a batch is for a day from then to {last}, not for {day}.",
        "今天（UTC）是 {today}；付款日期须在今天至 {last} 之间，不能是 {day}。",
    ),
    remedy=Text("Name another execution date.", "请改填付款日期。"),
)
CREDIT_LINE_BUYER = problem_type(
    "credit-line-buyer",
    Kind.UNPROCESSABLE,
    title=Text("Not a buyer", "不是买方"),
    detail=Text(
        "{organisation} has not the role of a buyer and cannot order.", "{organisation} 没有买方角色，不能下单。"
    ),
    remedy=Text("Name an organisation that buys.", "请改填买方机构。"),
)
CREDIT_LIMIT = problem_type(
    "credit-limit",
    Kind.PAYMENT_REQUIRED,
    title=Text("More than your credit line allows", "超出赊购额度"),
    detail=Text(
        "The order costs {price}. Of the limit {limit} {used} is used, and {free} is free.",
        "订单金额为 {price}。额度 {limit}，已用 {used}，可用 {free}。",
    ),
    remedy=Text(
        "Pay what is owed, pay this order another way, or ask the operator for a higher limit.",
        "请先付清欠款、改用其他支付方式，或向运营方申请提高额度。",
    ),
)
CREDIT_NONE = problem_type(
    "credit-line-missing",
    Kind.PAYMENT_REQUIRED,
    title=Text("You have no credit line", "没有赊购额度"),
    detail=Text("There is no active credit line in {currency}.", "没有有效的 {currency} 赊购额度。"),
    remedy=Text("Pay another way, or ask the operator for one.", "请改用其他支付方式，或向运营方申请。"),
)
PURCHASE_ORDER_WANTED = problem_type(
    "purchase-order-wanted",
    Kind.UNPROCESSABLE,
    title=Text("A purchase order number is needed", "须填写采购订单号"),
    detail=Text(
        "Your credit line demands a purchase order number of at most 100 characters.",
        "您的赊购额度要求填写采购订单号，最多 100 个字符。",
    ),
    remedy=Text("Name it as purchase_order.", "请在 purchase_order 中填写。"),
)
CREDIT_LINE_STATE = problem_type(
    "credit-line-state",
    Kind.CONFLICT,
    title=Text("Not possible for this credit line now", "该赊购额度当前状态不允许此操作"),
    detail=Text("The credit line is {state}.", "该额度状态为 {state}。"),
    remedy=Text("Read it again.", "请重新读取。"),
)
CREDIT_PAID = problem_type(
    "order-on-account-paid",
    Kind.CONFLICT,
    title=Text("Nothing is owed for this order", "该订单没有欠款"),
    detail=Text("{order} is not on account, or paid.", "{order} 不是赊购订单，或已付清。"),
    remedy=Text("Nothing has to be done.", "无须操作。"),
)
WALLET_SHORT = problem_type(
    "wallet-short-of-debt",
    Kind.PAYMENT_REQUIRED,
    title=Text("Your wallet does not hold enough", "钱包余额不足"),
    detail=Text("{owed} is owed and {available} is in the wallet.", "欠款 {owed}，钱包余额 {available}。"),
    remedy=Text("Fill the wallet, or transfer the amount quoting the order.", "请先充值，或转账并在附言中注明订单号。"),
)
