"""A supplier declares rights of a dataset: a few at once, or a file of many by a job."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

import msgspec

from compliance import store as audit
from compliance.entries import Entry
from contracts import chain, chain_form, chain_import, chain_store
from contracts.chain import RightDraft
from contracts.chain_import import Mistake, OnixWish
from contracts.chain_problems import RIGHT_FIELD, RIGHTS_TOO_MANY
from exchange.catalog.datasets import Dataset
from exchange.catalog.store import contents, datasets
from exchange.flows.chain_of_rights import apply_rights
from exchange.flows.once import done
from exchange.flows.trace_rights import Progress
from exchange.kernel import ids, jobs
from exchange.kernel.actor import Actor
from exchange.kernel.canonical import sha256
from exchange.kernel.db import Database, Tx
from exchange.kernel.errors import NOT_FOUND, Problem
from exchange.kernel.jobs import Job

KIND = "import_rights"
RIGHTS_MAX = 50_000
AT_ONCE_MAX = 1_000
_CHUNK = 500


class RightsReceipt(msgspec.Struct, frozen=True):
    """What became of declared rights, in their order; `known` ones were there already, byte for byte.

    `notes` say which of them cover files that no revision has.
    """

    dataset: str
    added: int
    known: int
    rights: list[str]
    notes: list[dict[str, str]] = []


class ImportReceipt(msgspec.Struct, frozen=True):
    """A file of rights: read whole and found right. Where `job` is named, it writes them; else they are written."""

    dataset: str
    sha256: str
    found: int
    added: int
    known: int
    job: str | None


@dataclass(frozen=True, slots=True)
class RightsFile:
    """A file of rights that was read and has no mistakes."""

    format: str
    content: bytes
    wish: OnixWish
    drafts: Sequence[RightDraft]

    @property
    def large(self) -> bool:
        """Whether a job has to write it."""
        return len(self.drafts) > AT_ONCE_MAX


def understand(documents: Sequence[object]) -> list[RightDraft] | Problem:
    """Read rights as the API takes them, or name the first field that is wrong."""
    drafts: list[RightDraft] = []
    for number, document in enumerate(documents, start=1):
        read = chain_form.parse(document)
        if isinstance(read, list):
            return RIGHT_FIELD(number=number, field=read[0].field, why=read[0].why)
        drafts.append(read)
    return drafts


def read_file(form: str, content: bytes, wish: OnixWish) -> RightsFile | Problem:
    """Read a file of rights whole, or name its mistakes by their lines."""
    read = chain_import.read_onix(content, wish) if form == "onix" else chain_import.read_csv(content)
    mistakes = [one for one in read if isinstance(one, Mistake)]
    if mistakes:
        return chain_import.refusal(mistakes)
    return RightsFile(form, content, wish, [one for one in read if isinstance(one, RightDraft)])


async def declare_rights(
    tx: Tx, actor: Actor, dataset_id: UUID, drafts: Sequence[RightDraft]
) -> RightsReceipt | Problem:
    """Write rights of one of the actor's datasets; what is there already changes nothing.

    errors   answers not-found, rights-too-many
    """
    dataset = await _own(tx, actor, dataset_id)
    if isinstance(dataset, Problem):
        return dataset
    if problem := await _refuse_many(tx, dataset, drafts):
        return problem
    found, new = await chain_store.insert_rights(tx, dataset.id, dataset.supplier_id, drafts)
    await apply_rights(tx, dataset)
    name = ids.text("ds", dataset.id)
    declared = sha256(b"".join(one.sha256 for one in drafts))
    await audit.append(tx, [done(actor, "rights.declare", name, declared=declared)])
    paths = {one.path for one in await contents.contents_of(tx, dataset_id)}
    notes = [
        chain.no_such_file(one.covers).map()
        for one in drafts
        if one.covers.assets and not any(map(one.covers.takes, paths))
    ]
    return RightsReceipt(name, len(new), len(found) - len(new), [ids.text("rgt", one) for one in found], notes)


async def import_rights(tx: Tx, actor: Actor, dataset_id: UUID, file: RightsFile) -> ImportReceipt | Problem:
    """Write the rights of a file at once, or queue the job that does where there are many.

    errors   answers not-found, rights-too-many
    """
    dataset = await _own(tx, actor, dataset_id)
    if isinstance(dataset, Problem):
        return dataset
    if problem := await _refuse_many(tx, dataset, file.drafts):
        return problem
    digest, name, added, job = sha256(file.content), ids.text("ds", dataset.id), 0, None
    if file.large:
        job_id = tx.new_id()
        payload = {
            "dataset": name,
            "organisation": ids.text("org", actor.organisation_id),
            "format": file.format,
            "sha256": digest.hex(),
            "size_bytes": len(file.content),
            "wish": msgspec.to_builtins(file.wish),
        }
        # A key of its own: the same file again is another run, which finds all its rights known.
        await jobs.put(tx, Job(KIND, f"{name}:{job_id}", payload, organisation_id=actor.organisation_id, id=job_id))
        job = ids.text("job", job_id)
    else:
        _, new = await chain_store.insert_rights(tx, dataset.id, dataset.supplier_id, file.drafts)
        added = len(new)
        await apply_rights(tx, dataset)
    await audit.append(tx, [done(actor, "rights.import", name, file=digest)])
    found = len(file.drafts)
    return ImportReceipt(name, digest.hex(), found, added, 0 if job else found - added, job)


async def write_file(db: Database, dataset_id: UUID, file: RightsFile, progress: Progress) -> dict[str, Any] | Problem:
    """Write the rights of a large file part by part; a second run goes on where the first one stopped.

    errors   answers not-found, rights-too-many; raises what `progress` raises
    """
    added, total = 0, len(file.drafts)
    for start in range(0, total, _CHUNK):
        written = await db.run(partial(_write, dataset_id=dataset_id, drafts=file.drafts[start : start + _CHUNK]))
        if isinstance(written, Problem):
            return written
        added += written
        await progress(min(start + _CHUNK, total), total)
    await db.run(partial(_finish, dataset_id=dataset_id, digest=sha256(file.content)))
    return {"dataset": ids.text("ds", dataset_id), "found": total, "added": added, "known": total - added}


async def _write(tx: Tx, dataset_id: UUID, drafts: Sequence[RightDraft]) -> int | Problem:
    dataset = await datasets.lock_dataset(tx, dataset_id)
    if dataset is None:
        return NOT_FOUND()
    if problem := await _refuse_many(tx, dataset, drafts):
        return problem
    _, new = await chain_store.insert_rights(tx, dataset.id, dataset.supplier_id, drafts)
    return len(new)


async def _finish(tx: Tx, dataset_id: UUID, digest: bytes) -> None:
    dataset = await datasets.lock_dataset(tx, dataset_id)
    assert dataset is not None
    await apply_rights(tx, dataset)
    entry = Entry(
        action="rights.imported",
        organisation_id=None,
        object_id=ids.text("ds", dataset_id),
        digests={"file": digest},
        concerns=(dataset.supplier_id,),
    )
    await audit.append(tx, [entry])


async def _own(tx: Tx, actor: Actor, dataset_id: UUID) -> Dataset | Problem:
    dataset = await datasets.lock_dataset(tx, dataset_id)
    return NOT_FOUND() if dataset is None or dataset.supplier_id != actor.organisation_id else dataset


async def _refuse_many(tx: Tx, dataset: Dataset, drafts: Sequence[RightDraft]) -> Problem | None:
    there = await chain_store.count(tx, dataset.id)
    if there + len(drafts) <= RIGHTS_MAX:
        return None
    # Those that are there already are counted only where it matters.
    known = await chain_store.known(tx, dataset.id, drafts)
    return RIGHTS_TOO_MANY(limit=RIGHTS_MAX, there=there) if there + len(drafts) - known > RIGHTS_MAX else None
