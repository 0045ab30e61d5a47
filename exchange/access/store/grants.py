"""Grants and their tokens: written by flows, read by the portals of both sides."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Select, select

from exchange.access.grants import Grant, GrantState, NewGrant, quotas, quotas_of, sources_of
from exchange.access.store.meters import keys_of, numbers_of
from exchange.access.tables import grants as _grants
from exchange.access.tables import token as _token
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.ids import array
from exchange.kernel.pages import Page, PageRequest, page_of
from exchange.kernel.store import mine, ours

COLUMNS = (
    "id",
    "order_id",
    "agreement_id",
    "offer_id",
    "listing_id",
    "dataset_id",
    "revision_id",
    "buyer_id",
    "seller_id",
    "purposes",
    "meters",
    "quota",
    "starts_at",
    "ends_at",
    "state",
    "node_id",
    "created_at",
)
_LIVE_MAX = 20_000
_LIVE: dict[tuple[UUID, str, str, datetime, datetime | None, UUID, tuple[str, ...]], Grant] = {}
# unnest flattens arrays of arrays, hence the lists travel as text; PostgreSQL reads an array of that faster than from JSON.
_INSERT = """
INSERT INTO access.grants (id, order_id, agreement_id, offer_id, listing_id, dataset_id, revision_id, buyer_id, seller_id,
    starts_at, ends_at, node_id, quota, purposes, meters, created_at, changed_at)
SELECT i, o, a, f, l, d, r, b, s, st, en, no, q, p::text[], m::smallint[], $16, $16
FROM unnest($1::text::uuid[], $2::text::uuid[], $3::text::uuid[], $4::text::uuid[], $5::text::uuid[], $6::text::uuid[], $7::text::uuid[], $8::text::uuid[], $9::text::uuid[],
    $10::timestamptz[], $11::timestamptz[], $12::text[], $13::jsonb[], $14::text[], $15::text[])
    AS g(i, o, a, f, l, d, r, b, s, st, en, no, q, p, m)"""
_MOVE = """
UPDATE access.grants SET state = $2, changed_at = $4 WHERE id = ANY($1::uuid[]) AND state = ANY($3::text[]) RETURNING id"""
_SET_PURPOSES = """
UPDATE access.grants SET purposes = $2, changed_at = $3 WHERE id = ANY($1::uuid[]) AND state <> 'ended' RETURNING id"""
_TOKENS = """
INSERT INTO access.token (id, grant_id, buyer_id, expires_at, created_at)
SELECT i, g, b, e, $5 FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::timestamptz[]) AS t(i, g, b, e)"""
_REVOKE = """
UPDATE access.token SET revoked_at = $3 WHERE id = ANY($1::uuid[]) AND buyer_id = $2 AND revoked_at IS NULL RETURNING id"""


async def insert_grants(tx: Tx, rows: Sequence[NewGrant]) -> None:
    """Issue grants, in one statement for any number.

    errors   BadQuota for a quota document that means nothing; BadMeter for a usage key that no offer brought in
    """
    if not rows:
        return
    for row in rows:
        quotas(row.quota)
    numbers = await numbers_of(tx, {meter for row in rows for meter in row.meters})
    driver = await tx.driver()
    await driver.execute(
        _INSERT,
        *[array([getattr(row, name) for row in rows]) for name in COLUMNS[:9]],
        [row.starts_at for row in rows],
        [row.ends_at for row in rows],
        [row.node_id for row in rows],
        [msgspec.json.encode(row.quota).decode() for row in rows],
        [_literal(row.purposes) for row in rows],
        [_literal(str(numbers[meter]) for meter in row.meters) for row in rows],
        tx.now,
    )


def _literal(values: Iterable[str]) -> str:
    """An array as PostgreSQL reads it from text."""
    quoted = (value.replace("\\", "\\\\").replace('"', '\\"') for value in values)
    return "{" + ",".join(f'"{value}"' for value in quoted) + "}"


async def move(tx: Tx, grant_ids: Sequence[UUID], target: GrantState) -> set[UUID]:
    """Bring grants to `target` along the transition table; answers those that moved."""
    driver = await tx.driver()
    sources = [str(state) for state in sources_of(target)]
    return {row["id"] for row in await driver.fetch(_MOVE, list(grant_ids), str(target), sources, tx.now)}


async def suspend(tx: Tx, grant_ids: Sequence[UUID]) -> set[UUID]:
    """Suspend active grants; answers those that moved."""
    return await move(tx, grant_ids, GrantState.SUSPENDED)


async def resume(tx: Tx, grant_ids: Sequence[UUID]) -> set[UUID]:
    """Let suspended grants go on; answers those that moved."""
    return await move(tx, grant_ids, GrantState.ACTIVE)


async def end(tx: Tx, grant_ids: Sequence[UUID]) -> set[UUID]:
    """End grants for good; answers those that moved."""
    return await move(tx, grant_ids, GrantState.ENDED)


async def set_purposes(tx: Tx, grant_ids: Sequence[UUID], purposes: Sequence[str]) -> set[UUID]:
    """Let grants be used for these purposes from now on; answers those that had not ended."""
    driver = await tx.driver()
    return {row["id"] for row in await driver.fetch(_SET_PURPOSES, list(grant_ids), list(purposes), tx.now)}


async def load(tx: Tx, grant_ids: Sequence[UUID], *, lock: bool = False) -> dict[UUID, Grant]:
    """Grants by id, for flows; locked in id order until the transaction ends when `lock`."""
    statement = _select().where(_grants.c.id.in_(grant_ids))
    if lock:
        statement = statement.order_by(_grants.c.id).with_for_update()
    return {one.id: one for one in await _read(tx, statement)}


async def of_orders(tx: Tx, order_ids: Sequence[UUID]) -> list[Grant]:
    """The grants that some orders brought, for flows."""
    return await _read(tx, _select().where(_grants.c.order_id.in_(order_ids)).order_by(_grants.c.id))


async def of_seller(
    tx: Tx, seller_id: UUID, listing_id: UUID | None, offer_id: UUID | None, before: datetime, limit: int
) -> list[Grant]:
    """The grants of one seller's listing or offer that began before a moment, oldest first, for flows."""
    statement = _select().where(_grants.c.seller_id == seller_id, _grants.c.starts_at < before)
    if listing_id is not None:
        statement = statement.where(_grants.c.listing_id == listing_id)
    if offer_id is not None:
        statement = statement.where(_grants.c.offer_id == offer_id)
    return await _read(tx, statement.order_by(_grants.c.id).limit(limit))


