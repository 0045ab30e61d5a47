"""A supplier's side of negotiations: private offers, answers to requests, agreements, and the end."""

from __future__ import annotations

from decimal import Decimal
from functools import partial
from typing import Annotated, Any

import msgspec
from litestar import Response
from litestar.params import FromPath, JSONBody
from msgspec import Meta

from exchange.apps.http.answers import Asked, write
from exchange.apps.http.context import actor_of, services_of
from exchange.apps.http.documented import command
from exchange.apps.http.negotiations import (
    Amounts,
    Note,
    NoteWish,
    Purposes,
    TermsWish,
    Until,
    answer,
    negotiation_routes,
    terms_of,
)
from exchange.apps.http.wire import body_id, object_id
from exchange.flows.agree_terms import agree_terms
from exchange.flows.finalize_negotiation import finalize_negotiation
from exchange.flows.negotiating import NegotiationReceipt, Terms, Words
from exchange.flows.offer_terms import PrivateOffer, offer_privately, offer_terms
from exchange.flows.request_negotiation import Opening, propose_renewal

PREFIX = "/supplier/v1"
_ONE = f"{PREFIX}/negotiations/{{negotiation:str}}"


class PrivateOfferWish(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A whole offer document for one organisation; nobody else ever sees it."""

    buyer: Annotated[str, Meta(max_length=40, examples=["org_01m80jwmabesg81hwe4cc73nw9"])]
    document: Annotated[dict[str, Any], Meta(description="As for a public offer. 与公开报价方案格式相同。")]
    amounts: Amounts = {}
    purposes: Annotated[
        Purposes | None, Meta(description="All that its terms allow if absent. 不填则为条款允许的全部用途。")
    ] = None
    note: Note | None = None
    expires_at: Until | None = None


class RenewalWish(TermsWish, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An agreement of yours that should be followed by another, and what should be different."""

    agreement: Annotated[str, Meta(max_length=40, examples=["agr_01m80jwmabesg81hwe4cc73nw9"])]


class AgreementWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Until when your signed quote binds you, and what you tell the buyer."""

    note: Note | None = None
    expires_at: Until | None = None


@command(f"{PREFIX}/listings/{{listing:str}}/private-offers", NegotiationReceipt)
async def add_private_offer(
    request: Asked, listing: FromPath[str], data: JSONBody[PrivateOfferWish]
) -> Response[bytes]:
    """Offer one organisation terms that nobody else sees; this begins a negotiation. 向指定机构提出专属报价方案（开始协商）。"""
    services, actor = services_of(request), actor_of(request)
    amounts = {name: Decimal(amount) for name, amount in data.amounts.items()}
    wish = PrivateOffer(
        object_id("lst", listing),
        body_id("org", data.buyer),
        data.document,
        Terms({}, amounts, data.purposes),
        Words(data.note, data.expires_at),
    )
    flow = partial(offer_privately, actor=actor, wish=wish, settings=services.settings.catalog)
    return await write(request, "negotiation.offer", flow, object_id=listing)


@command(f"{PREFIX}/negotiations", NegotiationReceipt)
async def offer_renewal(request: Asked, data: JSONBody[RenewalWish]) -> Response[bytes]:
    """Offer the buyer of an agreement the next one. 就已有合约向买方提出续期。"""
    services, actor = services_of(request), actor_of(request)
    terms, words = terms_of(data)
    opening = Opening(terms, words, agreement_id=body_id("agr", data.agreement))
    flow = partial(propose_renewal, actor=actor, opening=opening, settings=services.settings.catalog)
    return await write(request, "negotiation.offer", flow, object_id=data.agreement)


@command(f"{_ONE}/offers", NegotiationReceipt, status=200)
async def offer(request: Asked, negotiation: FromPath[str], data: JSONBody[TermsWish]) -> Response[bytes]:
    """Answer the buyer's request with terms of your own. 对买方请求提出报价或修改条款。"""
    terms, words = terms_of(data)
    flow = partial(
        offer_terms, actor=actor_of(request), terms=terms, words=words, settings=services_of(request).settings.catalog
    )
    return await answer(request, negotiation, "offer", lambda tx, one: flow(tx, negotiation_id=one))


@command(f"{_ONE}/agreement", NegotiationReceipt, status=200)
async def agree(request: Asked, negotiation: FromPath[str], data: JSONBody[AgreementWish]) -> Response[bytes]:
    """Agree to what is on the table: a private offer and a signed quote bind you. 同意当前条款（生成专属报价方案与签名报价单）。"""
    services = services_of(request)
    flow = partial(
        agree_terms,
        sales=services.sales,
        keyring=services.keyring,
        actor=actor_of(request),
        words=Words(data.note, data.expires_at),
        settings=services.settings.catalog,
    )
    return await answer(request, negotiation, "agree", lambda tx, one: flow(tx, negotiation_id=one))


@command(f"{_ONE}/finalization", NegotiationReceipt, status=200)
async def finalize(request: Asked, negotiation: FromPath[str], data: JSONBody[NoteWish]) -> Response[bytes]:
    """Place the order that the buyer verified, paid from its wallet: all of it or nothing. 完成协商：按买方确认下单并扣款。"""
    services = services_of(request)
    flow = partial(
        finalize_negotiation,
        sales=services.sales,
        keyring=services.keyring,
        actor=actor_of(request),
        words=Words(data.note),
    )
    return await answer(request, negotiation, "finalize", lambda tx, one: flow(tx, negotiation_id=one))


ROUTES: tuple[Any, ...] = (
    *negotiation_routes(PREFIX),
    add_private_offer,
    offer_renewal,
    offer,
    agree,
    finalize,
)
