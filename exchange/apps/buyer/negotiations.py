"""A buyer's side of negotiations: ask for other terms, answer offers, confirm what was agreed."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any

import msgspec
from litestar import Response
from litestar.params import FromPath, JSONBody
from msgspec import Meta

from exchange.apps.http.answers import Asked, write
from exchange.apps.http.context import actor_of, services_of
from exchange.apps.http.documented import command, listing
from exchange.apps.http.lists import Cursor, Limit, show_page
from exchange.apps.http.negotiations import Note, NoteWish, TermsWish, answer, negotiation_routes, terms_of
from exchange.apps.http.offer_views import PublicOffer, public_offer
from exchange.apps.http.wire import Id, body_id
from exchange.catalog.store import private
from exchange.catalog.store.portal import OfferVersion
from exchange.flows.accept_terms import accept_terms
from exchange.flows.counter_terms import counter_terms
from exchange.flows.negotiating import NegotiationReceipt, Words
from exchange.flows.request_negotiation import Opening, request_negotiation
from exchange.flows.verify_terms import verify_terms
from exchange.kernel import ids

PREFIX = "/buyer/v1"
_ONE = f"{PREFIX}/negotiations/{{negotiation:str}}"
_DIGEST = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"


class RequestWish(TermsWish, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What you ask for: an offer, or an agreement that should be followed by another, and what should be different."""

    offer: Annotated[str, Meta(max_length=40, examples=["ofr_01m80jwmabesg81hwe4cc73nw9"])] | None = None
    agreement: Annotated[str, Meta(max_length=40, examples=["agr_01m80jwmabesg81hwe4cc73nw9"])] | None = None


class VerificationWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The supplier's agreement message that you confirm, by its hash: read it first."""

    sha256: Annotated[str, Meta(pattern="^[0-9a-f]{64}$", examples=[_DIGEST])]
    note: Note | None = None


class PrivateOfferView(msgspec.Struct, frozen=True):
    """An offer that was made to your organisation; it is bought by finishing its negotiation."""

    listing: Id
    standing: Annotated[str, Meta(examples=["reserved"])]
    offer: PublicOffer


@command(f"{PREFIX}/negotiations", NegotiationReceipt)
async def request_terms(request: Asked, data: JSONBody[RequestWish]) -> Response[bytes]:
    """Ask a supplier for terms or a price of your own; nobody is bound by it. 向供应方请求专属条款或价格（无约束力）。"""
    services, actor = services_of(request), actor_of(request)
    terms, words = terms_of(data)
    opening = Opening(
        terms,
        words,
        None if data.offer is None else body_id("ofr", data.offer),
        None if data.agreement is None else body_id("agr", data.agreement),
    )
    flow = partial(request_negotiation, actor=actor, opening=opening, settings=services.settings.catalog)
    return await write(request, "negotiation.request", flow, object_id=data.offer or data.agreement or "")


@command(f"{_ONE}/requests", NegotiationReceipt, status=200)
async def counter(request: Asked, negotiation: FromPath[str], data: JSONBody[TermsWish]) -> Response[bytes]:
    """Answer the supplier's offer with a request of your own. 对供应方报价提出还价或修改请求。"""
    terms, words = terms_of(data)
    flow = partial(
        counter_terms,
        actor=actor_of(request),
        terms=terms,
        words=words,
        settings=services_of(request).settings.catalog,
    )
    return await answer(request, negotiation, "request", lambda tx, one: flow(tx, negotiation_id=one))


@command(f"{_ONE}/acceptance", NegotiationReceipt, status=200)
async def accept(request: Asked, negotiation: FromPath[str], data: JSONBody[NoteWish]) -> Response[bytes]:
    """Accept the supplier's latest offer. 接受供应方的最新报价。"""
    flow = partial(accept_terms, actor=actor_of(request), words=Words(data.note))
    return await answer(request, negotiation, "accept", lambda tx, one: flow(tx, negotiation_id=one))


@command(f"{_ONE}/verification", NegotiationReceipt, status=200)
async def verify(request: Asked, negotiation: FromPath[str], data: JSONBody[VerificationWish]) -> Response[bytes]:
    """Confirm exactly what was agreed; the order is then placed from your wallet. 确认协议内容，随后将从钱包支付下单。"""
    flow = partial(verify_terms, actor=actor_of(request), sha256=bytes.fromhex(data.sha256), words=Words(data.note))
    return await answer(request, negotiation, "verify", lambda tx, one: flow(tx, negotiation_id=one))


@listing(f"{PREFIX}/private-offers", PrivateOfferView)
async def list_private_offers(request: Asked, limit: Limit = None, cursor: Cursor = None) -> Response[bytes]:
    """Offers that suppliers agreed with your organisation alone, newest first. 仅面向贵机构的专属报价方案。"""
    actor = actor_of(request)
    return await show_page(request, actor, lambda tx, page: private.offered_to(tx, actor, page), _view, limit, cursor)


def _view(one: OfferVersion) -> PrivateOfferView:
    return PrivateOfferView(ids.text("lst", one.offer.listing_id), one.standing.value, public_offer(one.offer))


ROUTES: tuple[Any, ...] = (
    *negotiation_routes(PREFIX),
    request_terms,
    counter,
    accept,
    verify,
    list_private_offers,
)
