"""Private offers: versions that only their supplier and the organisations they name may know of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from sqlalchemy import insert, select, update

from exchange.catalog.offers import Offer, OfferStanding
from exchange.catalog.store.portal import OfferVersion
from exchange.catalog.store.rows import OFFER, offer_of
from exchange.catalog.tables import offer, offer_audience, offer_standing
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.pages import Page, PageRequest, page_of
from exchange.kernel.store import mine


async def insert_private_offer(tx: Tx, new: Offer, audience: Sequence[UUID]) -> Offer:
    """Write a private version of an offer, reserved for these organisations; the offer as it was written."""
    made = replace(new, private=True)
    await tx.conn.execute(
        insert(offer).values(
            {column.name: getattr(made, column.name) for column in offer.c} | {"kind": made.kind.value}
        )
    )
    await tx.conn.execute(
        insert(offer_standing).values(
            offer_id=made.id,
            listing_id=made.listing_id,
            supplier_id=made.supplier_id,
            code=made.code,
            state=OfferStanding.RESERVED.value,
            changed_at=tx.now,
            private=True,
        )
    )
    await tx.conn.execute(
        insert(offer_audience),
        [
            {"offer_id": made.id, "organisation_id": one, "supplier_id": made.supplier_id, "created_at": tx.now}
            for one in audience
        ],
    )
    return made


async def close_private_offer(tx: Tx, offer_id: UUID) -> None:
    """Take a private offer off sale for good: it was bought, or nobody will."""
    await tx.conn.execute(
        update(offer_standing)
        .where(offer_standing.c.offer_id == offer_id, offer_standing.c.state == OfferStanding.RESERVED.value)
        .values(state=OfferStanding.WITHDRAWN.value, changed_at=tx.now)
    )


async def offered_to(tx: Tx, actor: Actor, page: PageRequest) -> Page[OfferVersion]:
    """List the private offers that were made to the actor's organisation, newest first.

    errors   BadCursor
    """
    statement = (
        select(*OFFER, offer_standing.c.state)
        .join(offer_standing, offer_standing.c.offer_id == offer.c.id)
        .join(offer_audience, offer_audience.c.offer_id == offer.c.id)
        .where(mine(offer_audience.c.organisation_id, actor))
        .order_by(offer.c.id.desc())
    )
    if page.after:
        statement = statement.where(offer.c.id < UUID(page.after[0]))
    found = []
    for row in (await tx.conn.execute(statement.limit(page.limit + 1))).mappings():
        fields = dict(row)
        standing = OfferStanding(fields.pop("state"))
        found.append(OfferVersion(offer_of(fields), standing))
    return page_of(found, page, lambda one: (str(one.offer.id),))
