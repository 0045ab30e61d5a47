"""Invoices as they were issued."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar import Response
from litestar.params import FromPath
from msgspec import Meta

from exchange.apps.http.answers import Asked, found
from exchange.apps.http.context import actor_of, services_of
from exchange.apps.http.documented import listing, show
from exchange.apps.http.lists import Cursor, Limit, show_page
from exchange.apps.http.wire import Id, MoneyWire, Sha256, Time, json_of, money_wire, object_id, stamp
from exchange.kernel import ids
from settlement.store import reads
from settlement.store.reads import InvoiceRow


class InvoiceView(msgspec.Struct, frozen=True):
    """An invoice; its number has no gap within its series."""

    id: Annotated[str, Meta(examples=["inv_01m80jwmabesg81hwe4cc73nw9"])]
    series: str
    number: int
    seller: Id
    total: MoneyWire
    period_start: Time
    period_end: Time
    sha256: Sha256
    issued_at: Time


class InvoiceDocument(msgspec.Struct, frozen=True):
    """An invoice with the document that was issued, and its exact bytes."""

    invoice: InvoiceView
    document: dict[str, Any]
    document_base64: Annotated[bytes, Meta(description="The exact bytes, in base64; sha256 is over them.")]


@listing("/buyer/v1/invoices", InvoiceView)
async def list_invoices(request: Asked, limit: Limit = None, cursor: Cursor = None) -> Response[bytes]:
    """Your invoices, newest first. 我的账单。"""
    actor = actor_of(request)
    return await show_page(
        request, actor, lambda tx, page: reads.list_invoices(tx, actor, page), invoice_view, limit, cursor
    )


@show("/buyer/v1/invoices/{invoice:str}", InvoiceDocument)
async def show_invoice(request: Asked, invoice: FromPath[str]) -> InvoiceDocument:
    """One invoice with every line. 账单详情。"""
    actor = actor_of(request)
    async with services_of(request).db.read(actor) as tx:
        row = found(await reads.find_invoice(tx, actor, object_id("inv", invoice)))
    found(row if row.buyer_id == actor.organisation_id else None)
    return InvoiceDocument(invoice_view(row), json_of(row.document), row.document)


def invoice_view(row: InvoiceRow) -> InvoiceView:
    """An invoice as the API lists it."""
    return InvoiceView(
        id=ids.text("inv", row.id),
        series=row.series,
        number=row.number,
        seller=ids.text("org", row.seller_id),
        total=money_wire(row.total.units, row.total.currency),
        period_start=stamp(row.period_start),
        period_end=stamp(row.period_end),
        sha256=row.sha256.hex(),
        issued_at=stamp(row.issued_at),
    )


ROUTES = (list_invoices, show_invoice)
