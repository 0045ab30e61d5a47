"""Quotes, which bind the seller until they expire."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar import Response
from litestar.params import FromPath, JSONBody
from msgspec import Meta

from contracts import store as contracts
from contracts.store import QuoteRow
from exchange.apps.buyer.orders import Purpose
from exchange.apps.http.answers import Asked, body_digest, found, idempotency_key, plain_answer
from exchange.apps.http.choices import Choices, basis_of
from exchange.apps.http.context import actor_of, services_of
from exchange.apps.http.documented import command, listing, show
from exchange.apps.http.lists import Cursor, Limit, show_page
from exchange.apps.http.plain import Plain
from exchange.apps.http.simulations import Forecast
from exchange.apps.http.wire import Id, MoneyWire, Sha256, Time, body_id, json_of, object_id, stamp
from exchange.flows.ask_quote import ACTION, Question
from exchange.flows.issue_quote import QuoteReceipt
from exchange.flows.once import Command
from exchange.kernel import ids


class QuoteWish(Choices, frozen=True, forbid_unknown_fields=True):
    """Which offer, for which purposes, with which choices; a forecast adds an estimate per month."""

    offer: Annotated[str, Meta(examples=["ofr_01m80jwmabesg81hwe4cc73nw9"], max_length=40)]
    purposes: Annotated[tuple[Purpose, ...], Meta(min_length=1, max_length=16, examples=[["pretrain"]])]
    forecast: Forecast = ()


class QuoteView(msgspec.Struct, frozen=True):
    """A quote: an order that names it pays this price until it expires."""

    id: Annotated[str, Meta(examples=["qte_01m80jwmabesg81hwe4cc73nw9"])]
    offer: Id
    seller: Id
    total: MoneyWire
    created_at: Time
    expires_at: Time


class QuoteDocument(msgspec.Struct, frozen=True):
    """A quote with the signed document: lines, discounts and tax with their arithmetic, the basis, the estimate."""

    quote: QuoteView
    document: dict[str, Any]
    document_base64: Annotated[bytes, Meta(description="The exact bytes that were signed, in base64.")]
    sha256: Sha256
    kid: Annotated[str, Meta(description="The key's id in /.well-known/jwks.json.")]
    signature: Annotated[bytes, Meta(description="Ed25519 over the exact bytes, in base64.")]


@command("/buyer/v1/quotes", QuoteReceipt, opt={"revocation_in_flow": True})
async def ask(request: Asked, data: JSONBody[QuoteWish]) -> Plain:
    """Ask what an offer costs; the answer is signed and binds for 14 days. 询价（已签名，14 天内有效）。"""
    command = Command(actor_of(request), ACTION, idempotency_key(request), await body_digest(request), data.offer)
    question = Question(command, body_id("ofr", data.offer), data.purposes, data.forecast, basis_of(data))
    return plain_answer(await services_of(request).quotes.put(question))


@listing("/buyer/v1/quotes", QuoteView)
async def list_quotes(request: Asked, limit: Limit = None, cursor: Cursor = None) -> Response[bytes]:
    """Your quotes, newest first. 我的询价单。"""
    actor = actor_of(request)
    return await show_page(
        request, actor, lambda tx, page: contracts.quotes_of(tx, actor, page), quote_view, limit, cursor
    )


@show("/buyer/v1/quotes/{quote:str}", QuoteDocument)
async def show_quote(request: Asked, quote: FromPath[str]) -> QuoteDocument:
    """One quote with its signed document. 询价单详情。"""
    actor = actor_of(request)
    async with services_of(request).db.read(actor) as tx:
        row = found(await contracts.quote(tx, actor, object_id("qte", quote)))
    return QuoteDocument(
        quote=quote_view(row),
        document=json_of(row.document),
        document_base64=row.document,
        sha256=row.sha256.hex(),
        kid=row.kid,
        signature=row.signature,
    )


def quote_view(row: QuoteRow) -> QuoteView:
    """A quote as the API shows it."""
    return QuoteView(
        id=ids.text("qte", row.id),
        offer=ids.text("ofr", row.offer_id),
        seller=ids.text("org", row.seller_id),
        total=MoneyWire(**json_of(row.document)["total"]),
        created_at=stamp(row.created_at),
        expires_at=stamp(row.expires_at),
    )


ROUTES = (ask, list_quotes, show_quote)
