"""What data contracts refuse, and why."""

from __future__ import annotations

from exchange.kernel.errors import Kind, problem_type
from exchange.kernel.text import Text

DATA_CONTRACT_FIELD = problem_type(
    "data-contract-field-wrong",
    Kind.UNPROCESSABLE,
    title=Text("A field of the data contract is wrong", "数据合同字段有误"),
    detail=Text("{field} {why}.", "{field} {why}。"),
    remedy=Text(
        "Correct the field and send the whole document again; nothing was kept. The JSON Schema is at "
        "/catalog/v1/schemas/odcs.schema.json; the guide to data contracts has an example.",
        "请修改该字段后重新提交整份文档；本次未保存任何内容。JSON Schema 见 /catalog/v1/schemas/odcs.schema.json，示例见数据合同指南。",
    ),
)
DATA_CONTRACT_BROKEN = problem_type(
    "data-contract-broken",
    Kind.CONFLICT,
    title=Text("The revision breaks its data contract", "该版本不符合数据合同"),
    detail=Text(
        "The data contract says that such a revision is not put on sale. {count} rules are broken: {what}.",
        "数据合同约定此类版本不得上架。共有 {count} 项规则未满足：{what}。",
    ),
    remedy=Text(
        "Seal a revision that keeps the rules named in `broken`, and list that one.",
        "请封存满足 `broken` 所列规则的新版本后再上架。",
    ),
)