async def bought(tx: Tx, actor: Actor, request: PageRequest) -> Page[Grant]:
    """What the actor's organisation may use, oldest first."""
    return await _page(tx, _select().where(mine(_grants.c.buyer_id, actor)), request)


async def sold(tx: Tx, actor: Actor, request: PageRequest) -> Page[Grant]:
    """Who may use what the actor's organisation sells, oldest first."""
    return await _page(tx, _select().where(mine(_grants.c.seller_id, actor)), request)


async def grant(tx: Tx, actor: Actor, grant_id: UUID) -> Grant | None:
    """One grant that the actor's organisation buys or sells."""
    sides = (_grants.c.buyer_id, _grants.c.seller_id)
    found = await _read(tx, _select().where(_grants.c.id == grant_id, ours(sides, actor)))
    return found[0] if found else None


async def insert_tokens(tx: Tx, rows: Sequence[tuple[UUID, Grant, datetime]]) -> None:
    """Note tokens that were issued: (jti, grant, when it ends)."""
    driver = await tx.driver()
    await driver.execute(
        _TOKENS,
        [jti for jti, _, _ in rows],
        [of.id for _, of, _ in rows],
        [of.buyer_id for _, of, _ in rows],
        [ends_at for _, _, ends_at in rows],
        tx.now,
    )


async def revoke_tokens(tx: Tx, jtis: Sequence[UUID], buyer_id: UUID) -> set[UUID]:
    """Revoke tokens of one buyer; answers those that were not revoked before."""
    driver = await tx.driver()
    return {row["id"] for row in await driver.fetch(_REVOKE, list(jtis), buyer_id, tx.now)}


async def owns_token(tx: Tx, jti: UUID, buyer_id: UUID) -> bool:
    """Whether a token was issued to this buyer, for flows."""
    statement = select(_token.c.id).where(_token.c.id == jti, _token.c.buyer_id == buyer_id)
    return (await tx.conn.execute(statement)).one_or_none() is not None


async def tokens(tx: Tx, actor: Actor, grant_id: UUID) -> list[tuple[UUID, datetime, datetime | None]]:
    """The tokens of a grant that the actor's organisation had issued: id, end, revocation."""
    statement = (
        select(_token.c.id, _token.c.expires_at, _token.c.revoked_at)
        .where(mine(_token.c.buyer_id, actor), _token.c.grant_id == grant_id)
        .order_by(_token.c.id)
    )
    return [(row[0], row[1], row[2]) for row in await tx.conn.execute(statement)]


def live_grant(row: Any, keys: Mapping[int, str]) -> Grant:
    """The same for the hot path: what never changes of a grant is read once per state and end."""
    # An amendment changes the purposes: whatever can change of a grant stands in the key.
    purposes = tuple(row["purposes"])
    key = row["id"], row["state"], row["quota"], row["starts_at"], row["ends_at"], row["order_id"], purposes
    found = _LIVE.get(key)
    if found is None:
        if len(_LIVE) >= _LIVE_MAX:
            _LIVE.clear()
        found = _LIVE[key] = grant_of(row, keys)
    return found


def grant_of(row: Any, keys: Mapping[int, str]) -> Grant:
    """A grant out of a row with COLUMNS, of the driver or of SQLAlchemy; `keys` are those of its meters' numbers."""
    quota = row["quota"]
    return Grant(
        id=row["id"],
        order_id=row["order_id"],
        agreement_id=row["agreement_id"],
        offer_id=row["offer_id"],
        listing_id=row["listing_id"],
        dataset_id=row["dataset_id"],
        revision_id=row["revision_id"],
        buyer_id=row["buyer_id"],
        seller_id=row["seller_id"],
        purposes=tuple(row["purposes"]),
        meters=tuple([keys[number] for number in row["meters"]]),
        # The driver hands JSON out as text, SQLAlchemy as values.
        quotas=quotas_of(quota) if isinstance(quota, str) else quotas(quota),
        starts_at=row["starts_at"],
        ends_at=row["ends_at"],
        state=GrantState(row["state"]),
        node_id=row["node_id"],
        created_at=row["created_at"],
    )


def _select() -> Select[Any]:
    return select(*[_grants.c[name] for name in COLUMNS])


async def _page(tx: Tx, statement: Select[Any], request: PageRequest) -> Page[Grant]:
    if request.after is not None:
        statement = statement.where(_grants.c.id > UUID(request.after[0]))
    found = await _read(tx, statement.order_by(_grants.c.id).limit(request.limit + 1))
    return page_of(found, request, lambda one: (str(one.id),))


async def _read(tx: Tx, statement: Select[Any]) -> list[Grant]:
    rows = (await tx.conn.execute(statement)).mappings().all()
    keys = await keys_of(tx, _numbers(rows))
    return [grant_of(row, keys) for row in rows]


def _numbers(rows: Iterable[Any]) -> set[int]:
    return {number for row in rows for number in row["meters"]}
