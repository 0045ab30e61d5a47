"""Sales: orders received, who may use what was sold, what was used of it, and the charges for that."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any

import msgspec
from litestar import Response
from litestar.params import FromPath, QueryParameter
from msgspec import Meta

from exchange.access.grants import Grant
from exchange.access.store import grants, seal
from exchange.apps.http.answers import Asked, found
from exchange.apps.http.context import actor_of, services_of
from exchange.apps.http.documented import listing, show
from exchange.apps.http.lists import Cursor, Limit, show_page
from exchange.apps.http.wire import Id, MoneyWire, Texts, Time, json_of, money_wire, object_id, stamp
from exchange.kernel import ids
from exchange.kernel.db import Tx
from exchange.kernel.errors import INVALID_REQUEST, Refused
from exchange.kernel.pages import Page, PageRequest
from settlement.orders import Order, shown_state
from settlement.store import reads, refunds
from settlement.store.reads import ChargeRow

USAGE_DAYS_MAX = 92
GrantId = Annotated[str, Meta(examples=["grt_01m80jwmabesg81hwe4cc73nw9"])]
_Moment = Annotated[datetime | None, QueryParameter(description="RFC 3339 with a zone. 带时区的时间。")]


class SaleView(msgspec.Struct, frozen=True):
    """An order that you received."""

    id: Id
    buyer: Annotated[str, Meta(examples=["org_01m80jwmabesg81hwe4cc73nw9"])]
    offer: Annotated[str, Meta(examples=["ofr_01m80jwmabesg81hwe4cc73nw9"])]
    listing: Annotated[str, Meta(examples=["lst_01m80jwmabesg81hwe4cc73nw9"])]
    agreement: Annotated[str, Meta(examples=["agr_01m80jwmabesg81hwe4cc73nw9"])]
    total: MoneyWire
    tax: Annotated[MoneyWire, Meta(description="The part of the total that is tax. 总额中的税额。")]
    basis: Annotated[
        dict[str, Any],
        Meta(description="What fixed the price beside the offer: choices, class, agreed amounts. 定价依据。"),
    ]
    payment: Annotated[str, Meta(examples=["wallet"])]
    state: Annotated[str, Meta(examples=["paid"])]
    created_at: Time
    paid_at: Time | None
    refunded: Annotated[MoneyWire, Meta(description="What went back of the total. 已退回金额。")]


class SoldGrantView(msgspec.Struct, frozen=True):
    """Who may use what you sell, for what, until when."""

    id: GrantId
    buyer: Id
    listing: Id
    order: Id
    purposes: list[str]
    meters: list[str]
    starts_at: Time
    ends_at: Time | None
    state: Annotated[str, Meta(examples=["active"])]


class UsageLine(msgspec.Struct, frozen=True):
    """What was used of one meter in one quarter of an hour; `final` once the day is proven."""

    quarter: Time
    meter: Annotated[str, Meta(examples=["records"])]
    quantity: Annotated[int, Meta(examples=[1200])]
    final: bool


class UsageView(msgspec.Struct, frozen=True):
    """The use of one grant, rolled up by quarter-hour."""

    grant: GrantId
    since: Time
    until: Time
    items: list[UsageLine]


class ChargeView(msgspec.Struct, frozen=True):
    """A charge for metered use that you earn from, with its arithmetic."""

    id: Annotated[str, Meta(examples=["chg_01m80jwmabesg81hwe4cc73nw9"])]
    grant: GrantId
    order: Id
    component: str
    service_start: Time
    service_end: Time | None
    quantity: Annotated[str, Meta(examples=["1200"])]
    amount: MoneyWire
    explanation: Texts
    tax: Annotated[MoneyWire, Meta(description="The part of the amount that is tax. 金额中的税额。")]
    corrects: Annotated[
        str | None, Meta(description="The charge or order that this late correction corrects. 所更正的费用或订单。")
    ]
    created_at: Time


@listing("/supplier/v1/orders", SaleView)
async def list_sales(request: Asked, limit: Limit = None, cursor: Cursor = None) -> Response[bytes]:
    """The orders you received, newest first. 收到的订单。"""
    actor = actor_of(request)

    async def read(tx: Tx, page: PageRequest) -> Page[tuple[Order, int]]:
        found = await reads.list_orders(tx, actor, page, selling=True)
        return Page(await refunds.with_refunds(tx, found.items), found.next_cursor)

    return await show_page(request, actor, read, lambda one: sale_view(*one), limit, cursor)


@show("/supplier/v1/orders/{order:str}", SaleView)
async def show_sale(request: Asked, order: FromPath[str]) -> SaleView:
    """One order that you received. 订单详情。"""
    actor = actor_of(request)
    async with services_of(request).db.read(actor) as tx:
        one = found(await reads.find_order(tx, actor, object_id("ord", order)))
        ((sold, refunded),) = await refunds.with_refunds(
            tx, [found(one if one.seller_id == actor.organisation_id else None)]
        )
    return sale_view(sold, refunded)


@listing("/supplier/v1/grants", SoldGrantView)
async def list_sold_grants(request: Asked, limit: Limit = None, cursor: Cursor = None) -> Response[bytes]:
    """Who may use what you sell. 已售出的使用权。"""
    actor = actor_of(request)
    return await show_page(request, actor, lambda tx, page: grants.sold(tx, actor, page), _grant, limit, cursor)


@show("/supplier/v1/grants/{grant:str}/usage", UsageView, 400, 401, 403, 404)
async def show_usage(request: Asked, grant: FromPath[str], since: _Moment = None, until: _Moment = None) -> UsageView:
    """What was used of a grant you sold, by quarter-hour; the last 31 days if no period is given. 使用权用量。"""
    services, actor, grant_id = services_of(request), actor_of(request), object_id("grt", grant)
    end = until or services.db.clock.now() + timedelta(minutes=15)
    start = since or end - timedelta(days=31)
    if start.tzinfo is None or end.tzinfo is None or not timedelta() <= end - start <= timedelta(days=USAGE_DAYS_MAX):
        raise Refused(INVALID_REQUEST(reason=f"a period has time zones and at most {USAGE_DAYS_MAX} days"))
    async with services.db.read(actor) as tx:
        one = found(await grants.grant(tx, actor, grant_id))
        found(one if one.seller_id == actor.organisation_id else None)
        lines = await seal.usage_of(tx, actor, grant_id, start, end)
    items = [UsageLine(stamp(quarter), meter, quantity, final) for quarter, meter, quantity, final in lines]
    return UsageView(grant, stamp(start), stamp(end), items)


@listing("/supplier/v1/charges", ChargeView)
async def list_sold_charges(request: Asked, limit: Limit = None, cursor: Cursor = None) -> Response[bytes]:
    """The charges for metered use that you earn from, newest first. 用量费用列表。"""
    actor = actor_of(request)
    return await show_page(
        request, actor, lambda tx, page: reads.list_charges(tx, actor, page, selling=True), _charge, limit, cursor
    )


def sale_view(one: Order, refunded: int = 0) -> SaleView:
    """An order as its seller sees it."""
    return SaleView(
        id=ids.text("ord", one.id),
        buyer=ids.text("org", one.buyer_id),
        offer=ids.text("ofr", one.offer_id),
        listing=ids.text("lst", one.listing_id),
        agreement=ids.text("agr", one.agreement_id),
        total=money_wire(one.price.units, one.price.currency),
        tax=money_wire(one.tax_units, one.price.currency),
        basis={} if one.price_basis is None else json_of(one.price_basis),
        payment=one.payment.value,
        state=shown_state(one, refunded),
        created_at=stamp(one.created_at),
        paid_at=stamp(one.paid_at) if one.paid_at else None,
        refunded=money_wire(refunded, one.price.currency),
    )


def _grant(one: Grant) -> SoldGrantView:
    return SoldGrantView(
        id=ids.text("grt", one.id),
        buyer=ids.text("org", one.buyer_id),
        listing=ids.text("lst", one.listing_id),
        order=ids.text("ord", one.order_id),
        purposes=list(one.purposes),
        meters=list(one.meters),
        starts_at=stamp(one.starts_at),
        ends_at=stamp(one.ends_at) if one.ends_at else None,
        state=one.state.value,
    )


def _charge(row: ChargeRow) -> ChargeView:
    return ChargeView(
        id=ids.text("chg", row.id),
        grant=ids.text("grt", row.grant_id),
        order=ids.text("ord", row.order_id),
        component=row.component,
        service_start=stamp(row.service_start),
        service_end=stamp(row.service_end) if row.service_end else None,
        quantity=row.quantity,
        amount=money_wire(row.amount.units, row.amount.currency),
        explanation=row.explanation.get("text", {}),
        tax=money_wire(row.tax.units, row.tax.currency),
        corrects=ids.text("ord" if row.corrects_order else "chg", row.corrects) if row.corrects else None,
        created_at=stamp(row.created_at),
    )


ROUTES = (list_sales, show_sale, list_sold_grants, show_usage, list_sold_charges)
