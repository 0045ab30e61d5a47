"""What of your sales is on hold, and refunds that you grant."""

from __future__ import annotations

from litestar import Response
from litestar.params import FromPath, JSONBody

from exchange.apps.http.answers import Asked, found, write
from exchange.apps.http.context import actor_of, services_of
from exchange.apps.http.documented import command, listing, show
from exchange.apps.http.lists import Cursor, Limit, show_page
from exchange.apps.http.refund_views import (
    InspectionView,
    RefundAsked,
    RefundView,
    inspection_view,
    look,
    refund_view,
    show_inspections,
)
from exchange.apps.http.wire import object_id
from exchange.flows.refund_order import RefundReceipt, refund_order
from settlement.store import acceptances, refunds


@listing("/supplier/v1/inspections", InspectionView)
async def list_inspections(request: Asked, limit: Limit = None, cursor: Cursor = None) -> Response[bytes]:
    """Sales whose shares are on hold until the buyer accepts, newest first. 待买方验收的销售。

    A page may hold fewer rows than asked for; follow `next_cursor` to its end.
    """
    actor = actor_of(request)
    return await show_inspections(
        request, actor, lambda tx, page: acceptances.deliveries(tx, actor, page, selling=True), limit, cursor
    )


@show("/supplier/v1/orders/{order:str}/inspection", InspectionView)
async def show_inspection(request: Asked, order: FromPath[str]) -> InspectionView:
    """Where the delivery of one order that you received stands. 单笔销售的验收状态。"""
    actor, order_id = actor_of(request), object_id("ord", order)
    async with services_of(request).db.read(actor) as tx:
        one = found(await acceptances.find_delivery(tx, actor, order_id, selling=True))
        (seen,) = await look(request, tx, [one], share=True)
    return inspection_view(seen)


@command("/supplier/v1/orders/{order:str}/refunds", RefundReceipt)
async def refund_sale(request: Asked, order: FromPath[str], data: JSONBody[RefundAsked]) -> Response[bytes]:
    """Refund an order that you received, in full or in part. 退款（全额或部分）。

    Everybody with a share gives back the same part of it; what somebody was paid out already is taken off their next
    payout. A full refund ends the buyer's use now.
    """
    actor, wish = actor_of(request), data.wish(("order", object_id("ord", order)))
    return await write(request, "refund", lambda tx: refund_order(tx, actor, wish), object_id=order)


@command("/supplier/v1/charges/{charge:str}/refunds", RefundReceipt)
async def refund_charge(request: Asked, charge: FromPath[str], data: JSONBody[RefundAsked]) -> Response[bytes]:
    """Refund a charge that you earn from, in full or in part; what is still owed for it becomes less first. 费用退款。"""
    actor, wish = actor_of(request), data.wish(("charge", object_id("chg", charge)))
    return await write(request, "refund", lambda tx: refund_order(tx, actor, wish), object_id=charge)


@listing("/supplier/v1/refunds", RefundView)
async def list_refunds(request: Asked, limit: Limit = None, cursor: Cursor = None) -> Response[bytes]:
    """What went back of your sales, newest first. 销售退款记录。"""
    actor = actor_of(request)
    return await show_page(
        request, actor, lambda tx, page: refunds.list_refunds(tx, actor, page, selling=True), refund_view, limit, cursor
    )


ROUTES = (list_inspections, show_inspection, refund_sale, refund_charge, list_refunds)
