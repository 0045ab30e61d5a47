"""The catalogue that everybody reads: search, one listing, its files, its scorecard."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from litestar import Response
from litestar.params import FromPath, QueryParameter
from msgspec import Meta

from compliance.directives import LAWS, TARGETS
from compliance.store import Stop
from exchange.apps.http.answers import Asked, found
from exchange.apps.http.context import services_of
from exchange.apps.http.data_contracts import ContractMark, contract_mark
from exchange.apps.http.documented import listing, show
from exchange.apps.http.lists import Cursor, Limit, show_page
from exchange.apps.http.offer_views import PublicOffer, public_offer
from exchange.apps.http.quality_views import CertificateView, ScorecardView, certificate_view, scorecard_view
from exchange.apps.http.wire import Id, MoneyWire, Sha256, Texts, Time, money, money_wire, object_id, stamp
from exchange.catalog.browsing import SearchFilter, refuse_filter
from exchange.catalog.revisions import StoredAsset
from exchange.catalog.store import public
from exchange.flows.show_listing import Card, ListingPage, search_listings, show_listing
from exchange.kernel import ids
from exchange.kernel.errors import INVALID_REQUEST, Refused
from exchange.quality import store as quality

_ListingId = Annotated[str, Meta(examples=["lst_01m80jwmabesg81hwe4cc73nw9"])]
_Modality = Literal["text", "table", "image", "audio", "video", "image_text"]
_OPEN = "public, max-age=30"
_PATH = "/catalog/v1/listings/{listing:str}"


class Party(msgspec.Struct, frozen=True):
    """An organisation by its id and its name."""

    id: Id
    name: Texts


class StopView(msgspec.Struct, frozen=True):
    """Why something is not on sale: a regulator's directive in force, and the law that it rests on."""

    kind: Annotated[
        Literal["freeze", "delist"],
        Meta(
            description="freeze: nothing of it can be read either. freeze 表示已购数据亦暂停交付。", examples=["freeze"]
        ),
    ]
    about: Annotated[str, Meta(description="What is stopped. 指令对象。", examples=["lst_01m80jwmabesg81hwe4cc73nw9"])]
    since: Time
    law: Texts | None
    article: str
    basis: Texts | None


_Standing = Annotated[
    Literal["on_sale", "frozen", "delisted"],
    Meta(description="frozen, delisted: by a regulator's directive. 是否因监管指令暂停销售。", examples=["on_sale"]),
]


class FoundOffer(msgspec.Struct, frozen=True):
    """An offer in a search result: how one pays, and how much to start."""

    id: Id
    code: str
    kind: Annotated[str, Meta(examples=["subscription"])]
    entry_price: MoneyWire


class FoundListing(msgspec.Struct, frozen=True):
    """A listing among the results of a search."""

    id: _ListingId
    title: Texts
    summary: Texts
    modality: str
    languages: list[str]
    licence: Annotated[str, Meta(examples=["CC-BY-4.0"])]
    personal_data: str
    supplier: Party
    score: Annotated[int, Meta(ge=0, le=100)] | None
    grade: Annotated[str | None, Meta(examples=["A"])]
    offers: list[FoundOffer]
    published_at: Time | None
    standing: _Standing


class RevisionSummary(msgspec.Struct, frozen=True):
    """What is sold: the revision by the hash of its manifest."""

    id: Id
    number: int
    sha256: Sha256
    size_bytes: int
    assets: int
    created_at: Time


class ListingDocument(msgspec.Struct, frozen=True):
    """All that stands about one listing."""

    id: _ListingId
    title: Texts
    summary: Texts
    description: Texts
    provenance: Texts
    modality: str
    languages: list[str]
    licence: str
    personal_data: str
    synthetic_share: Annotated[int, Meta(description="Ten-thousandths of the records that are synthetic.")]
    supplier: Party
    revision: RevisionSummary
    scorecard: ScorecardView | None
    certificates: list[CertificateView]
    offers: list[PublicOffer]
    published_at: Time | None
    data_contract: ContractMark | None
    standing: _Standing
    stops: Annotated[list[StopView], Meta(description="Directives that keep it, or an offer of it, from sale.")]


class PublicAsset(msgspec.Struct, frozen=True):
    """A file of a listing's revision; its bytes need a grant."""

    path: str
    sha256: Sha256
    size_bytes: int
    media_type: str


@listing("/catalog/v1/listings", FoundListing, 400)
async def search(
    request: Asked,
    q: Annotated[str, QueryParameter(max_length=500, description="Words in Chinese or English. 关键词。")] = "",
    modality: Annotated[_Modality | None, QueryParameter(description="模态。")] = None,
    language: Annotated[str | None, QueryParameter(max_length=40, description="BCP 47, such as zh. 语言。")] = None,
    licence: Annotated[str | None, QueryParameter(max_length=200, description="SPDX. 许可。")] = None,
    kind: Annotated[Literal["one_off", "subscription", "pay_per_use"] | None, QueryParameter()] = None,
    currency: Annotated[str | None, QueryParameter(pattern="^[A-Z]{3}$", description="ISO 4217.")] = None,
    price_max: Annotated[
        str | None, QueryParameter(max_length=24, description="The most to pay to start; needs currency. 最高起付价。")
    ] = None,
    supplier: Annotated[str | None, QueryParameter(max_length=40, description="org_... 供应方。")] = None,
    limit: Limit = None,
    cursor: Cursor = None,
) -> Response[bytes]:
    """Search published listings: the best match first, the newest first without words. 搜索上架产品。"""
    if price_max is not None and currency is None:
        raise Refused(INVALID_REQUEST(reason="price_max needs currency"))
    wanted = SearchFilter(
        words=q,
        modality=modality,
        language=language,
        licence=licence,
        kind=kind,
        currency=currency,
        price_max=money(MoneyWire(price_max, currency)) if price_max is not None and currency is not None else None,
        supplier_id=object_id("org", supplier) if supplier else None,
    )
    refused = refuse_filter(wanted)
    if refused is not None:
        raise Refused(refused)
    answered = await show_page(
        request, None, lambda tx, page: search_listings(tx, wanted, page), found_listing, limit, cursor
    )
    answered.headers["cache-control"] = _OPEN
    return answered


