"""The refusals of quality."""

from __future__ import annotations

from exchange.kernel.errors import Kind, problem_type
from exchange.kernel.text import Text

SCORECARD_MISSING = problem_type(
    "scorecard-missing",
    Kind.CONFLICT,
    title=Text("Not measured yet", "尚未完成测评"),
    detail=Text("The revision {revision} has no scorecard yet.", "版本 {revision} 尚无质量评分卡。"),
    remedy=Text("Wait until the exchange has measured the revision, then ask again.", "请等待平台完成测评后再次提交。"),
)
ASSESSOR_UNSUITABLE = problem_type(
    "assessor-unsuitable",
    Kind.UNPROCESSABLE,
    title=Text("No verified assessor", "该机构不是已认证的评估机构"),
    detail=Text(
        "The organisation {assessor} cannot assess this: {reason}.", "机构 {assessor} 不能进行该评估：{reason}。"
    ),
    remedy=Text("Choose another assessor from the list of assessors.", "请从评估机构名录中另选一家。"),
)
ASSESSMENT_OPEN = problem_type(
    "assessment-open",
    Kind.CONFLICT,
    title=Text("Already asked", "已提交过评估请求"),
    detail=Text(
        "The assessor {assessor} has an open request for this revision: {assessment}.",
        "评估机构 {assessor} 对该版本已有未完成的评估：{assessment}。",
    ),
    remedy=Text("Wait for the answer to that request.", "请等待该评估请求的结果。"),
)
ASSESSMENT_STATE = problem_type(
    "assessment-state",
    Kind.CONFLICT,
    title=Text("Not possible for this assessment now", "当前评估状态不允许该操作"),
    detail=Text("An assessment that is {state} cannot become {wanted}.", "状态为 {state} 的评估不能变更为 {wanted}。"),
    remedy=Text(
        "Accept a request before you sign it; a declined or signed one is closed.",
        "请先接受评估请求再签发证书；已拒绝或已签发的评估不可再变更。",
    ),
)
CERTIFICATE_INVALID = problem_type(
    "certificate-invalid",
    Kind.UNPROCESSABLE,
    title=Text("Certificate not acceptable", "证书内容不符合要求"),
    detail=Text("The field {field} is not acceptable: {reason}.", "字段 {field} 不符合要求：{reason}。"),
    remedy=Text("Correct the field and sign again.", "请修改该字段后重新签发。"),
)
