"""Export the audit log: ask, make in bounded chunks, hand over."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import replace
from typing import BinaryIO, Literal
from uuid import UUID

import msgspec

from compliance import export_store, notes, store, tiles, tree_store
from compliance.directives import REGULATOR
from compliance.entries import Entry, moment
from compliance.exports import BundleFacts, BundleReport, Earlier, Item, write_bundle
from compliance.problems import EXPORT_SCOPE, NO_CHECKPOINT
from compliance.scopes import Scope, pinned
from exchange.kernel import ids, jobs, merkle
from exchange.kernel.actor import Actor
from exchange.kernel.canonical import digest
from exchange.kernel.db import Database, Tx
from exchange.kernel.errors import NOT_FOUND, Problem
from exchange.kernel.jobs import Job

JOB = "export_audit"
CHUNK = 1000
SEES_ALL = frozenset({REGULATOR, "operator"})
Progress = Callable[[int, int | None], Awaitable[None]]


class ExportReceipt(msgspec.Struct, frozen=True):
    """What a requester gets at once; the rest is asked for by id."""

    id: str
    state: Literal["requested"]
    checkpoint_size: int


async def request(
    tx: Tx, actor: Actor, scope: Scope, *, earlier_size: int | None = None, legal_basis: str | None = None
) -> ExportReceipt | Problem:
    """Ask for an export over the log as it is now; whoever is no regulator gets what concerns its organisation.

    errors   answers NO_CHECKPOINT, EXPORT_SCOPE
    """
    note = await tree_store.checkpoint(tx, scope.node_id)
    if note is None:
        return NO_CHECKPOINT()
    size = notes.parse_checkpoint(notes.parse_note(note).text).size
    if not actor.roles & SEES_ALL:
        scope = replace(scope, organisation_id=actor.organisation_id)
    fixed = pinned(scope, size)
    if isinstance(fixed, Problem):
        return fixed
    if earlier_size is not None and await tree_store.checkpoint(tx, scope.node_id, earlier_size) is None:
        return EXPORT_SCOPE(reason=f"no checkpoint of {earlier_size} entries was signed")
    export_id = tx.new_id()
    name = ids.text("exp", export_id)
    await export_store.put_export(tx, export_id, actor, fixed, size, earlier_size, legal_basis)
    await store.append(
        tx, [_entry(actor.organisation_id, actor.client_id, "export.request", name, digest(fixed.to_wire()))]
    )
    await jobs.put(tx, Job(JOB, name, {"export": name}, organisation_id=actor.organisation_id))
    return ExportReceipt(name, "requested", size)


async def make(
    db: Database,
    export_id: UUID,
    signer: notes.Ed25519Signer,
    out: BinaryIO,
    progress: Progress,
    *,
    vkeys: Sequence[str] = (),
    chunk: int = CHUNK,
) -> BundleReport | Problem:
    """Write the bundle of an export into `out`: many short transactions, memory that stays flat.

    Made again from the start, it is the same to the byte. `out` is a seekable file of the caller's.
    """
    facts = await db.run(lambda tx: _facts(tx, export_id, signer.name))
    if isinstance(facts, Problem):
        return facts
    return await write_bundle(_items(db, export_id, facts, progress, chunk), facts, signer, out, vkeys)


async def finish(tx: Tx, export_id: UUID, report: BundleReport, file_key: str) -> bool:
    """Record where the bundle lies; False if that is known already."""
    export = await export_store.find_export(tx, export_id)
    if export is None or not await export_store.end_export(
        tx, export_id, file_key, report.sha256, report.size_bytes, report.entries
    ):
        return False
    name = ids.text("exp", export_id)
    await store.append(tx, [_entry(export.requested_by, None, "export.done", name, report.sha256)])
    return True


async def _facts(tx: Tx, export_id: UUID, origin: str) -> BundleFacts | Problem:
    export = await export_store.find_export(tx, export_id)
    if export is None:
        return NOT_FOUND()
    node = export.scope.node_id
    note = await tree_store.checkpoint(tx, node, export.size)
    assert note is not None, "an export is asked for at a checkpoint's size"
    earlier = None
    if export.earlier_size is not None:
        old = await tree_store.checkpoint(tx, node, export.earlier_size)
        hashes = await tree_store.consistency(tx, export.earlier_size, export.size, node)
        assert old is not None
        assert hashes is not None
        earlier = Earlier(old, tuple(hashes))
    checkpoint = notes.parse_checkpoint(notes.parse_note(note).text)
    assert checkpoint.origin == origin, "the signer is of another log"
    return BundleFacts(
        export_id=ids.text("exp", export_id),
        requested_by=ids.text("org", export.requested_by),
        requested_at=moment(export.created_at),
        scope=export.scope,
        checkpoint=checkpoint,
        note=note,
        legal_basis=export.legal_basis,
        earlier=earlier,
    )


async def _items(
    db: Database, export_id: UUID, facts: BundleFacts, progress: Progress, chunk: int
) -> AsyncIterator[Item]:
    """Read the leaves in chunks, each with the tiles that prove it: three statements per chunk."""
    scope, size, done = facts.scope, facts.checkpoint.size, 0
    at = scope.from_index

    async def read(tx: Tx) -> tuple[list[tuple[int, bytes]], tiles.Tiles]:
        leaves = await export_store.scoped(tx, scope, at, chunk)
        places = tiles.places_for_inclusion((index for index, _ in leaves), size)
        tree = await tree_store.tree(tx, places, scope.node_id)
        await export_store.move_export(tx, export_id, done + len(leaves), leaves[-1][0] + 1 if leaves else at)
        return leaves, tree

    while True:
        leaves, tree = await db.run(read)
        for index, envelope in leaves:
            yield Item(index, envelope, tuple(merkle.inclusion_proof(index, size, tree.node)))
        done += len(leaves)
        await progress(done, None)
        if len(leaves) < chunk:
            return
        at = leaves[-1][0] + 1


def _entry(organisation_id: UUID, client_id: UUID | None, action: str, name: str, sha256: bytes) -> Entry:
    kind = "scope" if action == "export.request" else "bundle"
    return Entry(
        action=action,
        organisation_id=organisation_id,
        client_id=client_id,
        object_id=name,
        digests={kind: sha256},
    )
