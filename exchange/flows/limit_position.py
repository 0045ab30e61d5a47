"""The operator limits how much of a currency conversions may take in or give out in all."""

from __future__ import annotations

import msgspec

from compliance import store as audit
from exchange.flows.once import done
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.errors import FORBIDDEN, Problem
from exchange.kernel.money import Money
from settlement.store import positions, rates


class PositionView(msgspec.Struct, frozen=True):
    """What is open of a currency: above zero it was taken in by conversions, below zero given out; limit None: without."""

    currency: str
    position: dict[str, str]
    limit: dict[str, str] | None
    set_at: str | None


async def limit_position(tx: Tx, actor: Actor, currency: str, most: Money | None) -> PositionView | Problem:
    """Set the limit of a currency, or lift it; a position that is over it already is left, and grows no more.

    errors   answers forbidden
    """
    if "operator" not in actor.roles:
        return FORBIDDEN(needs="operator")
    # After all conversions that are under way, before all that come.
    await rates.publish_alone(tx)
    await positions.set_limit(tx, currency, None if most is None else most.units, actor.organisation_id)
    await audit.append(tx, [done(actor, "position.limit", currency)])
    (view,) = await show_positions(tx, [currency])
    return view


async def show_positions(tx: Tx, wanted: list[str] | None = None) -> list[PositionView]:
    """The position and limit of each currency that was ever converted or limited."""
    limits = await positions.limits(tx, wanted)
    names = sorted({*(await positions.currencies(tx) if wanted is None else wanted), *limits})
    standing = await positions.positions(tx, names)
    return [_view(name, standing[name], limits.get(name)) for name in names]


def _view(currency: str, units: int, limit: positions.PositionLimit | None) -> PositionView:
    most = None if limit is None or limit.units is None else Money(limit.units, currency).to_wire()
    at = None if limit is None else limit.set_at.isoformat().replace("+00:00", "Z")
    return PositionView(currency, Money(units, currency).to_wire(), most, at)
