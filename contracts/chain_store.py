"""All SQL of the chain of rights."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Select, func, select
from sqlalchemy.dialects.postgresql import insert

from contracts import chain_form
from contracts import tables as t
from contracts.chain import Asks, Declared, Right, RightDraft, RightState, Trace, effective
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.pages import Page, PageRequest, page_of
from exchange.kernel.store import mine

_right, _end, _notice, _summary = t.chain_right, t.chain_end, t.rights_notice, t.rights_summary
_COLUMNS = (
    *(_right.c[name] for name in ("id", "dataset_id", "supplier_id", "document", "sha256", "created_at")),
    *(_end.c[name] for name in ("state", "asks", "reason", "ended_at")),
)
_INSERT = """
INSERT INTO contracts.chain_right (id, dataset_id, supplier_id, subject, subject_id, kind, ends_at, document, sha256, created_at)
SELECT i, $1, $2, s, n, k, e, d, h, $3 FROM unnest($4::uuid[], $5::text[], $6::text[], $7::text[], $8::timestamptz[], $9::bytea[],
    $10::bytea[]) AS r(i, s, n, k, e, d, h)
ON CONFLICT (dataset_id, sha256) DO NOTHING RETURNING id"""
_KNOWN = "SELECT id, sha256 FROM contracts.chain_right WHERE dataset_id = $1 AND sha256 = ANY($2::bytea[])"
_INSERT_ENDS = """
INSERT INTO contracts.chain_end (right_id, dataset_id, supplier_id, state, asks, reason, ended_at)
SELECT i, $1, $2, $3, $4, $5::text::jsonb, $6 FROM unnest($7::uuid[]) AS r(i) ON CONFLICT (right_id) DO NOTHING RETURNING right_id"""
_INSERT_TRACES = """
INSERT INTO contracts.chain_trace (right_id, asset_sha256, dataset_id, supplier_id, whole, records, examples, created_at)
SELECT i, h, $1, $2, w, n, ARRAY(SELECT jsonb_array_elements_text(e)), $3
FROM unnest($4::uuid[], $5::bytea[], $6::bool[], $7::bigint[], $8::text[]::jsonb[]) AS r(i, h, w, n, e)
ON CONFLICT (right_id, asset_sha256) DO NOTHING"""
_TRACES = """
SELECT right_id, asset_sha256, whole, records, examples FROM contracts.chain_trace
WHERE dataset_id = $1 AND right_id = ANY($2::uuid[]) AND asset_sha256 = ANY($3::bytea[])"""
_INSERT_NOTICES = """
INSERT INTO contracts.rights_notice (id, right_id, grant_id, dataset_id, revision_id, buyer_id, seller_id, document, created_at)
SELECT i, r, g, $1, v, b, s, d, $2 FROM unnest($3::uuid[], $4::uuid[], $5::uuid[], $6::uuid[], $7::uuid[], $8::uuid[], $9::bytea[])
    AS n(i, r, g, v, b, s, d) ON CONFLICT (right_id, grant_id) DO NOTHING RETURNING buyer_id"""
_TOLD = "SELECT right_id, grant_id FROM contracts.rights_notice WHERE dataset_id = $1 AND grant_id = ANY($2::uuid[])"
_DUE = """
SELECT r.dataset_id, min(r.ends_at) FROM contracts.chain_right r WHERE r.ends_at <= $1
AND NOT EXISTS (SELECT FROM contracts.chain_end e WHERE e.right_id = r.id) GROUP BY 1 ORDER BY 2, 1 LIMIT $2"""
_ANY_ENDED = """
SELECT EXISTS (SELECT FROM contracts.chain_end WHERE dataset_id = $1)
    OR EXISTS (SELECT FROM contracts.chain_right WHERE dataset_id = $1 AND ends_at <= $2)"""
_COUNT = "SELECT count(*) FROM contracts.chain_right WHERE dataset_id = $1"


@dataclass(frozen=True, slots=True)
class Notice:
    """What the holder of a grant was told about a right that ended; `document` is canonical JSON."""

    id: UUID
    right_id: UUID
    grant_id: UUID
    dataset_id: UUID
    revision_id: UUID
    buyer_id: UUID
    seller_id: UUID
    document: bytes
    created_at: datetime


async def insert_rights(
    tx: Tx, dataset_id: UUID, supplier_id: UUID, drafts: Sequence[RightDraft]
) -> tuple[list[UUID], set[UUID]]:
    """Write rights of a dataset; one that is there already, byte for byte, stays as it is.

    shapes   the ids in the order of `drafts`, known ones included; and those that are new
    """
    driver = await tx.driver()
    new = await driver.fetch(
        _INSERT,
        dataset_id,
        supplier_id,
        tx.now,
        [tx.new_id() for _ in drafts],
        [one.subject.value for one in drafts],
        [one.subject_id for one in drafts],
        [one.kind.value for one in drafts],
        [one.ends_at for one in drafts],
        [one.document for one in drafts],
        [one.sha256 for one in drafts],
    )
    rows = await driver.fetch(_KNOWN, dataset_id, [one.sha256 for one in drafts])
    known = {bytes(row["sha256"]): row["id"] for row in rows}
    return [known[one.sha256] for one in drafts], {row["id"] for row in new}


async def count(tx: Tx, dataset_id: UUID) -> int:
    """How many rights a dataset has, those that ended included."""
    return int(await (await tx.driver()).fetchval(_COUNT, dataset_id))


async def known(tx: Tx, dataset_id: UUID, drafts: Sequence[RightDraft]) -> int:
    """How many of these rights a dataset has already, byte for byte."""
    return len(await (await tx.driver()).fetch(_KNOWN, dataset_id, [one.sha256 for one in drafts]))


async def rights_of(tx: Tx, dataset_id: UUID) -> list[Right]:
    """Every right of a dataset, oldest first, for flows."""
    return await _read(tx, _select().where(_right.c.dataset_id == dataset_id).order_by(_right.c.id))


async def find(tx: Tx, right_id: UUID) -> Right | None:
    """One right, whoever's it is, for flows."""
    return next(iter(await _read(tx, _select().where(_right.c.id == right_id))), None)


