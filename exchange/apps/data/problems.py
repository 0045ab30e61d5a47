"""Refusals of the data plane itself."""

from __future__ import annotations

from exchange.kernel.errors import Kind, problem_type
from exchange.kernel.text import Text

NOT_DELIVERED_SO = problem_type(
    "not-delivered-so",
    Kind.FORBIDDEN,
    title=Text("Not delivered this way", "不支持此交付方式"),
    detail=Text("The agreement does not deliver this data as {way}.", "合约未约定以 {way} 方式交付该数据。"),
    remedy=Text("Use another way, or buy an offer that includes it.", "请改用其他方式，或购买包含该方式的报价方案。"),
)
NO_ROWS = problem_type(
    "no-rows",
    Kind.UNPROCESSABLE,
    title=Text("No rows", "该文件没有行结构"),
    detail=Text("{path} is not a file of records that we can cut.", "{path} 不是可按行读取的文件。"),
    remedy=Text("Download the file instead.", "请改为下载整个文件。"),
)
PURPOSE_MISSING = problem_type(
    "purpose-missing",
    Kind.INVALID,
    title=Text("Purpose missing", "缺少用途声明"),
    detail=Text(
        "The grant allows several purposes ({purposes}); say which one this is.",
        "使用权包含多种用途（{purposes}），请声明本次用途。",
    ),
    remedy=Text("Send the header X-Purpose with one of them.", "请在 X-Purpose 请求头中声明其中之一。"),
)
DATA_GONE = problem_type(
    "data-gone",
    Kind.GONE,
    title=Text("Data no longer stored", "数据已不在存储中"),
    detail=Text("The bytes of this file were removed; its manifest stays.", "该文件的内容已被移除，仅保留清单。"),
    remedy=Text("Ask the supplier for a newer revision.", "请向供应方获取新版本。"),
)
COUNTED_BY_TOKEN = problem_type(
    "counted-by-token",
    Kind.FORBIDDEN,
    title=Text("Sold by the token", "按词元计费"),
    detail=Text(
        "This data is sold by the token, which only a read of rows counts.", "该数据按词元计费，仅逐行读取时可计量。"
    ),
    remedy=Text("Read it as rows.", "请改用逐行读取。"),
)
