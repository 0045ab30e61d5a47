"""What negotiations refuse, and why."""

from __future__ import annotations

from exchange.kernel.errors import Kind, problem_type
from exchange.kernel.text import Text

NEGOTIATION_STATE = problem_type(
    "negotiation-state",
    Kind.CONFLICT,
    title=Text("Not possible in this state of the negotiation", "协商的当前状态不允许此操作"),
    detail=Text(
        "The negotiation is {state}, where the {side} cannot send {message}; it may send {possible}.",
        "协商状态为 {state}，此时 {side} 不能发送 {message}；可发送：{possible}。",
    ),
    remedy=Text(
        "Read the negotiation again: the other side may have answered meanwhile. Nothing was changed.",
        "请重新查看该协商，对方可能已作答复。本次请求未改变任何内容。",
    ),
)
NEGOTIATION_EXPIRED = problem_type(
    "negotiation-expired",
    Kind.CONFLICT,
    title=Text("The negotiation has expired", "协商已过期"),
    detail=Text("Nobody answered before {expired_at}.", "在 {expired_at} 之前没有得到答复。"),
    remedy=Text("Begin a new negotiation.", "请发起新的协商。"),
)
NEGOTIATION_INVALID = problem_type(
    "negotiation-invalid",
    Kind.UNPROCESSABLE,
    title=Text("A field of the message is wrong", "协商消息字段有误"),
    detail=Text("{field}: {reason}.", "{field}：{reason}。"),
    remedy=Text(
        "Correct the field; the guide on negotiations shows whole messages.", "请修改该字段；协商指南中有完整示例。"
    ),
)
NEGOTIATION_DIFFERS = problem_type(
    "negotiation-differs",
    Kind.CONFLICT,
    title=Text("Not what was agreed", "与所达成的内容不符"),
    detail=Text(
        "The supplier's agreement message hashes to {sha256}, not to what the request names.",
        "供应方同意消息的哈希为 {sha256}，与请求中填写的不同。",
    ),
    remedy=Text(
        "Read that message again, check it, and name the hash of exactly that document.",
        "请重新读取并核对该消息，填写该文件的哈希。",
    ),
)
NEGOTIATION_ROUNDS = problem_type(
    "negotiation-rounds",
    Kind.CONFLICT,
    title=Text("Too many rounds", "协商轮次过多"),
    detail=Text(
        "A negotiation takes at most {limit} requests and offers together.", "一次协商最多包含 {limit} 次请求与报价。"
    ),
    remedy=Text(
        "Accept or agree to what is on the table, or end this negotiation and begin another.",
        "请接受当前条款，或终止本次协商后重新发起。",
    ),
)
NEGOTIATION_BUYER = problem_type(
    "negotiation-buyer-unfit",
    Kind.UNPROCESSABLE,
    title=Text("Not an organisation that can buy", "该机构不能作为买方"),
    detail=Text("The organisation {organisation} {why}.", "机构 {organisation} {why}。"),
    remedy=Text("Name a verified organisation that is registered as a buyer.", "请指定已核验且登记为买方的机构。"),
)
NEGOTIATIONS_TOO_MANY = problem_type(
    "negotiations-too-many",
    Kind.CONFLICT,
    title=Text("Too many open negotiations", "进行中的协商过多"),
    detail=Text(
        "These two organisations have {limit} open negotiations with each other, which is the limit.",
        "双方之间进行中的协商已达上限 {limit} 个。",
    ),
    remedy=Text("End one of them first.", "请先结束其中一个。"),
)
NEGOTIATION_NOT_ORDERED = problem_type(
    "negotiation-not-ordered",
    Kind.CONFLICT,
    title=Text("The order could not be placed", "未能下单"),
    detail=Text("The negotiation stays as it is: {reason}.", "协商保持原状：{reason}。"),
    remedy=Text(
        "Tell the buyer, and finalize again before the negotiation expires.", "请告知买方，并在协商过期前再次完成。"
    ),
)
