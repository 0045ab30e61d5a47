"""Problems: what an answer says when the answer is no."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum

from exchange.kernel.text import Text

_SLUG = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*\Z")
_REGISTER: dict[str, ProblemType] = {}


class Kind(IntEnum):
    """The family of a problem; its value is the HTTP status that the apps answer with."""

    INVALID = 400
    UNAUTHENTICATED = 401
    PAYMENT_REQUIRED = 402
    FORBIDDEN = 403
    NOT_FOUND = 404
    NOT_ALLOWED = 405
    CONFLICT = 409
    GONE = 410
    PRECONDITION = 412
    TOO_LARGE = 413
    UNSUPPORTED = 415
    RANGE = 416
    UNPROCESSABLE = 422
    TOO_MANY = 429
    DEFECT = 500
    UNAVAILABLE = 503


@dataclass(frozen=True, slots=True)
class ProblemType:
    """One kind of refusal, with the page that explains it.

    `detail` and `remedy` are `str.format` templates over the problem's fields.
    """

    slug: str
    kind: Kind
    title: Text
    detail: Text
    remedy: Text

    def __call__(self, **fields: object) -> Problem:
        """A problem of this type about these facts."""
        return Problem(self, fields)


@dataclass(frozen=True, slots=True)
class Problem:
    """A refusal: the type, and the facts of this case."""

    type: ProblemType
    fields: Mapping[str, object] = field(default_factory=dict)

    @property
    def slug(self) -> str:
        """The stable name of the type."""
        return self.type.slug

    def detail(self, language: str) -> str:
        """What was wrong, in `language`."""
        return _fill(self.type.detail.in_(language), self.fields, language)

    def remedy(self, language: str) -> str:
        """What to do, in `language`."""
        return _fill(self.type.remedy.in_(language), self.fields, language)


class Refused(Exception):
    """Carries a problem out of a handler to the one place that answers with it."""

    def __init__(self, problem: Problem) -> None:
        """Wrap `problem`."""
        super().__init__(problem.slug)
        self.problem = problem


def _fill(template: str, fields: Mapping[str, object], language: str) -> str:
    plain = {name: value.in_(language) if isinstance(value, Text) else value for name, value in fields.items()}
    return template.format_map(plain)


def problem_type(slug: str, kind: Kind, *, title: Text, detail: Text, remedy: Text) -> ProblemType:
    """Define a type of problem, once in the whole program.

    errors   ValueError for a slug that is malformed or taken
    """
    if not _SLUG.match(slug) or slug in _REGISTER:
        raise ValueError(f"bad or second problem slug {slug!r}")
    _REGISTER[slug] = ProblemType(slug, kind, title, detail, remedy)
    return _REGISTER[slug]


def problem_types() -> Mapping[str, ProblemType]:
    """Every type defined so far, by slug."""
    return _REGISTER


INVALID_REQUEST = problem_type(
    "invalid-request",
    Kind.INVALID,
    title=Text("Invalid request", "请求无效"),
    detail=Text("The request does not have the expected form: {reason}.", "请求格式不符合要求：{reason}。"),
    remedy=Text("Compare the request with the API's document, then send it again.", "请对照接口文档修改后重新发送。"),
)
UNAUTHENTICATED = problem_type(
    "unauthenticated",
    Kind.UNAUTHENTICATED,
    title=Text("Not signed in", "未通过身份验证"),
    detail=Text("The access token is missing, invalid, expired or revoked.", "访问令牌缺失、无效、过期或已撤销。"),
    remedy=Text(
        "Ask POST /oauth2/token for a new token and send it as 'Authorization: Bearer ...'.",
        "请通过 POST /oauth2/token 获取新令牌，并以 “Authorization: Bearer ...” 发送。",
    ),
)
FORBIDDEN = problem_type(
    "forbidden",
    Kind.FORBIDDEN,
    title=Text("Not allowed", "无权操作"),
    detail=Text("This needs the role or scope {needs}.", "该操作需要角色或权限范围 {needs}。"),
    remedy=Text(
        "Use a client with that scope, or ask the operator for the role.",
        "请使用具有该权限范围的应用，或向运营方申请该角色。",
    ),
)
NOT_FOUND = problem_type(
    "not-found",
    Kind.NOT_FOUND,
    title=Text("Not found", "未找到"),
    detail=Text("There is no such object, or it is not yours to see.", "对象不存在，或您无权查看。"),
    remedy=Text("Check the id. Ids look like ord_01k8... .", "请检查标识符，格式如 ord_01k8...。"),
)
METHOD_NOT_ALLOWED = problem_type(
    "method-not-allowed",
    Kind.NOT_ALLOWED,
    title=Text("Method not allowed", "不支持该请求方法"),
    detail=Text("This address does not take this HTTP method.", "该地址不支持此 HTTP 方法。"),
    remedy=Text("See the API's document for the methods it takes.", "请查阅接口文档所列的方法。"),
)
TOO_LARGE = problem_type(
    "too-large",
    Kind.TOO_LARGE,
    title=Text("Too large", "内容过大"),
    detail=Text("The request body is larger than {limit_bytes} bytes.", "请求体超过 {limit_bytes} 字节。"),
    remedy=Text("Send it in smaller parts.", "请分成更小的部分发送。"),
)
CONFLICT = problem_type(
    "state-conflict",
    Kind.CONFLICT,
    title=Text("Not possible in this state", "当前状态不允许"),
    detail=Text("The object is {state}; this needs {needs}.", "对象当前状态为 {state}，该操作需要 {needs}。"),
    remedy=Text("Read the object again and decide anew.", "请重新读取对象后再决定。"),
)
DEFECT = problem_type(
    "internal-error",
    Kind.DEFECT,
    title=Text("Our mistake", "系统内部错误"),
    detail=Text("Something failed on our side. Nothing was half done.", "我方系统发生错误，操作未产生任何部分结果。"),
    remedy=Text(
        "Send the request again with the same Idempotency-Key; if it stays, tell the operator the request id.",
        "请使用相同的 Idempotency-Key 重试；如仍失败，请将请求编号告知运营方。",
    ),
)
DATABASE_AWAY = problem_type(
    "temporarily-unavailable",
    Kind.UNAVAILABLE,
    title=Text("Temporarily unavailable", "暂时不可用"),
    detail=Text(
        "The exchange's database did not answer. Whether the request took effect is known once it answers again.",
        "交易所数据库暂时没有响应；恢复后即可确认该请求是否已生效。",
    ),
    remedy=Text(
        "Send the same request with the same Idempotency-Key again in a few seconds; it takes effect at most once.",
        "请在几秒后以相同的 Idempotency-Key 重新发送；该请求至多生效一次。",
    ),
)
BUSY = problem_type(
    "busy",
    Kind.UNAVAILABLE,
    title=Text("Busy", "系统繁忙"),
    detail=Text("Too many requests wait at the moment.", "当前等待处理的请求过多。"),
    remedy=Text("Wait a second and send the same request again.", "请稍候一秒后重新发送相同请求。"),
)
