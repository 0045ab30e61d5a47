"""A payee completes its account at the payment provider, on the provider's own page."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar import Response
from litestar.params import JSONBody
from msgspec import Meta

from exchange.apps.http.answers import Asked, accepted_value, write
from exchange.apps.http.context import actor_of, services_of
from exchange.apps.http.documented import command
from exchange.flows.onboard import OnboardingLink, link_made, onboardable
from exchange.kernel.errors import Refused
from settlement.stripe_problems import PROVIDER_AWAY

_Address = Annotated[str, Meta(pattern="^https?://", max_length=500, examples=["https://supplier.example/payouts"])]


class OnboardingWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the payee comes back to, and where it is sent when the link was used or is too old: ask for a new one there."""

    return_url: _Address | None = None
    refresh_url: _Address | None = None


def onboarding_routes(prefix: str) -> list[Any]:
    """The route below a portal's prefix."""
    path = f"{prefix}/payout-accounts/stripe/onboarding-link"
    return [command(path, OnboardingLink, 400, 401, 403, 404, 409, 503)(make_link)]


async def make_link(request: Asked, data: JSONBody[OnboardingWish]) -> Response[bytes]:
    """A link to Stripe's page that asks for what it wants to know of you: identity, bank account. 获取 Stripe 开户链接。

    It is good for one visit within a few minutes, so ask for one when you go there, each time under a new key. What is still
    wanted stands in your payout accounts.
    """
    services, actor = services_of(request), actor_of(request)
    async with services.db.read(actor) as tx:
        account = accepted_value(await onboardable(tx, actor))
    if services.gateway is None:
        raise Refused(PROVIDER_AWAY(code="no_provider"))
    home = f"{services.settings.origin}/"
    made = await services.gateway.account_link(account, data.refresh_url or home, data.return_url or home)
    if not isinstance(made, str):
        raise Refused(PROVIDER_AWAY(code=made.code))
    return await write(request, "payout-account.link", lambda tx: link_made(tx, actor, made))
