"""What anybody reads: published listings, their offers, revisions and files."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ColumnElement, Select, cast, exists, func, literal, or_, select, tuple_
from sqlalchemy.dialects.postgresql import ARRAY, REAL, TSQUERY

from exchange.catalog.browsing import Found, SearchFilter, Shelf
from exchange.catalog.listings import Listing, ListingState
from exchange.catalog.offers import Offer, OfferStanding
from exchange.catalog.revisions import StoredAsset
from exchange.catalog.search import Query, query
from exchange.catalog.store.rows import (
    DATASET,
    LISTING,
    OFFER,
    REVISION,
    asset_of,
    dataset_of,
    listing_of,
    offer_of,
    revision_of,
)
from exchange.catalog.tables import asset, dataset, listing, offer, offer_standing, revision
from exchange.kernel.db import Tx
from exchange.kernel.pages import BadCursor, Page, PageRequest, page_of

# Weights of D, C, B, A: a hit in the title counts ten times one in the dataset's description.
_WEIGHTS = [0.1, 0.2, 0.4, 1.0]
_LONG_TEXTS_COUNT_LESS = 1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
# The year 2100 in microseconds; above every rank.
_RANK_END = 4_102_444_800_000_000
_PUBLISHED = listing.c.state == ListingState.PUBLISHED.value
# Not even the number or the price range of private offers shows.
_PUBLIC = ~offer.c.private


async def search(tx: Tx, wanted: SearchFilter, page: PageRequest) -> Page[Found]:
    """Find published listings: the best match first, the newest first where no word was given.

    errors   BadCursor
    """
    asked = query(wanted.words)
    found = await (_newest(tx, wanted, page) if asked is None else _matching(tx, asked, wanted, page))
    return page_of(found, page, lambda one: (str(one.rank), str(one.listing.id)))


async def _newest(tx: Tx, wanted: SearchFilter, page: PageRequest) -> list[Found]:
    statement = _narrow(select(*LISTING).where(_PUBLISHED), wanted)
    if page.after:
        rank, after = _after(page.after)
        before = literal(_EPOCH + rank * _MICROSECOND, listing.c.published_at.type)
        statement = statement.where(tuple_(listing.c.published_at, listing.c.id) < tuple_(before, after))
    statement = statement.order_by(listing.c.published_at.desc(), listing.c.id.desc()).limit(page.limit + 1)
    found = [listing_of(row) for row in (await tx.conn.execute(statement)).mappings()]
    return [Found(one, ((one.published_at or one.created_at) - _EPOCH) // _MICROSECOND) for one in found]


async def _matching(tx: Tx, asked: Query, wanted: SearchFilter, page: PageRequest) -> list[Found]:
    score = func.ts_rank(
        cast(_WEIGHTS, ARRAY(REAL)), listing.c.search, cast(asked.should, TSQUERY), _LONG_TEXTS_COUNT_LESS
    )
    rank = cast(score * 1_000_000_000, BigInteger)
    matching = select(func.catalog.matching(cast(asked.must, TSQUERY)))
    statement = select(*LISTING, rank.label("rank")).where(_PUBLISHED, listing.c.id.in_(matching))
    statement = _narrow(statement, wanted)
    if page.after:
        statement = statement.where(tuple_(rank, listing.c.id) < tuple_(*map(literal, _after(page.after))))
    statement = statement.order_by(rank.desc(), listing.c.id.desc()).limit(page.limit + 1)
    found = []
    for row in (await tx.conn.execute(statement)).mappings():
        fields = dict(row)
        place = int(fields.pop("rank"))
        found.append(Found(listing_of(fields), place))
    return found


def _narrow(statement: Select[*tuple[Any, ...]], wanted: SearchFilter) -> Select[*tuple[Any, ...]]:
    if wanted.modality:
        statement = statement.where(listing.c.modality == wanted.modality)
    if wanted.licence:
        statement = statement.where(listing.c.licence == wanted.licence)
    if wanted.supplier_id:
        statement = statement.where(listing.c.supplier_id == wanted.supplier_id)
    if wanted.language:
        # A filter for zh also finds zh-Hans, as RFC 4647 section 3.3.1 matches ranges.
        tag = func.unnest(listing.c.languages).table_valued("tag").render_derived()
        statement = statement.where(
            exists(
                select(literal(1))
                .select_from(tag)
                .where(or_(tag.c.tag == wanted.language, func.starts_with(tag.c.tag, wanted.language + "-")))
            )
        )
    if wanted.kind or wanted.price_max or wanted.currency:
        statement = statement.where(_offered(wanted))
    return statement


def _offered(wanted: SearchFilter) -> ColumnElement[bool]:
    sold = (
        select(literal(1))
        .select_from(offer.join(offer_standing, offer_standing.c.offer_id == offer.c.id))
        .where(offer.c.listing_id == listing.c.id, offer_standing.c.state == OfferStanding.CURRENT.value)
        .where(_PUBLIC)
    )
    if wanted.kind:
        sold = sold.where(offer.c.kind == wanted.kind)
    if wanted.currency:
        sold = sold.where(offer.c.currency == wanted.currency)
    if wanted.price_max:
        sold = sold.where(offer.c.currency == wanted.price_max.currency, offer.c.entry_units <= wanted.price_max.units)
    return exists(sold.correlate(listing))


def _after(key: tuple[str, ...]) -> tuple[int, UUID]:
    try:
        rank, found = key
        number = int(rank)
        if not 0 <= number < _RANK_END:
            raise BadCursor("the cursor is not one of ours")
        return number, UUID(found)
    except ValueError as error:
        raise BadCursor("the cursor is not one of ours") from error


async def shelf(tx: Tx, listing_id: UUID) -> Shelf | None:
    """Read all that stands about one published listing: dataset, revision and current offers; None for others."""
    statement = select(*LISTING).where(listing.c.id == listing_id, _PUBLISHED)
    row = (await tx.conn.execute(statement)).mappings().one_or_none()
    if row is None:
        return None
    found = listing_of(row)
    described = select(*DATASET).where(dataset.c.id == found.dataset_id)
    sealed = select(*REVISION).where(revision.c.id == found.revision_id)
    return Shelf(
        listing=found,
        dataset=dataset_of((await tx.conn.execute(described)).mappings().one()),
        revision=revision_of((await tx.conn.execute(sealed)).mappings().one()),
        offers=tuple(await _offers(tx, [listing_id])),
    )


async def offers(tx: Tx, listing_ids: Sequence[UUID]) -> dict[UUID, list[Offer]]:
    """List the current public offers of several published listings, for a page of results."""
    found: dict[UUID, list[Offer]] = {listing_id: [] for listing_id in listing_ids}
    for one in await _offers(tx, listing_ids):
        found[one.listing_id].append(one)
    return found


async def _offers(tx: Tx, listing_ids: Sequence[UUID]) -> list[Offer]:
    statement = (
        select(*OFFER)
        .join(offer_standing, offer_standing.c.offer_id == offer.c.id)
        .join(listing, listing.c.id == offer.c.listing_id)
        .where(_PUBLISHED, offer.c.listing_id.in_(listing_ids))
        .where(offer_standing.c.state == OfferStanding.CURRENT.value, _PUBLIC)
        .order_by(offer.c.listing_id, offer.c.code)
    )
    return [offer_of(row) for row in (await tx.conn.execute(statement)).mappings()]


async def offer_on_show(tx: Tx, offer_id: UUID) -> tuple[Offer, Listing, OfferStanding] | None:
    """Read one version of a public offer of a published listing, current or not; None for others."""
    statement = select(*OFFER, offer_standing.c.state.label("standing")).join(
        offer_standing, offer_standing.c.offer_id == offer.c.id
    )
    row = (await tx.conn.execute(statement.where(offer.c.id == offer_id, _PUBLIC))).mappings().one_or_none()
    if row is None:
        return None
    fields = dict(row)
    standing = OfferStanding(fields.pop("standing"))
    found = offer_of(fields)
    shown = select(*LISTING).where(listing.c.id == found.listing_id, _PUBLISHED)
    listed = (await tx.conn.execute(shown)).mappings().one_or_none()
    return (found, listing_of(listed), standing) if listed else None


async def assets(tx: Tx, listing_id: UUID, page: PageRequest) -> Page[StoredAsset]:
    """List the files of a published listing's revision (names, sizes and hashes; never the bytes)."""
    statement = (
        select(asset)
        .join(listing, listing.c.revision_id == asset.c.revision_id)
        .where(listing.c.id == listing_id, _PUBLISHED)
        .order_by(asset.c.position)
    )
    if page.after:
        statement = statement.where(asset.c.position > int(page.after[0]))
    rows = (await tx.conn.execute(statement.limit(page.limit + 1))).mappings()
    return page_of([asset_of(row) for row in rows], page, lambda found: (str(found.position),))
