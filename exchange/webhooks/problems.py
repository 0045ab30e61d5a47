"""Refusals of this package."""

from __future__ import annotations

from exchange.kernel.errors import Kind, problem_type
from exchange.kernel.text import Text

WEBHOOK_ADDRESS = problem_type(
    "webhook-address",
    Kind.UNPROCESSABLE,
    title=Text("Address not usable", "地址不可用"),
    detail=Text("Messages cannot be sent to this address: {reason}.", "无法向该地址发送通知：{reason}。"),
    remedy=Text(
        "Give an address like https://hooks.example.com/exchange: https, a host by its name in lower case, port 443 or 8443, "
        "no user, no fragment. The name must lead to public addresses only.",
        "请使用形如 https://hooks.example.com/exchange 的地址：https、小写域名、端口 443 或 8443，"
        "不含用户信息与片段；该域名须仅解析到公网地址。",
    ),
)
WEBHOOK_KIND = problem_type(
    "webhook-kind-unknown",
    Kind.UNPROCESSABLE,
    title=Text("No such kind of event", "无此事件类型"),
    detail=Text("{kind} is not a kind of event of this portal.", "{kind} 不是本门户的事件类型。"),
    remedy=Text(
        "GET …/webhook-kinds lists them; a family is written `payout.*`, all of them `*`.",
        "请通过 GET …/webhook-kinds 查看全部类型；`payout.*` 表示一类，`*` 表示全部。",
    ),
)
WEBHOOKS_MAX = problem_type(
    "webhooks-too-many",
    Kind.CONFLICT,
    title=Text("Too many webhooks", "Webhook 数量已达上限"),
    detail=Text(
        "Your organisation has {limit} webhooks in this portal, which is the most it may have.",
        "贵机构在本门户已有 {limit} 个 Webhook，已达上限。",
    ),
    remedy=Text("Remove one first.", "请先删除一个。"),
)
WEBHOOK_DISABLED = problem_type(
    "webhook-disabled",
    Kind.CONFLICT,
    title=Text("Webhook disabled", "Webhook 已停用"),
    detail=Text("The webhook {webhook} is disabled.", "Webhook {webhook} 已停用。"),
    remedy=Text("Enable it first (…/changes with active: true).", "请先启用（…/changes，active 为 true）。"),
)
