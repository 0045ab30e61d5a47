"""Grants and reads for tests of metered use."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from exchange.access.grants import Grant, NewGrant
from exchange.access.meters import Meter
from exchange.access.reads import Read
from exchange.access.store import grants, seal
from exchange.access.tokens import GrantClaims
from exchange.kernel.db import Database

BUYER, SELLER, STRANGER = UUID(int=1), UUID(int=2), UUID(int=3)
METERS = (Meter.BYTES, Meter.RECORDS)


def new_grant(grant_id: UUID, starts_at: datetime, quota: Mapping[str, Any], **changes: Any) -> NewGrant:
    """A grant of BUYER on SELLER's data."""
    values: dict[str, Any] = {
        "id": grant_id,
        "order_id": UUID(int=11),
        "agreement_id": UUID(int=12),
        "offer_id": UUID(int=13),
        "listing_id": UUID(int=14),
        "dataset_id": UUID(int=15),
        "revision_id": UUID(int=16),
        "buyer_id": BUYER,
        "seller_id": SELLER,
        "purposes": ("training",),
        "meters": METERS,
        "quota": quota,
        "starts_at": starts_at,
        "ends_at": starts_at + timedelta(days=365),
    }
    return NewGrant(**(values | changes))


async def open_market(database: Database, quota: Mapping[str, Any], count: int = 1, **changes: Any) -> list[Grant]:
    """Partitions for today, and some grants."""
    now = database.clock.now()
    starts_at = changes.pop("starts_at", now - timedelta(days=1))
    made = [new_grant(database.ids.new(now), starts_at, quota, **changes) for _ in range(count)]

    async def flow(tx: Any) -> list[Grant]:
        await seal.ensure_partitions(tx, 3)
        await grants.insert_grants(tx, made)
        found = await grants.load(tx, [one.id for one in made])
        return [found[one.id] for one in made]

    return await database.run(flow)


def claims_of(grant: Grant, jti: UUID | None = None) -> GrantClaims:
    """What a token of this grant says."""
    return GrantClaims(
        jti=jti or UUID(int=99),
        grant_id=grant.id,
        buyer_id=grant.buyer_id,
        seller_id=grant.seller_id,
        listing_id=grant.listing_id,
        dataset_id=grant.dataset_id,
        revision_id=grant.revision_id,
        purposes=frozenset(grant.purposes),
        meters=grant.meters,
        issued_at=grant.starts_at,
        expires_at=grant.starts_at + timedelta(days=30),
    )


def read(grant: Grant, *, known: bool = True, purpose: str = "training", **needs: int) -> Read:
    """A wish to read so much of each meter."""
    amounts = tuple((Meter[name.upper()], units) for name, units in needs.items())
    return Read(claims_of(grant), purpose, amounts, known)
