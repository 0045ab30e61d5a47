"""Webhooks as a portal shows them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from exchange.apps.http.wire import Time, stamp
from exchange.kernel import ids
from exchange.kernel.text import Text
from exchange.webhooks.deliveries import Attempt, Delivery, Message
from exchange.webhooks.endpoints import Endpoint
from exchange.webhooks.events import EventKind
from exchange.webhooks.signing import SealedSecret, public_text

WebhookId = Annotated[str, Meta(examples=["whk_01m80jwmabesg81hwe4cc73nw9"])]
MessageId = Annotated[str, Meta(examples=["msg_01m80jwmabesg81hwe4cc73nw9"])]
Url = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=2000,
        description="https, a host by its name, port 443 or 8443. https 地址，使用域名，端口 443 或 8443。",
        examples=["https://hooks.example.com/exchange"],
    ),
]
Kinds = Annotated[
    list[Annotated[str, Meta(min_length=1, max_length=64)]],
    Meta(
        min_length=1,
        max_length=100,
        description="Kinds, families (`payout.*`), or `*`. 事件类型、一类事件（`payout.*`）或全部（`*`）。",
        examples=[["payout.*", "statement.issued"]],
    ),
]
Label = Annotated[str, Meta(max_length=200, examples=["book-keeping"])]
PublicKey = Annotated[
    str,
    Meta(
        description="Ed25519 key of the signatures `v1a`. 用于核验 v1a 签名的公钥。",
        examples=["whpk_11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="],
    ),
]
Secret = Annotated[
    str | None,
    Meta(
        description="Key of the signatures `v1`, shown this once. v1 签名的密钥，仅显示一次。",
        examples=["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo="],
    ),
]
Outcome = Annotated[
    str | None,
    Meta(
        description="Why it failed: status, redirect, gone, connect-failed, tls-failed, too-slow, address-not-public …; null if "
        "it did not. 失败原因；成功时为空。",
        examples=["status"],
    ),
]


class WebhookWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where you want to be told, and of what."""

    url: Url
    kinds: Kinds = msgspec.field(default_factory=lambda: ["*"])
    label: Label = ""


class WebhookChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to change; what is left out stays. `active` false disables it, true enables it again."""

    url: Url | None = None
    kinds: Kinds | None = None
    label: Label | None = None
    active: bool | None = None


class RotationWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How long the old secret signs beside the new one."""

    overlap_hours: Annotated[int, Meta(ge=0, le=168, examples=[24])] = 24


class ReplayWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which messages to send once more: one by its id, or those of a time that this webhook wants."""

    message: Annotated[str, Meta(max_length=40, examples=["msg_01m80jwmabesg81hwe4cc73nw9"])] | None = None
    since: datetime | None = None
    until: datetime | None = None


class WebhookMadeView(msgspec.Struct, frozen=True):
    """The new webhook. The secret is shown this once: a replay of the request leaves it out."""

    id: WebhookId
    url: Url
    kinds: Kinds
    public_key: PublicKey
    secret: Secret = None


class SecretView(msgspec.Struct, frozen=True):
    """The new secret, shown this once; the one before signs beside it until `old_until`."""

    id: WebhookId
    public_key: PublicKey
    old_until: Time
    secret: Secret = None


class KeyView(msgspec.Struct, frozen=True):
    """A key that signs, and until when if another one takes its place."""

    public_key: PublicKey
    created_at: Time
    ends_at: Time | None


class WebhookView(msgspec.Struct, frozen=True):
    """A webhook of yours. `reason` says why it is disabled: owner, gone (it answered 410), failing (for days)."""

    id: WebhookId
    url: Url
    kinds: Kinds
    label: Label
    state: Annotated[str, Meta(examples=["active"])]
    reason: Annotated[str | None, Meta(examples=["gone"])]
    failing_since: Time | None
    failures: Annotated[int, Meta(description="Since the last success. 自上次成功以来的失败次数。", examples=[0])]
    last_error: Outcome
    last_ok_at: Time | None
    keys: list[KeyView]
    created_at: Time


class KindView(msgspec.Struct, frozen=True):
    """A kind of event, what it means, and where you read what it is about."""

    kind: Annotated[str, Meta(examples=["payout.paid"])]
    says: dict[str, str]
    link: Annotated[str, Meta(examples=["/supplier/v1/payouts"])]


class KindsView(msgspec.Struct, frozen=True):
    """Every kind of event that this portal tells of."""

    items: list[KindView]


class MessageView(msgspec.Struct, frozen=True):
    """Something that you were told, with the body as it was sent."""

    id: MessageId
    kind: Annotated[str, Meta(examples=["payout.paid"])]
    entry: Annotated[int | None, Meta(description="Its place in the audit log. 在审计日志中的序号。", examples=[1200])]
    body: dict[str, Any]
    created_at: Time


class AttemptView(msgspec.Struct, frozen=True):
    """One attempt; what you answered is not kept, but its status."""

    number: int
    at: Time
    status: Annotated[int | None, Meta(examples=[503])]
    ms: int
    error: Outcome


class DeliveryView(msgspec.Struct, frozen=True):
    """A message on its way to a webhook: waiting, sending, delivered or failed."""

    webhook: WebhookId
    message: MessageId
    kind: Annotated[str, Meta(examples=["payout.paid"])]
    state: Annotated[str, Meta(examples=["delivered"])]
    attempts: int
    next_at: Time | None
    last_at: Time | None
    last_status: Annotated[int | None, Meta(examples=[200])]
    last_ms: int | None
    last_error: Outcome


class DeliveryCourse(msgspec.Struct, frozen=True):
    """A delivery with each of its attempts."""

    delivery: DeliveryView
    attempts: list[AttemptView]


class MessageCourse(msgspec.Struct, frozen=True):
    """A message, its exact bytes, and what became of it at each webhook."""

    message: MessageView
    body_base64: bytes
    deliveries: list[DeliveryCourse]


def webhook_view(one: Endpoint, secrets: list[SealedSecret]) -> WebhookView:
    """A webhook with the public parts of the keys that sign for it."""
    return WebhookView(
        id=ids.text("whk", one.id),
        url=one.url,
        kinds=list(one.kinds),
        label=one.label,
        state=one.state.value,
        reason=None if one.reason is None else one.reason.value,
        failing_since=_stamp(one.failing_since),
        failures=one.failures,
        last_error=one.last_error,
        last_ok_at=_stamp(one.last_ok_at),
        keys=[
            KeyView(public_text(key.public), stamp(key.created_at), _stamp(key.ends_at))
            for key in secrets
            if key.endpoint_id == one.id
        ],
        created_at=stamp(one.created_at),
    )


def kind_view(one: EventKind, portal: str) -> KindView:
    """A kind of event as one portal's reader sees it."""
    return KindView(one.kind, _texts(one.says), f"/{portal}/v1{one.paths[portal]}")


def message_view(one: Message) -> MessageView:
    """A message with its body."""
    return MessageView(
        ids.text("msg", one.id), one.kind, one.leaf_index, msgspec.json.decode(one.body), stamp(one.created_at)
    )


def delivery_view(one: Delivery) -> DeliveryView:
    """Where a message stands on its way."""
    return DeliveryView(
        webhook=ids.text("whk", one.endpoint_id),
        message=ids.text("msg", one.message_id),
        kind=one.kind,
        state=one.state.value,
        attempts=one.attempts,
        next_at=_stamp(one.next_at),
        last_at=_stamp(one.last_at),
        last_status=one.last_status,
        last_ms=one.last_ms,
        last_error=one.last_error,
    )


def course_view(message: Message, found: list[tuple[Delivery, list[Attempt]]]) -> MessageCourse:
    """A message with all that became of it."""
    courses = [
        DeliveryCourse(
            delivery_view(one),
            [AttemptView(made.number, stamp(made.at), made.status, made.ms, made.error) for made in attempts],
        )
        for one, attempts in found
    ]
    return MessageCourse(message_view(message), message.body, courses)


def _stamp(at: datetime | None) -> str | None:
    return None if at is None else stamp(at)


def _texts(text: Text) -> dict[str, str]:
    return text.map()
