"""What outside services tell us: verified, stored with the job that acts on it, answered at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec
from litestar import Litestar, Response, post
from litestar.openapi.spec import OpenAPIMediaType, Operation, Parameter, RequestBody, Schema
from litestar.openapi.spec.enums import OpenAPIType

from exchange.apps.hooks import problems
from exchange.apps.http.answers import Asked
from exchange.apps.http.context import Services, services_of
from exchange.apps.http.documented import answers
from exchange.apps.http.portal import portal
from exchange.flows.store_event import EventStored, store_event
from exchange.kernel.errors import Refused
from settlement.gateway.stripe.webhooks import API_VERSION, BadWebhook
from settlement.provider_events import ProviderEvent

BODY_MAX_BYTES = 1024 * 1024
_EVENT = {
    "id": "evt_1NG8Du2eZvKYlo2CUI79vXWy",
    "object": "event",
    "type": "payment_intent.succeeded",
    "data": {
        "object": {"id": "pi_3MtwBwLkdIwHu7ix28a3tqPa", "metadata": {"payment": "pay_01m80jwmabesg81hwe4cc73nw9"}}
    },
}


@dataclass
class StripeCall(Operation):
    """An operation that takes an event with Stripe's signature; the raw bytes are signed, so no body is parsed before."""

    def __post_init__(self) -> None:
        """Say what comes in."""
        signature = Parameter(
            name="Stripe-Signature",
            param_in="header",
            required=True,
            description="t=<seconds>,v1=<HMAC-SHA256 in hex> over the raw body. 对原始请求体的签名。",
            schema=Schema(type=OpenAPIType.STRING),
        )
        self.parameters = [*(self.parameters or []), signature]
        event = OpenAPIMediaType(schema=Schema(type=OpenAPIType.OBJECT, examples=[_EVENT]))
        self.request_body = RequestBody(content={"application/json": event}, required=True)


@post(
    "/hooks/stripe",
    status_code=200,
    request_max_body_size=BODY_MAX_BYTES,
    operation_class=StripeCall,
    responses=answers(EventStored, 200, 400, 413, 503),
    opt={"portal": None},
)
async def stripe(request: Asked) -> Response[bytes]:
    """Take an event of Stripe in. 接收 Stripe 事件。

    Answered as soon as the event is stored; it takes effect in the background. The same event again changes nothing.
    """
    return await _take(request, services_of(request).webhook)


@post(
    "/hooks/stripe-connect",
    status_code=200,
    request_max_body_size=BODY_MAX_BYTES,
    operation_class=StripeCall,
    responses=answers(EventStored, 200, 400, 413, 503),
    opt={"portal": None},
)
async def stripe_connect(request: Asked) -> Response[bytes]:
    """Take an event of a payee's Stripe account in. 接收收款方 Stripe 账户的事件。

    Stripe's Connect endpoint has a secret of its own. The same event told to both endpoints counts once.
    """
    return await _take(request, services_of(request).connect_webhook)


async def _take(request: Asked, verify: Any) -> Response[bytes]:
    services, payload = services_of(request), await request.body()
    if verify is None:
        raise Refused(problems.NO_PROVIDER())
    try:
        event: ProviderEvent = verify(payload, request.headers.get("stripe-signature", ""))
    except BadWebhook as error:
        raise Refused(problems.BAD_SIGNATURE()) from error
    live = services.settings.stripe.live
    stored = await services.db.run(lambda tx: store_event(tx, event, live=live, api_version=API_VERSION))
    return Response(msgspec.json.encode(stored), media_type="application/json")


def app(services: Services) -> Litestar:
    """The app for outside services."""
    routes: list[Any] = [stripe, stripe_connect]
    return portal(
        name="hooks",
        title="Corpus Exchange: hooks 事件回调接口",
        description="Events of outside services. 外部服务的事件回调。",
        prefix="/hooks",
        routes=routes,
        services=services,
        portal_scope=None,
    )
