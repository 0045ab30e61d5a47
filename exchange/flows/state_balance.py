"""The operator says what a statement says lies at a place, where nothing is imported that says it."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from compliance import store as audit
from exchange.flows.once import done
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.errors import FORBIDDEN, INVALID_REQUEST, Problem
from exchange.kernel.money import Money
from settlement.accounts import AccountKind
from settlement.store import proofs

SOURCE = "operator"


class BalanceStated(msgspec.Struct, frozen=True):
    """What the next proof holds the ledger against."""

    place: str
    balance: dict[str, str]
    at: str


async def state_balance(tx: Tx, actor: Actor, place: str, balance: Money, at: datetime) -> BalanceStated | Problem:
    """Keep it; the latest of a place and currency counts.

    errors   answers forbidden, invalid-request for a moment that is to come
    """
    if "operator" not in actor.roles:
        return FORBIDDEN(needs="operator")
    if at > tx.now:
        return INVALID_REQUEST(reason="a balance is stated of a moment that has been")
    await proofs.state_balance(tx, AccountKind(place), balance, at, SOURCE)
    await audit.append(tx, [done(actor, "balance.state", f"{place}/{balance.currency}")])
    return BalanceStated(place, balance.to_wire(), at.astimezone(UTC).isoformat().replace("+00:00", "Z"))
