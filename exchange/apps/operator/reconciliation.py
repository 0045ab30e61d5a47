"""Reconciliation with the payment provider: every movement with what became of it, where it stopped, and how two persons go on."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from litestar import Response
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import Meta

from exchange.apps.http.answers import Asked, write
from exchange.apps.http.context import actor_of
from exchange.apps.http.documented import command, listing, show
from exchange.apps.http.lists import Cursor, Limit
from exchange.apps.http.wire import Id, MoneyWire, Time, body_id, money_wire, stamp
from exchange.apps.operator.seeing import see, see_page
from exchange.flows.resolve_stop import (
    ReconcileQueued,
    StopResolution,
    propose_resolution,
    queue_reconciliation,
)
from exchange.kernel import ids
from settlement.recon_templates import TEMPLATES, Remedy
from settlement.store import recon
from settlement.store.recon import Cursor as Stand
from settlement.store.recon import ItemRow

_PATH = "/operator/v1/reconciliation"
_Txn = Annotated[str, Meta(description="The provider's own id.", examples=["txn_1SlhqK2eZvKYlo2C0d4XWk3P"])]
_Only = Annotated[
    Literal["open"] | None,
    QueryParameter(name="only", description="`open`: only what nothing has become of yet. 仅未处理的变动。"),
]


class MovementView(msgspec.Struct, frozen=True):
    """A movement on our balance there. State: matched, booked, resolved; stopped, with why; waiting behind one that is."""

    id: _Txn
    type: Annotated[str, Meta(examples=["charge"])]
    leg: Annotated[str | None, Meta(description="What its type is in our books.", examples=["payment"])]
    amount: MoneyWire
    fee: MoneyWire
    net: MoneyWire
    source: str
    about: dict[str, str]
    created_at: Time
    available_on: Time
    state: Annotated[str, Meta(examples=["matched"])]
    reason: Annotated[str | None, Meta(examples=["type-unknown"])]
    said: str | None
    resolution: Id | None
    journals: list[str]


class StandView(msgspec.Struct, frozen=True):
    """How far a currency is reconciled; `stopped_at` a movement where it stands still."""

    provider: Annotated[str, Meta(examples=["stripe"])]
    currency: Annotated[str, Meta(examples=["CNY"])]
    movements: int
    looked_at: Time | None
    seen_until: Time | None
    movement: _Txn | None
    reason: Annotated[str | None, Meta(examples=["type-not-ours"])]
    said: str | None
    stopped_at: Time | None


class Stands(msgspec.Struct, frozen=True):
    """Every currency that there was money of at the provider."""

    items: list[StandView]


class ResolutionWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a movement is: what stands against the provider's balance. `wallet` and `debt` name whose it is."""

    remedy: Annotated[
        Literal["fees", "reserve", "sweep", "suspense", "wallet", "debt"],
        Meta(description="The account that it is booked against. 对方科目。", examples=["fees"]),
    ]
    note: Annotated[str, Meta(min_length=3, max_length=500, examples=["A levy of the card scheme, see its letter"])]
    organisation: Id | None = None


@listing(f"{_PATH}/movements", MovementView)
async def list_movements(
    request: Asked, only: _Only = None, limit: Limit = None, cursor: Cursor = None
) -> Response[bytes]:
    """Every movement on our balance at the provider, newest first, with the journals that it is. 对账明细。"""
    return await see_page(
        request, lambda tx, page: recon.list_items(tx, page, open_only=only == "open"), _movement, limit, cursor
    )


@show(f"{_PATH}/stops", Stands, 401, 403)
async def list_stops(request: Asked) -> Stands:
    """How far each currency is reconciled, and where it stopped. 对账进度与停止。

    A movement of a type, a source or an amount that the books have no place for stops its currency: nothing behind it is
    booked until two clients have said what it is, or until what was missing here is there.
    """
    return Stands([_stand(one) for one in await see(request, recon.cursors)])


@command(f"{_PATH}/stops/{{movement:str}}/resolution", StopResolution, 400, 401, 403, 404, 409, 422)
async def resolve(request: Asked, movement: FromPath[str], data: JSONBody[ResolutionWish]) -> Response[bytes]:
    """Say what a movement is that reconciliation stopped at. 处理对账停止。

    It counts once another client has approved it (`/operator/v1/approvals`); the next reconciliation books it and goes on.
    """
    actor = actor_of(request)
    owner = body_id("org", data.organisation) if data.organisation else None
    remedy = Remedy(data.remedy)
    return await write(
        request,
        "reconciliation.resolve",
        lambda tx: propose_resolution(tx, actor, movement, remedy, owner, data.note),
        object_id=movement[:100],
    )


@command(f"{_PATH}/runs", ReconcileQueued, 400, 401, 403, status=202)
async def reconcile_now(request: Asked) -> Response[bytes]:
    """Reconcile now instead of by the hour; a job does it. 立即对账。"""
    actor = actor_of(request)
    return await write(request, "reconciliation.run", lambda tx: queue_reconciliation(tx, actor), status=202)


def _movement(row: ItemRow) -> MovementView:
    one, currency = row.item, row.place.currency
    template = TEMPLATES.get(one.type)
    return MovementView(
        id=one.id,
        type=one.type,
        leg=template.leg.value if template is not None else None,
        amount=money_wire(one.amount.units, currency),
        fee=money_wire(one.fee.units, currency),
        net=money_wire(one.net.units, currency),
        source=one.source,
        about=dict(one.about),
        created_at=stamp(one.created_at),
        available_on=stamp(one.available_on),
        state=row.state,
        reason=row.reason,
        said=row.said,
        resolution=ids.text("rsc", row.resolution_id) if row.resolution_id else None,
        journals=[ids.text("jnl", one) for one in row.journals],
    )


def _stand(one: Stand) -> StandView:
    return StandView(
        provider=one.place.provider,
        currency=one.place.currency,
        movements=one.recorded,
        looked_at=stamp(one.looked_at) if one.looked_at else None,
        seen_until=stamp(one.seen_until) if one.seen_until else None,
        movement=one.stopped_txn,
        reason=one.reason,
        said=one.said,
        stopped_at=stamp(one.stopped_at) if one.stopped_at else None,
    )


ROUTES = (list_movements, list_stops, resolve, reconcile_now)
