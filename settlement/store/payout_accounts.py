"""Payout accounts in the database."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert

from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.store import mine
from settlement import tables
from settlement.payout_accounts import TRANSITIONS, PayoutAccount, PayoutAccountState
from settlement.payouts import Rail

_t = tables.payout_account
_COLUMNS = (_t.c.organisation_id, _t.c.rail, _t.c.country, _t.c.destination, _t.c.state, _t.c.reason, _t.c.due)


async def open_account(tx: Tx, organisation_id: UUID, rail: Rail, country: str) -> bool:
    """Note that a payee wants to be paid on a rail; False where there is an account that was not refused."""
    values = {"organisation_id": organisation_id, "rail": rail.value, "country": country}
    fresh = insert(_t).values(**values, state=PayoutAccountState.OPENING.value, created_at=tx.now, changed_at=tx.now)
    again = fresh.on_conflict_do_update(
        index_elements=[_t.c.organisation_id, _t.c.rail],
        set_={"state": PayoutAccountState.OPENING.value, "reason": None, "changed_at": tx.now},
        where=_t.c.state == PayoutAccountState.REFUSED.value,
    )
    return (await tx.conn.execute(again.returning(_t.c.rail))).one_or_none() is not None


async def move_account(
    tx: Tx,
    organisation_id: UUID,
    rail: Rail,
    target: PayoutAccountState,
    *,
    destination: str | None = None,
    reason: str | None = None,
) -> bool:
    """Move an account along its transition table; False when it does not stand where that step begins."""
    sources = [state.value for state, targets in TRANSITIONS.items() if target in targets]
    values: dict[str, Any] = {"state": target.value, "reason": reason, "changed_at": tx.now}
    if destination is not None:
        values["destination"] = destination
    moved = await tx.conn.execute(
        update(_t)
        .where(_t.c.organisation_id == organisation_id, _t.c.rail == rail.value, _t.c.state.in_(sources))
        .values(**values)
    )
    return moved.rowcount > 0


async def note_due(tx: Tx, organisation_id: UUID, due: Sequence[str], reason: str | None) -> None:
    """Note what the provider wants to know of a payee, and why its account can do less than it should."""
    values = {"due": list(due), "reason": reason}
    await tx.conn.execute(
        update(_t).where(_t.c.organisation_id == organisation_id, _t.c.rail == Rail.STRIPE.value).values(**values)
    )


async def active_accounts(tx: Tx, organisation_ids: Sequence[UUID]) -> list[PayoutAccount]:
    """The accounts of these payees that can be paid to, Stripe before bank."""
    rows = await tx.conn.execute(
        select(*_COLUMNS)
        .where(_t.c.organisation_id.in_(organisation_ids), _t.c.state == PayoutAccountState.ACTIVE.value)
        .order_by(_t.c.organisation_id, _t.c.rail.desc())
    )
    return [_account(row) for row in rows]


async def account_of(tx: Tx, organisation_id: UUID, rail: Rail, *, lock: bool = False) -> PayoutAccount | None:
    """One account, whoever asks; locked until the transaction ends when `lock`."""
    query = select(*_COLUMNS).where(_t.c.organisation_id == organisation_id, _t.c.rail == rail.value)
    found = (await tx.conn.execute(query.with_for_update() if lock else query)).one_or_none()
    return _account(found) if found else None


async def by_destination(tx: Tx, destination: str) -> PayoutAccount | None:
    """The account that a rail calls `destination`, whoever asks."""
    found = (await tx.conn.execute(select(*_COLUMNS).where(_t.c.destination == destination))).one_or_none()
    return _account(found) if found else None


async def own_accounts(tx: Tx, actor: Actor) -> list[PayoutAccount]:
    """The actor's organisation's payout accounts."""
    rows = await tx.conn.execute(select(*_COLUMNS).where(mine(_t.c.organisation_id, actor)).order_by(_t.c.rail))
    return [_account(row) for row in rows]


def _account(row: Any) -> PayoutAccount:
    return PayoutAccount(row[0], Rail(row[1]), row[2], row[3], PayoutAccountState(row[4]), row[5], tuple(row[6]))
