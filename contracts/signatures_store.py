"""All SQL of organisations' keys and of signatures."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Uuid, column, delete, exists, or_, select, table
from sqlalchemy.dialects.postgresql import insert as upsert

from contracts import tables as t
from contracts.signatures import OrganisationKey, Role, Signed
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.ids import array
from exchange.kernel.store import mine, ours

_key, _gone, _kept, _signature, _mark = (
    t.organisation_key,
    t.key_retirement,
    t.kept_key,
    t.signature,
    t.signing_mark,
)
# The kernel's table of parties, as far as it is read here.
_party = table("party", column("object_id", Uuid), column("organisation_id", Uuid), schema="kernel")
_KEYS = "id, organisation_id, kid, public, kept, document, proof, created_at"
# One at a time: an organisation has at most so many keys in use, and one that is kept.
_LOCK = "SELECT pg_advisory_xact_lock(7281, hashtext($1::text))"
# Who signs holds its keys against who retires them, and not against others who sign.
_HOLD = "SELECT pg_advisory_xact_lock_shared(7281, hashtext(k)) FROM unnest($1::text[]) AS u(k)"
_LAST_SIGNED = "SELECT max(created_at) FROM contracts.signature WHERE id >= $1 AND kid = $2"
_LOCK_KEEPING = "SELECT pg_advisory_xact_lock(7282, 0)"
_INSERT = """
INSERT INTO contracts.signature (id, object_id, agreement_id, role, organisation_id, kid, kept, signature, buyer_id,
    seller_id, created_at)
SELECT i, o, a, r, g, k, p, s, b, v, $11 FROM unnest($1::text::uuid[], $2::text::uuid[], $3::text::uuid[], $4::text[],
    $5::uuid[], $6::text[], $7::boolean[], $8::bytea[], $9::text::uuid[], $10::text::uuid[])
    AS u(i, o, a, r, g, k, p, s, b, v)
ON CONFLICT (object_id, role, kept) DO NOTHING RETURNING object_id"""
# Ids are UUIDv7, so new agreements lie at the end of the primary key.
_UNSIGNED = """
SELECT a.id, a.buyer_id, a.seller_id, a.document, u.buyer, u.seller
FROM contracts.agreement a CROSS JOIN LATERAL (
    SELECT NOT EXISTS (SELECT FROM contracts.signature s WHERE s.object_id = a.id AND s.role = 'buyer') AS buyer,
        NOT EXISTS (SELECT FROM contracts.signature s WHERE s.object_id = a.id AND s.role = 'seller') AS seller) u
