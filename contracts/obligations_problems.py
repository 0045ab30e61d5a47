"""What is refused around obligations and questions."""

from __future__ import annotations

from exchange.kernel.errors import Kind, problem_type
from exchange.kernel.text import Text

OBLIGATION_CLOSED = problem_type(
    "obligation-closed",
    Kind.CONFLICT,
    title=Text("This obligation is closed", "该义务已了结"),
    detail=Text("The obligation {obligation} is {state}.", "义务 {obligation} 的状态为 {state}。"),
    remedy=Text("Nothing more is owed for it.", "无需再履行该义务。"),
)
OBLIGATION_NOT_ASKED = problem_type(
    "obligation-not-asked",
    Kind.CONFLICT,
    title=Text("Nobody has asked for this yet", "尚无人提出要求"),
    detail=Text(
        "The obligation {obligation} falls due when the supplier asks, which it has not.",
        "义务 {obligation} 在供应方提出要求时到期，目前尚未提出。",
    ),
    remedy=Text("Wait for the supplier's request; you are told of it.", "请等待供应方提出要求，届时将收到通知。"),
)
OBLIGATION_DEMAND = problem_type(
    "obligation-demand-wrong",
    Kind.UNPROCESSABLE,
    title=Text("This cannot be asked for so", "不能以此方式提出要求"),
    detail=Text("The obligation {obligation} {why}.", "义务 {obligation} {why}。"),
    remedy=Text(
        "Ask only for what falls due on request; name a day where the terms count none.",
        "仅可要求履行“按要求”到期的义务；条款未约定天数时请指定日期。",
    ),
)
QUESTION_SUBJECT = problem_type(
    "question-subject-wrong",
    Kind.UNPROCESSABLE,
    title=Text("Ask about one thing", "一次只能询问一个对象"),
    detail=Text(
        "A question names exactly one of offer, listing, agreement and grant; {count} are named.",
        "提问须且只能指定 offer、listing、agreement、grant 之一；当前指定了 {count} 个。",
    ),
    remedy=Text("Name what you mean to use, and leave out the others.", "请只保留要使用的对象。"),
)
