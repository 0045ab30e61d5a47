"""The market as the regulator sees it: organisations, and listings with the rules they meet. Nothing is changed here."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from litestar import Response
from litestar.params import FromPath, QueryParameter
from msgspec import Meta

from exchange.apps.http.answers import Asked, found
from exchange.apps.http.context import services_of
from exchange.apps.http.documented import listing, show
from exchange.apps.http.lists import Cursor, Limit
from exchange.apps.http.wire import Id, Texts, Time, object_id, stamp
from exchange.apps.regulator.seeing import all_page
from exchange.catalog.listings import Listing, ListingState
from exchange.catalog.store import overview
from exchange.flows.publish_listing import PublicationReceipt, judge_listing
from exchange.kernel import ids
from exchange.parties import store as parties
from exchange.parties.organisations import Organisation, State

_OrganisationState = Annotated[
    Literal["unverified", "submitted", "verified", "rejected", "suspended"] | None,
    QueryParameter(name="state", description="Only organisations in this state. 按状态筛选。"),
]
_ListingState = Annotated[
    Literal["published", "suspended", "delisted"] | None,
    QueryParameter(name="state", description="Only listings in this state. 按状态筛选。"),
]


class OrganisationView(msgspec.Struct, frozen=True):
    """An organisation and how far it is known."""

    id: Annotated[str, Meta(examples=["org_01m80jwmabesg81hwe4cc73nw9"])]
    name: Texts
    roles: Annotated[list[str], Meta(examples=[["supplier"]])]
    country: Annotated[str, Meta(examples=["CN"])]
    state: Annotated[str, Meta(examples=["verified"])]
    created_at: Time


class ListingView(msgspec.Struct, frozen=True):
    """A listing, what it says of people in the data, and whose it is."""

    id: Annotated[str, Meta(examples=["lst_01m80jwmabesg81hwe4cc73nw9"])]
    supplier: Id
    dataset: Id
    revision: Id
    title: Texts
    summary: Texts
    modality: Annotated[str, Meta(examples=["text"])]
    languages: list[str]
    personal_data: Annotated[str, Meta(examples=["none"])]
    licence: Annotated[str, Meta(examples=["CC-BY-4.0"])]
    state: Annotated[str, Meta(examples=["published"])]
    published_at: Time | None


@listing("/regulator/v1/organisations", OrganisationView)
async def list_organisations(
    request: Asked, in_state: _OrganisationState = None, limit: Limit = None, cursor: Cursor = None
) -> Response[bytes]:
    """Organisations, oldest first. 机构列表。"""
    wanted = State(in_state) if in_state else None
    return await all_page(
        request, lambda tx, page: parties.organisations(tx, wanted, page), _organisation, limit, cursor
    )


@show("/regulator/v1/organisations/{organisation:str}", OrganisationView)
async def show_organisation(request: Asked, organisation: FromPath[str]) -> OrganisationView:
    """One organisation. 机构详情。"""
    organisation_id = object_id("org", organisation)
    one = await services_of(request).db.run(lambda tx: parties.find_organisation(tx, organisation_id))
    return _organisation(found(one))


@listing("/regulator/v1/listings", ListingView)
async def list_listings(
    request: Asked, in_state: _ListingState = None, limit: Limit = None, cursor: Cursor = None
) -> Response[bytes]:
    """Listings that were published once, newest first. 上架产品列表。"""
    wanted = ListingState(in_state) if in_state else None
    return await all_page(request, lambda tx, page: overview.listings(tx, wanted, page), _listing, limit, cursor)


@show("/regulator/v1/listings/{listing_id:str}", ListingView)
async def show_listing(request: Asked, listing_id: FromPath[str]) -> ListingView:
    """One listing. 上架产品详情。"""
    wanted = object_id("lst", listing_id)
    return _listing(found(await services_of(request).db.run(lambda tx: overview.listing(tx, wanted))))


@show("/regulator/v1/listings/{listing_id:str}/publication", PublicationReceipt)
async def show_rules(request: Asked, listing_id: FromPath[str]) -> PublicationReceipt:
    """Which publication rules a listing meets now. 上架规则核查结果。"""
    wanted = object_id("lst", listing_id)
    return found(await services_of(request).db.run(lambda tx: judge_listing(tx, wanted)))


def _organisation(one: Organisation) -> OrganisationView:
    return OrganisationView(
        id=ids.text("org", one.id),
        name=dict(one.name),
        roles=sorted(role.value for role in one.roles),
        country=one.country,
        state=one.state.value,
        created_at=stamp(one.created_at),
    )


def _listing(one: Listing) -> ListingView:
    return ListingView(
        id=ids.text("lst", one.id),
        supplier=ids.text("org", one.supplier_id),
        dataset=ids.text("ds", one.dataset_id),
        revision=ids.text("rev", one.revision_id),
        title=dict(one.title),
        summary=dict(one.summary),
        modality=one.modality.value,
        languages=list(one.languages),
        personal_data=one.personal_data.value,
        licence=one.licence,
        state=one.state.value,
        published_at=stamp(one.published_at) if one.published_at else None,
    )


ROUTES = (list_organisations, show_organisation, list_listings, show_listing, show_rules)
