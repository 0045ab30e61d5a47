"""Approvals in the database."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import select

from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.pages import Page, PageRequest, page_of
from settlement.approval_tables import approval as _t
from settlement.approvals import Approval, ApprovalState

_COLUMNS = (
    _t.c.id, _t.c.kind, _t.c.object_id, _t.c.body_sha256, _t.c.state, _t.c.asked_client, _t.c.asked_at, _t.c.decided_client,
    _t.c.decided_at, _t.c.note,
)  # fmt: skip
_PUT = """
INSERT INTO settlement.approval AS a (id, kind, object_id, body_sha256, state, asked_organisation, asked_client, asked_at)
VALUES ($1, $2, $3, $4, 'open', $5, $6, $7)
ON CONFLICT (kind, object_id, body_sha256) WHERE state <> 'refused' DO NOTHING RETURNING id"""
_LIVE = """
SELECT id, state FROM settlement.approval
WHERE kind = $1 AND object_id = $2 AND body_sha256 = $3 AND state <> 'refused'"""
_DECIDE = """
UPDATE settlement.approval SET state = $2, decided_organisation = $3, decided_client = $4, decided_at = $5, note = $6
WHERE id = $1 AND state = 'open'"""


async def put_approval(tx: Tx, actor: Actor, kind: str, object_id: str, body_sha256: bytes) -> tuple[UUID, bool]:
    """Ask for an approval; its id, and whether it is new: the same thing again is the same approval."""
    driver = await tx.driver()
    made = await driver.fetchrow(
        _PUT, tx.new_id(), kind, object_id, body_sha256, actor.organisation_id, actor.client_id, tx.now
    )
    if made is not None:
        return made["id"], True
    found = await driver.fetchrow(_LIVE, kind, object_id, body_sha256)
    assert found is not None, "what stands in the way of an insert is there"
    return found["id"], False


async def is_approved(tx: Tx, kind: str, object_id: str, body_sha256: bytes) -> bool:
    """Whether another client approved exactly this."""
    found = await (await tx.driver()).fetchrow(_LIVE, kind, object_id, body_sha256)
    return found is not None and found["state"] == ApprovalState.APPROVED.value


async def get_approval(tx: Tx, approval_id: UUID, *, lock: bool = False) -> Approval | None:
    """An approval as it stands."""
    query = select(*_COLUMNS).where(_t.c.id == approval_id)
    row = (await tx.conn.execute(query.with_for_update() if lock else query)).one_or_none()
    return _approval(row) if row is not None else None


async def decide(tx: Tx, approval_id: UUID, actor: Actor, state: ApprovalState, note: str | None) -> None:
    """Write the decision; the row is locked by who decides."""
    said = (approval_id, state.value, actor.organisation_id, actor.client_id, tx.now, note)
    await (await tx.driver()).execute(_DECIDE, *said)


async def list_approvals(tx: Tx, request: PageRequest, state: ApprovalState | None) -> Page[Approval]:
    """Approvals, newest first."""
    query = select(*_COLUMNS).order_by(_t.c.id.desc()).limit(request.limit + 1)
    if state is not None:
        query = query.where(_t.c.state == state.value)
    if request.after:
        query = query.where(_t.c.id < UUID(request.after[0]))
    rows = await tx.conn.execute(query)
    return page_of([_approval(row) for row in rows], request, lambda one: (str(one.id),))


def _approval(row: Any) -> Approval:
    return Approval(row[0], row[1], row[2], bytes(row[3]), ApprovalState(row[4]), *row[5:])