@show(_PATH, ListingDocument, 404)
async def read_listing(request: Asked, listing: FromPath[str]) -> ListingDocument:
    """One listing: offers with prices and terms in plain words, scorecard, certificates. 上架产品详情。"""
    async with services_of(request).db.read(None) as tx:
        return listing_document(found(await show_listing(tx, object_id("lst", listing))))


@listing(f"{_PATH}/assets", PublicAsset, 400, 404)
async def read_assets(
    request: Asked, listing: FromPath[str], limit: Limit = None, cursor: Cursor = None
) -> Response[bytes]:
    """The files of a listing's revision: names, sizes and hashes. 文件清单（不含内容）。"""
    listing_id = object_id("lst", listing)
    return await show_page(request, None, lambda tx, page: public.assets(tx, listing_id, page), _asset, limit, cursor)


@show("/catalog/v1/scorecards/{scorecard:str}", ScorecardView, 404)
async def read_scorecard(request: Asked, scorecard: FromPath[str]) -> ScorecardView:
    """A disclosed scorecard. 公开的质量评分卡。"""
    async with services_of(request).db.read(None) as tx:
        return scorecard_view(found(await quality.visible_scorecard_by_id(tx, None, object_id("scr", scorecard))))


def found_listing(card: Card) -> FoundListing:
    """A listing as a search result."""
    one = card.listing
    return FoundListing(
        id=ids.text("lst", one.id),
        title=dict(one.title),
        summary=dict(one.summary),
        modality=one.modality.value,
        languages=list(one.languages),
        licence=one.licence,
        personal_data=one.personal_data.value,
        supplier=Party(ids.text("org", one.supplier_id), dict(card.supplier)),
        score=card.score,
        grade=card.grade,
        offers=[
            FoundOffer(
                ids.text("ofr", offer.id), offer.code, offer.kind.value, money_wire(offer.entry_units, offer.currency)
            )
            for offer in card.offers
        ],
        published_at=stamp(one.published_at) if one.published_at else None,
        standing=standing(card.stop),
    )


def standing(stop: Stop | None) -> Literal["on_sale", "frozen", "delisted"]:
    """Whether a listing is on sale as far as regulators are concerned."""
    if stop is None:
        return "on_sale"
    return "frozen" if stop.kind == "freeze" else "delisted"


def stop_view(stop: Stop) -> StopView:
    """A directive as everybody sees it where it stops something."""
    basis = stop.basis or {}
    law = LAWS.get(basis.get("law", ""))
    return StopView(
        kind="freeze" if stop.kind == "freeze" else "delist",
        about=ids.text(TARGETS[stop.target_kind], stop.target_id),
        since=stamp(stop.since),
        law=None if law is None else law.map(),
        article=basis.get("article", ""),
        basis=basis.get("text"),
    )


def listing_document(page: ListingPage) -> ListingDocument:
    """A listing as everybody sees it."""
    one, dataset, revision = page.shelf.listing, page.shelf.dataset, page.shelf.revision
    return ListingDocument(
        id=ids.text("lst", one.id),
        title=dict(one.title),
        summary=dict(one.summary),
        description=dict(dataset.description),
        provenance=dict(dataset.provenance),
        modality=one.modality.value,
        languages=list(one.languages),
        licence=one.licence,
        personal_data=one.personal_data.value,
        synthetic_share=dataset.synthetic_share,
        supplier=Party(ids.text("org", one.supplier_id), dict(page.supplier)),
        revision=RevisionSummary(
            ids.text("rev", revision.id),
            revision.number,
            revision.sha256.hex(),
            revision.size_bytes,
            revision.assets_count,
            stamp(revision.created_at),
        ),
        scorecard=scorecard_view(page.scorecard) if page.scorecard else None,
        certificates=[certificate_view(certificate) for certificate in page.certificates],
        offers=[public_offer(offer) for offer in page.shelf.offers],
        published_at=stamp(one.published_at) if one.published_at else None,
        data_contract=contract_mark(page.contract, page.checked),
        standing=standing(page.stop),
        stops=[stop_view(one) for one in page.stops.values()],
    )


def _asset(stored: StoredAsset) -> PublicAsset:
    one = stored.asset
    return PublicAsset(one.path, one.sha256.hex(), one.size_bytes, one.media_type)


ROUTES: tuple[Any, ...] = (search, read_listing, read_assets, read_scorecard)
