"""Inspection of what was delivered: accept it, or reject it with a ground and the digest of your evidence."""

from __future__ import annotations

from typing import Annotated

import msgspec
from litestar import Response
from litestar.params import FromPath, JSONBody
from msgspec import Meta

from exchange.apps.http.answers import Asked, found, write
from exchange.apps.http.context import actor_of, services_of
from exchange.apps.http.documented import command, listing, show
from exchange.apps.http.lists import Cursor, Limit, show_page
from exchange.apps.http.refund_views import (
    InspectionView,
    RefundView,
    inspection_view,
    look,
    refund_view,
    show_inspections,
)
from exchange.apps.http.wire import Sha256, object_id
from exchange.flows.accept_delivery import DeliveryStands, accept_delivery
from exchange.flows.reject_delivery import reject_delivery
from settlement.acceptances import Ground
from settlement.store import acceptances, refunds


class Rejection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why you reject a delivery, and the digest of what shows it; keep the evidence itself for whoever decides."""

    ground: Annotated[Ground, Meta(description="From a closed list. 取自固定列表。", examples=["incomplete"])]
    evidence_sha256: Sha256


@listing("/buyer/v1/inspections", InspectionView)
async def list_inspections(request: Asked, limit: Limit = None, cursor: Cursor = None) -> Response[bytes]:
    """Deliveries that wait for your acceptance, newest first. 待验收的交付。

    Say nothing and the window decides: it accepts, unless the offer's legal frame says that silence refuses. A page may
    hold fewer rows than asked for; follow `next_cursor` to its end.
    """
    actor = actor_of(request)
    return await show_inspections(
        request, actor, lambda tx, page: acceptances.deliveries(tx, actor, page), limit, cursor
    )


@show("/buyer/v1/orders/{order:str}/inspection", InspectionView)
async def show_inspection(request: Asked, order: FromPath[str]) -> InspectionView:
    """Where the delivery of one paid order stands. 单笔订单的验收状态。"""
    actor, order_id = actor_of(request), object_id("ord", order)
    async with services_of(request).db.read(actor) as tx:
        one = found(await acceptances.find_delivery(tx, actor, order_id))
        (seen,) = await look(request, tx, [one], share=True)
    return inspection_view(seen)


@command("/buyer/v1/orders/{order:str}/acceptance", DeliveryStands, 400, 401, 403, 404, 409, status=200)
async def accept(request: Asked, order: FromPath[str]) -> Response[bytes]:
    """Accept a delivery: everybody with a share in it gets it at once. 验收通过。

    Possible in the window, after a rejection, and late where silence refused.
    """
    actor, order_id = actor_of(request), object_id("ord", order)
    return await write(
        request, "delivery.accept", lambda tx: accept_delivery(tx, actor, order_id), status=200, object_id=order
    )


@command("/buyer/v1/orders/{order:str}/rejection", DeliveryStands, 400, 401, 403, 404, 409, status=200)
async def reject(request: Asked, order: FromPath[str], data: JSONBody[Rejection]) -> Response[bytes]:
    """Reject a delivery within its window: the shares stay on hold until it is decided. 拒收并说明理由。

    The seller may refund it, you may still accept it, and otherwise the operator decides.
    """
    actor, order_id = actor_of(request), object_id("ord", order)
    evidence = bytes.fromhex(data.evidence_sha256)
    return await write(
        request,
        "delivery.reject",
        lambda tx: reject_delivery(tx, actor, order_id, data.ground, evidence),
        status=200,
        object_id=order,
    )


@listing("/buyer/v1/refunds", RefundView)
async def list_refunds(request: Asked, limit: Limit = None, cursor: Cursor = None) -> Response[bytes]:
    """What came back to your wallet, newest first. 退款记录。"""
    actor = actor_of(request)
    return await show_page(
        request, actor, lambda tx, page: refunds.list_refunds(tx, actor, page), refund_view, limit, cursor
    )


ROUTES = (list_inspections, show_inspection, accept, reject, list_refunds)
