"""What grants cost so far since the last settlement, as invoice lines that nobody has booked yet. Reads only."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta

from exchange.access.grants import Grant
from exchange.catalog.store import listings
from exchange.flows.rate_usage import Sold, rate_usage
from exchange.flows.sale import Sales
from exchange.kernel import ids
from exchange.kernel.db import Tx
from exchange.kernel.money import Money
from settlement.documents import charge_line, tax_document, tax_lines
from settlement.orders import OrderState
from settlement.runs import Charge, Run
from settlement.store import orders, refunds

# A settlement looks back from the beginning of its period; a draft as far as a monthly one would.
_PERIOD = timedelta(days=31)
_Money = dict[str, str]


class DraftLine(msgspec.Struct, frozen=True):
    """What one line of a plan costs now, beyond what was booked; `explain` is the arithmetic of the whole period."""

    component: Annotated[str, Meta(examples=["use"])]
    period_start: str
    period_end: str | None
    quantity: Annotated[str, Meta(examples=["1200"])]
    amount: Annotated[_Money, Meta(examples=[{"amount": "18.00", "currency": "CNY"}])]
    description: Annotated[dict[str, str], Meta(examples=[{"en": "1,200 records × 0.015 = 18", "zh": "1,200 条记录"}])]
    explain: dict[str, Any]
    corrects: Annotated[str | None, Meta(description="The charge or order that it corrects. 所更正的费用或订单。")]


class DraftInvoice(msgspec.Struct, frozen=True):
    """What a grant would be charged if it were settled now. Nothing is booked, and use of today may still be missing.

    `held` says that its use cannot be charged as it was reported, and that the operator has to look at it.
    """

    grant: Annotated[str, Meta(examples=["grt_01m80jwmabesg81hwe4cc73nw9"])]
    order: str
    offer: str
    seller: str
    buyer: str
    until: Annotated[str, Meta(examples=["2026-01-15T08:00:00Z"])]
    lines: list[DraftLine]
    net: _Money
    tax: Annotated[list[dict[str, Any]], Meta(description="One line for each tax treatment. 按税务处理分列。")]
    total: _Money
    held: bool = False


async def show_draft(tx: Tx, sales: Sales, found: Sequence[Grant]) -> list[DraftInvoice]:
    """Rate grants as a settlement at this moment would, in their order; who may see them is the caller's to know."""
    bought = await orders.get_orders(tx, [one.order_id for one in found]) if found else {}
    offers = await listings.load_offers(tx, list({one.offer_id for one in found})) if found else {}
    by_currency: dict[str, list[Sold]] = defaultdict(list)
    gone_back = await refunds.fully_refunded(tx, list(bought))
    for grant in found:
        order = bought[grant.order_id]
        if order.state is OrderState.PAID and order.id not in gone_back:
            by_currency[order.price.currency].append(Sold(grant, order, sales.sold(offers[grant.offer_id], order)))
    lines: dict[UUID, list[Charge]] = defaultdict(list)
    held: set[UUID] = set()
    for currency, sold in by_currency.items():
        # A run that nobody opened: rating only asks for its edges and its currency.
        run = Run(tx.new_id(), tx.now - _PERIOD, tx.now, currency, 0, "draft", tx.now)
        charges, stuck = await rate_usage(tx, run, sold)
        held |= {grant.id for grant in stuck}
        for charge in charges:
            lines[charge.grant_id].append(charge)
    return [
        _draft(tx, grant, bought[grant.order_id].price.currency, lines[grant.id], grant.id in held) for grant in found
    ]


def _draft(tx: Tx, grant: Grant, currency: str, charges: Sequence[Charge], held: bool) -> DraftInvoice:
    zero = Money.zero(currency)
    taxes = tax_lines([(one.tax, one.net, one.tax_money) for one in charges if one.tax is not None], tx.new_id)
    return DraftInvoice(
        grant=ids.text("grt", grant.id),
        order=ids.text("ord", grant.order_id),
        offer=ids.text("ofr", grant.offer_id),
        seller=ids.text("org", grant.seller_id),
        buyer=ids.text("org", grant.buyer_id),
        until=tx.now.isoformat().replace("+00:00", "Z"),
        lines=[_line(one) for one in charges],
        net=sum((one.net for one in charges), zero).to_wire(),
        tax=[tax_document(one) for one in taxes],
        total=sum((one.amount for one in charges), zero).to_wire(),
        held=held,
    )


def _line(charge: Charge) -> DraftLine:
    line = charge_line(charge)
    return DraftLine(
        component=charge.component,
        period_start=charge.service_start.isoformat().replace("+00:00", "Z"),
        period_end=charge.service_end.isoformat().replace("+00:00", "Z") if charge.service_end else None,
        quantity=format(charge.quantity.normalize(), "f"),
        amount=line.amount.to_wire(),
        description=dict(line.description),
        explain={name: value for name, value in charge.explanation.items() if name != "text"},
        corrects=line.corrects,
    )
