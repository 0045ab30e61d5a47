"""Webhooks of organisations that do not take what they are sent."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

import msgspec
from litestar import Response
from msgspec import Meta

from exchange.apps.http.answers import Asked
from exchange.apps.http.documented import listing
from exchange.apps.http.lists import Cursor, Limit
from exchange.apps.http.wire import Id, Time, stamp
from exchange.apps.operator.seeing import see_page
from exchange.kernel import ids
from exchange.webhooks.store import endpoints
from exchange.webhooks.store.endpoints import Trouble


class FailingWebhook(msgspec.Struct, frozen=True):
    """A webhook that fails, or was disabled for it. Only its host is shown: a path may be a secret of its owner."""

    id: Annotated[str, Meta(examples=["whk_01m80jwmabesg81hwe4cc73nw9"])]
    organisation: Id
    portal: Annotated[str, Meta(examples=["supplier"])]
    host: Annotated[str, Meta(examples=["hooks.example.com"])]
    state: Annotated[str, Meta(examples=["disabled"])]
    reason: Annotated[str | None, Meta(examples=["failing"])]
    failing_since: Time | None
    failures: int
    last_error: Annotated[str | None, Meta(examples=["too-slow"])]
    waiting: Annotated[int, Meta(description="Messages that wait to be sent there. 待投递的通知数。", examples=[12])]


@listing("/operator/v1/failing-webhooks", FailingWebhook)
async def list_failing_webhooks(request: Asked, limit: Limit = None, cursor: Cursor = None) -> Response[bytes]:
    """Webhooks of all organisations that fail, or were disabled for it. 投递失败的 Webhook。

    One that failed for five days, or answered 410, is disabled; its owner sees why, and enables it again.
    """
    return await see_page(request, endpoints.troubles, _view, limit, cursor)


def _view(one: Trouble) -> FailingWebhook:
    it = one.endpoint
    return FailingWebhook(
        id=ids.text("whk", it.id),
        organisation=ids.text("org", it.organisation_id),
        portal=it.portal,
        host=urlsplit(it.url).hostname or "",
        state=it.state.value,
        reason=None if it.reason is None else it.reason.value,
        failing_since=None if it.failing_since is None else stamp(it.failing_since),
        failures=it.failures,
        last_error=it.last_error,
        waiting=one.waiting,
    )


ROUTES = (list_failing_webhooks,)
