"""Webhooks: the same in the supplier's, the buyer's and the service providers' portal, each with its own endpoints."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any

import msgspec
from litestar import Response
from litestar.params import FromPath, JSONBody, QueryParameter

from exchange.apps.http.answers import Asked, answer, body_digest, found, idempotency_key, write
from exchange.apps.http.context import actor_of, services_of
from exchange.apps.http.documented import command, listing, show
from exchange.apps.http.lists import Cursor, Limit, show_page
from exchange.apps.http.webhook_views import (
    DeliveryView,
    KindsView,
    MessageCourse,
    MessageView,
    ReplayWish,
    RotationWish,
    SecretView,
    WebhookChange,
    WebhookMadeView,
    WebhookView,
    WebhookWish,
    course_view,
    delivery_view,
    kind_view,
    message_view,
    webhook_view,
)
from exchange.apps.http.wire import body_id, moment_of, object_id
from exchange.flows.keep_webhook import (
    Place,
    SecretRotated,
    WebhookChanged,
    WebhookMade,
    Wish,
    change_webhook,
    make_webhook,
    remove_webhook,
    rotate_secret,
)
from exchange.flows.once import Answered, Command, once
from exchange.flows.replay_webhook import Replayed, Tested, replay, replay_message, send_test
from exchange.kernel import custody
from exchange.kernel.errors import INVALID_REQUEST, Refused
from exchange.kernel.text import Text
from exchange.webhooks import events
from exchange.webhooks.signing import SECRET_BYTES, secret_text
from exchange.webhooks.store import deliveries, endpoints

_ONLY_STATE = Annotated[
    str | None, QueryParameter(max_length=16, description="Only those in this state. 仅显示该状态。")
]
_ONLY_KIND = Annotated[str | None, QueryParameter(max_length=64, description="Only of this kind. 仅显示该类型。")]


class WebhooksView(msgspec.Struct, frozen=True):
    """Your webhooks in this portal, oldest first."""

    items: list[WebhookView]


def _place(request: Asked) -> Place:
    return Place(actor_of(request), request.url.path.split("/")[1])


async def list_webhook_kinds(request: Asked) -> KindsView:
    """Every kind of event that this portal tells of, with its meaning. 本门户的全部事件类型。"""
    portal = _place(request).portal
    return KindsView([kind_view(one, portal) for one in events.kinds_of(portal)])


async def list_webhooks(request: Asked) -> WebhooksView:
    """Your webhooks, with the keys that sign for them; never a secret. 我的 Webhook 列表。"""
    place = _place(request)
    async with services_of(request).db.read(place.actor) as tx:
        mine = await endpoints.my_endpoints(tx, place.actor, place.portal)
        secrets = await endpoints.secrets_of(tx, [one.id for one in mine])
    return WebhooksView([webhook_view(one, secrets) for one in mine])


async def show_webhook(request: Asked, webhook: FromPath[str]) -> WebhookView:
    """One webhook, and whether it works. Webhook 详情及运行状况。"""
    place, endpoint_id = _place(request), object_id("whk", webhook)
    async with services_of(request).db.read(place.actor) as tx:
        one = found(await endpoints.my_endpoint(tx, place.actor, place.portal, endpoint_id))
        return webhook_view(one, await endpoints.secrets_of(tx, [one.id]))


async def make_new_webhook(request: Asked, data: JSONBody[WebhookWish]) -> Response[bytes]:
    """Be told of what happens, at an address of yours; its secret is shown this once. 新建 Webhook（密钥仅显示一次）。

    Messages are signed as Standard Webhooks says: check `webhook-signature` with the secret (`v1`) or the public key (`v1a`).
    They come at least once and in any order; `data.entry.index` is their place in the audit log. Answer 2xx within 15
    seconds; anything else is tried again nine times over three days, 410 disables the webhook.
    """
    services, place = services_of(request), _place(request)
    secret, wish = custody.make_secret(SECRET_BYTES), Wish(data.url, data.kinds, data.label)
    asked = Command(place.actor, "webhook.create", idempotency_key(request), await body_digest(request))
    answered = await services.db.run(
        lambda tx: once(
            tx,
            asked,
            201,
            lambda tx: make_webhook(tx, place, wish, secret, services.keyring, services.settings.webhooks),
        )
    )
    if isinstance(answered, Answered) and not answered.replayed:
        # The kept answer is without the secret, so that it stands nowhere but sealed.
        made = msgspec.json.decode(answered.body, type=WebhookMade)
        shown = WebhookMadeView(made.id, made.url, made.kinds, made.public_key, secret_text(secret))
        answered = Answered(answered.status, msgspec.json.encode(shown))
    return answer(request, answered)


async def alter_webhook(request: Asked, webhook: FromPath[str], data: JSONBody[WebhookChange]) -> Response[bytes]:
    """Change a webhook, disable it, or enable it again. 修改、停用或重新启用 Webhook。

    What waits for one that is disabled is given up; a replay brings it back.
    """
    services, place, endpoint_id = services_of(request), _place(request), object_id("whk", webhook)
    wish = Wish(data.url, data.kinds, data.label, data.active)
    return await write(
        request,
        "webhook.change",
        lambda tx: change_webhook(tx, place, endpoint_id, wish, services.settings.webhooks),
        status=200,
        object_id=webhook,
    )


async def end_webhook(request: Asked, webhook: FromPath[str]) -> Response[bytes]:
    """Remove a webhook for good, with its secrets. 删除 Webhook 及其密钥。"""
    place, endpoint_id = _place(request), object_id("whk", webhook)
    return await write(
        request,
        "webhook.remove",
        lambda tx: remove_webhook(tx, place, endpoint_id),
        status=200,
        object_id=webhook,
    )


async def change_secret(request: Asked, webhook: FromPath[str], data: JSONBody[RotationWish]) -> Response[bytes]:
    """Make a new secret; the old one signs beside it for a while. 轮换密钥（新旧并行一段时间）。

    Until `old_until` each message carries both signatures, so that you can change over at any moment in between. With 0
    hours the old one ends at once.
    """
    services, place, endpoint_id = services_of(request), _place(request), object_id("whk", webhook)
    secret, overlap = custody.make_secret(SECRET_BYTES), timedelta(hours=data.overlap_hours)
    asked = Command(place.actor, "webhook.rotate", idempotency_key(request), await body_digest(request), webhook)
    answered = await services.db.run(
        lambda tx: once(
            tx, asked, 200, lambda tx: rotate_secret(tx, place, endpoint_id, overlap, secret, services.keyring)
        )
    )
    if isinstance(answered, Answered) and not answered.replayed:
        made = msgspec.json.decode(answered.body, type=SecretRotated)
        shown = SecretView(made.id, made.public_key, made.old_until, secret_text(secret))
        answered = Answered(answered.status, msgspec.json.encode(shown))
    return answer(request, answered)


async def send_test_message(request: Asked, webhook: FromPath[str]) -> Response[bytes]:
    """Send a webhook a message of the kind `webhook.test`, signed as any other. 发送测试通知。"""
    services, place, endpoint_id = services_of(request), _place(request), object_id("whk", webhook)
    return await write(
        request,
        "webhook.test",
        lambda tx: send_test(tx, place, endpoint_id, services.settings.origin),
        object_id=webhook,
    )


async def send_again(request: Asked, webhook: FromPath[str], data: JSONBody[ReplayWish]) -> Response[bytes]:
    """Send messages once more: one by its id, or those since a moment. 重新发送通知（按编号或时间）。

    They keep their ids. At most 10,000 at once, the oldest first; `next_since` says where to go on.
    """
    place, endpoint_id = _place(request), object_id("whk", webhook)
    if (data.message is None) == (data.since is None):
        raise Refused(INVALID_REQUEST(reason=Text("either message or since is given", "message 与 since 须二选一")))
    message_id = body_id("msg", data.message) if data.message is not None else None
    since = None if data.since is None else moment_of(data.since)
    until = None if data.until is None else moment_of(data.until)
    return await write(
        request,
        "webhook.replay",
        lambda tx: (
            replay(tx, place, endpoint_id, since, until)
            if message_id is None
            else replay_message(tx, place, endpoint_id, message_id)
        ),
        object_id=webhook,
    )


async def list_webhook_deliveries(
    request: Asked, webhook: FromPath[str], limit: Limit = None, cursor: Cursor = None, standing: _ONLY_STATE = None
) -> Response[bytes]:
    """What was or is on its way to a webhook, newest first. Webhook 的投递记录。"""
    place, endpoint_id = _place(request), object_id("whk", webhook)
    async with services_of(request).db.read(place.actor) as tx:
        found(await endpoints.my_endpoint(tx, place.actor, place.portal, endpoint_id))
    return await show_page(
        request,
        place.actor,
        lambda tx, page: deliveries.my_deliveries(tx, place.actor, endpoint_id, page, standing),
        delivery_view,
        limit,
        cursor,
    )


async def list_webhook_messages(
    request: Asked, limit: Limit = None, cursor: Cursor = None, kind: _ONLY_KIND = None
) -> Response[bytes]:
    """What you were told in this portal in the last 30 days, newest first. 近 30 天的通知。"""
    place = _place(request)
    return await show_page(
        request,
        place.actor,
        lambda tx, page: deliveries.my_messages(tx, place.actor, place.portal, page, kind),
        message_view,
        limit,
        cursor,
    )


async def show_webhook_message(request: Asked, message: FromPath[str]) -> MessageCourse:
    """One message: its exact bytes, and every attempt at each webhook. 通知原文及各次投递。"""
    place, message_id = _place(request), object_id("msg", message)
    async with services_of(request).db.read(place.actor) as tx:
        one = found(await deliveries.my_message(tx, place.actor, place.portal, message_id))
        return course_view(one, await deliveries.of_message(tx, place.actor, message_id))


def webhook_routes(prefix: str) -> tuple[Any, ...]:
    """The routes under one portal."""
    path, messages = f"{prefix}/webhooks", f"{prefix}/webhook-messages"
    one = f"{path}/{{webhook:str}}"
    return (
        show(f"{prefix}/webhook-kinds", KindsView, 401, 403)(list_webhook_kinds),
        show(path, WebhooksView, 401, 403)(list_webhooks),
        command(path, WebhookMadeView, 400, 401, 403, 409, 422)(make_new_webhook),
        show(one, WebhookView)(show_webhook),
        command(f"{one}/changes", WebhookChanged, 400, 401, 403, 404, 422, status=200)(alter_webhook),
        command(f"{one}/removal", WebhookChanged, 401, 403, 404, status=200)(end_webhook),
        command(f"{one}/secret-rotation", SecretView, 400, 401, 403, 404, 422, status=200)(change_secret),
        command(f"{one}/test", Tested, 401, 403, 404, 409)(send_test_message),
        command(f"{one}/replay", Replayed, 400, 401, 403, 404, 409, 422)(send_again),
        listing(f"{one}/deliveries", DeliveryView, 400, 401, 403, 404)(list_webhook_deliveries),
        listing(messages, MessageView)(list_webhook_messages),
        show(f"{messages}/{{message:str}}", MessageCourse)(show_webhook_message),
    )
