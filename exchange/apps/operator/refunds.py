"""Deliveries that were rejected, refunds, and credits for data that were revoked."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Response
from litestar.params import FromPath, JSONBody
from msgspec import Meta

from exchange.apps.http.answers import Asked, write
from exchange.apps.http.context import actor_of, services_of
from exchange.apps.http.documented import command, listing
from exchange.apps.http.lists import Cursor, Limit
from exchange.apps.http.refund_views import InspectionView, RefundAsked, RefundView, refund_view, show_inspections
from exchange.apps.http.wire import MoneyWire, body_id, money, object_id
from exchange.apps.operator.seeing import see_page
from exchange.flows.credit_revoked import FIRST, RevocationCredited, credit_revoked
from exchange.flows.decide_rejection import RejectionDecided, decide_rejection
from exchange.flows.refund_order import RefundReceipt, refund_order
from settlement.acceptances import Outcome
from settlement.store import acceptances, refunds


class DecisionWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Release the shares to the payees, or refund the buyer: all that is left, or an amount, and release the rest."""

    outcome: Annotated[Outcome, Meta(examples=["refund"])]
    amount: MoneyWire | None = None


class RevocationWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What revoked the data: an active freeze of a dataset or revision, or a right that ended."""

    cause: Annotated[str, Meta(pattern="^(dir|rgt)_[0-9a-z]{26}$", examples=["dir_01m80jwmabesg81hwe4cc73nw9"])]
    after: (
        Annotated[str, Meta(description="The `next` of the answer before. 上次答复中的 next。", max_length=40)] | None
    ) = None


@listing("/operator/v1/inspections", InspectionView)
async def list_inspections(request: Asked, limit: Limit = None, cursor: Cursor = None) -> Response[bytes]:
    """Everybody's deliveries on hold, newest first: inspected, rejected, or refused by silence. 全部待验收交付。

    A page may hold fewer rows than asked for; follow `next_cursor` to its end.
    """
    return await show_inspections(request, None, acceptances.open_deliveries, limit, cursor)


@listing("/operator/v1/rejections", InspectionView)
async def list_rejections(request: Asked, limit: Limit = None, cursor: Cursor = None) -> Response[bytes]:
    """Deliveries that were rejected and are not decided yet, newest first. 待裁决的拒收。"""
    return await show_inspections(
        request, None, lambda tx, page: acceptances.open_deliveries(tx, page, rejected=True), limit, cursor
    )


@command("/operator/v1/orders/{order:str}/decision", RejectionDecided, 400, 401, 403, 404, 409, 422, status=200)
async def decide(request: Asked, order: FromPath[str], data: JSONBody[DecisionWish]) -> Response[bytes]:
    """Decide a delivery that was rejected, or that silence refused. 裁决拒收的交付。"""
    actor, order_id = actor_of(request), object_id("ord", order)
    amount = None if data.amount is None else money(data.amount)
    return await write(
        request,
        "delivery.decide",
        lambda tx: decide_rejection(tx, actor, order_id, data.outcome, amount),
        status=200,
        object_id=order,
    )


@command("/operator/v1/orders/{order:str}/refunds", RefundReceipt)
async def refund_any_order(request: Asked, order: FromPath[str], data: JSONBody[RefundAsked]) -> Response[bytes]:
    """Refund any order, in full or in part. 订单退款。"""
    actor, wish = actor_of(request), data.wish(("order", object_id("ord", order)))
    return await write(request, "refund", lambda tx: refund_order(tx, actor, wish), object_id=order)


@command("/operator/v1/charges/{charge:str}/refunds", RefundReceipt)
async def refund_any_charge(request: Asked, charge: FromPath[str], data: JSONBody[RefundAsked]) -> Response[bytes]:
    """Refund any charge, in full or in part. 费用退款。"""
    actor, wish = actor_of(request), data.wish(("charge", object_id("chg", charge)))
    return await write(request, "refund", lambda tx: refund_order(tx, actor, wish), object_id=charge)


@listing("/operator/v1/refunds", RefundView)
async def list_refunds(request: Asked, limit: Limit = None, cursor: Cursor = None) -> Response[bytes]:
    """Everybody's refunds, newest first. 退款列表。"""
    return await see_page(request, refunds.all_refunds, refund_view, limit, cursor)


@command("/operator/v1/revocations", RevocationCredited)
async def credit_revocation(request: Asked, data: JSONBody[RevocationWish]) -> Response[bytes]:
    """Give buyers back what they paid for data that were revoked, by the unused time and the revoked bytes. 撤回补偿。

    Each order gets it once per cause. Fifty orders at a time: ask again with `after` set to `next` until there is none.
    """
    actor, prefix = actor_of(request), data.cause[:3]
    named = prefix, body_id(prefix, data.cause)
    after: UUID = FIRST if data.after is None else body_id("ord", data.after)
    sales = services_of(request).sales
    return await write(
        request,
        "revocation.credit",
        lambda tx: credit_revoked(tx, sales, actor, named, after),
        object_id=data.cause,
    )


ROUTES = (
    list_inspections,
    list_rejections,
    decide,
    refund_any_order,
    refund_any_charge,
    list_refunds,
    credit_revocation,
)
