"""Payment methods that buyers keep, in the database."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import select

from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.pages import Page, PageRequest, page_of
from exchange.kernel.store import mine
from settlement.kept_methods import TRANSITIONS, CardFacts, KeptMethod, KeptState
from settlement.kept_tables import kept_method as _t

_INSERT = """
INSERT INTO settlement.kept_method (id, organisation_id, given, state, created_at) VALUES ($1, $2, $3, $4, $5)"""
_GET = "SELECT * FROM settlement.kept_method WHERE id = $1 FOR UPDATE"
_MOVE = """
UPDATE settlement.kept_method SET state = $2, provider_ref = coalesce($3, provider_ref), setup_ref = coalesce($4, setup_ref),
    brand = coalesce($5, brand), last4 = coalesce($6, last4), exp_month = coalesce($7, exp_month),
    exp_year = coalesce($8, exp_year), redirect_url = $9, failure = $10, is_default = is_default AND $2 = 'active',
    ended_at = CASE WHEN $2 IN ('failed', 'removed') THEN $11::timestamptz END
WHERE id = $1 AND state = ANY($12::text[]) RETURNING id"""
_NAMED = "SELECT id FROM settlement.kept_method WHERE provider_ref = $1"
_NOTE_REF = """
UPDATE settlement.kept_method SET provider_ref = $2 WHERE id = $1 AND state = 'removed' AND provider_ref IS NULL RETURNING id"""
_COUNT = "SELECT count(*) FROM settlement.kept_method WHERE organisation_id = $1 AND state NOT IN ('failed', 'removed')"
# One after another: a default is set by whoever comes first, and there is one.
_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('kept/' || $1::text, 0))"
_HAS_DEFAULT = "SELECT EXISTS (SELECT FROM settlement.kept_method WHERE organisation_id = $1 AND is_default)"
_NO_DEFAULT = "UPDATE settlement.kept_method SET is_default = false WHERE organisation_id = $1 AND is_default"
_DEFAULT = "UPDATE settlement.kept_method SET is_default = true WHERE id = $1 AND state = 'active'"
_CUSTOMER = "SELECT provider_ref FROM settlement.provider_customer WHERE organisation_id = $1"
_KEEP_CUSTOMER = """
INSERT INTO settlement.provider_customer (organisation_id, provider_ref, created_at) VALUES ($1, $2, $3)
ON CONFLICT (organisation_id) DO NOTHING"""
_KEPT_UNDER = """
SELECT c.provider_ref FROM settlement.kept_method m JOIN settlement.provider_customer c USING (organisation_id)
WHERE m.organisation_id = $1 AND m.provider_ref = $2 AND m.state = 'active'"""


async def lock_organisation(tx: Tx, organisation_id: UUID) -> None:
    """Let nobody else change what this organisation keeps until the transaction ends."""
    await (await tx.driver()).execute(_LOCK, str(organisation_id))


async def insert_method(tx: Tx, one: KeptMethod) -> None:
    """Write a method that was asked for."""
    named = one.id, one.organisation_id, one.given, one.state.value, one.created_at
    await (await tx.driver()).execute(_INSERT, *named)


async def get_method(tx: Tx, method_id: UUID) -> KeptMethod | None:
    """A method whoever asks, locked until the transaction ends."""
    row = await (await tx.driver()).fetchrow(_GET, method_id)
    return None if row is None else _of(row)


async def kept_as(tx: Tx, provider_ref: str) -> UUID | None:
    """The method that the provider calls so, whoever's and wherever it stands."""
    found: UUID | None = await (await tx.driver()).fetchval(_NAMED, provider_ref)
    return found


async def note_ref(tx: Tx, method_id: UUID, provider_ref: str) -> bool:
    """Note what the provider calls a method that was removed before it was kept there; False where that is known."""
    return await (await tx.driver()).fetchrow(_NOTE_REF, method_id, provider_ref) is not None


