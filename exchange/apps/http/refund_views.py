"""Deliveries under inspection and refunds, as every portal shows them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Annotated, Any

import msgspec
from litestar import Response
from msgspec import Meta

from exchange.apps.http.answers import Asked, asked_page, page_response
from exchange.apps.http.context import services_of
from exchange.apps.http.wire import Id, MoneyWire, Time, money, money_wire, stamp
from exchange.flows.refund_order import PREFIX, RefundWish
from exchange.flows.show_deliveries import Inspected, inspected, windows_for
from exchange.kernel import ids
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.errors import INVALID_REQUEST, Refused
from exchange.kernel.pages import Page, PageRequest
from settlement.acceptances import ON_HOLD, Ground, Said
from settlement.refunds import Reason, Refund
from settlement.store import refunds, runs
from settlement.store.acceptances import Delivery

_Moment = Annotated[datetime, Meta(tz=True, examples=["2026-02-01T00:00:00Z"])]
ReasonWish = Annotated[Reason, Meta(description="From a closed list. 取自固定列表。", examples=["defect"])]


class InspectionView(msgspec.Struct, frozen=True):
    """A delivery whose shares are on hold: it is inspected, was rejected, or silence refused it."""

    order: Annotated[str, Meta(examples=["ord_01m80jwmabesg81hwe4cc73nw9"])]
    buyer: Annotated[str, Meta(examples=["org_01m80jwmabesg81hwe4cc73nw9"])]
    seller: Annotated[str, Meta(examples=["org_01m80jwmabesg81hwe4cc73nw9"])]
    offer: Annotated[str, Meta(examples=["ofr_01m80jwmabesg81hwe4cc73nw9"])]
    total: MoneyWire
    refunded: Annotated[MoneyWire, Meta(description="What went back of it. 已退回金额。")]
    your_share: Annotated[MoneyWire, Meta(description="What of it waits for you. 待释放的本方份额。")]
    standing: Annotated[
        str,
        Meta(
            description="inspection, rejected, lapsed, accepted or decided; shares wait in the first three. 当前状态。",
            examples=["inspection"],
        ),
    ]
    silence: Annotated[str, Meta(description="What saying nothing means. 沉默的含义。", examples=["accepts"])]
    delivered_at: Time
    inspection_ends_at: Time
    rejected_at: Time | None
    ground: Annotated[str | None, Meta(description="Why it was rejected. 拒收理由。", examples=["incomplete"])]
    evidence_sha256: Annotated[str | None, Meta(description="Digest of the buyer's evidence. 买方证据摘要。")]


class RefundView(msgspec.Struct, frozen=True):
    """Money that went back for an order or charge: the number-th time, `refunded` of `paid` in all."""

    id: Annotated[str, Meta(examples=["rfd_01m80jwmabesg81hwe4cc73nw9"])]
    order: Id
    source: Annotated[
        str, Meta(description="The order or charge. 所退订单或费用。", examples=["ord_01m80jwmabesg81hwe4cc73nw9"])
    ]
    number: Annotated[int, Meta(examples=[1])]
    amount: MoneyWire
    tax: Annotated[MoneyWire, Meta(description="The part of it that is tax. 其中税额。")]
    refunded: MoneyWire
    paid: MoneyWire
    reason: Annotated[str, Meta(examples=["defect"])]
    explanation: Annotated[dict[str, Any], Meta(description="The arithmetic, in both languages. 计算说明。")]
    created_at: Time


class RefundAsked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How much goes back and why; without an amount, all that is left. A full refund of an order ends its use now."""

    reason: ReasonWish
    amount: MoneyWire | None = None
    grant_ends_at: _Moment | None = None

    def wish(self, source: tuple[str, Any]) -> RefundWish:
        """The same for the flow.

        errors   raises Refused(invalid-request)
        """
        amount = None if self.amount is None else money(self.amount)
        return RefundWish(source, self.reason, amount, self.grant_ends_at)


def inspection_view(one: Inspected) -> InspectionView:
    """A delivery as the API shows it."""
    order, rejected = one.delivery.order, [fact for fact in one.delivery.facts if fact.said is Said.REJECTED]
    ground: Ground | None = rejected[0].ground if rejected else None
    evidence = rejected[0].evidence_sha256 if rejected else None
    return InspectionView(
        order=ids.text("ord", order.id),
        buyer=ids.text("org", order.buyer_id),
        seller=ids.text("org", order.seller_id),
        offer=ids.text("ofr", order.offer_id),
        total=money_wire(order.price.units, order.price.currency),
        refunded=money_wire(one.refunded.units, one.refunded.currency),
        your_share=money_wire(one.waiting.units, one.waiting.currency),
        standing=one.standing.value,
        silence="refuses" if one.window.silence_refuses else "accepts",
        delivered_at=stamp(order.paid_at or order.created_at),
        inspection_ends_at=stamp(one.ends_at),
        rejected_at=stamp(rejected[0].created_at) if rejected else None,
        ground=ground.value if ground else None,
        evidence_sha256=evidence.hex() if evidence else None,
    )


def refund_view(one: Refund) -> RefundView:
    """A refund as the API shows it."""
    currency = one.amount.currency
    return RefundView(
        id=ids.text("rfd", one.id),
        order=ids.text("ord", one.order_id),
        source=ids.text(PREFIX[one.source_kind], one.source_id),
        number=one.number,
        amount=money_wire(one.amount.units, currency),
        tax=money_wire(one.tax_units, currency),
        refunded=money_wire(one.cumulative_units, currency),
        paid=money_wire(one.paid_units, currency),
        reason=one.reason.value,
        explanation=dict(one.explanation),
        created_at=stamp(one.created_at),
    )


async def show_inspections(
    request: Asked,
    actor: Actor | None,
    read: Callable[[Tx, PageRequest], Awaitable[Page[Delivery]]],
    limit: int | None,
    cursor: str | None,
) -> Response[bytes]:
    """One page of deliveries that are on hold; those of a page whose window is over are left out of it.

    shapes   actor None: the operator, through the app's role
    errors   raises Refused(invalid-request) for a cursor of another list
    """
    services, wanted = services_of(request), asked_page(limit, cursor)

    async def both(tx: Tx) -> tuple[Page[Delivery], list[Inspected]]:
        page = await read(tx, wanted)
        return page, await look(request, tx, page.items, share=actor is not None)

    try:
        if actor is None:
            page, found = await services.db.run(both)
        else:
            async with services.db.read(actor) as tx:
                page, found = await both(tx)
    except (ValueError, IndexError) as error:
        if wanted.after is None:
            raise
        raise Refused(INVALID_REQUEST(reason="the cursor is not one of this list")) from error
    on_hold = [one for one in found if one.standing in ON_HOLD]
    return page_response(request, Page(on_hold, page.next_cursor), inspection_view)


async def look(request: Asked, tx: Tx, found: Sequence[Delivery], *, share: bool) -> list[Inspected]:
    """Where these deliveries stand now; the asking role sees its own shares only."""
    services = services_of(request)
    # An offer may be private or off the shelf by now, and a party still has the window that it agreed to.
    windows = await (services.db.run(lambda other: windows_for(other, found)) if share else windows_for(tx, found))
    order_ids = [one.order.id for one in found]
    back = await refunds.of_orders(tx, order_ids)
    waiting = await runs.pending_shares(tx, order_ids) if share else {}
    return inspected(found, windows, back, waiting, services.db.clock.now())
