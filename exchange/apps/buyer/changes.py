"""Changing to another offer of the same listing while a grant runs."""

from __future__ import annotations

from typing import Annotated

from litestar import Response
from litestar.params import FromPath, JSONBody
from msgspec import Meta

from exchange.apps.buyer.orders import Purpose
from exchange.apps.http.answers import Asked, write
from exchange.apps.http.choices import Choices, basis_of
from exchange.apps.http.context import actor_of, services_of
from exchange.apps.http.documented import command
from exchange.apps.http.wire import body_id, object_id
from exchange.flows.change_offer import ACTION, Change, OfferChanged, change_offer


class ChangeWish(Choices, frozen=True, forbid_unknown_fields=True):
    """The offer to change to, with its choices or its quote; the purposes stay if none are named."""

    offer: Annotated[str, Meta(examples=["ofr_01m80jwmabesg81hwe4cc73nw9"], max_length=40)]
    purposes: Annotated[tuple[Purpose, ...], Meta(max_length=16, examples=[["pretrain"]])] = ()
    quote: Annotated[str, Meta(max_length=40)] | None = None


@command("/buyer/v1/grants/{grant:str}/change-offer", OfferChanged, 400, 401, 402, 403, 404, 409, 422)
async def change(request: Asked, grant: FromPath[str], data: JSONBody[ChangeWish]) -> Response[bytes]:
    """Change to another offer of the same listing. 更换为同一产品的其他报价方案。

    At the next quarter-hour, or at the end of the old offer's period where that counts use over the whole period (included
    quantities, packs, tiers, caps); `changes_at` says when. The old grant ends at that moment and a new order, agreement and
    grant begin; the new price is paid from the wallet now.
    What was paid for the rest of the old period comes back with the next settlement where its price is prorated.
    """
    services, actor = services_of(request), actor_of(request)
    wish = Change(
        object_id("grt", grant),
        body_id("ofr", data.offer),
        tuple(dict.fromkeys(data.purposes)),
        basis_of(data),
        body_id("qte", data.quote) if data.quote else None,
    )
    return await write(
        request,
        ACTION,
        lambda tx: change_offer(tx, services.sales, services.keyring, actor, wish),
        object_id=grant,
    )


ROUTES = (change,)