async def count_kept(tx: Tx, organisation_id: UUID) -> int:
    """How many an organisation keeps, or is about to."""
    found: int = await (await tx.driver()).fetchval(_COUNT, organisation_id)
    return found


async def move_method(
    tx: Tx,
    method_id: UUID,
    target: KeptState,
    *,
    refs: tuple[str | None, str | None] = (None, None),
    card: CardFacts | None = None,
    redirect_url: str | None = None,
    failure: str | None = None,
) -> bool:
    """Move a method along its transition table; False where it does not stand where that step begins.

    shapes   refs: the provider's names of the method and of its setup, where they are known now
    """
    sources = [state.value for state, targets in TRANSITIONS.items() if target in targets]
    facts = (card.brand, card.last4, card.exp_month, card.exp_year) if card else (None,) * 4
    values = method_id, target.value, *refs, *facts, redirect_url, failure, tx.now, sources
    return await (await tx.driver()).fetchrow(_MOVE, *values) is not None


async def default_if_none(tx: Tx, organisation_id: UUID, method_id: UUID) -> None:
    """Let an active method be the default where there is none; the organisation is locked."""
    driver = await tx.driver()
    if not await driver.fetchval(_HAS_DEFAULT, organisation_id):
        await driver.execute(_DEFAULT, method_id)


async def set_default(tx: Tx, organisation_id: UUID, method_id: UUID) -> None:
    """Let an active method take the place of the default; the organisation is locked."""
    driver = await tx.driver()
    await driver.execute(_NO_DEFAULT, organisation_id)
    await driver.execute(_DEFAULT, method_id)


async def customer_of(tx: Tx, organisation_id: UUID) -> str | None:
    """The customer at the provider that an organisation's methods are kept under."""
    found: str | None = await (await tx.driver()).fetchval(_CUSTOMER, organisation_id)
    return found


async def keep_customer(tx: Tx, organisation_id: UUID, provider_ref: str) -> None:
    """Remember the customer; the first one stays."""
    await (await tx.driver()).execute(_KEEP_CUSTOMER, organisation_id, provider_ref, tx.now)


async def kept_under(tx: Tx, organisation_id: UUID, provider_ref: str) -> str | None:
    """The customer that a method is kept under, where it is this organisation's and active; else None."""
    found: str | None = await (await tx.driver()).fetchval(_KEPT_UNDER, organisation_id, provider_ref)
    return found


async def list_methods(tx: Tx, actor: Actor, request: PageRequest) -> Page[KeptMethod]:
    """The actor's organisation's methods, newest first, without those that are removed."""
    query = select(_t).where(mine(_t.c.organisation_id, actor), _t.c.state != KeptState.REMOVED.value)
    query = query.order_by(_t.c.id.desc()).limit(request.limit + 1)
    if request.after:
        query = query.where(_t.c.id < UUID(request.after[0]))
    rows = (await tx.conn.execute(query)).mappings().all()
    return page_of([_of(row) for row in rows], request, lambda one: (str(one.id),))


async def find_method(tx: Tx, actor: Actor, method_id: UUID | None) -> KeptMethod | None:
    """One of the actor's organisation's methods; the default where None is asked for."""
    wanted = _t.c.is_default if method_id is None else _t.c.id == method_id
    row = (await tx.conn.execute(select(_t).where(mine(_t.c.organisation_id, actor), wanted))).mappings().one_or_none()
    return None if row is None else _of(row)


def _of(row: Any) -> KeptMethod:
    card = None if row["last4"] is None else CardFacts(row["brand"], row["last4"], row["exp_month"], row["exp_year"])
    return KeptMethod(
        row["id"],
        row["organisation_id"],
        row["given"],
        KeptState(row["state"]),
        row["created_at"],
        row["provider_ref"],
        row["setup_ref"],
        card,
        row["redirect_url"],
        row["failure"],
        row["is_default"],
    )
