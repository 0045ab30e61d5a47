"""What an organisation has and owes in each currency, beside what its statements close with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.store import mine
from settlement import tables
from settlement.accounts import AccountKey, AccountKind
from settlement.store import periods

PAYEES = (
    AccountKind.PENDING,
    AccountKind.HELD,
    AccountKind.PAYABLE,
    AccountKind.IN_TRANSIT,
    AccountKind.ADVANCE,
    AccountKind.DEBT,
)


@dataclass(frozen=True, slots=True)
class Standing:
    """A payee's accounts of one currency just before a moment.

    units    millionths; advances and debts are below zero while they are owed
    """

    currency: str
    held: dict[AccountKind, int]

    @property
    def payable_next(self) -> int:
        """What a payout could send now: what is settled less what is owed, as a payout nets the whole debt."""
        return max(0, self.held[AccountKind.PAYABLE] + self.held[AccountKind.DEBT])


async def standings(tx: Tx, actor: Actor, at: datetime, currency: str | None = None) -> list[Standing]:
    """The actor's own accounts as a payee by currency; of one currency, or of all in which it ever had one."""
    keys = await _keys(tx, actor, currency)
    held = await periods.balances_at(tx, keys, at)
    names = sorted({key.currency for key in keys}) if currency is None else [currency]
    return [
        Standing(name, {kind: held.get(AccountKey(actor.organisation_id, kind, name), 0) for kind in PAYEES})
        for name in names
    ]


async def _keys(tx: Tx, actor: Actor, currency: str | None) -> Sequence[AccountKey]:
    t = tables.account
    statement = select(t.c.kind, t.c.currency).where(
        mine(t.c.organisation_id, actor), t.c.kind.in_([one.value for one in PAYEES])
    )
    if currency is not None:
        statement = statement.where(t.c.currency == currency)
    rows = await tx.conn.execute(statement.order_by(t.c.id))
    return [AccountKey(actor.organisation_id, AccountKind(kind), name) for kind, name in rows]
