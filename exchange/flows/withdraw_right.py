"""A right ends: its holder withdraws it through the supplier, or its time is over. What follows is the same."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

import msgspec

from compliance import store as audit
from compliance.entries import Entry
from contracts import chain, chain_store
from contracts.chain import MOVES, Asks, RightState
from contracts.chain_problems import RIGHT_ENDED
from exchange.catalog.datasets import Dataset
from exchange.catalog.store import datasets
from exchange.flows.chain_of_rights import apply_rights
from exchange.flows.once import done
from exchange.flows.trace_rights import EXPIRED, job, mark_files, tell
from exchange.kernel import ids, jobs
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.errors import NOT_FOUND, Problem


class RightReceipt(msgspec.Struct, frozen=True):
    """A right that ended; `told` buyers know at once, more may follow when its records have been searched for."""

    right: str
    dataset: str
    state: str
    told: int


async def withdraw_right(
    tx: Tx, actor: Actor, dataset_id: UUID, right_id: UUID, asks: Asks, reason: Mapping[str, str]
) -> RightReceipt | Problem:
    """Note that a right was withdrawn: its data stays out of every new revision, and holders of grants are told.

    errors   answers not-found, right-ended
    """
    dataset = await datasets.lock_dataset(tx, dataset_id)
    if dataset is None or dataset.supplier_id != actor.organisation_id:
        return NOT_FOUND()
    right = await chain_store.find(tx, right_id)
    if right is None or right.dataset_id != dataset.id:
        return NOT_FOUND()
    name = ids.text("rgt", right.id)
    if RightState.WITHDRAWN not in MOVES[right.state]:
        return RIGHT_ENDED(right=name, state=right.state.value)
    await chain_store.end(tx, [right], RightState.WITHDRAWN, asks, reason)
    told = await follow(tx, dataset, ids.text("rgt", right.id))
    await audit.append(tx, [done(actor, "right.withdraw", name, document=right.draft.sha256)])
    return RightReceipt(name, ids.text("ds", dataset.id), RightState.WITHDRAWN.value, told)


async def expire_rights(tx: Tx) -> int:
    """Note which rights have run out, of a bounded number of datasets; how many datasets there were."""
    due = await chain_store.due(tx)
    for dataset_id in sorted(due):
        dataset = await datasets.lock_dataset(tx, dataset_id)
        assert dataset is not None
        rights = await chain_store.rights_of(tx, dataset_id)
        over = [
            one for one in rights if one.state is RightState.DECLARED and one.state_at(tx.now) is RightState.EXPIRED
        ]
        if not over:
            continue
        await chain_store.end(tx, over, RightState.EXPIRED, Asks.STOP, EXPIRED)
        await follow(tx, dataset, tx.now.isoformat())
        entry = Entry(
            action="rights.expire",
            organisation_id=None,
            object_id=ids.text("ds", dataset_id),
            concerns=(dataset.supplier_id,),
        )
        await audit.append(tx, [entry])
    return len(due)


async def queue_searches(tx: Tx) -> None:
    """Have datasets that rights keep something out of looked at once an hour: grants that are younger are told too."""
    hour = tx.now.strftime("%Y%m%d%H")
    found = [await datasets.find_dataset(tx, one) for one in await chain_store.ended_datasets(tx)]
    await jobs.put(tx, *[job(one, hour) for one in found if one is not None])


async def follow(tx: Tx, dataset: Dataset, why: str) -> int:
    """What follows from rights that ended: contents are marked, holders told, records searched for by a job."""
    ended = chain.blocking(await chain_store.rights_of(tx, dataset.id), tx.now)
    await mark_files(tx, dataset, ended)
    told = await tell(tx, dataset)
    if told.more or any(one.draft.covers.by_record for one in ended):
        await jobs.put(tx, job(dataset, why))
    await apply_rights(tx, dataset)
    return told.buyers
