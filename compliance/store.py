"""The audit log's entries, and which objects stand under a directive: what every flow asks."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from compliance.entries import CENTRE, Beside, Entry, envelope
from compliance.sealing import SALT_BYTES, Sealed, seal
from exchange.kernel.canonical import sha256
from exchange.kernel.db import Tx
from exchange.kernel.ids import array
from exchange.kernel.subjects import SubjectErased

# An array of arrays cannot be unnested by row, so that the organisations travel as text.
_APPEND = """
INSERT INTO compliance.audit_entry (id, node_id, organisation_ids, action, object_id, envelope, created_at)
SELECT e.id, e.node, e.organisations::uuid[], e.action, e.object, e.envelope, $7
FROM unnest($1::text::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bytea[])
     WITH ORDINALITY AS e(id, node, organisations, action, object, envelope, n) ORDER BY e.n"""
# The same with what is sealed beside the entries. A subject whose erasure was asked for takes nothing new; one that is kept
# stays so until this transaction has ended.
_APPEND_SEALED = f"""
WITH entry AS ({_APPEND}),
salted AS (INSERT INTO compliance.salt (entry_id, name, salt)
           SELECT * FROM unnest($13::text::uuid[], $14::text[], $15::bytea[])),
kept AS (SELECT id FROM compliance.subject WHERE id = ANY ($9::text::uuid[]) AND state = 'kept' ORDER BY id FOR SHARE)
INSERT INTO compliance.sealed (entry_id, subject_id, reference, commitment, sealed, created_at)
SELECT s.entry_id, s.subject_id, s.reference, s.commitment, s.sealed, $7
FROM unnest($8::text::uuid[], $9::text::uuid[], $10::bytea[], $11::bytea[], $12::bytea[])
     AS s(entry_id, subject_id, reference, commitment, sealed) JOIN kept ON kept.id = s.subject_id"""
_OF_OBJECT = """
SELECT e.seq, l.leaf_index, e.envelope FROM compliance.audit_entry e
LEFT JOIN compliance.audit_leaf l ON l.entry_seq = e.seq
WHERE e.object_id = $1 AND e.seq > $2 ORDER BY e.seq LIMIT $3"""

_MARKS = """
SELECT o.id, e.action, e.seq, l.leaf_index FROM unnest($1::text[]) AS o(id)
CROSS JOIN LATERAL (SELECT x.action, x.seq FROM compliance.audit_entry x WHERE x.object_id = o.id
                    ORDER BY x.seq LIMIT $2) e
