"""What is refused, or only said, of a dataset that was made of others."""

from __future__ import annotations

from exchange.kernel.errors import Kind, problem_type
from exchange.kernel.text import Text

UPSTREAM_CONFLICT = problem_type(
    "upstream-terms-conflict",
    Kind.UNPROCESSABLE,
    title=Text("The terms do not fit those of an upstream dataset", "条款与上游数据集的条款冲突"),
    detail=Text("{source} ({how}): {clauses}.", "{source}（{how}）：{clauses}。"),
    remedy=Text(
        "Offer terms that keep what the upstream terms ask for, take other upstream data, or ask its holder for other "
        "terms. The dataset's compatibility page lists every clause.",
        "请改用满足上游条款的报价条款，更换上游数据，或向上游权利人另行取得许可；数据集的兼容性页面列出全部冲突条款。",
    ),
)
UPSTREAM_DOUBT = problem_type(
    "upstream-terms-doubtful",
    Kind.UNPROCESSABLE,
    title=Text("Whether the terms fit an upstream dataset is doubtful", "条款是否符合上游数据集的要求存疑"),
    detail=Text("{source} ({how}): {clauses}.", "{source}（{how}）：{clauses}。"),
    remedy=Text(
        "The offer is accepted; have the clauses looked at by somebody who answers for it.",
        "报价已被接受；请由负责人审阅上述条款。",
    ),
)
UPSTREAM_TERMS = problem_type(
    "upstream-terms-wrong",
    Kind.UNPROCESSABLE,
    title=Text("The terms of an upstream dataset cannot be read", "上游数据集的条款无法解读"),
    detail=Text("derived_from/{index}: {why}", "derived_from/{index}：{why}"),
    remedy=Text(
        "Name an SPDX expression, a LicenseRef-..., or give a terms document as an offer has one; and a listing that exists.",
        "请填写 SPDX 表达式、LicenseRef-... 或与报价相同格式的条款文档；listing 须为现有上架产品。",
    ),
)
