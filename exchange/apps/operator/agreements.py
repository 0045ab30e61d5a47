"""The operator's hand on agreements: what happened to one, suspending its use, and lifting that."""

from __future__ import annotations

from functools import partial

import msgspec
from litestar import Response
from litestar.params import FromPath, JSONBody

from contracts import lifecycle_store, signatures_store
from contracts import store as contracts
from contracts.life_events import Kind, Wish
from exchange.apps.http.agreement_life import LifeView, Reason, desk, life_view
from exchange.apps.http.answers import Asked, found, write
from exchange.apps.http.context import actor_of, services_of
from exchange.apps.http.documented import command, show
from exchange.apps.http.wire import object_id
from exchange.apps.operator.seeing import see
from exchange.flows.propose_event import EventReceipt, propose_event
from exchange.kernel.db import Tx


class OperatorReason(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why, in English and Chinese: it stands in the event that both sides read."""

    reason: Reason


@show("/operator/v1/agreements/{agreement:str}/events", LifeView)
async def show_life(request: Asked, agreement: FromPath[str]) -> LifeView:
    """Where an agreement stands, and every event of its life. 合约状态及全部事件。"""
    agreement_id = object_id("agr", agreement)

    async def read(tx: Tx) -> LifeView | None:
        row = (await contracts.find_agreements(tx, [agreement_id])).get(agreement_id)
        if row is None:
            return None
        events = await lifecycle_store.events_of(tx, None, agreement_id)
        signed = await signatures_store.signatures_of(tx, None, agreement_id)
        return life_view(row, events, signed, services_of(request).db.clock.now())

    return found(await see(request, read))


@command("/operator/v1/agreements/{agreement:str}/suspension", EventReceipt)
async def suspend(request: Asked, agreement: FromPath[str], data: JSONBody[OperatorReason]) -> Response[bytes]:
    """Suspend the use of an agreement: tokens and running downloads stop at once; only you lift it. 暂停合约使用。"""
    return await _do(request, agreement, Kind.SUSPENSION, data)


@command("/operator/v1/agreements/{agreement:str}/lifting", EventReceipt)
async def lift(request: Asked, agreement: FromPath[str], data: JSONBody[OperatorReason]) -> Response[bytes]:
    """Lift a suspension, your own or the seller's. 解除合约暂停。"""
    return await _do(request, agreement, Kind.LIFTING, data)


async def _do(request: Asked, agreement: str, kind: Kind, data: OperatorReason) -> Response[bytes]:
    flow = partial(
        propose_event,
        desk=desk(request),
        actor=actor_of(request),
        agreement_id=object_id("agr", agreement),
        wish=Wish(kind=kind, reason=data.reason),
        operator=True,
    )
    return await write(request, f"agreement.{kind.value}", flow, object_id=agreement)


ROUTES = (show_life, suspend, lift)
