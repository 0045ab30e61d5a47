"""The problems of reconciliation, proofs and the closing of months."""

from __future__ import annotations

from exchange.kernel.errors import Kind, problem_type
from exchange.kernel.text import Text

NOT_STOPPED = problem_type(
    "not-stopped",
    Kind.CONFLICT,
    title=Text("Nothing stopped here", "未在此处停止"),
    detail=Text(
        "Reconciliation has not stopped at {movement}; it is {state}.",
        "对账未停止于 {movement}，其状态为 {state}。",
    ),
    remedy=Text(
        "Look at the list of stops; only the movement that one stands at can be settled by hand.",
        "请查看对账停止列表；只有对账所停止的资金变动可人工处理。",
    ),
)
REMEDY_OWNER = problem_type(
    "remedy-owner",
    Kind.UNPROCESSABLE,
    title=Text("Whose money it is does not fit", "款项归属不符"),
    detail=Text(
        "The remedy {remedy} needs the organisation whose account it is, and every other remedy none.",
        "处理方式 {remedy} 须注明账户所属机构，其他处理方式则不应注明。",
    ),
    remedy=Text(
        "Name an organisation that exists with wallet or debt, and leave it out otherwise.",
        "选用 wallet 或 debt 时请注明已有机构，其余情况请留空。",
    ),
)
NOT_OWN_MONEY = problem_type(
    "not-own-money",
    Kind.CONFLICT,
    title=Text("Not the exchange's own money", "并非平台自有资金"),
    detail=Text(
        "The exchange has {own} of its own where clients' money lies; {wanted} were to be taken.",
        "客户资金账户中属于平台自有的资金为 {own}，申请划出 {wanted}。",
    ),
    remedy=Text(
        "Take no more than what is the exchange's own; the newest proof of clients' money shows it.",
        "请在自有资金范围内划出；最新的客户资金证明中列有该数额。",
    ),
)
MONTH_NOT_READY = problem_type(
    "month-not-ready",
    Kind.CONFLICT,
    title=Text("The month is not ready to be closed", "该月尚不能关账"),
    detail=Text(
        "The books of {currency} up to {end} cannot be closed yet: {open}.",
        "{currency} 截至 {end} 的账目尚不能关账：{open}。",
    ),
    remedy=Text(
        "Settle what the checklist names, or close the books by hand with the reason why it may stay open.",
        "请处理清单所列事项；如确需保留，请注明理由后人工关账。",
    ),
)
BAD_CHART = problem_type(
    "bad-chart",
    Kind.UNPROCESSABLE,
    title=Text("Not a chart of accounts", "科目表有误"),
    detail=Text("The chart cannot be used: {why}.", "该科目表无法使用：{why}。"),
    remedy=Text(
        "Send CSV with the columns account, currency, code, name, tax_code; every kind of account has a row.",
        "请提交含 account、currency、code、name、tax_code 列的 CSV；每类账户均须有一行。",
    ),
)