LEFT JOIN compliance.audit_leaf l ON l.entry_seq = e.seq ORDER BY e.seq"""
_SEARCH = """
SELECT seq, leaf_index, envelope FROM regulator.audit_entry WHERE seq < coalesce($1, 1 + seq)
  AND ($2::text IS NULL OR object_id = $2) AND ($3::uuid IS NULL OR $3 = ANY (organisation_ids))
  AND ($4::text IS NULL OR action = $4) AND ($5::timestamptz IS NULL OR created_at >= $5)
  AND ($6::timestamptz IS NULL OR created_at < $6) ORDER BY seq DESC LIMIT $7"""
_BETWEEN = """
SELECT min(l.leaf_index), max(l.leaf_index) FROM compliance.audit_entry e
JOIN compliance.audit_leaf l ON l.entry_seq = e.seq
WHERE e.node_id = $1 AND l.leaf_index < (SELECT coalesce(max(size), 0) FROM compliance.checkpoint WHERE node_id = $1)
  AND ($2::timestamptz IS NULL OR e.created_at >= $2) AND ($3::timestamptz IS NULL OR e.created_at < $3)"""


@dataclass(frozen=True, slots=True)
class Logged:
    """An entry with its place in the log, None until the sequencer has seen it."""

    seq: int
    leaf_index: int | None
    envelope: bytes


@dataclass(frozen=True, slots=True)
class EntryFilter:
    """Which entries are looked for; None lets everything through.

    units    [since, until) by the time of writing, aware UTC
    """

    object_id: str | None = None
    organisation_id: UUID | None = None
    action: str | None = None
    since: datetime | None = None
    until: datetime | None = None


async def append(tx: Tx, entries: Sequence[Entry]) -> list[UUID]:
    """Write audit entries, and what is sealed beside them, in the caller's transaction; one statement for any number.

    errors   SubjectErased where an entry has a secret of a subject that is being erased, or is unknown
    """
    if not entries:
        return []
    made = [tx.new_id() for _ in entries]
    if any(one.secrets or one.words for one in entries):
        await _append_sealed(tx, entries, made)
        return made
    where, now = tx.where, tx.now
    envelopes = [envelope(one, now, entry_id, where) for one, entry_id in zip(entries, made, strict=True)]
    await (await tx.driver()).execute(_APPEND, *_columns(tx, entries, made, envelopes))
    return made


def _columns(tx: Tx, entries: Sequence[Entry], made: Sequence[UUID], envelopes: Sequence[bytes]) -> tuple[object, ...]:
    return (
        array(made),
        [one.node_id for one in entries],
        [array(one.organisations()) for one in entries],
        [one.action for one in entries],
        [one.object_id or None for one in entries],
        envelopes,
        tx.now,
    )


async def _append_sealed(tx: Tx, entries: Sequence[Entry], made: Sequence[UUID]) -> None:
    """Write entries of which some have secrets, or texts that are logged under a salt."""
    kept: list[tuple[UUID, Sealed]] = []
    salts: list[tuple[UUID, str, bytes]] = []
    envelopes = []
    for one, entry_id in zip(entries, made, strict=True):
        sealed = [seal(secret, entry_id) for secret in one.secrets]
        own = [(entry_id, name, os.urandom(SALT_BYTES)) for name in one.words]
        digests = {f"{name}.salted": sha256(salt + one.words[name]) for _, name, salt in own}
        beside = Beside(tuple(two.commitment for two in sealed), digests)
        envelopes.append(envelope(one, tx.now, entry_id, tx.where, beside))
        kept += [(entry_id, two) for two in sealed]
        salts += own
    written: str = await (await tx.driver()).execute(
        _APPEND_SEALED,
        *_columns(tx, entries, made, envelopes),
        array([entry_id for entry_id, _ in kept]),
        array([two.subject for _, two in kept]),
        [two.reference for _, two in kept],
        [two.commitment for _, two in kept],
        [two.sealed for _, two in kept],
        array([entry_id for entry_id, _, _ in salts]),
        [name for _, name, _ in salts],
        [salt for _, _, salt in salts],
    )
    if int(written.rpartition(" ")[2]) != len(kept):
        raise SubjectErased("an entry holds a secret of a subject that is erased, or of none")


async def entries_of(tx: Tx, object_id: str, after_seq: int = 0, limit: int = 100) -> list[Logged]:
    """What the log says of one object, oldest first; a portal sees the entries that concern it."""
    driver = await tx.driver()
    return [Logged(*row) for row in await driver.fetch(_OF_OBJECT, object_id, after_seq, limit)]


async def marks_of(tx: Tx, object_ids: Sequence[str], limit: int = 20) -> dict[str, list[tuple[str, int, int | None]]]:
    """The first entries of many objects, for a trace: object -> (action, seq, leaf index)."""
    found: dict[str, list[tuple[str, int, int | None]]] = {}
    for row in await (await tx.driver()).fetch(_MARKS, list(object_ids), limit):
        found.setdefault(row[0], []).append((row[1], row[2], row[3]))
    return found


async def search(tx: Tx, wanted: EntryFilter, before_seq: int | None, limit: int) -> list[Logged]:
    """Entries that a filter lets through, newest first. For the regulator's role."""
    w = wanted
    filters = w.object_id, w.organisation_id, w.action, w.since, w.until
    rows = await (await tx.driver()).fetch(_SEARCH, before_seq, *filters, limit)
    return [Logged(row[0], row[1], row[2].encode()) for row in rows]


