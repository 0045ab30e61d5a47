"""Listings and offers: what is shown to buyers, and on which terms."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar import Response
from litestar.params import FromPath, JSONBody
from msgspec import Meta

from exchange.apps.http.answers import Asked, accepted_value, found, write
from exchange.apps.http.context import actor_of, services_of
from exchange.apps.http.documented import command, listing, show
from exchange.apps.http.lists import Cursor, Limit, show_page
from exchange.apps.http.wire import MoneyWire, Sha256, Texts, Time, body_id, json_of, money_wire, object_id, stamp
from exchange.apps.supplier.datasets import DatasetId
from exchange.apps.supplier.revisions import RevisionId
from exchange.catalog.listings import Listing, ListingDraft
from exchange.catalog.offers import OfferRequest
from exchange.catalog.store import portal
from exchange.catalog.store.portal import OfferVersion
from exchange.flows.delist_listing import delist_listing
from exchange.flows.draft_listing import ListingReceipt, draft_listing
from exchange.flows.publish_listing import PublicationReceipt, publish_listing, review_listing
from exchange.flows.version_offer import OfferReceipt, version_offer
from exchange.kernel import ids

ListingId = Annotated[str, Meta(examples=["lst_01m80jwmabesg81hwe4cc73nw9"])]
OfferId = Annotated[str, Meta(examples=["ofr_01m80jwmabesg81hwe4cc73nw9"])]
_PATH = "/supplier/v1/listings/{listing:str}"
_DOCUMENT = {
    "type": "offer",
    "v": 1,
    "kind": "one_off",
    "currency": "CNY",
    "plan": {
        "type": "plan",
        "v": 1,
        "currency": "CNY",
        "time_zone": "Asia/Shanghai",
        "components": [
            {
                "id": "price",
                "title": {"en": "Price", "zh": "价格"},
                "meter": None,
                "period": None,
                "model": {"type": "one_off", "amount": "300.00"},
            }
        ],
    },
    "terms": {"type": "terms", "v": 1, "prevailing_language": "zh", "spdx": "CC-BY-4.0"},
    "delivery": {"files": True, "rows": True},
    "shares": [{"role": "supplier", "weight": 8800}, {"role": "platform", "weight": 1200}],
}


class ListingWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A listing of a revision. Texts need English and Chinese."""

    revision: RevisionId
    title: Texts
    summary: Texts


class ListingView(msgspec.Struct, frozen=True):
    """A listing as its supplier sees it."""

    id: ListingId
    dataset: DatasetId
    revision: RevisionId
    state: Annotated[str, Meta(examples=["draft"])]
    title: Texts
    summary: Texts
    created_at: Time
    published_at: Time | None


class OfferWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An offer, or the next version of one: its name in the listing, and the whole document."""

    code: Annotated[str, Meta(pattern="^[a-z0-9][a-z0-9-]{0,39}$", examples=["once"])]
    document: Annotated[dict[str, Any], Meta(examples=[_DOCUMENT])]


class OfferView(msgspec.Struct, frozen=True):
    """A version of an offer; only a current one can be bought."""

    id: OfferId
    code: str
    version: int
    kind: Annotated[str, Meta(examples=["one_off"])]
    standing: Annotated[str, Meta(examples=["current"])]
    entry_price: MoneyWire
    document: dict[str, Any]
    sha256: Sha256
    created_at: Time


class OffersView(msgspec.Struct, frozen=True):
    """Every version of a listing's offers, newest version first."""

    items: list[OfferView]


@command("/supplier/v1/listings", ListingReceipt)
async def add_listing(request: Asked, data: JSONBody[ListingWish]) -> Response[bytes]:
    """Draft a listing; only you see it until it is published. 起草上架产品。"""
    services, actor = services_of(request), actor_of(request)
    draft = ListingDraft(body_id("rev", data.revision), data.title, data.summary)
    return await write(request, "listing.draft", lambda tx: draft_listing(tx, actor, draft, services.settings.catalog))