WHERE a.id > $1 AND (u.buyer OR u.seller) ORDER BY a.id LIMIT $2"""
_MOVE_MARK = """
INSERT INTO contracts.signing_mark (id, position, moved_at) VALUES (1, $1, $2)
ON CONFLICT (id) DO UPDATE SET position = EXCLUDED.position, moved_at = EXCLUDED.moved_at"""
_JOIN = "INSERT INTO kernel.party (object_id, organisation_id, role) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING"


@dataclass(frozen=True, slots=True)
class NewSignature:
    """A signature to be written, with the sides that may read it."""

    id: UUID
    signed: Signed
    buyer_id: UUID
    seller_id: UUID


@dataclass(frozen=True, slots=True)
class Unsigned:
    """A new agreement, and which sides have not signed it."""

    id: UUID
    buyer_id: UUID
    seller_id: UUID
    document: bytes
    needs: tuple[Role, ...]


@dataclass(frozen=True, slots=True)
class KeptKey:
    """The sealed private part of a kept key."""

    id: UUID
    organisation_id: UUID
    sealed_by: str
    sealed: bytes


async def lock_keys(tx: Tx, organisation_id: UUID) -> None:
    """Let nobody else add or retire keys of an organisation until the commit."""
    await (await tx.driver()).execute(_LOCK, organisation_id.hex)


async def hold_keys(tx: Tx, organisation_ids: Collection[UUID]) -> None:
    """Let nobody add or retire keys of these organisations until the commit: what signs now is in use then."""
    await (await tx.driver()).execute(_HOLD, sorted(one.hex for one in organisation_ids))


async def lock_keeping(tx: Tx) -> None:
    """Let nobody else make kept keys until the commit."""
    await (await tx.driver()).execute(_LOCK_KEEPING)


async def insert_key(tx: Tx, key: OrganisationKey) -> bool:
    """Write a public key; False where it was registered before, by whomever."""
    values = {name: getattr(key, name) for name in _KEYS.split(", ")}
    made = await tx.conn.execute(upsert(_key).values(**values).on_conflict_do_nothing().returning(_key.c.id))
    return made.scalar_one_or_none() is not None


async def insert_kept(tx: Tx, kept: KeptKey) -> None:
    """Write the sealed private part of a key that the exchange keeps."""
    await tx.conn.execute(
        _kept.insert().values(
            organisation_id=kept.organisation_id,
            id=kept.id,
            sealed_by=kept.sealed_by,
            sealed=kept.sealed,
            created_at=tx.now,
        )
    )


async def retire_key(tx: Tx, key: OrganisationKey) -> datetime:
    """Note that a key signs no more, and from when; of a kept one the private part is forgotten. The keys are locked."""
    # Whoever signed while we waited for the lock may have begun after us: what a key signed lies before its end.
    last = await (await tx.driver()).fetchval(_LAST_SIGNED, first_id(tx.now), key.kid)
    at: datetime = tx.now if last is None else max(tx.now, last + timedelta(microseconds=1))
    await tx.conn.execute(_gone.insert().values(id=key.id, organisation_id=key.organisation_id, retired_at=at))
    if key.kept:
        await tx.conn.execute(delete(_kept).where(_kept.c.id == key.id))
    return at


async def keys_of(tx: Tx, organisation_ids: Collection[UUID]) -> list[OrganisationKey]:
    """Every public key of some organisations, retired ones too, oldest first; anybody may read them."""
    return await _read_keys(tx, _key.c.organisation_id.in_(list(organisation_ids)))


async def keys_by_kid(tx: Tx, kids: Collection[str]) -> dict[str, OrganisationKey]:
    """Public keys by their ids, whoever owns them."""
    return {key.kid: key for key in await _read_keys(tx, _key.c.kid.in_(list(kids)))}


async def my_keys(tx: Tx, actor: Actor) -> list[OrganisationKey]:
    """The keys of the actor's organisation, oldest first."""
    return await _read_keys(tx, mine(_key.c.organisation_id, actor))


async def kept_keys(tx: Tx, organisation_ids: Collection[UUID]) -> dict[UUID, KeptKey]:
    """The sealed keys that the exchange keeps, by organisation, for flows."""
    query = select(_kept.c.id, _kept.c.organisation_id, _kept.c.sealed_by, _kept.c.sealed)
    rows = await tx.conn.execute(query.where(_kept.c.organisation_id.in_(list(organisation_ids))))
    return {row.organisation_id: KeptKey(*row) for row in rows}


async def insert_signatures(tx: Tx, rows: Sequence[NewSignature]) -> set[UUID]:
    """Write signatures in one statement; answers the objects of those that were not there before."""
    if not rows:
        return set()
    found = await (await tx.driver()).fetch(
        _INSERT,
        array([one.id for one in rows]),
        array([one.signed.object_id for one in rows]),
        array([one.signed.agreement_id for one in rows]),
        [one.signed.role.value for one in rows],
        [one.signed.organisation_id for one in rows],
        [one.signed.kid for one in rows],
        [one.signed.kept for one in rows],
        [one.signed.signature for one in rows],
        array([one.buyer_id for one in rows]),
        array([one.seller_id for one in rows]),
        tx.now,
    )
    return {row["object_id"] for row in found}


