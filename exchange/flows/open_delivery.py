"""What a grant delivers: its files and in which ways, none of which ever changes."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

import msgspec

from exchange.access.store import grants
from exchange.catalog.revisions import StoredAsset
from exchange.catalog.store import datasets
from exchange.catalog.store.listings import load_offers
from exchange.kernel.db import Tx


@dataclass(frozen=True, slots=True)
class Delivery:
    """The files of a granted revision, and whether they may be taken as files, as rows, or both."""

    files: bool
    rows: bool
    assets: tuple[StoredAsset, ...]


async def open_delivery(tx: Tx, grant_id: UUID) -> Delivery | None:
    """What a grant delivers; whether it is live is asked at each read, not here."""
    grant = (await grants.load(tx, [grant_id])).get(grant_id)
    if grant is None:
        return None
    offer = (await load_offers(tx, [grant.offer_id]))[grant.offer_id]
    ways = msgspec.json.decode(offer.document)["delivery"]
    return Delivery(ways["files"], ways["rows"], tuple(await datasets.assets_of(tx, grant.revision_id)))
