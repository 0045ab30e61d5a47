"""Audit directives: their rows against the log, so that nobody ends a freeze or changes an answer without the log. Only reads."""

from __future__ import annotations

from functools import partial
from uuid import UUID

from compliance import beside_store, directive_audit, directive_audit_store
from compliance.auditing import Fault
from exchange.kernel import ids
from exchange.kernel.db import Database, Tx

PART = 100


async def audit_directives(db: Database) -> list[Fault]:
    """Where directives, their targets, notices and answers say something else than the log, or are gone."""
    found: list[Fault] = []
    before: UUID | None = None
    while True:
        faults, last = await db.run(partial(_part, before=before))
        if faults:
            # What was lifted or answered between two reads is none: a fault is there at a second look too.
            again, _ = await db.run(partial(_part, before=before))
            found += [one for one in faults if one in again]
        if last is None:
            break
        before = last
    name = "dir_"
    while True:
        faults, following = await db.run(partial(_gone, name=name))
        found += faults
        if following is None:
            return found
        name = following


async def _part(tx: Tx, before: UUID | None) -> tuple[list[Fault], UUID | None]:
    found: list[Fault] = []
    page = await directive_audit_store.stored(tx, before, PART)
    for one in page:
        names = [one.directive.name, *(target.name for target in one.directive.targets)]
        found += directive_audit.faults(one, await beside_store.logged(tx, names, "directive."))
    return found, page[-1].directive.id if page else None


async def _gone(tx: Tx, name: str) -> tuple[list[Fault], str | None]:
    names = await beside_store.names_after(tx, "dir_", name, PART)
    known = {}
    for one in names:
        try:
            known[ids.parse("dir", one)] = one
        except ids.BadId:
            # What somebody called a directive and was refused for.
            continue
    found = []
    for unknown in await directive_audit_store.unknown(tx, list(known)):
        one = known[unknown]
        if directive_audit.was_issued(one, await beside_store.logged(tx, [one], "directive.")):
            found.append(directive_audit.gone(one))
    return found, names[-1] if names else None
