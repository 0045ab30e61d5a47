"""Corrections of usage, as both sides of a grant see them."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from litestar import Response
from msgspec import Meta

from exchange.access.store import corrections, grants
from exchange.access.store.corrections import CorrectionRow
from exchange.apps.http.answers import Asked, found
from exchange.apps.http.context import actor_of, services_of
from exchange.apps.http.lists import show_page
from exchange.apps.http.wire import Time, object_id, stamp


class UsageCorrectionView(msgspec.Struct, frozen=True):
    """What an event counted as before a correction, and since; the event itself stays as it was reported."""

    event: Annotated[str, Meta(examples=["019bc0de-7b6a-7c5e-9d27-0c1f8a2b3c4d"])]
    source: int
    number: Annotated[int, Meta(description="Which correction of the event it is, from 1. 该事件的第几次更正。")]
    action: Literal["amend", "deprecate"]
    meter: Annotated[str, Meta(examples=["tokens"])]
    at: Time
    before: Annotated[int, Meta(examples=[1200])]
    quantity: Annotated[int, Meta(examples=[900])]
    reason: Literal["counting_error", "duplicate", "not_used", "other"]
    corrected_at: Time


async def corrections_page(
    request: Asked, grant: str, limit: int | None, cursor: str | None, *, selling: bool
) -> Response[bytes]:
    """A page of the corrections of a grant that the actor sells, or buys; 404 where it does neither."""
    actor, grant_id = actor_of(request), object_id("grt", grant)
    async with services_of(request).db.read(actor) as tx:
        one = found(await grants.grant(tx, actor, grant_id))
    found(one if (one.seller_id if selling else one.buyer_id) == actor.organisation_id else None)
    return await show_page(
        request, actor, lambda tx, page: corrections.corrections_of(tx, actor, grant_id, page), _view, limit, cursor
    )


def _view(one: CorrectionRow) -> UsageCorrectionView:
    return UsageCorrectionView(
        str(one.event_id),
        one.source_id,
        one.number,
        "deprecate" if one.kind == "deprecate" else "amend",
        one.meter,
        stamp(one.at),
        one.before,
        one.quantity,
        one.reason,  # type: ignore[arg-type]  # a closed list, checked when it was read
        stamp(one.created_at),
    )