async def signatures_of(tx: Tx, actor: Actor | None, agreement_id: UUID) -> list[Signed]:
    """Every signature of an agreement and of its events, the exchange's included, in the order they were made.

    shapes   actor None: for flows, whoever asks; otherwise what its organisation may see
    """
    query = select(_signature).where(_signature.c.agreement_id == agreement_id)
    agreed = select(t.agreement.c.kid, t.agreement.c.signature, t.agreement.c.created_at).where(
        t.agreement.c.id == agreement_id
    )
    if actor is not None:
        query = query.where(seen_by(_signature, actor, _signature.c.agreement_id))
        agreed = agreed.where(seen_by(t.agreement, actor, t.agreement.c.id))
    rows = (await tx.conn.execute(query.order_by(_signature.c.created_at, _signature.c.id))).mappings()
    countersigned = [
        Signed(agreement_id, agreement_id, Role.EXCHANGE, None, row.kid, False, row.signature, row.created_at)
        for row in await tx.conn.execute(agreed)
    ]
    return countersigned + [_signed(row) for row in rows]


async def signatures_of_many(tx: Tx, object_ids: Sequence[UUID]) -> dict[UUID, list[Signed]]:
    """The parties' signatures of several documents, by document; row security narrows them for a portal."""
    query = select(_signature).where(_signature.c.object_id.in_(object_ids))
    found: dict[UUID, list[Signed]] = {}
    for row in (await tx.conn.execute(query.order_by(_signature.c.created_at, _signature.c.id))).mappings():
        found.setdefault(row["object_id"], []).append(_signed(row))
    return found


async def unsigned(tx: Tx, after: UUID, limit: int) -> list[Unsigned]:
    """Agreements after `after` that a side has not signed, in the order of their ids; for the worker."""
    rows = await (await tx.driver()).fetch(_UNSIGNED, after, limit)
    return [
        Unsigned(
            row["id"],
            row["buyer_id"],
            row["seller_id"],
            row["document"],
            tuple(role for role in (Role.BUYER, Role.SELLER) if row[role.value]),
        )
        for row in rows
    ]


async def position(tx: Tx, lag: timedelta) -> UUID:
    """Where the worker goes on: at its mark, or `lag` before now where the clock went back behind it."""
    found: UUID | None = (await tx.conn.execute(select(_mark.c.position))).scalar_one_or_none()
    early = first_id(tx.now - lag)
    return min(found, early) if found is not None else UUID(int=0)


async def move_mark(tx: Tx, reached: UUID) -> None:
    """Go on from there the next time."""
    await (await tx.driver()).execute(_MOVE_MARK, reached, tx.now)


async def join_party(tx: Tx, object_id: UUID, organisation_id: UUID, role: str) -> None:
    """Let an organisation see an object as a party to it."""
    await (await tx.driver()).execute(_JOIN, object_id, organisation_id, role)


def first_id(at: datetime) -> UUID:
    """The smallest UUIDv7 of a moment."""
    return UUID(int=max(0, int(at.timestamp() * 1000)) << 80 | 0x7 << 76 | 0b10 << 62)


def seen_by(of: Any, actor: Actor, object_column: Any) -> ColumnElement[bool]:
    """Rows in which the actor's organisation buys or sells, and those of objects it became a party to."""
    joined = exists(
        select(_party.c.object_id).where(_party.c.object_id == object_column, mine(_party.c.organisation_id, actor))
    )
    return or_(ours((of.c.buyer_id, of.c.seller_id), actor), joined)


async def _read_keys(tx: Tx, condition: ColumnElement[bool]) -> list[OrganisationKey]:
    query = select(_key, _gone.c.retired_at).outerjoin(_gone, _gone.c.id == _key.c.id).where(condition)
    rows = (await tx.conn.execute(query.order_by(_key.c.id))).mappings()
    return [OrganisationKey(**row) for row in rows]


def _signed(row: Any) -> Signed:
    return Signed(
        row["object_id"],
        row["agreement_id"],
        Role(row["role"]),
        row["organisation_id"],
        row["kid"],
        row["kept"],
        row["signature"],
        row["created_at"],
    )
