"""Self-billing, the same in every portal of those who are paid: the words, what was accepted, and its end."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar import Response
from litestar.params import FromPath, JSONBody
from msgspec import Meta

from exchange.apps.http.answers import Asked, found, write
from exchange.apps.http.context import actor_of, services_of
from exchange.apps.http.documented import command, show
from exchange.apps.http.wire import Sha256, Time, json_of, object_id, stamp
from exchange.flows.self_billing import SelfBillingKept, accept_self_billing, end_self_billing, offered_words
from exchange.kernel import ids
from settlement.selfbilling import Agreement
from settlement.store import selfbilling

_ANY = {"portal": "any"}
_ADMIN = {"portal": "organisation"}


class AgreementView(msgspec.Struct, frozen=True):
    """An agreement that you accepted; `ended_at` is null while it is in force."""

    id: Annotated[str, Meta(examples=["sba_01m80jwmabesg81hwe4cc73nw9"])]
    sha256: Sha256
    accepted_at: Time
    ended_at: Time | None


class SelfBillingView(msgspec.Struct, frozen=True):
    """The words that can be accepted now, and the agreements so far."""

    words: dict[str, Any]
    sha256: Sha256
    agreements: list[AgreementView]


class Acceptance(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The words that you read, by their digest."""

    sha256: Annotated[Sha256, Meta(examples=["5f" * 32])]


def self_billing_routes(prefix: str) -> tuple[Any, ...]:
    """The routes under a portal's prefix."""
    path = f"{prefix}/self-billing"

    @show(path, SelfBillingView, 401, 403, 404, opt=_ANY)
    async def read(request: Asked) -> SelfBillingView:
        """What you agree to when the exchange writes your invoices to it. 自开票协议。

        With an agreement in force every settlement run writes 389 and 261 for your shares; without one your statement
        stands alone. Sales of your own are invoiced in your name and need no agreement.
        """
        actor, db = actor_of(request), services_of(request).db
        offered = found(await db.run(offered_words))
        async with db.read(actor) as tx:
            agreed = await selfbilling.own_agreements(tx, actor)
        return SelfBillingView(json_of(offered.document), offered.sha256.hex(), [_view(one) for one in agreed])

    @command(f"{path}/acceptance", SelfBillingKept, 400, 401, 403, 409, 422, opt=_ADMIN)
    async def accept(request: Asked, data: JSONBody[Acceptance]) -> Response[bytes]:
        """Accept the words, by their digest. 接受自开票协议。"""
        actor = actor_of(request)
        sha256 = bytes.fromhex(data.sha256)
        return await write(request, "self-billing.accept", lambda tx: accept_self_billing(tx, actor, sha256))

    @command(f"{path}/{{self_billing:str}}/end", SelfBillingKept, 400, 401, 403, 404, status=200, opt=_ADMIN)
    async def end(request: Asked, self_billing: FromPath[str]) -> Response[bytes]:
        """End an agreement for what is released from now on. 终止自开票协议。"""
        actor, agreement_id = actor_of(request), object_id("sba", self_billing)
        return await write(
            request,
            "self-billing.end",
            lambda tx: end_self_billing(tx, actor, agreement_id),
            status=200,
            object_id=self_billing,
        )

    return read, accept, end


def _view(one: Agreement) -> AgreementView:
    return AgreementView(
        id=ids.text("sba", one.id),
        sha256=one.sha256.hex(),
        accepted_at=stamp(one.accepted_at),
        ended_at=stamp(one.ended_at) if one.ended_at else None,
    )
