"""What e-fapiao refuse."""

from __future__ import annotations

from exchange.kernel.errors import Kind, problem_type
from exchange.kernel.text import Text

BAD_EFAPIAO_CODES = problem_type(
    "bad-efapiao-codes",
    Kind.UNPROCESSABLE,
    title=Text("The table of codes cannot be used", "税收分类编码表无法使用"),
    detail=Text("The table has a mistake: {why}.", "编码表有误：{why}。"),
    remedy=Text("Correct the line and hand the whole table in again.", "请更正该行并重新提交整张表。"),
)
NO_EFAPIAO_CODES = problem_type(
    "no-efapiao-codes",
    Kind.CONFLICT,
    title=Text("No table of codes was handed in", "尚未提交税收分类编码表"),
    detail=Text(
        "Without a table of tax classification codes nothing can be exported.", "没有税收分类编码表，无法导出。"
    ),
    remedy=Text("Hand in the table first; codes are never guessed.", "请先提交编码表；编码不会被推测。"),
)
NOTHING_TO_EXPORT = problem_type(
    "nothing-to-export",
    Kind.CONFLICT,
    title=Text("No e-fapiao is ready", "没有可导出的数电发票"),
    detail=Text("{waiting} papers wait, and each lacks something.", "有 {waiting} 张票据待处理，但均缺少要素。"),
    remedy=Text("See what they lack in the list of drafts.", "请在草稿列表中查看所缺要素。"),
)
BAD_EFAPIAO_NUMBER = problem_type(
    "bad-efapiao-number",
    Kind.UNPROCESSABLE,
    title=Text("A number cannot be right", "发票号码有误"),
    detail=Text("Nothing was kept: {why}.", "未保存任何号码：{why}。"),
    remedy=Text("Compare it with the issued invoice and send everything again.", "请与已开具的发票核对后重新提交。"),
)
EFAPIAO_NOT_RED = problem_type(
    "efapiao-not-red",
    Kind.CONFLICT,
    title=Text("No red-letter e-fapiao can be confirmed here", "此处不能确认红字发票"),
    detail=Text("This paper cannot have a confirmation: {why}.", "该票据不能登记红字确认单：{why}。"),
    remedy=Text(
        "Confirm credit notes of Chinese sellers, once, after the invoice that they correct is issued.",
        "仅可在蓝字发票开具后，对境内供应方的贷项通知单登记一次。",
    ),
)