async def indexes_between(
    tx: Tx, since: datetime | None, until: datetime | None, node_id: str = CENTRE
) -> tuple[int | None, int | None]:
    """The first and the last leaf of a period that the newest checkpoint covers; None where there is none."""
    row = await (await tx.driver()).fetchrow(_BETWEEN, node_id, since, until)
    return (row[0], row[1]) if row else (None, None)


_DIRECTED = """
SELECT DISTINCT target_id FROM compliance.directive_target
WHERE active AND kind = ANY ($2::text[]) AND target_id = ANY ($1::uuid[])"""
# The directives that keep an organisation's or an object's records: what it was told of, and what names it.
_HOLDING = """
SELECT t.target_id, t.directive_id FROM compliance.directive_target t
WHERE t.active AND t.kind = 'preserve' AND ($1::uuid[] IS NULL OR t.target_id = ANY ($1::uuid[]))
UNION SELECT n.organisation_id, n.directive_id FROM compliance.directive_notice n
WHERE n.kind = 'preserve' AND n.lifted_at IS NULL AND ($1::uuid[] IS NULL OR n.organisation_id = ANY ($1::uuid[]))"""
_ON_SHOW = """
SELECT target_id, kind, target_kind, since, basis::text FROM compliance.directive_target
WHERE active AND kind IN ('freeze', 'delist') AND target_id = ANY ($1::uuid[]) ORDER BY kind DESC, since"""


@dataclass(frozen=True, slots=True)
class Stop:
    """Why something in the catalogue is not on sale, as far as everybody may know; `basis` is None in old directives."""

    target_id: UUID
    kind: str
    target_kind: str
    since: datetime
    basis: Mapping[str, Any] | None


async def directed(tx: Tx, ids: Sequence[UUID], kinds: Sequence[str]) -> set[UUID]:
    """Which of these objects stand under an active directive of these kinds; one statement, on an index of what is active."""
    if not ids:
        return set()
    return {row[0] for row in await (await tx.driver()).fetch(_DIRECTED, list(ids), list(kinds))}


async def frozen(tx: Tx, ids: Sequence[UUID]) -> set[UUID]:
    """Which of these objects may be neither sold nor used; one statement."""
    return await directed(tx, ids, ("freeze",))


async def off_sale(tx: Tx, ids: Sequence[UUID]) -> set[UUID]:
    """Which of these objects may not be sold: frozen or delisted; one statement."""
    return await directed(tx, ids, ("freeze", "delist"))


async def preserved(tx: Tx, ids: Sequence[UUID] | None = None) -> dict[UUID, UUID]:
    """Which of these objects and organisations may not be erased, and by which directive; all of them for None.

    An organisation's records are kept as well where it was told of a directive about something it trades in.
    """
    if ids is not None and not ids:
        return {}
    rows = await (await tx.driver()).fetch(_HOLDING, None if ids is None else list(ids))
    return {row[0]: row[1] for row in sorted(rows, key=lambda row: row[1], reverse=True)}


async def stops(tx: Tx, ids: Sequence[UUID]) -> dict[UUID, Stop]:
    """Why these objects are not on sale, a freeze before a delisting; a portal sees what the catalogue shows of it."""
    if not ids:
        return {}
    rows = await (await tx.driver()).fetch(_ON_SHOW, list(ids))
    found: dict[UUID, Stop] = {}
    for row in rows:
        basis = None if row["basis"] is None else msgspec.json.decode(row["basis"])
        found.setdefault(row["target_id"], Stop(row["target_id"], row["kind"], row["target_kind"], row["since"], basis))
    return found


async def objects_logged(tx: Tx, action: str, object_ids: Sequence[str]) -> dict[str, int]:
    """How many entries say that `action` was done to each of these objects; none means absent."""
    driver = await tx.driver()
    rows = await driver.fetch(
        "SELECT object_id, count(*) FROM compliance.audit_entry WHERE object_id = ANY($1::text[]) AND action = $2 "
        "GROUP BY object_id",
        list(object_ids),
        action,
    )
    return {row[0]: row[1] for row in rows}
