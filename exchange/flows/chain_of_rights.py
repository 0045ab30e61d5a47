"""What the chain of rights of a dataset lets others do: seal, offer, publish; and what everybody may know of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

import msgspec

from compliance import store as audit
from compliance.entries import Entry
from contracts import chain, chain_store, terms
from contracts.chain import Blocked, Declared, Right, RightState
from contracts.chain_problems import RIGHTS_BLOCK, RIGHTS_UNSEARCHED
from contracts.terms import Terms
from exchange.catalog.datasets import Dataset
from exchange.catalog.offers import OfferForSale
from exchange.catalog.revisions import Asset
from exchange.catalog.store import contents, datasets
from exchange.catalog.store.exclusive import take_off
from exchange.kernel import ids
from exchange.kernel.db import Tx
from exchange.kernel.errors import Problem
from exchange.kernel.text import Text

SHOWN_MAX = 50
NO_CHAIN = Text(
    "No chain of rights is declared for this dataset: by which rights it is offered is missing.",
    "该数据集未声明权利链：其提供所依据的权利缺失。",
)
_MISSING = Text(
    "Parts of the chain of rights are missing: {count}.",
    "权利链存在缺失：{count}。",
)


async def refuse_blocked(tx: Tx, dataset: Dataset, files: Sequence[Asset], *, searched: bool) -> Problem | None:
    """Why a revision of these files may not be, because of rights that ended; with `searched` also while nobody knows yet."""
    if not await chain_store.any_ended(tx, dataset.id):
        return None
    ended = chain.blocking(await chain_store.rights_of(tx, dataset.id), tx.now)
    if not ended:
        return None
    found, waiting = await kept_out(tx, dataset, ended, files)
    if found:
        return _refusal(found)
    return RIGHTS_UNSEARCHED(count=waiting) if searched and waiting else None


async def kept_out(
    tx: Tx, dataset: Dataset, ended: Sequence[Right], files: Sequence[Asset]
) -> tuple[list[Blocked], int]:
    """What ended rights keep out of these files, and in how many of them nobody has looked yet."""
    contents = [one.sha256 for one in files]
    traces = await chain_store.traces_of(tx, dataset.id, ended, contents)
    found = chain.blocked([(one.path, one.sha256) for one in files], ended, traces)
    return found, len({sha256 for _, sha256 in chain.untraced(contents, ended, traces)})


async def refuse_wider(tx: Tx, dataset_id: UUID, documents: Sequence[object]) -> Problem | None:
    """Why terms give more than the dataset's chain of rights allows, or None; also where there is no chain."""
    declared = await declared_now(tx, dataset_id)
    return None if declared is None else too_wide(declared, documents)


async def declared_now(tx: Tx, dataset_id: UUID) -> Declared | None:
    """What may be passed on of a dataset's newest revision now, or None where it has no chain of rights."""
    rights = await chain_store.rights_of(tx, dataset_id)
    return await judged(tx, dataset_id, rights) if rights else None


async def judged(tx: Tx, dataset_id: UUID, rights: Sequence[Right]) -> Declared:
    """What these rights let pass on of a dataset's newest revision; files of its older ones are known, too."""
    latest = await datasets.latest_revision(tx, dataset_id)
    files = [one.path for one in latest.assets] if latest else []
    return chain.effective(rights, tx.now, files, {one.path for one in await contents.contents_of(tx, dataset_id)})


def too_wide(declared: Declared, documents: Sequence[object]) -> Problem | None:
    """Why terms documents give more than was declared, or None."""
    understood = [one for one in map(terms.parse, documents) if isinstance(one, Terms)]
    return chain.joined([problem for one in understood for problem in chain.wider(one, declared)])


def notes_of(declared: Declared | None) -> list[Text]:
    """What a supplier should know of the chain at publication, though it stops nothing."""
    if declared is None:
        return [NO_CHAIN]
    if not declared.missing:
        return []
    counts = Counter(one.what for one in declared.missing)
    told = ", ".join(f"{what} {count}" for what, count in sorted(counts.items()))
    return [Text(_MISSING.en.format(count=told), _MISSING.zh.format(count=told))]


async def apply_rights(tx: Tx, dataset: Dataset) -> None:
    """Let what a chain allows now hold: its public summary is written anew, wider offers leave the shelf. The dataset is held."""
    rights = await chain_store.rights_of(tx, dataset.id)
    if not rights:
        return
    declared = await judged(tx, dataset.id, rights)
    await chain_store.put_summary(tx, dataset.id, dataset.supplier_id, summary_of(rights, declared))
    await clear_shelf(tx, dataset.id, dataset.supplier_id, declared)


async def clear_shelf(tx: Tx, dataset_id: UUID, supplier_id: UUID, declared: Declared) -> None:
    """Take offers off sale whose terms have become wider than the rights; those of drafts are refused at publication."""
    there = await contents.offers_on_sale(tx, dataset_id)
    gone = await take_off(tx, [one.id for one in there if too_wide(declared, [_terms_of(one.document)])])
    await audit.append(
        tx,
        [
            Entry(
                action="offer.too-wide",
                organisation_id=None,
                object_id=ids.text("ofr", offer_id),
                concerns=(supplier_id,),
            )
            for offer_id in gone
        ],
    )


async def narrowed(tx: Tx, offers: Iterable[OfferForSale]) -> frozenset[UUID]:
    """Which of these offers give more than the rights allow now; asked for what a quote binds though it left the shelf."""
    found = set()
    for one in offers:
        if await refuse_wider(tx, one.dataset_id, [_terms_of(one.document)]):
            found.add(one.offer_id)
    return frozenset(found)


def _terms_of(document: bytes) -> object:
    return msgspec.json.decode(document)["terms"]


def summary_of(rights: Sequence[Right], declared: Declared) -> dict[str, Any]:
    """The numbers and limits of a chain: no holder, no work."""
    states = Counter(one.state_at(declared.at).value for one in rights)
    live = [one for one in rights if one.live(declared.at)]
    return {
        "rights": {state.value: states[state.value] for state in RightState},
        "subjects": dict(Counter(one.draft.subject.value for one in live)),
        "kinds": dict(Counter(one.draft.kind.value for one in live)),
        "missing": dict(Counter(one.what for one in declared.missing)),
        **limits_of(declared),
    }


def limits_of(declared: Declared) -> dict[str, Any]:
    """What may be passed on, as JSON."""
    return {
        "purposes": sorted(declared.purposes),
        "territory": "*" if declared.territory is None else sorted(declared.territory),
        "until": None if declared.until is None else declared.until.isoformat().replace("+00:00", "Z"),
        "commercial": declared.commercial,
        "redistribution": declared.redistribution,
    }


def _refusal(found: Sequence[Blocked]) -> Problem:
    listed = [
        {
            "path": one.path,
            "right": ids.text("rgt", one.right.id),
            "subject": one.right.draft.subject_id,
            "whole": one.whole,
            "records": one.records,
            "examples": list(one.examples),
        }
        for one in found[:SHOWN_MAX]
    ]
    what = ", ".join(
        one.path if one.whole else f"{one.path} ({one.records}: {', '.join(one.examples[:5])})" for one in found[:5]
    )
    return RIGHTS_BLOCK(count=len(found), what=what, blocked=listed)
