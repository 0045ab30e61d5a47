"""Find what ended rights cover in the files of a dataset, and tell the holders of live grants: a job's steps."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any, Protocol
from uuid import UUID

from compliance import store as audit
from compliance.entries import Entry
from contracts import chain, chain_store
from contracts.chain import Asks, Blocked, Right, Trace
from contracts.chain_search import Finder
from contracts.chain_store import Notice
from exchange.access.store.holders import Holder, holders_of
from exchange.catalog.datasets import Dataset
from exchange.catalog.revisions import Asset
from exchange.catalog.store import contents, datasets
from exchange.flows.chain_of_rights import SHOWN_MAX, kept_out
from exchange.kernel import ids
from exchange.kernel.canonical import canonical
from exchange.kernel.db import Database, Tx
from exchange.kernel.errors import NOT_FOUND, Problem
from exchange.kernel.jobs import Job
from exchange.kernel.text import Text

KIND = "trace_rights"
REPORT_EVERY_BYTES = 8 * 1024 * 1024
_CONCERNED_MAX = 200
AT_ONCE_MAX = 2_000
Progress = Callable[[int, int], Awaitable[None]]
_TO_DO = {
    Asks.DELETE: Text(
        "Stop using what is named here, delete it from all your copies, and take the next revision. Your agreement says what "
        "else follows; keep a proof of the deletion.",
        "请停止使用所列内容，从全部副本中删除，并改用下一版本。其他后果见合约；请保留删除证明。",
    ),
    Asks.STOP: Text(
        "Begin no new use of what is named here, and take the next revision. What your agreement says about results that exist "
        "already stays in force.",
        "请勿再对所列内容进行新的使用，并改用下一版本。合约中关于已有成果的约定继续有效。",
    ),
}


class Bytes(Protocol):
    """Something that streams a blob's bytes (kernel.files.FileStore does)."""

    def open_range(self, sha256: bytes, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """The blob's bytes from `start`, a chunk at a time."""
        ...


@dataclass(frozen=True, slots=True)
class Search:
    """Rights by record of a dataset, and the contents in which nobody has looked for them."""

    dataset: Dataset
    rights: tuple[Right, ...]
    files: tuple[Asset, ...]


@dataclass(frozen=True, slots=True)
class Told:
    """How many buyers were told now, and whether there are more to tell."""

    buyers: int
    more: bool


def job(dataset: Dataset, why: str) -> Job:
    """The job that searches a dataset and tells holders; put twice for the same reason, it runs once."""
    name = ids.text("ds", dataset.id)
    return Job(KIND, f"{name}:{why}", {"dataset": name}, organisation_id=dataset.supplier_id)


async def trace_rights(db: Database, source: Bytes, dataset_id: UUID, progress: Progress) -> dict[str, Any] | Problem:
    """Search with no transaction open, keep what each file showed, then tell whom it concerns.

    errors   answers NOT_FOUND; raises what `source` and `progress` raise
    """
    search = await db.run(partial(load, dataset_id=dataset_id))
    if search is None:
        return NOT_FOUND()
    done, total = 0, sum(one.size_bytes for one in search.files)
    for file in search.files:
        finder = Finder(file.path, file.media_type, search.rights)
        reported = done
        # A file without named fields shows nothing of its records, and is not read.
        async for chunk in source.open_range(file.sha256, 0, None if finder.reads else 0):
            await asyncio.to_thread(finder.feed, chunk)
            done += len(chunk)
            if done - reported >= REPORT_EVERY_BYTES:
                reported = done
                await progress(done, total)
        traces = await asyncio.to_thread(finder.finish, file.sha256)
        await db.run(partial(_keep, dataset=search.dataset, traces=traces))
        await progress(done, total)
    told, more = 0, True
    while more:
        at = await db.run(partial(tell, dataset=search.dataset))
        told, more = told + at.buyers, at.more
    return {"dataset": ids.text("ds", dataset_id), "files": len(search.files), "told": told}


async def load(tx: Tx, dataset_id: UUID) -> Search | None:
    """What is to be searched; what paths alone decide is kept at once."""
    dataset = await datasets.find_dataset(tx, dataset_id)
    if dataset is None:
        return None
    ended = chain.blocking(await chain_store.rights_of(tx, dataset_id), tx.now)
    files = await mark_files(tx, dataset, ended)
    traces = await chain_store.traces_of(tx, dataset_id, ended, [one.sha256 for one in files])
    # By content: files that several revisions share, or that two paths name, are read once.
    wanted = {sha256 for _, sha256 in chain.untraced([one.sha256 for one in files], ended, traces)}
    unique = {one.sha256: one for one in files if one.sha256 in wanted}
    return Search(dataset, tuple(one for one in ended if one.draft.covers.by_record), tuple(unique.values()))


async def mark_files(tx: Tx, dataset: Dataset, ended: Sequence[Right]) -> list[Asset]:
    """Keep the contents of files that ended rights cover by path, so that another name does not bring them back."""
    files = await contents.contents_of(tx, dataset.id) if ended else []
    marked = [
        Trace(right.id, one.sha256, whole=True, records=0)
        for right in ended
        if not right.draft.covers.by_record
        for one in {file.sha256: file for file in files if right.draft.covers.takes(file.path)}.values()
    ]
    await chain_store.insert_traces(tx, dataset.id, dataset.supplier_id, marked)
    return files


async def tell(tx: Tx, dataset: Dataset) -> Told:
    """Tell holders of live grants what ended rights cover in their revision, once, a bounded number at a time."""
    ended = chain.blocking(await chain_store.rights_of(tx, dataset.id), tx.now)
    holders: dict[UUID, list[Holder]] = {}
    for holder in await holders_of(tx, dataset.id) if ended else ():
        holders.setdefault(holder.revision_id, []).append(holder)
    notices: list[Notice] = []
    for revision_id, of_revision in holders.items():
        notices += await _of_revision(tx, dataset, ended, revision_id, of_revision)
        if len(notices) > AT_ONCE_MAX:
            break
    buyers = await chain_store.insert_notices(tx, dataset.id, notices[:AT_ONCE_MAX])
    name = ids.text("ds", dataset.id)
    await audit.append(
        tx,
        [
            Entry(action="rights.told", organisation_id=None, object_id=name, concerns=(dataset.supplier_id, *part))
            for part in (buyers[n : n + _CONCERNED_MAX] for n in range(0, len(buyers), _CONCERNED_MAX))
        ],
    )
    return Told(len(buyers), more=len(notices) > AT_ONCE_MAX)


async def _of_revision(
    tx: Tx, dataset: Dataset, ended: Sequence[Right], revision_id: UUID, holders: Sequence[Holder]
) -> list[Notice]:
    """What the holders of one revision have not been told yet; at most one notice more than is told at once."""
    files = [one.asset for one in await datasets.assets_of(tx, revision_id)]
    found, _ = await kept_out(tx, dataset, ended, files)
    by_right: dict[UUID, list[Blocked]] = {}
    for one in found:
        by_right.setdefault(one.right.id, []).append(one)
    known = await chain_store.told_pairs(tx, dataset.id, [one.grant_id for one in holders]) if found else set()
    wanted = (
        (holder, parts)
        for right_id, parts in by_right.items()
        for holder in holders
        if (right_id, holder.grant_id) not in known
    )
    return [_notice(tx, dataset, holder, parts) for holder, parts in islice(wanted, AT_ONCE_MAX + 1)]


def _notice(tx: Tx, dataset: Dataset, holder: Holder, parts: Sequence[Blocked]) -> Notice:
    right = parts[0].right
    asks = right.asks or Asks.STOP
    whole = [one.path for one in parts if one.whole]
    document = {
        "type": "rights-notice",
        "v": 1,
        "dataset": ids.text("ds", dataset.id),
        "revision": ids.text("rev", holder.revision_id),
        "grant": ids.text("grt", holder.grant_id),
        "right": {"right": ids.text("rgt", right.id), **chain.sides(right)},
        "state": right.state_at(tx.now).value,
        "asks": asks.value,
        "reason": dict(right.reason or EXPIRED),
        "files": whole[:SHOWN_MAX],
        "files_count": len(whole),
        "records": [
            {"path": one.path, "count": one.records, "examples": list(one.examples)} for one in parts if not one.whole
        ][:SHOWN_MAX],
        "records_count": sum(one.records for one in parts),
        "what_to_do": _TO_DO[asks].map(),
    }
    return Notice(
        id=tx.new_id(),
        right_id=right.id,
        grant_id=holder.grant_id,
        dataset_id=dataset.id,
        revision_id=holder.revision_id,
        buyer_id=holder.buyer_id,
        seller_id=holder.seller_id,
        document=canonical(document),
        created_at=tx.now,
    )


EXPIRED = Text("The right has run out.", "权利期限已届满。").map()


async def _keep(tx: Tx, dataset: Dataset, traces: Sequence[Trace]) -> None:
    await chain_store.insert_traces(tx, dataset.id, dataset.supplier_id, traces)
