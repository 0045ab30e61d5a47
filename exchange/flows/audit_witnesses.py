"""Audit witnesses: their rows and what they were caught at against the log, and every cosignature against its key. Only reads."""

from __future__ import annotations

import asyncio
from functools import partial
from uuid import UUID

from compliance import beside_store, witness_audit, witness_store
from compliance.auditing import Fault
from compliance.entries import CENTRE
from exchange.kernel import ids
from exchange.kernel.db import Database, Tx

PART, SIGNATURES = 100, 2_000


async def audit_witnesses(db: Database, *, node_id: str = CENTRE) -> list[Fault]:
    """Where witnesses say something else than the log, are gone, or did not sign what is kept as theirs."""
    found = await db.run(_rows)
    if found:
        # A witness added, removed or caught between two reads is none: a fault is there at a second look too.
        again = await db.run(_rows)
        found = [one for one in found if one in again]
    size, witness_id = 0, UUID(int=0)
    while True:
        read = partial(beside_store.cosigned_after, node_id=node_id, size=size, witness_id=witness_id, limit=SIGNATURES)
        page = await db.run(read)
        if not page:
            return found
        # Two thousand signatures take most of a second, in which others are answered.
        checked = await asyncio.to_thread(lambda part: [witness_audit.signature_fault(one) for one in part], page)
        found += [one for one in checked if one is not None]
        size, witness_id = page[-1].size, page[-1].witness_id


async def _rows(tx: Tx) -> list[Fault]:
    found: list[Fault] = []
    known: set[str] = set()
    before: UUID | None = None
    while page := await witness_store.witnesses(tx, before, PART):
        for one in page:
            name = ids.text("wit", one.id)
            known.add(name)
            logged = await beside_store.logged(tx, [name], "witness.")
            found += witness_audit.faults(one, await witness_store.faults(tx, one.id), logged)
        before = page[-1].id
    name = "wit_"
    while names := await beside_store.names_after(tx, "wit_", name, PART):
        for one_name in names:
            logged = [] if one_name in known else await beside_store.logged(tx, [one_name], "witness.add")
            found += [witness_audit.gone(one_name)] if logged else []
        name = names[-1]
    return found
