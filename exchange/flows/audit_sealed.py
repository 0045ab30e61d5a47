"""Audit what is sealed beside the log: the records that entries committed to, and who is erased. Only reads."""

from __future__ import annotations

from functools import partial
from uuid import UUID

from compliance import beside_store, sealed_audit
from compliance.auditing import Fault
from compliance.beside import Line
from exchange.kernel.db import Database, Tx

PART = 1_000


async def audit_sealed(db: Database) -> list[Fault]:
    """Where a record was removed, changed or emptied by hand, or a subject's state is not what the log says."""
    found = [fault for one in await db.run(beside_store.sealed_beside_nothing) for fault in _orphan(one)]
    seq: int | None = 0
    while seq is not None:
        faults, following = await db.run(partial(_records, seq=seq))
        if faults:
            # Who was erased between two reads is no fault: one is there at a second look too.
            again, _ = await db.run(partial(_records, seq=seq))
            found += [one for one in faults if one in again]
        seq = following
    after: UUID | None = UUID(int=0)
    while after is not None:
        faults, last = await db.run(partial(_subjects, after=after))
        if faults:
            again, _ = await db.run(partial(_subjects, after=after))
            found += [one for one in faults if one in again]
        after = last
    return found


def _orphan(entry_id: UUID) -> list[Fault]:
    return list(sealed_audit.record_faults(entry_id, None, []))


async def _records(tx: Tx, seq: int) -> tuple[list[Fault], int | None]:
    page = await beside_store.sealed_after(tx, seq, PART)
    found = [
        fault for _, entry_id, envelope, rows in page for fault in sealed_audit.record_faults(entry_id, envelope, rows)
    ]
    return found, page[-1][0] if page else None


async def _subjects(tx: Tx, after: UUID) -> tuple[list[Fault], UUID | None]:
    page = await beside_store.subjects_after(tx, after, PART)
    names = {one.name: one for one in page}
    by_name: dict[str, list[Line]] = {name: [] for name in names}
    for line in await beside_store.logged(tx, list(names), "erasure."):
        by_name[line.object.id or ""].append(line)
    found = [fault for name, one in names.items() for fault in sealed_audit.subject_faults(one, by_name[name])]
    return found, page[-1].id if page else None
