"""Quotes that bind you: those that buyers asked for, and private prices that you offer to one buyer."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

import msgspec
from litestar import Response
from litestar.params import FromPath, JSONBody
from msgspec import Meta

from contracts import store as contracts
from contracts.store import QuoteRow
from exchange.apps.http.answers import Asked, found, write
from exchange.apps.http.context import actor_of, services_of
from exchange.apps.http.documented import command, listing, show
from exchange.apps.http.lists import Cursor, Limit, show_page
from exchange.apps.http.wire import Id, MoneyWire, Sha256, Texts, Time, body_id, json_of, object_id, stamp
from exchange.flows.issue_quote import QuoteReceipt
from exchange.flows.quote_buyer import ACTION, PrivatePrice, quote_buyer
from exchange.kernel import ids

_AMOUNT = Annotated[str, Meta(pattern=r"^(0|[1-9][0-9]{0,9})(\.[0-9]{1,6})?$", examples=["80000.00"])]
_NOTE = {"en": "As agreed in our call of 3 March.", "zh": "如 3 月 3 日电话所议。"}


class PrivateQuoteWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A price for one buyer: an amount for each negotiated component, in the offer's currency."""

    offer: Annotated[str, Meta(max_length=40, examples=["ofr_01m80jwmabesg81hwe4cc73nw9"])]
    buyer: Annotated[str, Meta(max_length=40, examples=["org_01m80jwmabesg81hwe4cc73nw9"])]
    amounts: Annotated[dict[str, _AMOUNT], Meta(min_length=1, max_length=20, examples=[{"licence": "80000.00"}])]
    purposes: Annotated[
        tuple[Annotated[str, Meta(max_length=40)], ...], Meta(min_length=1, max_length=16, examples=[["pretrain"]])
    ]
    expires_at: Annotated[datetime, Meta(tz=True, examples=["2026-04-30T16:00:00Z"])]
    note: Annotated[
        Texts | None, Meta(description="What you tell the buyer; it is signed along.", examples=[_NOTE])
    ] = None


class SoldQuoteView(msgspec.Struct, frozen=True):
    """A quote that binds you until it expires."""

    id: Annotated[str, Meta(examples=["qte_01m80jwmabesg81hwe4cc73nw9"])]
    offer: Id
    buyer: Id
    total: MoneyWire
    created_at: Time
    expires_at: Time


class SoldQuoteDocument(msgspec.Struct, frozen=True):
    """A quote with the signed document."""

    quote: SoldQuoteView
    document: dict[str, Any]
    document_base64: Annotated[bytes, Meta(description="The exact bytes that were signed, in base64.")]
    sha256: Sha256
    kid: Annotated[str, Meta(description="The key's id in /.well-known/jwks.json.")]
    signature: Annotated[bytes, Meta(description="Ed25519 over the exact bytes, in base64.")]


@command("/supplier/v1/quotes", QuoteReceipt)
async def offer_price(request: Asked, data: JSONBody[PrivateQuoteWish]) -> Response[bytes]:
    """Offer one buyer the price you negotiated; the quote is signed and binds you. 向单一买方提供协商价（签名报价单）。

    An order that names the quote pays this price. Components with a price of their own cannot be changed.
    """
    services, actor = services_of(request), actor_of(request)
    price = PrivatePrice(
        offer_id=body_id("ofr", data.offer),
        buyer_id=body_id("org", data.buyer),
        amounts={name: Decimal(amount) for name, amount in data.amounts.items()},
        purposes=data.purposes,
        expires_at=data.expires_at,
        note=data.note,
    )
    return await write(
        request,
        ACTION,
        lambda tx: quote_buyer(tx, services.sales, services.keyring, actor, price),
        object_id=data.offer,
    )


@listing("/supplier/v1/quotes", SoldQuoteView)
async def list_sold_quotes(request: Asked, limit: Limit = None, cursor: Cursor = None) -> Response[bytes]:
    """The quotes that bind you, newest first. 对我方有约束力的报价单。"""
    actor = actor_of(request)
    return await show_page(
        request, actor, lambda tx, page: contracts.sold_quotes(tx, actor, page), sold_quote_view, limit, cursor
    )


@show("/supplier/v1/quotes/{quote:str}", SoldQuoteDocument)
async def show_sold_quote(request: Asked, quote: FromPath[str]) -> SoldQuoteDocument:
    """One quote with its signed document. 报价单详情。"""
    actor = actor_of(request)
    async with services_of(request).db.read(actor) as tx:
        row = found(await contracts.quote(tx, actor, object_id("qte", quote)))
    found(row if row.seller_id == actor.organisation_id else None)
    return SoldQuoteDocument(
        quote=sold_quote_view(row),
        document=json_of(row.document),
        document_base64=row.document,
        sha256=row.sha256.hex(),
        kid=row.kid,
        signature=row.signature,
    )


def sold_quote_view(row: QuoteRow) -> SoldQuoteView:
    """A quote as its seller sees it."""
    return SoldQuoteView(
        id=ids.text("qte", row.id),
        offer=ids.text("ofr", row.offer_id),
        buyer=ids.text("org", row.buyer_id),
        total=MoneyWire(**json_of(row.document)["total"]),
        created_at=stamp(row.created_at),
        expires_at=stamp(row.expires_at),
    )


ROUTES = (offer_price, list_sold_quotes, show_sold_quote)
