"""What the chain of rights of a dataset lets its supplier pass on, and what everybody may know of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from contracts import chain, chain_store
from contracts.chain import Declared
from exchange.catalog.store import contents, portal, public
from exchange.flows.chain_of_rights import NO_CHAIN, judged, limits_of, too_wide
from exchange.kernel import ids
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.text import Text

_SHOWN_MAX = 200
_RECORDS = Text(
    "rights speak for single records; of records that none of them names nobody declared anything, and they are not counted",
    "权利按记录声明；未被任何权利指明的记录没有任何声明，且未作计数",
)


class Limits(msgspec.Struct, frozen=True):
    """What may be passed on: the intersection over every right that holds; territory `*` is everywhere."""

    purposes: list[str]
    territory: list[str] | str
    until: str | None
    commercial: bool
    redistribution: bool


class MissingView(msgspec.Struct, frozen=True):
    """Something that no right speaks for."""

    what: str
    name: str
    why: dict[str, str]


class ReasonView(msgspec.Struct, frozen=True):
    """A right that narrows a clause."""

    clause: str
    right: str
    subject: str
    why: dict[str, str]


class WideOffer(msgspec.Struct, frozen=True):
    """An offer whose terms are wider than the rights: it is off sale, or cannot come on it. A narrower version can."""

    offer: str
    clauses: str
    why: dict[str, str]


class RightsPage(msgspec.Struct, frozen=True):
    """How the chain of a dataset stands; without a chain nothing is refused, and `missing` says that there is none."""

    dataset: str
    live: int
    may_pass_on: Limits | None
    reasons: list[ReasonView]
    missing: list[MissingView]
    missing_count: int
    keeps_out: list[str]
    offers_too_wide: list[WideOffer]


@dataclass(frozen=True, slots=True)
class PublicRights:
    """What everybody may know of the chain behind a listing; None where there is none."""

    dataset_id: UUID
    document: dict[str, Any] | None
    changed_at: datetime | None


async def show_rights(tx: Tx, actor: Actor, dataset_id: UUID) -> RightsPage | None:
    """The chain of one of the actor's datasets; None for a foreign one."""
    dataset = await portal.own_dataset(tx, actor, dataset_id)
    if dataset is None:
        return None
    rights = await chain_store.rights_of(tx, dataset_id)
    name = ids.text("ds", dataset_id)
    if not rights:
        return RightsPage(name, 0, None, [], [MissingView("chain", name, NO_CHAIN.map())], 1, [], [])
    declared = await judged(tx, dataset_id, rights)
    missing = [MissingView(one.what, one.name, one.why.map()) for one in declared.missing]
    live = [one.draft.covers for one in rights if one.live(tx.now)]
    if any(one.by_record for one in live) and not any(one.whole for one in live):
        missing.append(MissingView("records", name, _RECORDS.map()))
    return RightsPage(
        dataset=name,
        live=declared.live,
        may_pass_on=Limits(**limits_of(declared)),
        reasons=[
            ReasonView(one.clause, ids.text("rgt", one.right_id), one.subject_id, one.text.map())
            for one in declared.reasons[:_SHOWN_MAX]
        ],
        missing=missing[:_SHOWN_MAX],
        missing_count=len(missing),
        keeps_out=[ids.text("rgt", one.id) for one in chain.blocking(rights, tx.now)[:_SHOWN_MAX]],
        offers_too_wide=await _too_wide(tx, declared, dataset_id),
    )


async def _too_wide(tx: Tx, declared: Declared, dataset_id: UUID) -> list[WideOffer]:
    found = []
    for one in await contents.offers_of(tx, dataset_id):
        problem = too_wide(declared, [msgspec.json.decode(one.document)["terms"]])
        if problem is not None:
            why = problem.fields["why"]
            assert isinstance(why, Text)
            found.append(WideOffer(ids.text("ofr", one.id), str(problem.fields["clause"]), why.map()))
    return found


async def public_rights(tx: Tx, listing_id: UUID) -> PublicRights | None:
    """What everybody may know of the chain behind a published listing; None for other listings."""
    shelf = await public.shelf(tx, listing_id)
    if shelf is None:
        return None
    found = await chain_store.summary(tx, shelf.dataset.id)
    return PublicRights(shelf.dataset.id, *(found or (None, None)))
