"""What sellers sold in a part of a run, as their buyers' invoices and credit notes say it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any
from uuid import UUID

from compliance.entries import Entry
from exchange.flows.issue_papers import Wanted, issue_papers
from exchange.flows.settle_books import Books
from exchange.kernel import ids
from exchange.kernel.db import Tx
from settlement.credit import CreditOrder
from settlement.documents import Invoice
from settlement.fiscal_papers import About, Account, Sold
from settlement.orders import Order
from settlement.refunds import REASONS, Refund
from settlement.runs import Charge, Run
from settlement.store import credit

Backs = Sequence[tuple[Refund, Mapping[str, Any] | None]]


async def bill_sales(
    tx: Tx, run: Run, found: Sequence[Books], invoices: Sequence[Invoice], backs: Mapping[UUID, Backs]
) -> list[Entry]:
    """Issue the papers on what these sellers' accounts of a run say.

    shapes   tx: as of the run's opening; invoices: the run's accounts, one for each seller and buyer; backs: what went back,
             by seller
    """
    sales: dict[tuple[UUID, UUID], list[Callable[[], Sold]]] = defaultdict(list)
    on_account = await credit.of_orders(tx, _orders(found, backs))
    for books in found:
        for order in books.fresh:
            if order.price.units:
                sales[order.seller_id, order.buyer_id].append(partial(sold_order, order, on_account.get(order.id)))
        for charge, unpaid in zip(books.charges, books.unpaid, strict=True):
            of = on_account.get(charge.order_id)
            sales[charge.seller_id, charge.buyer_id].append(partial(sold_charge, charge, unpaid, of))
    for given in backs.values():
        for refund, tax in given:
            of = on_account.get(refund.source_id)
            sales[refund.seller_id, refund.buyer_id].append(partial(sold_back, refund, tax, of))
    wanted = [
        Wanted(sales_account(run, one), (run.id, one.id), partial(_sold, sales[one.seller_id, one.buyer_id]))
        for one in invoices
        if sales[one.seller_id, one.buyer_id]
    ]
    return (await issue_papers(tx, wanted, run.opened_at)).entries


def _orders(found: Sequence[Books], backs: Mapping[UUID, Backs]) -> list[UUID]:
    """Every order that something of this is about."""
    named = {order.id for books in found for order in books.fresh}
    named |= {charge.order_id for books in found for charge in books.charges}
    return sorted(named | {one.source_id for given in backs.values() for one, _ in given if one.source_kind == "order"})


def _sold(sales: Sequence[Callable[[], Sold]]) -> list[Sold]:
    return [one() for one in sales]


def sold_order(order: Order, on_account: CreditOrder | None = None) -> Sold:
    """An order, paid when it was placed, or on account: under the buyer's own number, due as it was agreed."""
    name = ids.text("ord", order.id)
    return Sold(
        source=("order", order.id),
        name={"en": f"Data licence, order {name}", "zh": f"数据许可，订单 {name}"},
        net=order.net.units,
        tax=order.tax_units,
        paid=order.price.units - (on_account.unpaid_units if on_account else 0),
        treatment=_treatment(order.tax),
        order_reference=on_account.purchase_order if on_account else None,
        due_on=on_account.due_on if on_account else None,
    )


def sold_charge(charge: Charge, unpaid: int, on_account: CreditOrder | None = None) -> Sold:
    """What use or time cost, with how it came about, under the number of its order; it is paid as use always is."""
    name = ids.text("ord", charge.order_id)
    corrects = None
    if charge.corrects is not None:
        corrects = ("order" if charge.corrects == charge.order_id else "charge", charge.corrects)
    return Sold(
        source=("charge", charge.id),
        name={
            "en": f"{charge.component}, order {name}",
            "zh": f"{charge.component}，订单 {name}",
        },
        net=charge.net.units,
        tax=charge.tax_units,
        paid=charge.amount.units - unpaid,
        treatment=_treatment(charge.tax),
        description={language: str(text) for language, text in charge.explanation["text"].items()},
        start=charge.service_start,
        end=charge.service_end,
        corrects=corrects,
        order_reference=on_account.purchase_order if on_account else None,
    )


def sold_back(refund: Refund, tax: Mapping[str, Any] | None, on_account: CreditOrder | None = None) -> Sold:
    """What went back of an order or charge, for which reason."""
    of = ids.text("ord" if refund.source_kind == "order" else "chg", refund.source_id)
    why = REASONS[refund.reason]
    return Sold(
        source=("refund", refund.id),
        name={"en": f"Refund for {of}: {why['en']}", "zh": f"{of} 退款：{why['zh']}"},
        net=-refund.net.units,
        tax=-refund.tax_units,
        # What only made a debt smaller was not paid back.
        paid=refund.receivable_units - refund.amount.units,
        treatment=_treatment(tax),
        corrects=(refund.source_kind, refund.source_id),
        order_reference=on_account.purchase_order if on_account else None,
    )


def _treatment(tax: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return None if tax is None else dict(tax)


def sales_account(run: Run, invoice: Invoice) -> Account:
    """A run's account between a seller and a buyer, as its papers bill it."""
    return Account(
        about=About.SALE,
        seller_id=invoice.seller_id,
        buyer_id=invoice.buyer_id,
        currency=run.currency,
        run_id=run.id,
        account_id=invoice.id,
        number=invoice.number,
        start=run.period_start,
        end=run.period_end,
    )
