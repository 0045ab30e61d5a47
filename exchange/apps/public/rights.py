"""The chain of rights behind a listing, as far as everybody may know it: numbers and limits, no holder and no work."""

from __future__ import annotations

from typing import Annotated

import msgspec
from litestar.params import FromPath
from msgspec import Meta

from exchange.apps.http.answers import Asked, found
from exchange.apps.http.context import services_of
from exchange.apps.http.documented import show
from exchange.apps.http.wire import Id, Texts, Time, object_id, stamp
from exchange.flows.chain_of_rights import NO_CHAIN
from exchange.flows.show_rights import Limits, PublicRights, public_rights
from exchange.kernel import ids

_Counts = Annotated[dict[str, int], Meta(examples=[{"work": 12, "speaker": 3}])]


class RightsSummary(msgspec.Struct, frozen=True):
    """What the supplier has declared, counted. Without a chain `declared` is false, and `note` says that it is missing.

    `missing` counts what no right speaks for; it is never assumed. The supplier declares, the exchange does not prove.
    """

    dataset: Id
    declared: bool
    note: Texts | None
    rights: _Counts
    subjects: _Counts
    kinds: _Counts
    missing: _Counts
    may_pass_on: Limits | None
    changed_at: Time | None


@show("/catalog/v1/listings/{listing:str}/rights-summary", RightsSummary, 404)
async def show_rights_summary(request: Asked, listing: FromPath[str]) -> RightsSummary:
    """How the chain of rights behind a published listing stands. 产品权利链概况。"""
    async with services_of(request).db.read(None) as tx:
        return rights_summary(found(await public_rights(tx, object_id("lst", listing))))


def rights_summary(one: PublicRights) -> RightsSummary:
    """A chain as everybody may see it."""
    said = one.document
    if said is None or one.changed_at is None:
        return RightsSummary(
            ids.text("ds", one.dataset_id), False, NO_CHAIN.map(), {}, {}, {}, {"chain": 1}, None, None
        )
    return RightsSummary(
        dataset=ids.text("ds", one.dataset_id),
        declared=True,
        note=None,
        rights=said["rights"],
        subjects=said["subjects"],
        kinds=said["kinds"],
        missing=said["missing"],
        may_pass_on=Limits(**{name: said[name] for name in Limits.__struct_fields__}),
        changed_at=stamp(one.changed_at),
    )


ROUTES = (show_rights_summary,)