@listing("/supplier/v1/listings", ListingView)
async def list_listings(request: Asked, limit: Limit = None, cursor: Cursor = None) -> Response[bytes]:
    """Your listings in every state, newest first. 我的上架产品。"""
    actor = actor_of(request)
    return await show_page(
        request, actor, lambda tx, page: portal.own_listings(tx, actor, page), listing_view, limit, cursor
    )


@show(_PATH, ListingView)
async def show_listing(request: Asked, listing: FromPath[str]) -> ListingView:
    """One listing. 上架产品详情。"""
    actor = actor_of(request)
    async with services_of(request).db.read(actor) as tx:
        return listing_view(found(await portal.own_listing(tx, actor, object_id("lst", listing))))


@show(f"{_PATH}/review", PublicationReceipt)
async def preview_publication(request: Asked, listing: FromPath[str]) -> PublicationReceipt:
    """Which publication rules the listing meets now, and why each exists. 上架规则预检。"""
    services, actor, listing_id = services_of(request), actor_of(request), object_id("lst", listing)
    return accepted_value(await services.db.run(lambda tx: review_listing(tx, actor, listing_id)))


@command(f"{_PATH}/publication", PublicationReceipt, 401, 403, 404, 409, 422, status=200)
async def put_on_sale(request: Asked, listing: FromPath[str]) -> Response[bytes]:
    """Publish a listing, if every publication rule is met. 发布上架（须满足全部规则）。"""
    actor, listing_id = actor_of(request), object_id("lst", listing)
    return await write(
        request, "listing.publish", lambda tx: publish_listing(tx, actor, listing_id), status=200, object_id=listing
    )


@command(f"{_PATH}/withdrawal", ListingReceipt, 401, 403, 404, 409, status=200)
async def take_off_sale(request: Asked, listing: FromPath[str]) -> Response[bytes]:
    """Take a listing off the market for good; agreements stay. 永久下架（已有合约不受影响）。"""
    actor, listing_id = actor_of(request), object_id("lst", listing)
    return await write(
        request, "listing.delist", lambda tx: delist_listing(tx, actor, listing_id), status=200, object_id=listing
    )


@command(f"{_PATH}/offers", OfferReceipt)
async def add_offer(request: Asked, listing: FromPath[str], data: JSONBody[OfferWish]) -> Response[bytes]:
    """Add an offer, or the next version of one. 新增报价方案或其新版本。"""
    services, actor = services_of(request), actor_of(request)
    wish = OfferRequest(object_id("lst", listing), data.code, data.document)
    return await write(
        request,
        "offer.version",
        lambda tx: version_offer(tx, actor, wish, services.settings.catalog),
        object_id=listing,
    )


@show(f"{_PATH}/offers", OffersView)
async def list_offers(request: Asked, listing: FromPath[str]) -> OffersView:
    """Every version of a listing's offers. 报价方案版本列表。"""
    actor, listing_id = actor_of(request), object_id("lst", listing)
    async with services_of(request).db.read(actor) as tx:
        found(await portal.own_listing(tx, actor, listing_id))
        return OffersView([offer_view(one) for one in await portal.own_offers(tx, actor, listing_id)])


def listing_view(one: Listing) -> ListingView:
    """A listing as the API shows it to its supplier."""
    return ListingView(
        id=ids.text("lst", one.id),
        dataset=ids.text("ds", one.dataset_id),
        revision=ids.text("rev", one.revision_id),
        state=one.state.value,
        title=dict(one.title),
        summary=dict(one.summary),
        created_at=stamp(one.created_at),
        published_at=stamp(one.published_at) if one.published_at else None,
    )


def offer_view(one: OfferVersion) -> OfferView:
    """A version of an offer as the API shows it to its supplier."""
    offer = one.offer
    return OfferView(
        id=ids.text("ofr", offer.id),
        code=offer.code,
        version=offer.version,
        kind=offer.kind.value,
        standing=one.standing.value,
        entry_price=money_wire(offer.entry_units, offer.currency),
        document=json_of(offer.document),
        sha256=offer.sha256.hex(),
        created_at=stamp(offer.created_at),
    )


ROUTES = (
    add_listing,
    list_listings,
    show_listing,
    preview_publication,
    put_on_sale,
    take_off_sale,
    add_offer,
    list_offers,
)