async def declared(tx: Tx, dataset_id: UUID, paths: Iterable[str] = ()) -> Declared | None:
    """What may be passed on of a dataset now, or None where it has no chain of rights."""
    rights = await rights_of(tx, dataset_id)
    return effective(rights, tx.now, paths) if rights else None


async def end(tx: Tx, rights: Sequence[Right], state: RightState, asks: Asks, reason: Mapping[str, str]) -> set[UUID]:
    """Note how rights of one dataset ended; answers those that had not ended before."""
    first = rights[0]
    rows = await (await tx.driver()).fetch(
        _INSERT_ENDS,
        first.dataset_id,
        first.supplier_id,
        state.value,
        asks.value,
        msgspec.json.encode(reason).decode(),
        tx.now,
        [one.id for one in rights],
    )
    return {row["right_id"] for row in rows}


async def due(tx: Tx, limit: int = 20) -> list[UUID]:
    """The datasets of which a right has run out and nobody has noted it."""
    return [row["dataset_id"] for row in await (await tx.driver()).fetch(_DUE, tx.now, limit)]


async def any_ended(tx: Tx, dataset_id: UUID) -> bool:
    """Whether a right of a dataset has ended, by a note or by the clock."""
    return bool(await (await tx.driver()).fetchval(_ANY_ENDED, dataset_id, tx.now))


async def ended_datasets(tx: Tx) -> list[UUID]:
    """The datasets that rights keep something out of."""
    return list((await tx.conn.execute(select(_end.c.dataset_id).distinct())).scalars())


async def insert_traces(tx: Tx, dataset_id: UUID, supplier_id: UUID, traces: Sequence[Trace]) -> None:
    """Keep what was found of ended rights in files; what is known stays."""
    if not traces:
        return
    await (await tx.driver()).execute(
        _INSERT_TRACES,
        dataset_id,
        supplier_id,
        tx.now,
        [one.right_id for one in traces],
        [one.asset_sha256 for one in traces],
        [one.whole for one in traces],
        [one.records for one in traces],
        [msgspec.json.encode(one.examples).decode() for one in traces],
    )


async def traces_of(tx: Tx, dataset_id: UUID, rights: Sequence[Right], contents: Sequence[bytes]) -> list[Trace]:
    """What is known of these rights in files of these contents (SHA-256)."""
    if not rights or not contents:
        return []
    rows = await (await tx.driver()).fetch(
        _TRACES, dataset_id, [one.id for one in rights], list(dict.fromkeys(contents))
    )
    return [
        Trace(row["right_id"], bytes(row["asset_sha256"]), row["whole"], row["records"], tuple(row["examples"]))
        for row in rows
    ]


