"""Witnesses in the database: who they are, what they cosigned, and where one was caught."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert

from compliance import tree_store
from compliance.cosign import CosignVerifier
from compliance.entries import CENTRE
from compliance.notes import SignatureLine, with_signatures
from compliance.tables import cosignature as _cosignature
from compliance.tables import witness as _witness
from compliance.tables import witness_fault as _fault
from exchange.kernel.db import Tx

_COSIGNERS = """
SELECT w.name, w.public, c.signature FROM compliance.cosignature c JOIN compliance.witness w ON w.id = c.witness_id
WHERE c.node_id = $1 AND c.size = $2 AND w.state = 'active' ORDER BY w.name"""
# The bound keeps this from reading every checkpoint there ever was where too few witnesses have signed anything.
_WITNESSED = """
SELECT c.size FROM compliance.cosignature c JOIN compliance.witness w ON w.id = c.witness_id AND w.state = 'active'
WHERE c.node_id = $1 AND c.size <= (SELECT seen_size FROM compliance.witness WHERE state = 'active'
                                    ORDER BY seen_size DESC OFFSET $2::bigint - 1 LIMIT 1)
GROUP BY c.size HAVING count(*) >= $2 ORDER BY c.size DESC LIMIT 1"""
_DONE = "SELECT witness_id FROM compliance.cosignature WHERE node_id = $1 AND size = $2"


@dataclass(frozen=True, slots=True)
class WitnessRow:
    """A witness and what is known of it.

    `seen_size` is the largest size it ever cosigned for us; `fault` is what was wrong the last time, None when nothing was.
    """

    id: UUID
    name: str
    public: bytes
    url: str
    state: Literal["active", "removed"]
    added_by: UUID
    added_at: datetime
    removed_at: datetime | None = None
    seen_size: int = 0
    seen_at: datetime | None = None
    fault: str | None = None
    fault_at: datetime | None = None

    @property
    def verifier(self) -> CosignVerifier:
        """Its key."""
        return CosignVerifier(self.name, self.public)


@dataclass(frozen=True, slots=True)
class FaultRow:
    """The first fault of its kind, with what the witness said."""

    id: UUID
    witness_id: UUID
    kind: str
    size: int
    evidence: bytes
    created_at: datetime


async def put_witness(tx: Tx, one: WitnessRow) -> bool:
    """Write a witness down; False where its name or its key stands for an active one already."""
    row = {column.name: getattr(one, column.name) for column in _witness.c}
    done = await tx.conn.execute(insert(_witness).values(row).on_conflict_do_nothing())
    return done.rowcount == 1


async def remove_witness(tx: Tx, witness_id: UUID) -> bool:
    """Stop asking a witness; False when it is not active."""
    change = update(_witness).where(_witness.c.id == witness_id, _witness.c.state == "active")
    return (await tx.conn.execute(change.values(state="removed", removed_at=tx.now))).rowcount == 1


async def find_witness(tx: Tx, witness_id: UUID) -> WitnessRow | None:
    """A witness by id, removed ones too. For the app's role."""
    row = (await tx.conn.execute(select(_witness).where(_witness.c.id == witness_id))).mappings().one_or_none()
    return None if row is None else WitnessRow(**row)


async def witnesses(tx: Tx, before: UUID | None = None, limit: int = 50) -> list[WitnessRow]:
    """Witnesses, newest first, removed ones too. For the app's role."""
    query = select(_witness).order_by(_witness.c.id.desc()).limit(limit)
    if before is not None:
        query = query.where(_witness.c.id < before)
    return [WitnessRow(**row) for row in (await tx.conn.execute(query)).mappings()]


async def active(tx: Tx) -> list[WitnessRow]:
    """The witnesses that are asked, by name."""
    query = select(_witness).where(_witness.c.state == "active").order_by(_witness.c.name)
    return [WitnessRow(**row) for row in (await tx.conn.execute(query)).mappings()]


async def faults(tx: Tx, witness_id: UUID) -> list[FaultRow]:
    """What a witness was caught at, oldest first."""
    query = select(_fault).where(_fault.c.witness_id == witness_id).order_by(_fault.c.id)
    return [FaultRow(**row) for row in (await tx.conn.execute(query)).mappings()]


async def cosigners(tx: Tx, size: int, node_id: str = CENTRE) -> set[UUID]:
    """Who cosigned the checkpoint of this size."""
    return {row[0] for row in await (await tx.driver()).fetch(_DONE, node_id, size)}


async def put_cosignatures(tx: Tx, size: int, signatures: Mapping[UUID, bytes], node_id: str = CENTRE) -> None:
    """Keep cosignatures of the checkpoint of this size; one that is there already stays as it is."""
    rows = [
        {"node_id": node_id, "size": size, "witness_id": one, "signature": signature, "created_at": tx.now}
        for one, signature in signatures.items()
    ]
    if rows:
        await tx.conn.execute(insert(_cosignature).values(rows).on_conflict_do_nothing())


async def move_witness(tx: Tx, witness_id: UUID, seen_size: int | None, fault: str | None) -> None:
    """Record how the last exchange with a witness went; None for `seen_size` where nothing was cosigned."""
    values: dict[str, Any] = {"fault": fault, "fault_at": None if fault is None else tx.now}
    change = update(_witness).where(_witness.c.id == witness_id)
    if seen_size is not None:
        values["seen_at"] = tx.now
        # Two workers may end in another order than they asked.
        await tx.conn.execute(change.where(_witness.c.seen_size < seen_size).values(seen_size=seen_size))
    await tx.conn.execute(change.values(**values))


async def put_fault(tx: Tx, one: FaultRow) -> bool:
    """Keep the first fault of a kind; False when there is one."""
    row = {column.name: getattr(one, column.name) for column in _fault.c}
    return (await tx.conn.execute(insert(_fault).values(row).on_conflict_do_nothing())).rowcount == 1


async def cosigned(tx: Tx, node_id: str = CENTRE, size: int | None = None) -> bytes | None:
    """The newest checkpoint, or the one of `size`, with the cosignatures of active witnesses; None if there is none."""
    note = await tree_store.checkpoint(tx, node_id, size)
    if note is None:
        return None
    found = await (await tx.driver()).fetch(_COSIGNERS, node_id, size_of(note))
    return with_signatures(note, [_line(row["name"], row["public"], row["signature"]) for row in found])


async def witnessed(tx: Tx, needed: int, node_id: str = CENTRE) -> int | None:
    """The largest size that enough active witnesses cosigned, None while there is none.

    Every smaller checkpoint of the log counts as witnessed with it: anybody can have the proof that the larger begins with it.
    """
    if needed == 0:
        note = await tree_store.checkpoint(tx, node_id)
        return None if note is None else size_of(note)
    found: int | None = await (await tx.driver()).fetchval(_WITNESSED, node_id, needed)
    return found


async def newest_witnessed(tx: Tx, needed: int, node_id: str = CENTRE) -> bytes | None:
    """The newest checkpoint that enough witnesses cosigned, with their cosignatures; None while there is none."""
    size = await witnessed(tx, needed, node_id)
    return None if size is None else await cosigned(tx, node_id, size)


def size_of(note: bytes) -> int:
    """The size that a checkpoint of ours states."""
    return int(note.split(b"\n", 2)[1])


def _line(name: str, public: bytes, signature: bytes) -> SignatureLine:
    return SignatureLine(name, CosignVerifier(name, public).key_id, signature)
