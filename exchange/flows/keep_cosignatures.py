"""Keep what witnesses answered: cosignatures, how each stands, and the first fault of each kind with its evidence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from uuid import UUID

from compliance import store as audit
from compliance import tiles, tree_store, witness_store
from compliance.entries import CENTRE, Entry
from compliance.watched import EVIDENCE_BYTES_MAX, INNOCENT, Fault, Observed
from compliance.witness_store import FaultRow, WitnessRow
from exchange.kernel import ids, merkle
from exchange.kernel.db import Tx


@dataclass(frozen=True, slots=True)
class Unwitnessed:
    """The newest checkpoint, and the witnesses that have not cosigned it."""

    note: bytes
    size: int
    witnesses: tuple[WitnessRow, ...]


async def next_to_witness(tx: Tx, *, node_id: str = CENTRE) -> Unwitnessed | None:
    """The newest checkpoint with those who are still to be asked; None where there is nobody or nothing to ask."""
    witnesses = await witness_store.active(tx)
    note = await tree_store.checkpoint(tx, node_id) if witnesses else None
    if note is None:
        return None
    size = witness_store.size_of(note)
    done = await witness_store.cosigners(tx, size, node_id)
    return Unwitnessed(note, size, tuple(one for one in witnesses if one.id not in done))


async def keep_cosignatures(
    tx: Tx, observed: Sequence[Observed], known: Mapping[UUID, WitnessRow], *, node_id: str = CENTRE
) -> list[Observed]:
    """Record a round of exchanges; what each came to, seen beside the log as it stands now.

    A fault is an entry of the log once for each witness and kind: an entry for every repetition would make the log grow by
    being watched.
    """
    settled = [await _settled(tx, one, node_id) for one in observed]
    for size in {one.size for one in settled}:
        signed = {one.witness: one.line.signature for one in settled if one.line is not None and one.size == size}
        await witness_store.put_cosignatures(tx, size, signed, node_id)
    for one in settled:
        before = known[one.witness]
        if one.line is not None or one.fault != before.fault:
            await witness_store.move_witness(tx, one.witness, one.size if one.line is not None else None, one.fault)
    await _record_faults(tx, [one for one in settled if one.fault is not None and one.fault not in INNOCENT], node_id)
    return settled


async def _record_faults(tx: Tx, caught: Sequence[Observed], node_id: str) -> None:
    entries = []
    for one in caught:
        evidence, kind = one.evidence[:EVIDENCE_BYTES_MAX], str(one.fault)
        row = FaultRow(tx.new_id(), one.witness, kind, one.size, evidence, tx.now)
        if await witness_store.put_fault(tx, row):
            name, digest = ids.text("wit", one.witness), sha256(evidence).digest()
            entries.append(
                Entry(
                    action="witness.fault",
                    organisation_id=None,
                    object_id=name,
                    object_version=kind,
                    digests={"evidence": digest},
                    node_id=node_id,
                )
            )
    await audit.append(tx, entries)


async def _settled(tx: Tx, one: Observed, node_id: str) -> Observed:
    """Ask the log again: while the witness answered, another process may have let it grow."""
    if one.shown is None and one.fault is not Fault.CLAIMS_MORE:
        return one
    newest = await tree_store.checkpoint(tx, node_id)
    size = 0 if newest is None else witness_store.size_of(newest)
    innocent = replace(one, fault=None, evidence=b"")
    if one.shown is None:
        return innocent if one.claimed is not None and one.claimed <= size else one
    if one.shown.size > size:
        return replace(one, fault=Fault.LOG_BEHIND)
    return (
        innocent
        if await _root_at(tx, one.shown.size, node_id) == one.shown.root
        else replace(one, fault=Fault.OTHER_HISTORY)
    )


async def _root_at(tx: Tx, size: int, node_id: str) -> bytes:
    """The root that this log has, or had, at a size it has reached."""
    known = await tree_store.tree(tx, tiles.places([(0, size)]), node_id)
    return merkle.subtree(0, size, known.node)