async def insert_notices(tx: Tx, dataset_id: UUID, notices: Sequence[Notice]) -> list[UUID]:
    """Tell holders of grants, once per right and grant; answers the buyers that are told now."""
    if not notices:
        return []
    names = ("id", "right_id", "grant_id", "revision_id", "buyer_id", "seller_id", "document")
    columns = [[getattr(one, name) for one in notices] for name in names]
    rows = await (await tx.driver()).fetch(_INSERT_NOTICES, dataset_id, tx.now, *columns)
    return list(dict.fromkeys(row["buyer_id"] for row in rows))


async def told_pairs(tx: Tx, dataset_id: UUID, grants: Sequence[UUID]) -> set[tuple[UUID, UUID]]:
    """Of which rights the holders of these grants know already: (right, grant)."""
    rows = await (await tx.driver()).fetch(_TOLD, dataset_id, list(grants))
    return {(row["right_id"], row["grant_id"]) for row in rows}


async def put_summary(tx: Tx, dataset_id: UUID, supplier_id: UUID, document: Mapping[str, Any]) -> None:
    """Set what everybody may know of a dataset's chain."""
    values = {"document": dict(document), "changed_at": tx.now}
    statement = insert(_summary).values(dataset_id=dataset_id, supplier_id=supplier_id, **values)
    await tx.conn.execute(statement.on_conflict_do_update(index_elements=["dataset_id"], set_=values))


async def summary(tx: Tx, dataset_id: UUID) -> tuple[dict[str, Any], datetime] | None:
    """What everybody may know of the chain of a dataset that is on sale; None where there is none."""
    statement = select(_summary.c.document, _summary.c.changed_at).where(_summary.c.dataset_id == dataset_id)
    row = (await tx.conn.execute(statement)).one_or_none()
    return None if row is None else (row[0], row[1])


async def own_rights(
    tx: Tx, actor: Actor, dataset_id: UUID, page: PageRequest, state: RightState | None = None
) -> Page[Right]:
    """The rights of one of the actor's datasets, oldest first.

    errors   BadCursor
    """
    statement = _select().where(_right.c.dataset_id == dataset_id, mine(_right.c.supplier_id, actor))
    if state is RightState.DECLARED:
        statement = statement.where(_end.c.state.is_(None), func.coalesce(_right.c.ends_at > tx.now, True))
    elif state is RightState.EXPIRED:
        gone = _end.c.state.is_(None) & (_right.c.ends_at <= tx.now)
        statement = statement.where((_end.c.state == state.value) | gone)
    elif state is not None:
        statement = statement.where(_end.c.state == state.value)
    if page.after is not None:
        statement = statement.where(_right.c.id > UUID(page.after[0]))
    found = await _read(tx, statement.order_by(_right.c.id).limit(page.limit + 1))
    return page_of(found, page, lambda one: (str(one.id),))


async def own_right(tx: Tx, actor: Actor, dataset_id: UUID, right_id: UUID) -> Right | None:
    """One right of one of the actor's datasets."""
    statement = _select().where(
        _right.c.id == right_id, _right.c.dataset_id == dataset_id, mine(_right.c.supplier_id, actor)
    )
    return next(iter(await _read(tx, statement)), None)


async def told(tx: Tx, actor: Actor, page: PageRequest) -> Page[Notice]:
    """What the actor's organisation was told as a buyer, newest first.

    errors   BadCursor
    """
    statement = select(*_notice.c).where(mine(_notice.c.buyer_id, actor)).order_by(_notice.c.id.desc())
    if page.after is not None:
        statement = statement.where(_notice.c.id < UUID(page.after[0]))
    rows = (await tx.conn.execute(statement.limit(page.limit + 1))).mappings()
    return page_of([Notice(**row) for row in rows], page, lambda one: (str(one.id),))


def _select() -> Select[Any]:
    return select(*_COLUMNS).select_from(_right.outerjoin(_end, _end.c.right_id == _right.c.id))


async def _read(tx: Tx, statement: Select[Any]) -> list[Right]:
    return [_of(row) for row in (await tx.conn.execute(statement)).mappings()]


def _of(row: Any) -> Right:
    return Right(
        id=row["id"],
        dataset_id=row["dataset_id"],
        supplier_id=row["supplier_id"],
        draft=chain_form.load(row["document"], row["sha256"]),
        state=RightState(row["state"] or RightState.DECLARED),
        created_at=row["created_at"],
        ended_at=row["ended_at"],
        reason=row["reason"],
        asks=Asks(row["asks"]) if row["asks"] else None,
    )
