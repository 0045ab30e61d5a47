"""Listings of every supplier: which rules they meet, and taking one off sale for a while."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from litestar import Response
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import Meta

from exchange.apps.http.answers import Asked, found, write
from exchange.apps.http.context import actor_of, services_of
from exchange.apps.http.documented import command, listing, show
from exchange.apps.http.lists import Cursor, Limit
from exchange.apps.http.wire import Id, Texts, Time, object_id, stamp
from exchange.apps.operator.seeing import see, see_page
from exchange.catalog.listings import Listing, ListingState
from exchange.catalog.store import overview
from exchange.flows.draft_listing import ListingReceipt
from exchange.flows.publish_listing import PublicationReceipt, judge_listing
from exchange.flows.suspend_listing import suspend_listing
from exchange.kernel import ids

_State = Annotated[
    Literal["published", "suspended", "delisted"] | None,
    QueryParameter(name="state", description="Only listings in this state. 按状态筛选。"),
]


class ListingRow(msgspec.Struct, frozen=True):
    """A listing and whose it is; drafts are their suppliers' own."""

    id: Annotated[str, Meta(examples=["lst_01m80jwmabesg81hwe4cc73nw9"])]
    supplier: Id
    dataset: Id
    revision: Id
    title: Texts
    modality: Annotated[str, Meta(examples=["text"])]
    licence: Annotated[str, Meta(examples=["CC-BY-4.0"])]
    state: Annotated[str, Meta(examples=["published"])]
    published_at: Time | None


class SuspensionWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why, in a sentence that names no person."""

    reason: Annotated[str, Meta(min_length=1, max_length=2000, examples=["The licence is being disputed."])]


@listing("/operator/v1/listings", ListingRow)
async def list_listings(
    request: Asked, in_state: _State = None, limit: Limit = None, cursor: Cursor = None
) -> Response[bytes]:
    """Listings of every supplier that were published once, newest first. 上架产品列表。"""
    wanted = ListingState(in_state) if in_state else None
    return await see_page(request, lambda tx, page: overview.listings(tx, wanted, page), listing_row, limit, cursor)


@show("/operator/v1/listings/{listing_id:str}", ListingRow)
async def show_listing(request: Asked, listing_id: FromPath[str]) -> ListingRow:
    """One listing. 上架产品详情。"""
    return listing_row(found(await see(request, lambda tx: overview.listing(tx, object_id("lst", listing_id)))))


@show("/operator/v1/listings/{listing_id:str}/publication", PublicationReceipt)
async def show_rules(request: Asked, listing_id: FromPath[str]) -> PublicationReceipt:
    """Which publication rules a listing meets now, each with its reason. 上架规则核查结果。"""
    return found(await see(request, lambda tx: judge_listing(tx, object_id("lst", listing_id))))


@command("/operator/v1/listings/{listing_id:str}/suspension", ListingReceipt, status=200)
async def suspend(request: Asked, listing_id: FromPath[str], data: JSONBody[SuspensionWish]) -> Response[bytes]:
    """Take a listing off sale until it is resumed; grants that were bought go on. 暂停销售。"""
    return await _move(request, listing_id, data.reason, resume=False)


@command("/operator/v1/listings/{listing_id:str}/resumption", ListingReceipt, status=200)
async def resume(request: Asked, listing_id: FromPath[str], data: JSONBody[SuspensionWish]) -> Response[bytes]:
    """Put a suspended listing back on sale. 恢复销售。"""
    return await _move(request, listing_id, data.reason, resume=True)


async def _move(request: Asked, name: str, reason: str, *, resume: bool) -> Response[bytes]:
    settings, actor, listing_id = services_of(request).settings.parties, actor_of(request), object_id("lst", name)
    return await write(
        request,
        "listing.resume" if resume else "listing.suspend",
        lambda tx: suspend_listing(tx, actor, listing_id, reason, settings, resume=resume),
        status=200,
        object_id=name,
    )


def listing_row(one: Listing) -> ListingRow:
    """A listing as the operator's list shows it."""
    return ListingRow(
        id=ids.text("lst", one.id),
        supplier=ids.text("org", one.supplier_id),
        dataset=ids.text("ds", one.dataset_id),
        revision=ids.text("rev", one.revision_id),
        title=dict(one.title),
        modality=one.modality.value,
        licence=one.licence,
        state=one.state.value,
        published_at=stamp(one.published_at) if one.published_at else None,
    )


ROUTES = (list_listings, show_listing, show_rules, suspend, resume)
