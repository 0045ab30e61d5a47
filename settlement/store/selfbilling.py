"""Agreements on self-billing in the database."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from settlement.selfbilling import Agreement

_INSERT = """
INSERT INTO settlement.self_billing (id, organisation_id, document, sha256, accepted_by, accepted_at)
VALUES ($1, $2, $3, $4, $5, $6)"""
_END = """
INSERT INTO settlement.self_billing_end (agreement_id, organisation_id, ended_by, ended_at) VALUES ($1, $2, $3, $4)
ON CONFLICT DO NOTHING"""
_COLUMNS = "a.id, a.organisation_id, a.document, a.sha256, a.accepted_by, a.accepted_at, e.ended_at"
_ALL = f"""
SELECT {_COLUMNS} FROM settlement.self_billing a LEFT JOIN settlement.self_billing_end e ON e.agreement_id = a.id
WHERE a.organisation_id = ANY($1::uuid[]) ORDER BY a.id DESC LIMIT 100"""
_IN_FORCE = f"""
SELECT DISTINCT ON (a.organisation_id) {_COLUMNS} FROM settlement.self_billing a
LEFT JOIN settlement.self_billing_end e ON e.agreement_id = a.id
WHERE a.organisation_id = ANY($1::uuid[]) AND e.agreement_id IS NULL ORDER BY a.organisation_id, a.id DESC"""


async def insert_agreement(tx: Tx, one: Agreement) -> None:
    """Keep an agreement that was accepted."""
    who = (one.accepted_by, one.accepted_at)
    await (await tx.driver()).execute(_INSERT, one.id, one.organisation_id, one.document, one.sha256, *who)


async def end_agreement(tx: Tx, one: Agreement, actor: Actor) -> None:
    """End an agreement; once."""
    await (await tx.driver()).execute(_END, one.id, one.organisation_id, actor.client_id, tx.now)


async def in_force(tx: Tx, organisation_ids: Sequence[UUID]) -> dict[UUID, Agreement]:
    """The agreement of each organisation that has one now."""
    rows = await (await tx.driver()).fetch(_IN_FORCE, list(organisation_ids))
    return {row[1]: Agreement(*row) for row in rows}


async def own_agreements(tx: Tx, actor: Actor) -> list[Agreement]:
    """The actor's agreements, the newest first."""
    rows = await (await tx.driver()).fetch(_ALL, [actor.organisation_id])
    return [Agreement(*row) for row in rows]
