"""What can be wrong with the milestones of a service."""

from __future__ import annotations

from exchange.kernel.errors import Kind, problem_type
from exchange.kernel.text import Text

MILESTONE_INVALID = problem_type(
    "milestone-invalid",
    Kind.UNPROCESSABLE,
    title=Text("Not a possible report", "里程碑报告无效"),
    detail=Text("{field}: {reason}.", "{field}：{reason}。"),
    remedy=Text(
        "Correct the field; the guide on milestones has a whole example.", "请修改该字段；里程碑指南中有完整示例。"
    ),
)
MILESTONE_STATE = problem_type(
    "milestone-state",
    Kind.CONFLICT,
    title=Text("The milestone has moved on", "里程碑状态已变化"),
    detail=Text(
        "The milestone {milestone} is {state}; this needs {needs}.",
        "里程碑 {milestone} 当前为 {state}，此操作需要 {needs}。",
    ),
    remedy=Text(
        "Read the milestones of the order again: they say what may come next.",
        "请重新查看该订单的里程碑，其中列明可进行的下一步。",
    ),
)
ESCROW_STATE = problem_type(
    "escrow-state",
    Kind.CONFLICT,
    title=Text("Nothing to reserve, or nothing reserved", "没有需冻结的款项，或款项尚未冻结"),
    detail=Text("The order {order} {why}.", "订单 {order} {why}。"),
    remedy=Text(
        "The buyer reserves the money of an order's milestones once, before the work begins.",
        "买方应在开工前一次性冻结该订单各里程碑的款项。",
    ),
)
