"""What approvals refuse."""

from __future__ import annotations

from exchange.kernel.errors import Kind, problem_type
from exchange.kernel.text import Text

APPROVAL_DECIDED = problem_type(
    "approval-decided",
    Kind.CONFLICT,
    title=Text("This was decided before", "该审批已有结论"),
    detail=Text("The approval is {state}.", "该审批的状态为 {state}。"),
    remedy=Text(
        "Read it again. What was refused can be asked for anew.", "请重新读取该审批；被拒绝的事项可以重新提交审批。"
    ),
)
APPROVAL_OWN = problem_type(
    "approval-own",
    Kind.FORBIDDEN,
    title=Text("Four eyes are needed", "须由另一人审批"),
    detail=Text("You asked for this yourself.", "该事项由您本人提交。"),
    remedy=Text("Have another client of the operator decide.", "请由运营方的另一客户端作出决定。"),
)
APPROVAL_MISSING = problem_type(
    "approval-missing",
    Kind.CONFLICT,
    title=Text("Not approved yet", "尚未获批"),
    detail=Text(
        "{object} waits for the approval {approval} by another client.", "{object} 正等待另一客户端审批（{approval}）。"
    ),
    remedy=Text(
        "Have another client of the operator approve it, and send the same request again.",
        "请由运营方的另一客户端批准后，再次提交相同的请求。",
    ),
)
