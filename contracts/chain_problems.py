"""What the chain of rights refuses, and why."""

from __future__ import annotations

from exchange.kernel.errors import Kind, problem_type
from exchange.kernel.text import Text

TERMS_WIDER = problem_type(
    "terms-wider-than-rights",
    Kind.UNPROCESSABLE,
    title=Text("The terms are wider than the rights", "许可条款超出权利范围"),
    detail=Text(
        "The terms give more than the chain of rights of the dataset lets you pass on ({clause}): {why}.",
        "许可条款超出该数据集权利链允许转授的范围（{clause}）：{why}。",
    ),
    remedy=Text(
        "Narrow the named clauses, or declare the rights that allow them; GET .../rights/summary shows what you may pass on.",
        "请收窄所列条款，或补充声明相应权利；可通过 GET .../rights/summary 查看可转授的范围。",
    ),
)
RIGHT_FIELD = problem_type(
    "right-field-wrong",
    Kind.UNPROCESSABLE,
    title=Text("A field of a right is wrong", "权利声明字段有误"),
    detail=Text("Right number {number}: {field} {why}.", "第 {number} 项权利：{field} {why}。"),
    remedy=Text(
        "Correct the field and send all rights again; nothing was kept.",
        "请修改该字段后重新提交全部内容；本次未保存任何内容。",
    ),
)
RIGHTS_FILE = problem_type(
    "rights-file-wrong",
    Kind.UNPROCESSABLE,
    title=Text("The file of rights has mistakes", "权利文件有误"),
    detail=Text("{count} mistakes were found: {what}.", "发现 {count} 处错误：{what}。"),
    remedy=Text(
        "Correct the lines named in `mistakes` and send the file again; nothing of it was kept.",
        "请修改 `mistakes` 所列各行后重新提交；本次未保存任何内容。",
    ),
)
RIGHTS_TOO_MANY = problem_type(
    "rights-too-many",
    Kind.CONFLICT,
    title=Text("Too many rights", "权利数量过多"),
    detail=Text(
        "A dataset has at most {limit} rights; it has {there}.", "每个数据集最多 {limit} 项权利，现有 {there} 项。"
    ),
    remedy=Text(
        "Declare one right for all works of a holder, covering their files or records together.",
        "请将同一权利人的作品合并声明为一项权利，一并覆盖其文件或记录。",
    ),
)
RIGHT_ENDED = problem_type(
    "right-ended",
    Kind.CONFLICT,
    title=Text("The right has ended", "权利已终止"),
    detail=Text("The right {right} is {state}; that is for good.", "权利 {right} 的状态为 {state}，不可恢复。"),
    remedy=Text(
        "Where the holder gives the right again, declare it anew with its new evidence.",
        "如权利人重新授权，请以新的证据重新声明。",
    ),
)
RIGHTS_BLOCK = problem_type(
    "rights-block-revision",
    Kind.CONFLICT,
    title=Text("Rights that ended keep data out", "已终止的权利阻止该数据进入版本"),
    detail=Text(
        "{count} parts of this revision may not be passed on, because a right to them was withdrawn or has expired: {what}.",
        "该版本中有 {count} 处内容因权利已撤回或到期而不得提供：{what}。",
    ),
    remedy=Text(
        "Leave out the files and records named in `blocked`, or declare the right that holds again, and try again.",
        "请移除 `blocked` 所列文件与记录，或重新声明有效权利后再试。",
    ),
)
RIGHTS_UNSEARCHED = problem_type(
    "rights-search-running",
    Kind.CONFLICT,
    title=Text("The revision is being searched", "正在检索该版本"),
    detail=Text(
        "{count} files are still being searched for records of a right that ended.",
        "尚有 {count} 个文件正在检索其中涉及已终止权利的记录。",
    ),
    remedy=Text(
        "Try again in a moment; the search began when the revision was sealed or the right ended.",
        "请稍后重试；检索在版本封存或权利终止时已开始。",
    ),
)
