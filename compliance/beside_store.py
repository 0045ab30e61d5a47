"""What the audit reads of the log about what lies beside it: what was done to an object, and which objects it speaks of."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from compliance.beside import Line, line_of
from compliance.erasure import Subject
from compliance.sealed_audit import SealedRow
from compliance.witness_audit import Cosigned
from exchange.kernel.db import Tx

_LOGGED = """
SELECT envelope FROM compliance.audit_entry
WHERE object_id = ANY ($1::text[]) AND starts_with(action, $2) ORDER BY seq"""
_NAMES = """
SELECT DISTINCT object_id FROM compliance.audit_entry
WHERE starts_with(object_id, $1) AND object_id > $2 ORDER BY object_id LIMIT $3"""
_COSIGNED = """
SELECT c.witness_id, c.size, w.name, w.public, c.signature, p.note FROM compliance.cosignature c
JOIN compliance.witness w ON w.id = c.witness_id
LEFT JOIN compliance.checkpoint p ON p.node_id = c.node_id AND p.size = c.size
WHERE c.node_id = $1 AND (c.size, c.witness_id) > ($2, $3) ORDER BY c.size, c.witness_id LIMIT $4"""

# Every entry is looked at once; a handful of a thousand has something sealed beside it.
_COMMITTED = """
SELECT e.seq, e.id, e.envelope FROM compliance.audit_entry e
WHERE e.seq > $1 AND (position('"sealed":["'::bytea IN e.envelope) > 0
    OR EXISTS (SELECT FROM compliance.sealed s WHERE s.entry_id = e.id)) ORDER BY e.seq LIMIT $2"""
_SEALED = """
SELECT s.entry_id, s.subject_id, s.commitment, s.sealed IS NULL, u.state FROM compliance.sealed s
LEFT JOIN compliance.subject u ON u.id = s.subject_id WHERE s.entry_id = ANY ($1::uuid[])"""
_ORPHANS = """
SELECT DISTINCT s.entry_id FROM compliance.sealed s
WHERE NOT EXISTS (SELECT FROM compliance.audit_entry e WHERE e.id = s.entry_id) ORDER BY 1 LIMIT 1000"""
_SUBJECTS = """
SELECT id, organisation_id, kind, state, asked_at, asked_by, erased_at FROM compliance.subject
WHERE id > $1 ORDER BY id LIMIT $2"""


async def logged(tx: Tx, names: Sequence[str], actions: str) -> list[Line]:
    """What the log says was done to these objects, in its order; `actions` is how the actions begin."""
    rows = await (await tx.driver()).fetch(_LOGGED, list(names), actions)
    return [line for line in (line_of(row[0]) for row in rows) if line is not None]


async def names_after(tx: Tx, prefix: str, name: str, limit: int) -> list[str]:
    """Ids that begin so and that the log speaks of, in order."""
    return [row[0] for row in await (await tx.driver()).fetch(_NAMES, prefix, name, limit)]


async def cosigned_after(tx: Tx, node_id: str, size: int, witness_id: UUID, limit: int) -> list[Cosigned]:
    """Stored cosignatures with their checkpoints, in order of size."""
    return [Cosigned(*row) for row in await (await tx.driver()).fetch(_COSIGNED, node_id, size, witness_id, limit)]


async def sealed_after(tx: Tx, seq: int, limit: int) -> list[tuple[int, UUID, bytes, list[SealedRow]]]:
    """Entries that committed to something sealed, or beside which something lies: (seq, id, envelope, records)."""
    driver = await tx.driver()
    entries = await driver.fetch(_COMMITTED, seq, limit)
    rows: dict[UUID, list[SealedRow]] = {row[1]: [] for row in entries}
    for row in await driver.fetch(_SEALED, list(rows)):
        rows[row[0]].append(SealedRow(*row[1:]))
    return [(row[0], row[1], row[2], rows[row[1]]) for row in entries]


async def sealed_beside_nothing(tx: Tx) -> list[UUID]:
    """Ids of entries that are not there, and beside which something is sealed."""
    return [row[0] for row in await (await tx.driver()).fetch(_ORPHANS)]


async def subjects_after(tx: Tx, after: UUID, limit: int) -> list[Subject]:
    """Subjects by id."""
    rows = await (await tx.driver()).fetch(_SUBJECTS, after, limit)
    return [Subject(*row) for row in rows]
